// Users: Ed25519 (RFC 8032), verified strictly.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { Refused, concat, equal, hex } from './bytes.mjs';

const { Point } = ed25519;
const order = Point.Fn.ORDER;
const littleEndian = bytes => BigInt(`0x${hex([...bytes].reverse())}`);
const challenge = (r, key, message) => littleEndian(sha512(concat(r, key, message))) % order;

export const userId = key => sha256(key);
export const publicKey = seed => ed25519.getPublicKey(seed);
export const sign = (message, seed) => ed25519.sign(message, seed);

/** A usable public key: on the curve, and not of small order. */
export function checkKey(key) {
  let point;
  try {
    point = Point.fromBytes(key, false);
  } catch {
    throw new Refused('bad_key');
  }
  if (point.isSmallOrder()) throw new Refused('bad_key');
  return point;
}

/**
 * Strict verification: S below the order, neither A nor R of small order, and S·B − k·A *is* R. No factor of
 * 8 anywhere: libraries that multiply by the cofactor accept more, and then two devices would disagree.
 */
export function verify(signature, message, key) {
  const [r, s] = [signature.slice(0, 32), littleEndian(signature.slice(32))];
  try {
    const point = checkKey(key);
    if (s >= order || Point.fromBytes(r, false).isSmallOrder()) return false;
    const k = challenge(r, key, message);
    return equal(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(), r);
  } catch {
    return false;
  }
}

/** A signature that verifies with the cofactor and must not without: under a key with a part of order 8. */
export function cofactoredSignature(seed, message) {
  const torsion = Point.fromBytes(TORSION, false);
  const { scalar, point } = ed25519.utils.getExtendedPublicKey(seed);
  const key = point.add(torsion).toBytes();
  for (let nonce = 1n; ; nonce += 1n) {
    const r = Point.BASE.multiply(nonce).toBytes();
    const k = challenge(r, key, message);
    // A multiple of 8 would cancel the part of order 8.
    if (k % 8n === 0n) continue;
    const s = (nonce + k * scalar) % order;
    const signature = concat(r, Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse());
    if (!ed25519.verify(signature, message, key, { zip215: false })) throw new Error('this must verify with a cofactor');
    return { key, signature };
  }
}

/** A point of order 8. */
const TORSION = Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex');

