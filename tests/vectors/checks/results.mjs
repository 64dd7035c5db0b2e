// Collects what holds and what does not.

import { isDeepStrictEqual } from 'node:util';
import { hex } from '../lib/bytes.mjs';

const shown = value => JSON.stringify(value);

export class Results extends Array {
  /** Values, with bytes given as hexadecimal. */
  same(actual, expected, what) {
    const value = actual instanceof Uint8Array ? hex(actual) : actual;
    this.push([isDeepStrictEqual(value, expected), `${what}: ${shown(value)} instead of ${shown(expected)}`]);
  }

  /** That `action` is refused, with this code where one is given. */
  async refused(action, code, what) {
    let found = 'nothing';
    try {
      await action();
    } catch (error) {
      found = error.code ?? error.stack;
    }
    this.push([found !== 'nothing' && (code === undefined || found === code), `${what}: ${found} instead of ${code}`]);
  }
}
