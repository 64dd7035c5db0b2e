// Boxes: P (the secret in a link), Q = P + t·G (the public key) and q = p + t (the private key).

import { hash_to_field } from '@noble/curves/abstract/hash-to-curve.js';
import { p384 } from '@noble/curves/nist.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { Refused, base64url, hex, join, utf8 } from './bytes.mjs';

const { Point } = p384;
const order = Point.Fn.ORDER;

/** t: RFC 9380 §5.2 over the group's order, with m = 1, count = 1 and L = ceil((384 + 192) / 8) = 72. */
export function blinding(secret) {
  const options = { DST: 'CONNECTOID-V1-BOX', p: order, m: 1, k: 192, expand: 'xmd', hash: sha384 };
  const [[t]] = hash_to_field(secret, 1, options);
  return t;
}

/** Q, from P. */
export function boxOf(secret) {
  if (secret.length !== 49 || (secret[0] !== 2 && secret[0] !== 3)) throw new Refused('box_malformed');
  let point;
  try {
    point = Point.fromHex(hex(secret));
  } catch {
    throw new Refused('box_not_on_curve');
  }
  const t = blinding(secret);
  if (t === 0n) throw new Refused('box_not_on_curve');
  const blinded = point.add(Point.BASE.multiply(t));
  if (blinded.is0()) throw new Refused('box_not_on_curve');
  return blinded.toBytes(true);
}

/** P, from q: p = q − t has to be P's private key, and t follows from P. */
export const secretBehind = (q, t) =>
  Point.BASE.multiply((BigInt(`0x${hex(q)}`) - t + order) % order).toBytes(true);

export const publicKey = q => p384.getPublicKey(q, true);
export const scalarBytes = t => Buffer.from(t.toString(16).padStart(96, '0'), 'hex');

export const fingerprint = id => base64url(sha256(join(utf8('connectoid/1 fingerprint'), id)).slice(0, 16));
