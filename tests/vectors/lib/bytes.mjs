// Bytes and text: base64url as this protocol writes it, and the joining of byte strings ("‖").

export const utf8 = text => new TextEncoder().encode(text);
export const hex = bytes => Buffer.from(bytes).toString('hex');
export const fromHex = text => new Uint8Array(Buffer.from(text, 'hex'));
export const base64url = bytes => Buffer.from(bytes).toString('base64url');
export const equal = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

export const concat = (...parts) => new Uint8Array(Buffer.concat(parts.map(part => Buffer.from(part))));

/** A refusal with the name that the vectors give it. */
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Strict base64url: a text is accepted only if it is how its bytes are written. */
export function fromBase64url(text) {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (base64url(bytes) !== text) throw new Refused('base64url');
  return bytes;
}

/** Each part behind its length, a big-endian u32. */
export function join(...parts) {
  return concat(...parts.flatMap(part => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return [length, part];
  }));
}

/** Text from bytes; throws unless they are UTF-8. */
export const text = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
