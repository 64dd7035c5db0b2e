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

/** A number from its text in JSON. What would be rounded is refused. */
export function numberFromText(text) {
  const [, sign, whole, fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const number = Number(text);
  if (Object.is(number, -0)) throw new Refused('bad_value');
  if (exponent === undefined && fraction === '') {
    const size = BigInt(whole);
    if (size >= 2n ** 53n) throw new Refused('bad_value');
    return Number(sign + size);
  }
  const digits = (whole + fraction).replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '' && number === 0) return 0;
  if (digits === '' || number === 0 || !Number.isFinite(number)) throw new Refused('bad_value');
  if (!isNearest(digits, Math.abs(number))) throw new Refused('bad_value');
  return number;
}

/** Whether no number of so many digits is nearer to a float than these are. */
function isNearest(digits, float) {
  const exact = BigInt(exactDigits(float).padEnd(digits.length + 1, '0'));
  const unit = 10n ** BigInt(exact.toString().length - digits.length);
  // The nearest may have one digit more before the point: 1e23 is a float a little below.
  return [unit, 10n * unit].some(place => {
    const away = exact - BigInt(digits) * place;
    return 2n * (away < 0n ? -away : away) <= unit;
  });
}

/** The digits of a float when it is written exactly: fractions of two end after as many digits as bits. */
function exactDigits(float) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, float);
  const bits = bytes.getBigUint64(0);
  const [exponent, fraction] = [Number(bits >> 52n), bits & (2n ** 52n - 1n)];
  const [mantissa, power] = exponent === 0 ? [fraction, -1074] : [fraction + 2n ** 52n, exponent - 1075];
  return (power >= 0 ? mantissa * 2n ** BigInt(power) : mantissa * 5n ** BigInt(-power)).toString();
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
