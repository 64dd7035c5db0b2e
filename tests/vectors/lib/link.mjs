// Addresses (`P.services[.ext]`), the links around them, and origins.

import { createHash } from 'node:crypto';
import { boxOf } from './box.mjs';
import { Refused, base64url, fromBase64url, join, text, utf8 } from './bytes.mjs';

export function parseAddress(address) {
  const parts = address.split('.');
  if (parts.length !== 2 && parts.length !== 3) throw new Refused('malformed');
  const services = textOf(parts[1], 'services').split(' ');
  if (services.length > 3 || !services.every(isServiceUrl)) throw new Refused('services');
  const ext = parts.length === 3 ? textOf(parts[2], 'ext') : null;
  if (ext !== null && (ext === '' || Buffer.byteLength(ext) > 256)) throw new Refused('ext');
  let secret;
  try {
    secret = fromBase64url(parts[0]);
  } catch {
    throw new Refused('malformed');
  }
  if (secret.length !== 49) throw new Refused('malformed');
  return { text: address, secret, id: boxOf(secret), services, ext };
}

function textOf(part, code) {
  try {
    return text(fromBase64url(part));
  } catch {
    throw new Refused(code);
  }
}

const isServiceUrl = url => url.length <= 256 && /^https?:\/\/[!-.0-~][!-~]*$/.test(url);

/** The check before an address in a link. */
export function checkOf(address) {
  const hash = createHash('sha256').update(join(utf8('connectoid/1 link'), utf8(address))).digest();
  return base64url(hash.subarray(0, 6));
}

/** Puts an address into the URL that opens the app, and keeps what the URL has already. */
export function toUrl(base, address, placement) {
  const at = base.indexOf('#');
  const before = at < 0 ? base : base.slice(0, at);
  const fragment = at < 0 ? '' : base.slice(at + 1);
  const parameter = `connectoid=${checkOf(address)}.${address}`;
  if (placement === 'fragment') return `${before}#${fragment === '' ? '' : `${fragment}&`}${parameter}`;
  return `${before}${before.includes('?') ? '&' : '?'}${parameter}${at < 0 ? '' : `#${fragment}`}`;
}

const NAMED = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', num: '#', equals: '=', quest: '?', period: '.',
  lowbar: '_', colon: ':', sol: '/', percnt: '%',
};
const WEB = /(?:&|%26)%23(?=[0-9x])|%[0-9a-f]{2}|&#x?[0-9a-f]+;|&[a-z]+;|\\u[0-9a-f]{4}|\\[!-\/:-@[-`{-~]/gi;
const byteOf = (pair, hidden) => (hidden && pair === '23' ? '?' : String.fromCharCode(parseInt(pair, 16)));

function webMeaning(found) {
  if (found.endsWith('%23') && found !== '%23') return '&#';
  if (found[0] === '%') return byteOf(found.slice(1), true);
  if (found[0] === '\\') return found[1] === 'u' ? String.fromCharCode(parseInt(found.slice(2), 16)) : found[1];
  if (found[1] !== '#') return NAMED[found.slice(1, -1)] ?? found;
  const code = /x/i.test(found[2]) ? parseInt(found.slice(3), 16) : parseInt(found.slice(2), 10);
  return code <= 0x10ffff ? String.fromCodePoint(code) : found;
}

// Over the code units of a string, which is enough here: what a link has is ASCII.
const LAYERS = [
  input => input.replace(WEB, webMeaning),
  input => input.replace(/=(\r\n|\r|\n|[0-9a-f]{2})/gi, (_, what) => (/[\r\n]/.test(what) ? '' : byteOf(what))),
  input => input.replace(/-26-23(?=[0-9xX])|-([0-9A-F]{2})/g, (_, pair) => (pair ? byteOf(pair, true) : '&#')),
];

const INVISIBLE = /[\u{ad}\u{180e}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}]/gu;

/** Finds the first whole link in a text, or what stands behind `connectoid=` by itself. */
export function findLink(input) {
  const levels = [[input]];
  while (levels.length <= 4) levels.push([...new Set(levels.at(-1).flatMap(text => LAYERS.map(layer => layer(text))))]);
  const readings = levels.flat();
  for (const find of [parameterIn, valueIn]) {
    const results = readings.map(find);
    const whole = results.find(result => result.address !== undefined);
    if (whole) return usable(whole);
    if (results.some(result => result.seen)) throw new Refused('damaged');
  }
  throw new Refused('not_found');
}

function usable(found) {
  try {
    parseAddress(found.address);
  } catch {
    throw new Refused('unusable');
  }
  return found;
}

const linesOf = reading =>
  reading.replace(INVISIBLE, '').replace(/(^|[\r\n])[\s>|]+/g, '$1 ').replace(/\s+/g, ' ');

/** `connectoid=`, with white space anywhere in it, and a value. */
function parameterIn(reading) {
  const lines = linesOf(reading);
  let seen = false;
  for (const found of lines.matchAll(new RegExp([...'connectoid='].join(' ?'), 'gi'))) {
    if (/[a-z0-9]/i.test(lines[found.index - 1] ?? ' ')) continue;
    seen = true;
    const address = wholeAt(lines.slice(found.index + found[0].length));
    const before = /\S*$/.exec(lines.slice(0, found.index))[0];
    if (address !== undefined) return { address, placement: before.includes('#') ? 'fragment' : 'query' };
  }
  return { seen };
}

/** A value by itself. */
function valueIn(reading) {
  const lines = linesOf(reading);
  for (const found of lines.matchAll(/(?<![\w.-])[\w-]{8}\./g)) {
    const address = wholeAt(lines.slice(found.index));
    if (address !== undefined) return { address, placement: 'fragment' };
  }
  return { seen: /^[^\w.-]*[\w. -]{67,}[^\w.-]*$/.test(lines) };
}

/** The address, if a value begins here: up to any space or to the end, less the marks behind it. */
function wholeAt(lines) {
  const words = /^[\w. -]*/.exec(lines)[0].split(' ');
  for (let count = 1; count <= words.length; count += 1) {
    let value = words.slice(0, count).join('');
    for (let marks = 0; marks <= 8 && value.length > 9; marks += 1) {
      const address = value.slice(9);
      if (/^[\w-]{8}\.[\w-]{66}\../.test(value) && value.startsWith(`${checkOf(address)}.`)) return address;
      if (!/[._-]$/.test(value)) break;
      value = value.slice(0, -1);
    }
  }
  return undefined;
}

const DEFAULT_PORT = { http: ':80', https: ':443' };

/** `scheme://host[:port]`, lower case and without the scheme's default port; null if there is none. */
export function originOf(url) {
  const match = /^(https?):\/\/([\w.:[\]-]+)(?:[/?#]|$)/i.exec(url);
  if (!match) return null;
  const [scheme, authority] = [match[1].toLowerCase(), match[2].toLowerCase()];
  const port = DEFAULT_PORT[scheme];
  return `${scheme}://${authority.endsWith(port) ? authority.slice(0, -port.length) : authority}`;
}
