// Boxes, links, sealed messages and questions.

import * as box from '../lib/box.mjs';
import { fromBase64url, fromHex, base64url, hex, text, utf8 } from '../lib/bytes.mjs';
import * as hpke from '../lib/hpke.mjs';
import * as link from '../lib/link.mjs';
import { canonical, readMessage, sign } from '../lib/message.mjs';
import { isEnough, workHash } from '../lib/work.mjs';
import { Results } from './results.mjs';

export async function boxes(vectors) {
  const results = new Results();
  for (const vector of vectors.boxes) {
    const t = box.blinding(fromHex(vector.P));
    results.same(new Uint8Array(box.scalarBytes(t)), vector.t, 't');
    results.same(box.boxOf(fromHex(vector.P)), vector.Q, 'Q from P');
    results.same(box.publicKey(fromHex(vector.q)), vector.Q, 'Q from q');
    results.same(box.secretBehind(fromHex(vector.q), t), vector.P, 'P from q');
    results.same(box.fingerprint(fromHex(vector.Q)), vector.fingerprint, 'fingerprint');
  }
  for (const { what, P, error } of vectors.refused) await results.refused(() => box.boxOf(fromHex(P)), error, what);
  return results;
}

export async function links(vectors) {
  const results = new Results();
  for (const { address, Q, services, ext } of vectors.addresses) {
    const parsed = link.parseAddress(address);
    results.same([hex(parsed.id), parsed.services, parsed.ext], [Q, services, ext], address);
  }
  for (const { text, error } of vectors.refused_addresses) {
    await results.refused(() => link.parseAddress(text), error, `address ${text}`);
  }
  for (const { base, placement, address, check, url } of vectors.links) {
    results.same(link.checkOf(address), check, 'check');
    results.same(link.toUrl(base, address, placement), url, base);
    results.same(link.findLink(url), { address, placement }, url);
  }
  for (const { text, address, placement } of vectors.texts) results.same(link.findLink(text), { address, placement }, text);
  for (const { text, error } of vectors.refused_texts) {
    await results.refused(() => link.findLink(text), error, `text ${text}`);
  }
  return results;
}

export async function sealing(vectors) {
  const results = new Results();
  for (const vector of vectors.envelopes) {
    const { recipient, plaintext, other_address: other } = vector;
    const [q, address, sealed] = [fromHex(recipient.q), addressOf(results, recipient), fromBase64url(vector.sealed)];
    results.same(hpke.psk(address.secret), vector.psk, 'psk');
    results.same(hpke.messageInfo(recipient.address), vector.info, 'info');
    const opened = await hpke.open(q, address, sealed);
    results.same(text(opened.plaintext), plaintext, 'opened');
    results.same(opened.exported, vector.export, 'exported by the reader');
    const again = await hpke.seal(address, utf8(plaintext), fromHex(vector.ikmE));
    results.same(base64url(again.sealed), vector.sealed, 'sealed');
    results.same(again.exported, vector.export, 'exported by the writer');
    await results.refused(() => hpke.open(q, link.parseAddress(other), sealed), 'not_for_us', 'with another address');
  }
  return results;
}

/** The address of a party, checked against its keys. */
export function addressOf(results, party) {
  const address = link.parseAddress(party.address);
  results.same(address.secret, party.P, 'P in the address');
  results.same(address.id, party.Q, 'Q of the address');
  results.same(box.publicKey(fromHex(party.q)), party.Q, 'Q of q');
  return address;
}

export async function messages(vectors) {
  const results = new Results();
  const { sender, recipient } = vectors;
  for (const party of [sender, recipient]) addressOf(results, party);
  const id = fromHex(recipient.Q);
  for (const { message, canonical: expected, plaintext } of vectors.messages) {
    results.same(readMessage(utf8(plaintext), id), message, message.kind);
    results.same(message.connectoid, sender.address, 'return address');
    results.same(canonical(JSON.parse(plaintext)), expected, `canonical ${message.kind}`);
    const { sig: _, ...unsigned } = JSON.parse(plaintext);
    const resigned = JSON.stringify(sign(unsigned, fromHex(sender.q)));
    results.same(readMessage(utf8(resigned), id), message, `${message.kind}, signed again`);
  }
  for (const { what, plaintext, error } of vectors.refused) {
    await results.refused(() => readMessage(utf8(plaintext), id), error, what);
  }
  return results;
}

export async function questions(vectors) {
  const results = new Results();
  for (const { owner, origin, ikmE, nonce, sealed } of vectors.questions) {
    const { id } = addressOf(results, owner);
    const [q, question] = [fromHex(owner.q), fromBase64url(sealed)];
    results.same(await hpke.openQuestion(q, id, origin, question), nonce, 'answer');
    results.same(base64url(await hpke.sealQuestion(id, origin, fromHex(nonce), fromHex(ikmE))), sealed, 'question');
    await results.refused(() => hpke.openQuestion(q, id, 'https://relay.example', question), 'not_for_us', 'elsewhere');
  }
  for (const { url, origin } of vectors.origins) results.same(link.originOf(url), origin, url);
  return results;
}

export async function work(vectors) {
  const results = new Results();
  for (const { Q, minute, data, bits, nonce, hash } of vectors.work) {
    const id = fromHex(Q);
    results.same(workHash(id, minute, data, nonce), hash, 'hash');
    for (const later of [minute, minute + 1]) {
      results.same(isEnough({ id, minute: later, data, nonce, bits }), true, `${bits} bits`);
    }
  }
  for (const { what, Q, ...rest } of vectors.refused) results.same(isEnough({ id: fromHex(Q), ...rest }), false, what);
  return results;
}
