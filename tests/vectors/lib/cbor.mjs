// Deterministic CBOR (RFC 8949 §4.2), as far as this protocol uses it.
//
// Bytes are Uint8Arrays, maps are Maps with text keys, numbers are numbers: an integer below 2^53 in size is
// written as an integer and anything else as a float of eight bytes. The decoder accepts one spelling of each.
// A field that is removed is `undefined`, which is nothing that a field can hold.

import { Refused, concat, text, utf8 } from './bytes.mjs';

const TWO_53 = 2 ** 53;

export function encode(value) {
  if (value === null) return Uint8Array.of(0xf6);
  if (value === undefined) return Uint8Array.of(0xf7);
  if (value === false || value === true) return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') return concat(head(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  if (Array.isArray(value)) return concat(head(4, value.length), ...value.map(encode));
  if (value instanceof Map) return encodeMap(value);
  throw new Refused('bad_value');
}

function encodeNumber(number) {
  if (!Number.isFinite(number) || Object.is(number, -0)) throw new Refused('bad_value');
  if (Number.isSafeInteger(number)) return number < 0 ? head(1, -1 - number) : head(0, number);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(number, 1);
  return new Uint8Array(bytes);
}

function encodeMap(map) {
  const entries = [...map].map(([key, value]) => [encode(key), encode(value)]);
  entries.sort(([a], [b]) => Buffer.compare(a, b));
  return concat(head(5, map.size), ...entries.flat());
}

function head(major, argument) {
  const bytes = Buffer.alloc(9);
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  bytes.writeBigUInt64BE(BigInt(argument), 1);
  const length = [1, 2, 4, 8].find(size => argument < 256 ** size);
  bytes[8 - length] = (major << 5) | (24 + Math.log2(length));
  return new Uint8Array(bytes.subarray(8 - length));
}

/**
 * Decodes one value that fills all of `bytes` and nests at most `nesting` deep. `undefined` is allowed where there
 * could be a value that nests `undefinedAt` deep, and nowhere else.
 */
export function decode(bytes, nesting = 16, undefinedAt = -1) {
  const reader = { bytes, at: 0, undefinedAt };
  const value = read(reader, nesting);
  if (reader.at !== bytes.length) throw new Refused('not_canonical');
  return value;
}

function take(reader, length) {
  const end = reader.at + length;
  if (end > reader.bytes.length) throw new Refused('not_canonical');
  const taken = reader.bytes.slice(reader.at, end);
  reader.at = end;
  return taken;
}

/** The number behind a head, which has to be in its shortest form. */
function readArgument(reader, info) {
  if (info < 24) return info;
  if (info > 27) throw new Refused('not_canonical');
  const length = 2 ** (info - 24);
  const number = Number(BigInt(`0x${Buffer.from(take(reader, length)).toString('hex')}`));
  const least = length === 1 ? 24 : 256 ** (length / 2);
  if (number < least) throw new Refused('not_canonical');
  return number;
}

function read(reader, nesting) {
  const [first] = take(reader, 1);
  const [major, info] = [first >> 5, first & 31];
  if (major === 7) return readSimple(reader, info, nesting);
  const argument = readArgument(reader, info);
  switch (major) {
    case 0: return integer(argument, argument);
    case 1: return integer(argument + 1, -1 - argument);
    case 2: return take(reader, argument);
    case 3: return readText(reader, argument);
    case 4: return readArray(reader, argument, nesting);
    case 5: return readMap(reader, argument, nesting);
    default: throw new Refused('not_canonical');
  }
}

function integer(size, value) {
  if (size >= TWO_53) throw new Refused('bad_value');
  return value;
}

function readText(reader, length) {
  try {
    return text(take(reader, length));
  } catch {
    throw new Refused('not_canonical');
  }
}

function readArray(reader, length, nesting) {
  if (nesting === 0) throw new Refused('bad_value');
  const items = [];
  for (let index = 0; index < length; index += 1) items.push(read(reader, nesting - 1));
  return items;
}

function readMap(reader, length, nesting) {
  if (nesting === 0) throw new Refused('bad_value');
  const map = new Map();
  let previous = new Uint8Array();
  for (let index = 0; index < length; index += 1) {
    const start = reader.at;
    const key = read(reader, 0);
    const encoded = reader.bytes.slice(start, reader.at);
    if (typeof key !== 'string' || Buffer.compare(previous, encoded) >= 0) throw new Refused('not_canonical');
    previous = encoded;
    map.set(key, read(reader, nesting - 1));
  }
  return map;
}

function readSimple(reader, info, nesting) {
  if (info === 20) return false;
  if (info === 21) return true;
  if (info === 22) return null;
  if (info === 23 && nesting === reader.undefinedAt) return undefined;
  if (info !== 27) throw new Refused('not_canonical');
  const number = Buffer.from(take(reader, 8)).readDoubleBE();
  if (!Number.isFinite(number) || Object.is(number, -0) || Number.isSafeInteger(number)) throw new Refused('bad_value');
  return number;
}
