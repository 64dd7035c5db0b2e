// Sealing: HPKE (RFC 9180) with DHKEM(P-384, HKDF-SHA384), HKDF-SHA384 and ChaCha20-Poly1305.

import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, DhkemP384HkdfSha384, HkdfSha384 } from '@hpke/core';
import { p384 } from '@noble/curves/nist.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha384 } from '@noble/hashes/sha2.js';
import { Refused, base64url, concat, hex, join, utf8 } from './bytes.mjs';

const suite = new CipherSuite({
  kem: new DhkemP384HkdfSha384(),
  kdf: new HkdfSha384(),
  aead: new Chacha20Poly1305(),
});

export const psk = secret => expand(sha384, extract(sha384, secret), utf8('connectoid/1 psk'), 48);
export const messageInfo = address => join(utf8('connectoid/1 msg'), sha384(utf8(address)));
export const questionInfo = origin => join(utf8('connectoid/1 question'), utf8(origin));

/** What opens a message: the address gives the pre-shared key and the info. */
const messageMode = address => ({
  info: messageInfo(address.text),
  psk: { key: psk(address.secret), id: utf8('connectoid/1') },
});

export async function seal(address, plaintext, ikm) {
  return sealPadded(address, pad(plaintext), ikm);
}

export async function open(q, address, sealed) {
  const { opened, exported } = await decrypt(q, address.id, messageMode(address), sealed);
  return { plaintext: unpad(opened), exported };
}

/** Seals what may not be a well-formed padded plaintext, or without the pre-shared key: for what must be refused. */
export async function sealPadded(address, padded, ikm, mode = messageMode(address)) {
  return encrypt(address.id, mode, padded, ikm);
}

export async function sealQuestion(id, origin, nonce, ikm) {
  return (await encrypt(id, { info: questionInfo(origin) }, nonce, ikm)).sealed;
}

export async function openQuestion(q, id, origin, sealed) {
  const { opened } = await decrypt(q, id, { info: questionInfo(origin) }, sealed);
  if (opened.length !== 32) throw new Refused('not_for_us');
  return opened;
}

async function encrypt(id, mode, plaintext, ikm) {
  const recipientPublicKey = await importPublic(id);
  const ekm = await suite.kem.deriveKeyPair(ikm);
  const context = await suite.createSenderContext({ recipientPublicKey, ekm, ...mode });
  const sealed = concat(new Uint8Array(context.enc), new Uint8Array(await context.seal(plaintext, id)));
  return { sealed, exported: await sessionExport(context) };
}

async function decrypt(q, id, mode, sealed) {
  try {
    const enc = sealed.slice(0, 97);
    const recipientKey = await importPrivate(q);
    const context = await suite.createRecipientContext({ recipientKey, enc, ...mode });
    const opened = new Uint8Array(await context.open(sealed.slice(97), id));
    return { opened, exported: await sessionExport(context) };
  } catch {
    throw new Refused('not_for_us');
  }
}

const sessionExport = async context => new Uint8Array(await context.export(utf8('connectoid/1 session'), 48));

const importPublic = id => suite.kem.importKey('raw', p384.Point.fromHex(hex(id)).toBytes(false), true);

function importPrivate(q) {
  const point = p384.getPublicKey(q, false);
  const coordinate = from => base64url(point.slice(from, from + 48));
  const jwk = { kty: 'EC', crv: 'P-384', d: base64url(q), x: coordinate(1), y: coordinate(49) };
  return suite.kem.importKey('jwk', jwk, false);
}

const SIZES = [2048, 4096, 8192, 16384];

/** The length as a big-endian u32, the plaintext, and zeros up to the next size. */
export function pad(plaintext) {
  const size = SIZES.find(candidate => candidate >= plaintext.length + 4);
  if (size === undefined) throw new Refused('too_long');
  const padded = Buffer.alloc(size);
  padded.writeUInt32BE(plaintext.length);
  padded.set(plaintext, 4);
  return new Uint8Array(padded);
}

function unpad(padded) {
  const length = Buffer.from(padded).readUInt32BE();
  const end = 4 + length;
  if (!SIZES.includes(padded.length) || end > padded.length || padded.slice(end).some(byte => byte !== 0)) {
    throw new Refused('not_for_us');
  }
  return padded.slice(4, end);
}
