// The handshake, the emoji, and frames.

import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64url, fromHex, hex, text } from '../lib/bytes.mjs';
import { APP, CONTROL, decodeFrame, encodeFrame, pieces } from '../lib/frame.mjs';
import * as session from '../lib/handshake.mjs';
import * as hpke from '../lib/hpke.mjs';
import { readMessage } from '../lib/message.mjs';
import * as user from '../lib/user.mjs';
import { fromJson, toJson } from '../lib/value.mjs';
import { addressOf } from './mailbox.mjs';
import { Results } from './results.mjs';

export async function handshake(vectors) {
  const results = new Results();
  const sides = { offerer: sideOf(vectors.offerer), answerer: sideOf(vectors.answerer) };
  const offer = await opened(results, vectors.offer, vectors.offerer, vectors.answerer);
  const answer = await opened(results, vectors.answer, vectors.answerer, vectors.offerer);
  const T = session.transcript({
    version: 1, sid: fromHex(vectors.sid), offer: offer.plaintext, answer: answer.plaintext, ...sides,
  });
  const key = session.sessionKey(offer.exported, answer.exported);
  results.same(T, vectors.transcript, 'transcript');
  results.same(key, vectors.session_key, 'session key');
  for (const role of ['offerer', 'answerer']) checkSide(results, vectors[role], role, sides[role], T, key);
  for (const vector of vectors.sas) checkSas(results, vector, T, sides);
  return results;
}

/** A side, with its versions and nonce as its first frame has them. */
function sideOf(vector) {
  const { name, payload: [versions, nonce] } = decodeFrame(CONTROL, fromHex(vector.hello1));
  if (name !== 'hello1') throw new Error(`${name} in place of hello 1`);
  const [userId, key, device, certificate] = ['user', 'key', 'device', 'certificate'].map(field => fromHex(vector[field]));
  return { versions, nonce, user: userId, key, device, certificate };
}

async function opened(results, sent, from, to) {
  const address = addressOf(results, to.box);
  const message = await hpke.open(fromHex(to.box.q), address, fromBase64url(sent.sealed));
  results.same(text(message.plaintext), sent.plaintext, 'plaintext');
  results.same(message.exported, sent.export, 'export');
  results.same(readMessage(message.plaintext, address.id).connectoid, from.box.address, 'return address');
  return message;
}

function checkSide(results, vector, role, side, T, key) {
  const macKey = session.macKey(key, role, T);
  const mac = session.mac(macKey, T, side);
  const signed = session.signedPart(T, role, side);
  results.same(side.nonce, vector.nonce, `${role}: nonce`);
  results.same(user.publicKey(fromHex(vector.seed)), vector.key, `${role}: key`);
  results.same(user.userId(side.key), vector.user, `${role}: user`);
  results.same(macKey, vector.mac_key, `${role}: MAC key`);
  results.same(mac, vector.mac, `${role}: MAC`);
  results.same(user.sign(signed, fromHex(vector.seed)), vector.signature, `${role}: signature`);
  results.same(user.verify(fromHex(vector.signature), signed, side.key), true, `${role}: verified`);
  const payload = [side.user, side.key, side.device, mac, fromHex(vector.signature)];
  results.same(encodeFrame(CONTROL.hello2[0], payload), vector.hello2, `${role}: hello 2`);
}

function checkSas(results, vector, T, sides) {
  const [first, second] = [fromHex(vector.starter_random), fromHex(vector.accepter_random)];
  const [starter, accepter] = vector.starter === 'offerer' ? [sides.offerer, sides.answerer] : [sides.answerer, sides.offerer];
  const frame = (name, payload) => encodeFrame(CONTROL[name][0], [payload]);
  results.same(frame('sas_start', session.commitment(T, first)), vector.start, 'commitment');
  results.same(frame('sas_accept', second), vector.accept, 'sas_accept');
  results.same(frame('sas_reveal', first), vector.reveal, 'sas_reveal');
  results.same(session.emoji(T, starter, accepter, first, second), vector.emoji, 'emoji');
}

export async function frames(vectors) {
  const results = new Results();
  for (const [channel, list] of [[CONTROL, vectors.control], [APP, vectors.app]]) {
    for (const { name, payload, bytes } of list) {
      results.same(encodeFrame(channel[name][0], fromJson(payload)), bytes, name);
      const decoded = decodeFrame(channel, fromHex(bytes));
      results.same({ ...decoded, payload: toJson(decoded.payload) }, { name, payload }, `${name}, read`);
    }
    for (const bytes of vectors.unknown) results.same(decodeFrame(channel, fromHex(bytes)), null, 'unknown type');
  }
  for (const { what, bytes } of vectors.refused) {
    await results.refused(() => decodeFrame(CONTROL, fromHex(bytes)), 'malformed', what);
  }
  for (const { length, pieces: expected } of vectors.pieces) {
    const frame = Uint8Array.from({ length }, (_, index) => index % 251);
    const cut = pieces(frame).map(piece => ({ length: piece.length, sha256: hex(sha256(piece)) }));
    results.same(cut, expected, `${length} bytes in pieces`);
  }
  return results;
}
