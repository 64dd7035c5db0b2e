// Messages: JSON that is signed with ES384 over its canonical form (RFC 8785).

import { p384 } from '@noble/curves/nist.js';
import canonicalize from 'canonicalize';
import { Refused, base64url, fromBase64url, text, utf8 } from './bytes.mjs';
import { parseAddress } from './link.mjs';

const KINDS = {
  offer: { sdp: 'sdpOffer' },
  answer: { sdp: 'sdpAnswer' },
  used: { refused: true, winner: true },
  expired: { refused: true },
  revoked: { refused: true },
  unshared: {},
  call: {},
};

/** The object as it is signed. */
export function canonical(object) {
  const { sig: _, ...unsigned } = object;
  return canonicalize(unsigned);
}

export function sign(object, q) {
  const signature = p384.sign(utf8(canonical(object)), q);
  return { ...object, sig: base64url(signature) };
}

/** The second signature that ECDSA allows for the same message: n − s in place of s. */
export function withOtherS(signature) {
  const { r, s } = p384.Signature.fromBytes(signature, 'compact');
  return new p384.Signature(r, p384.Point.Fn.ORDER - s).toBytes('compact');
}

/** Reads a message to the box `id`. */
export function readMessage(plaintext, id) {
  const object = parseObject(plaintext);
  if (!Object.values(object).every(value => isFine(value, 0))) throw new Refused('malformed');
  if (!isCount(object.v)) throw new Refused('malformed');
  if (object.v !== 1) throw new Refused('version');
  if (object.sig === undefined) throw new Refused('malformed');
  if (object.alg !== 'ES384') throw new Refused('signature');
  if (string(object.to) !== base64url(id)) throw new Refused('not_for_this_box');
  let from;
  try {
    from = parseAddress(string(object.connectoid));
  } catch {
    throw new Refused('return_address');
  }
  if (!isSigned(object, from.id)) throw new Refused('signature');
  return viewOf(object);
}

/** Whether an object in well-formed JSON has a name twice, which JSON.parse does not tell. */
function repeatsAName(json) {
  const objects = [];
  for (const [token, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (colon) {
      const name = JSON.parse(token.slice(0, -colon.length));
      if (objects.at(-1).has(name)) return true;
      objects.at(-1).add(name);
    }
  }
  return false;
}

function parseObject(plaintext) {
  let object;
  try {
    object = JSON.parse(text(plaintext));
    if (repeatsAName(text(plaintext))) throw new Refused('malformed');
  } catch {
    throw new Refused('malformed');
  }
  if (object === null || typeof object !== 'object' || Array.isArray(object)) throw new Refused('malformed');
  return object;
}

/** Integers below 2^53 are the only numbers, and fields nest fewer than 8 deep. */
function isFine(value, depth) {
  if (depth >= 8) return false;
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (value === null || typeof value !== 'object') return true;
  return Object.values(value).every(inner => isFine(inner, depth + 1));
}

function isSigned(object, id) {
  try {
    const signature = fromBase64url(object.sig);
    return signature.length === 96 && p384.verify(signature, utf8(canonical(object)), id, { lowS: false });
  } catch {
    return false;
  }
}

function viewOf(object) {
  const shape = KINDS[string(object.kind)];
  if (!shape) throw new Refused('malformed');
  const view = {
    kind: object.kind,
    id: name(object.id),
    sid: name(object.sid),
    exp: count(object.exp),
    connectoid: object.connectoid,
  };
  if (shape.sdp) view.sdp = description(object[shape.sdp], object.kind);
  if (shape.refused) view.refused = name(object.refused);
  if (shape.winner) Object.assign(view, { at: count(object.at), winner: name(object.winner) });
  return view;
}

function description(value, kind) {
  if (value?.type !== kind || Buffer.byteLength(string(value.sdp)) > 12288) throw new Refused('malformed');
  return value.sdp;
}

function name(value) {
  try {
    if (fromBase64url(string(value)).length === 16) return value;
  } catch {
    // Falls through to the one refusal.
  }
  throw new Refused('malformed');
}

const isCount = value => Number.isSafeInteger(value) && value >= 0;

function count(value) {
  if (!isCount(value)) throw new Refused('malformed');
  return value;
}

function string(value) {
  if (typeof value !== 'string') throw new Refused('malformed');
  return value;
}
