// Frames: version, type, and a deterministic CBOR array; and the pieces in which they travel.

import { Refused, concat } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';

export const VERSION = 1;
const MAX_PIECE = 60 * 1024;

/** The types of the control channel with what each field has to be: bytes of a length, or a kind. */
export const CONTROL = {
  hello1: [1, ['versions', 32]],
  hello2: [2, [32, 32, 16, 48, 64]],
  rotate: [3, ['generation', 'text']],
  rotated: [4, ['generation']],
  sas_start: [5, [48]],
  sas_accept: [6, [32]],
  sas_reveal: [7, [32]],
  rest: [8, []],
  behind: [9, ['generation']],
  home: [10, ['text']],
  unshare: [64, []],
};

export const APP = { message: [1, ['u64', 'bytes']], received: [2, ['u64']], lost: [3, ['u64']] };

export const encodeFrame = (type, payload) => concat([VERSION, type], encode(payload));

/** Reads a frame of a channel; null if its type is unknown. */
export function decodeFrame(channel, bytes) {
  if (bytes.length < 2 || bytes[0] !== VERSION) throw new Refused('malformed');
  const known = Object.entries(channel).find(([, [type]]) => type === bytes[1]);
  if (!known) return null;
  const [name, [, fields]] = known;
  const payload = decodePayload(bytes.slice(2));
  if (!Array.isArray(payload) || payload.length !== fields.length) throw new Refused('malformed');
  if (!payload.every((value, index) => isField(value, fields[index]))) throw new Refused('malformed');
  return { name, payload };
}

function decodePayload(bytes) {
  try {
    return decode(bytes, 2);
  } catch {
    throw new Refused('malformed');
  }
}

const isUint = (value, bound) => Number.isSafeInteger(value) && value >= 0 && value < bound;

function isField(value, field) {
  switch (field) {
    case 'versions': return Array.isArray(value) && value.length <= 16 && value.every(item => isUint(item, 256));
    case 'generation': return isUint(value, 2 ** 30 + 1);
    case 'u64': return isUint(value, 2 ** 53);
    case 'text': return typeof value === 'string';
    case 'bytes': return value instanceof Uint8Array;
    default: return value instanceof Uint8Array && value.length === field;
  }
}

/** Cuts a frame into pieces, each behind a byte: 1 if more follow, 0 if it is the last. */
export function pieces(frame) {
  const cut = [];
  for (let at = 0; at < frame.length; at += MAX_PIECE - 1) {
    const chunk = frame.slice(at, at + MAX_PIECE - 1);
    cut.push(concat([at + chunk.length < frame.length ? 1 : 0], chunk));
  }
  return cut;
}
