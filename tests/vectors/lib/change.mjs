// Changes: `[header, [operation …], signature]`, named by a hash over the hashes of the operations.

import { sha256 } from '@noble/hashes/sha2.js';
import { Refused, concat, equal, hex, join, utf8 } from './bytes.mjs';
import { decode, encode } from './cbor.mjs';
import { checkKey, userId, verify } from './user.mjs';
import { checkKeys, fromJson } from './value.mjs';

const ROLES = { 1: 'writer', 2: 'reader' };
const NO_GROUP = new Uint8Array(32);

export const encodeHeader = ({ group, author, device, stamp }) => encode([1, group ?? NO_GROUP, author, device, stamp]);
export const opHash = (salt, op) => sha256(join(utf8('connectoid/1 op'), salt, op));
export const changeHash = (header, opHashes) => sha256(join(utf8('connectoid/1 change'), header, concat(...opHashes)));
export const signedPart = hash => join(utf8('connectoid/1 change sig'), hash);

/** The whole change; each slot is `[salt, op]`, or the hash of a forgotten operation. */
export const encodeChange = (header, slots, signature) => encode([header, slots, signature]);

/** An operation from the JSON of the vectors. */
export function encodeOp(json) {
  const bytes = text => new Uint8Array(Buffer.from(text, 'hex'));
  switch (json.op) {
    case 'set': {
      const fields = Object.entries(json.fields).map(([field, value]) => [field, fromJson(value)]);
      const removed = (json.removed ?? []).map(field => [field, undefined]);
      return encode([0, json.collection, json.id, new Map([...fields, ...removed])]);
    }
    case 'delete': return encode([1, json.collection, json.id]);
    case 'genesis': return encode([2, bytes(json.owner), bytes(json.nonce), json.name]);
    case 'member': return encode([3, bytes(json.user), bytes(json.key), json.role === 'writer' ? 1 : 2]);
    case 'remove': return encode([4, bytes(json.user)]);
    case 'withdraw': return encode([13, json.changes.map(bytes)]);
    default: throw new Refused('not_canonical');
  }
}

/** Reads a change and checks it, with its signature by the owner of `key`. */
export function readChange(bytes, key) {
  const [headerBytes, rawSlots, signature, ...more] = array(decode(bytes, 3));
  if (more.length > 0) throw new Refused('not_canonical');
  const header = readHeader(blob(headerBytes));
  if (array(rawSlots).length < 1 || rawSlots.length > 1000) throw new Refused('bad_op_count');
  const slots = rawSlots.map(readSlot);
  blob(signature, 64);
  checkTogether(header, slots);
  const hash = changeHash(headerBytes, slots.map(slot => slot.hash));
  if (!equal(userId(key), header.author)) throw new Refused('bad_key');
  if (!verify(signature, signedPart(hash), key)) throw new Refused('forged');
  return { header, slots, hash };
}

function readHeader(bytes) {
  let parts;
  try {
    parts = array(decode(bytes, 1), 5);
  } catch {
    throw new Refused('not_canonical');
  }
  const [version, group, author, device, stamp] = parts;
  if (version !== 1 || typeof stamp !== 'number' || !(stamp >= 0)) throw new Refused('not_canonical');
  return { group: blob(group, 32), author: blob(author, 32), device: blob(device, 16), stamp };
}

function readSlot(slot) {
  if (slot instanceof Uint8Array) return { hash: blob(slot, 32) };
  const [salt, op] = array(slot, 2);
  return { hash: opHash(blob(salt, 16), blob(op)), op: readOp(op) };
}

function readOp(bytes) {
  // A field's value nests 16 deep, inside the map of fields, inside the operation; or the field is removed.
  const parts = array(decode(bytes, 18, 16));
  const [kind, ...rest] = parts;
  switch (`${kind}/${parts.length}`) {
    case '0/4': return readSet(...rest);
    case '1/3': return { subject: record(rest[0], rest[1]) };
    case '2/4': return readGenesis(...rest);
    case '3/4': return readMember(...rest);
    case '4/2': return { subject: `user ${hex(blob(rest[0], 32))}`, membership: true };
    case '13/2': return readWithdrawal(rest[0]);
    default: throw new Refused('not_canonical');
  }
}

function readWithdrawal(names) {
  const changes = array(names).map(name => hex(blob(name, 32)));
  const ascend = changes.every((name, index) => index === 0 || changes[index - 1] < name);
  if (changes.length < 1 || changes.length > 1000 || !ascend) throw new Refused('bad_withdrawal');
  return { subject: 'changes', withdrawal: true };
}

function readSet(collection, id, fields) {
  if (!(fields instanceof Map)) throw new Refused('not_canonical');
  const subject = record(collection, id);
  if (fields.size === 0) throw new Refused('no_fields');
  for (const [field, value] of fields) {
    name(field, 128);
    checkKeys(value);
  }
  return { subject, fields };
}

function readGenesis(owner, nonce, groupName) {
  checkKey(blob(owner, 32));
  blob(nonce, 16);
  name(groupName, 128);
  return { subject: 'group', membership: true, owner };
}

function readMember(user, key, role) {
  checkKey(blob(key, 32));
  if (!Object.hasOwn(ROLES, role)) throw new Refused('bad_role');
  if (!equal(userId(key), blob(user, 32))) throw new Refused('bad_key');
  return { subject: `user ${hex(user)}`, membership: true };
}

/** The rules that no operation can break by itself. */
function checkTogether(header, slots) {
  const held = slots.flatMap(slot => slot.op ?? []);
  if (new Set(held.map(op => op.subject)).size < held.length) throw new Refused('repeated');
  const membership = held.filter(op => op.membership).length;
  if (membership > 0 && membership < held.length) throw new Refused('mixed');
  if (membership > 0 && held.length < slots.length) throw new Refused('forgotten');
  if (held.some(op => op.withdrawal) && slots.length > 1) throw new Refused('mixed');
  const genesis = held.find(op => op.owner);
  if (genesis && slots.length > 1) throw new Refused('mixed');
  if (Boolean(genesis) !== equal(header.group, NO_GROUP)) throw new Refused('bad_group');
  if (genesis && !equal(userId(genesis.owner), header.author)) throw new Refused('bad_key');
}

const record = (collection, id) => JSON.stringify(['record', name(collection, 128), name(id, 256)]);

function name(value, longest) {
  if (typeof value !== 'string') throw new Refused('not_canonical');
  const length = Buffer.byteLength(value);
  if (length === 0 || length > longest) throw new Refused('bad_name');
  return value;
}

function array(value, length) {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) throw new Refused('not_canonical');
  return value;
}

function blob(value, length) {
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) throw new Refused('not_canonical');
  return value;
}
