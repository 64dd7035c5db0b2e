// What a field can hold: JSON, in which `{"$bytes": "…"}` stands for bytes.

import { Refused, base64url, fromBase64url } from './bytes.mjs';
import { decode } from './cbor.mjs';

const BYTES = '$bytes';

export function fromJson(json, nesting = 16) {
  if (json === null || typeof json !== 'object') return json;
  if (!Array.isArray(json) && Object.hasOwn(json, BYTES)) return bytesFromJson(json);
  if (nesting === 0) throw new Refused('bad_value');
  if (Array.isArray(json)) return json.map(item => fromJson(item, nesting - 1));
  return new Map(Object.entries(json).map(([key, item]) => [key, fromJson(item, nesting - 1)]));
}

function bytesFromJson(json) {
  try {
    if (Object.keys(json).length === 1 && typeof json[BYTES] === 'string') return fromBase64url(json[BYTES]);
  } catch {
    // Falls through to the one refusal.
  }
  throw new Refused('bad_value');
}

export function toJson(value) {
  if (value instanceof Uint8Array) return { [BYTES]: base64url(value) };
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  return value;
}

/** Reads a value as a field holds it: canonical, and without the reserved key. */
export function decodeValue(bytes) {
  const value = decode(bytes);
  checkKeys(value);
  return value;
}

export function checkKeys(value) {
  if (value instanceof Map && value.has(BYTES)) throw new Refused('bad_value');
  const items = value instanceof Map ? value.values() : Array.isArray(value) ? value : [];
  for (const item of items) checkKeys(item);
}
