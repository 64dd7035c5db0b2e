// Frames of the sync channel, and messages of Negentropy, version 1.

import { sha256 } from '@noble/hashes/sha2.js';
import { Refused, concat, equal, fromHex, hex } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';

const FIELDS = {
  have: [1, ['group', 'epoch', 'head']],
  pull: [2, ['group', 'epoch', 'from', 'acceptance']],
  compare: [3, ['group', 'message']],
  compared: [4, ['group', 'message']],
  want: [5, ['group', 'hashes']],
  sent: [6, ['group']],
  changes: [7, ['group', 'span', 'changes']],
  ack: [8, ['group', 'upto']],
  stale: [9, ['group']],
  clock: [10, ['time']],
  left: [11, ['group']],
};

const isUint = value => Number.isSafeInteger(value) && value >= 0;
const isBytes = (value, length) => value instanceof Uint8Array && (length === undefined || value.length === length);
const isSpan = value => Array.isArray(value) && value.length === 2 && value.every(isUint) && value[0] <= value[1];

const CHECKS = {
  group: value => isBytes(value, 32),
  epoch: value => isBytes(value, 16),
  head: isUint,
  from: isUint,
  acceptance: value => isUint(value) && value <= 2,
  time: isUint,
  message: value => isBytes(value) && value.length <= 48 * 1024,
  hashes: value => isBytes(value) && value.length % 32 === 0 && value.length >= 32 && value.length <= 32_000,
  span: value => value === null || isSpan(value),
  changes: value => Array.isArray(value) && value.length <= 1000 && value.every(change => isBytes(change)),
  upto: value => value === null || isUint(value),
};

/** A frame from the JSON of the vectors. */
export function encodeFrame(json) {
  const [type, fields] = FIELDS[json.frame];
  return concat([1, type], encode(fields.map(field => fromJson(field, json[field]))));
}

function fromJson(field, value) {
  if (field === 'hashes') return concat(...value.map(fromHex));
  if (field === 'changes') return value.map(fromHex);
  return typeof value === 'string' ? fromHex(value) : value;
}

/** Reads a frame; null if its type is unknown. */
export function decodeFrame(bytes) {
  if (bytes.length < 2 || bytes.length > 263_168 || bytes[0] !== 1) throw new Refused('malformed');
  const known = Object.entries(FIELDS).find(([, [type]]) => type === bytes[1]);
  if (!known) return null;
  const [frame, [, fields]] = known;
  const items = decode(bytes.slice(2), 3);
  if (!Array.isArray(items) || items.length !== fields.length) throw new Refused('malformed');
  if (!items.every((item, index) => CHECKS[fields[index]](item))) throw new Refused('malformed');
  const message = items[fields.indexOf('message')];
  if (message && readMessage(message).length === 0 && frame === 'compare') throw new Refused('malformed');
  return { frame, ...Object.fromEntries(fields.map((field, index) => [field, items[index]])) };
}

/** The ranges of a message: each with its lower and upper bound, and a fingerprint or names. */
export function readMessage(bytes) {
  const reader = { bytes, at: 1 };
  if (bytes[0] !== 0x61) throw new Refused('malformed');
  const ranges = [];
  let lower = { timestamp: 0n, prefix: new Uint8Array() };
  while (reader.at < bytes.length) {
    const upper = readBound(reader, lower);
    ranges.push({ lower, upper, ...readPayload(reader) });
    lower = upper;
  }
  return ranges;
}

function readBound(reader, before) {
  if (before.timestamp === null) throw new Refused('malformed');
  const ahead = varint(reader);
  const timestamp = ahead === 0n ? null : before.timestamp + ahead - 1n;
  const length = Number(varint(reader));
  if (length > 32) throw new Refused('malformed');
  const bound = { timestamp, prefix: take(reader, length) };
  if (timestamp === null ? length > 0 : !isBefore(before, bound)) throw new Refused('malformed');
  return bound;
}

function readPayload(reader) {
  switch (varint(reader)) {
    case 0n: return {};
    case 1n: return { fingerprint: take(reader, 16) };
    case 2n: {
      const count = Number(varint(reader));
      return { names: Array.from({ length: Math.min(count, reader.bytes.length) }, () => take(reader, 32)) };
    }
    default: throw new Refused('malformed');
  }
}

/** Whether one bound, or item, stands before another; a bound without a timestamp is infinity. */
function isBefore(one, other) {
  if (other.timestamp === null) return one.timestamp !== null;
  if (one.timestamp === null) return false;
  if (one.timestamp !== other.timestamp) return one.timestamp < other.timestamp;
  return Buffer.compare(one.prefix, other.prefix) < 0;
}

function varint(reader) {
  let number = 0n;
  for (let first = true; ; first = false) {
    const [byte] = take(reader, 1);
    if (first && byte === 0x80) throw new Refused('malformed');
    number = (number << 7n) | BigInt(byte & 0x7f);
    if (number >= 1n << 64n) throw new Refused('malformed');
    if (byte < 0x80) return number;
  }
}

function take(reader, length) {
  if (reader.at + length > reader.bytes.length) throw new Refused('malformed');
  reader.at += length;
  return reader.bytes.slice(reader.at - length, reader.at);
}

const within = (items, { lower, upper }) => items.filter(([timestamp, name]) => {
  const item = { timestamp: BigInt(timestamp), prefix: fromHex(name) };
  return !isBefore(item, lower) && isBefore(item, upper);
});

function fingerprintOf(items) {
  const numberOf = name => BigInt(`0x${hex(fromHex(name).reverse())}`);
  const sum = items.reduce((total, [, name]) => (total + numberOf(name)) % (1n << 256n), 0n);
  const bytes = fromHex(sum.toString(16).padStart(64, '0')).reverse();
  return sha256(concat(bytes, writeVarint(items.length))).slice(0, 16);
}

function writeVarint(number) {
  const groups = [number & 0x7f];
  for (let rest = number >> 7; rest > 0; rest >>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return Uint8Array.from(groups);
}

/** Whether a message says of its sender's items what is so. */
export const isTrue = (message, items) => readMessage(message).every(range => {
  const own = within(items, range);
  if (range.fingerprint) return equal(range.fingerprint, fingerprintOf(own));
  if (range.names) return JSON.stringify(range.names.map(hex).sort()) === JSON.stringify(own.map(([, name]) => name).sort());
  return true;
});

/** The names in an answer that are not among the items of who asked. */
export function lackingIn(answer, items) {
  const own = new Set(items.map(([, name]) => name));
  return readMessage(answer).flatMap(range => (range.names ?? []).map(hex)).filter(name => !own.has(name));
}
