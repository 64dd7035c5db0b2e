// Addresses (`P.services[.ext]`), the links around them, and origins.

import { boxOf } from './box.mjs';
import { Refused, fromBase64url, text } from './bytes.mjs';

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

/** Puts an address into the URL that opens the app, and keeps what the URL has already. */
export function toUrl(base, address, placement) {
  const at = base.indexOf('#');
  const before = at < 0 ? base : base.slice(0, at);
  const fragment = at < 0 ? '' : base.slice(at + 1);
  const parameter = `connectoid=${address}`;
  if (placement === 'fragment') return `${before}#${fragment === '' ? '' : `${fragment}&`}${parameter}`;
  return `${before}${before.includes('?') ? '&' : '?'}${parameter}${at < 0 ? '' : `#${fragment}`}`;
}

/** Finds the first link in a text, or reads the text as a bare address. */
export function findLink(input) {
  const found = /[#?&]connectoid=([\w.-]*)/.exec(input);
  if (!found) {
    const bare = input.trim();
    if (!/^[\w.-]{67,}$/.test(bare)) throw new Refused('not_found');
    return { address: parseAddress(bare).text, placement: 'fragment' };
  }
  const url = /\S*$/.exec(input.slice(0, found.index + 1))[0];
  const address = parseAddress(found[1].replace(/\.+$/, '')).text;
  return { address, placement: url.includes('#') ? 'fragment' : 'query' };
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
