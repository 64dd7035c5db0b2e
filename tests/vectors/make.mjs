// Makes from-js.json: what the Rust implementation has to accept, and what it has to refuse although it could
// not make it itself. Always the same, because all keys and randomness are fixed.

import { boxOf, blinding, publicKey as boxKey, scalarBytes } from './lib/box.mjs';
import { base64url, fromBase64url, hex, utf8 } from './lib/bytes.mjs';
import * as change from './lib/change.mjs';
import * as hpke from './lib/hpke.mjs';
import { parseAddress } from './lib/link.mjs';
import { canonical, readMessage, sign, withOtherS } from './lib/message.mjs';
import * as user from './lib/user.mjs';

const filled = (length, byte) => new Uint8Array(length).fill(byte);
const ikm = byte => filled(48, byte);

export async function make() {
  const [recipient, sender] = [mint(1n), mint(2n)];
  return {
    recipient: recipient.party,
    messages: await messages(sender, recipient),
    refused_envelopes: await refusedEnvelopes(recipient),
    question: await question(recipient),
    change: madeChange(),
    refused_signatures: [cofactored()],
  };
}

/** A box from its first private key p, and its address. */
function mint(p) {
  const order = BigInt('0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973');
  const secret = boxKey(scalarBytes(p));
  const q = scalarBytes((p + blinding(secret)) % order);
  const services = base64url(utf8('https://js.example https://two.example:8443/box'));
  const address = parseAddress(`${base64url(secret)}.${services}.${base64url(utf8('ключ'))}`);
  const party = { q: hex(q), P: hex(secret), Q: hex(boxOf(secret)), address: address.text };
  return { party, q, address };
}

async function messages(sender, recipient) {
  const base = {
    sig: '', alg: 'ES384', connectoid: sender.address.text, to: base64url(recipient.address.id), exp: 9007199254740991,
    id: base64url(filled(16, 1)), sid: base64url(filled(16, 2)), v: 1,
  };
  const sdp = 'v=0\r\n\u2028"\\/\b\f\t\u007f Grüße 🐶\r\n';
  const offer = {
    ...base, kind: 'offer', sdpOffer: { sdp, type: 'offer', later: {} }, 'ключ': [1, -1, null, true, ''], '\u{1f436}': 1, '\ufb33': 2,
    nested: [[[[[[[0]]]]]]],
  };
  const unshared = { ...base, kind: 'unshared' };
  const signed = sign(unshared, sender.q);
  const otherS = { ...signed, sig: base64url(withOtherS(fromBase64url(signed.sig))) };
  const plaintexts = [
    ['fields of a later version, nested as deep as allowed, indented and escaped', escaped(sign(offer, sender.q))],
    ['an ECDSA signature with s below half the order or above', JSON.stringify(signed)],
    ['the same with n − s', JSON.stringify(otherS)],
  ];
  return Promise.all(plaintexts.map(async ([what, plaintext], index) => {
    const { sealed, exported } = await hpke.seal(recipient.address, utf8(plaintext), ikm(10 + index));
    const message = readMessage(utf8(plaintext), recipient.address.id);
    return { what, sealed: base64url(sealed), export: hex(exported), message };
  }));
}

/** The same JSON in another spelling, which the signature over the canonical form does not see. */
function escaped(object) {
  const spelled = JSON.stringify(object, null, 1).replace(/[^\n -~]/g, unit => `\\u${unit.charCodeAt().toString(16).padStart(4, '0')}`);
  if (canonical(JSON.parse(spelled)) !== canonical(object)) throw new Error('another spelling changed the meaning');
  return spelled;
}

async function refusedEnvelopes({ address }) {
  const padded = change => {
    const bytes = hpke.pad(utf8('{}'));
    change(bytes);
    return bytes;
  };
  const withoutPsk = { info: hpke.messageInfo(address.text) };
  const wrongPsk = { ...withoutPsk, psk: { key: filled(48, 1), id: utf8('connectoid/1') } };
  const cases = [
    ['padding that is not zero', padded(bytes => { bytes[bytes.length - 1] = 1; })],
    ['a length beyond the end', padded(bytes => { bytes[2] = 8; })],
    ['a length of 2^32 - 1', padded(bytes => bytes.fill(255, 0, 4))],
    ['padded to another size', new Uint8Array(100)],
    ['nothing inside', new Uint8Array()],
    ['without the pre-shared key', hpke.pad(utf8('{}')), withoutPsk],
    ['with another pre-shared key', hpke.pad(utf8('{}')), wrongPsk],
  ];
  return Promise.all(cases.map(async ([what, plaintext, mode], index) => {
    const { sealed } = await hpke.sealPadded(address, plaintext, ikm(20 + index), mode);
    return { what, sealed: base64url(sealed) };
  }));
}

async function question({ party, address }) {
  const [origin, nonce] = ['https://js.example', filled(32, 3)];
  const sealed = await hpke.sealQuestion(address.id, origin, nonce, ikm(30));
  return { owner: party, origin, ikmE: hex(ikm(30)), nonce: hex(nonce), sealed: base64url(sealed) };
}

function madeChange() {
  const seed = filled(32, 9);
  const key = user.publicKey(seed);
  const fields = {
    z: 0.1, aa: { $bytes: 'AAEC' }, b: { '': null, long: [[], {}, -9007199254740991, 1e300] }, 'ё': '🐶',
  };
  const ops = [
    { op: 'set', collection: 'notes', id: '2', fields, removed: ['gone', 'c'] },
    { op: 'delete', collection: 'notes', id: '1' },
  ];
  const salts = ops.map((_, index) => filled(16, 40 + index));
  const header = change.encodeHeader({
    group: filled(32, 7), author: user.userId(key), device: filled(16, 8), stamp: 9007199254740991,
  });
  const slots = ops.map((op, index) => [salts[index], change.encodeOp(op)]);
  const hash = change.changeHash(header, slots.map(([salt, op]) => change.opHash(salt, op)));
  const bytes = change.encodeChange(header, slots, user.sign(change.signedPart(hash), seed));
  change.readChange(bytes, key);
  return { key: hex(key), bytes: hex(bytes), hash: hex(hash), ops };
}

function cofactored() {
  const message = 'connectoid/1 test';
  const { key, signature } = user.cofactoredSignature(filled(32, 9), utf8(message));
  return { what: 'verifies only with the cofactor', key: hex(key), message, signature: hex(signature) };
}
