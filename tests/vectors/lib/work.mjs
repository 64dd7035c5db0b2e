// Proof of work: a hash over box, minute, message and nonce that begins with zero bits.

import { createHash } from 'node:crypto';
import { hex, join, utf8 } from './bytes.mjs';

const sha256 = bytes => createHash('sha256').update(bytes).digest();

function u64(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

export const workHash = (id, minute, data, nonce) =>
  new Uint8Array(sha256(join(utf8('connectoid/1 work'), id, u64(minute), sha256(utf8(data)), u64(nonce))));

/** The zero bits before the first one. */
export function zeroBits(hash) {
  const bits = BigInt(`0x${hex(hash)}`).toString(2);
  return hash.every(byte => byte === 0) ? 8 * hash.length : 8 * hash.length - bits.length;
}

/** Whether the work is enough in this minute: done for it or for the one before. */
export const isEnough = ({ id, minute, data, nonce, bits }) =>
  [minute, minute - 1].some(minute => zeroBits(workHash(id, minute, data, nonce)) >= bits);
