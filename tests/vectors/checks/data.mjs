// Bytes, values, users and changes.

import { equal, fromBase64url, base64url, fromHex, hex, join, utf8 } from '../lib/bytes.mjs';
import * as change from '../lib/change.mjs';
import { encode } from '../lib/cbor.mjs';
import * as user from '../lib/user.mjs';
import { decodeValue, fromJson, numberFromText, toJson } from '../lib/value.mjs';
import { Results } from './results.mjs';

export async function encoding(vectors) {
  const results = new Results();
  for (const { bytes, text } of vectors.base64url) {
    results.same(base64url(fromHex(bytes)), text, 'written');
    results.same(fromBase64url(text), bytes, 'read');
  }
  for (const text of vectors.refused) await results.refused(() => fromBase64url(text), undefined, JSON.stringify(text));
  for (const { parts, joined } of vectors.join) results.same(join(...parts.map(fromHex)), joined, 'joined');
  return results;
}

export async function values(vectors) {
  const results = new Results();
  for (const { json, cbor } of vectors.values) {
    results.same(encode(fromJson(json)), cbor, JSON.stringify(json));
    results.same(toJson(decodeValue(fromHex(cbor))), json, cbor);
  }
  for (const { what, cbor } of vectors.refused) await results.refused(() => decodeValue(fromHex(cbor)), undefined, what);
  for (const json of vectors.refused_json) await results.refused(() => fromJson(json), undefined, JSON.stringify(json));
  for (const { text, cbor } of vectors.numbers) results.same(encode(numberFromText(text)), cbor, text);
  for (const text of vectors.refused_numbers) await results.refused(() => numberFromText(text), undefined, text);
  return results;
}

export async function users(vectors) {
  const results = new Results();
  for (const { seed, key, user: id, message, signature } of vectors.users) {
    results.same(user.publicKey(fromHex(seed)), key, 'public key');
    results.same(user.userId(fromHex(key)), id, 'user id');
    results.same(user.sign(utf8(message), fromHex(seed)), signature, 'signature');
    results.same(user.verify(fromHex(signature), utf8(message), fromHex(key)), true, 'verified');
  }
  for (const key of vectors.refused_keys) await results.refused(() => user.checkKey(fromHex(key)), 'bad_key', key);
  for (const { what, key, message, signature } of vectors.refused_signatures) {
    results.same(user.verify(fromHex(signature), utf8(message), fromHex(key)), false, what);
  }
  return results;
}

export async function changes(vectors) {
  const results = new Results();
  for (const vector of vectors.changes) checkChange(results, vector);
  for (const { what, key, bytes, error } of vectors.refused) {
    await results.refused(() => change.readChange(fromHex(bytes), fromHex(key)), error, what);
  }
  return results;
}

function checkChange(results, vector) {
  const [seed, salts] = [fromHex(vector.seed), vector.salts.map(fromHex)];
  const key = user.publicKey(seed);
  const group = vector.group === null ? null : fromHex(vector.group);
  const [author, device] = [user.userId(key), fromHex(vector.device)];
  const header = change.encodeHeader({ group, author, device, stamp: vector.stamp });
  const ops = vector.ops.map(change.encodeOp);
  const opHashes = ops.map((op, index) => change.opHash(salts[index], op));
  const hash = change.changeHash(header, opHashes);
  const signature = user.sign(change.signedPart(hash), seed);
  const slots = ops.map((op, index) => [salts[index], op]);
  results.same(header, vector.header, 'header');
  results.same(ops.map(hex), vector.op_bytes, 'operations');
  results.same(opHashes.map(hex), vector.op_hashes, 'hashes of the operations');
  results.same(hash, vector.hash, 'hash');
  results.same(signature, vector.signature, 'signature');
  results.same(change.encodeChange(header, slots, signature), vector.bytes, 'change');
  results.same(change.readChange(fromHex(vector.bytes), key).hash, vector.hash, 'hash of what was read');
  for (const { indices, bytes } of vector.forgotten) {
    const left = slots.map((slot, index) => (indices.includes(index) ? opHashes[index] : slot));
    results.same(change.encodeChange(header, left, signature), bytes, `without ${indices}`);
    results.same(equal(change.readChange(fromHex(bytes), key).hash, hash), true, `hash without ${indices}`);
  }
}
