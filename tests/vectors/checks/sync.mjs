// Sync: frames, and comparisons of two sets.

import { fromHex, hex } from '../lib/bytes.mjs';
import { decodeFrame, encodeFrame, isTrue, lackingIn } from '../lib/sync.mjs';
import { Results } from './results.mjs';

export async function check(vectors) {
  const results = new Results();
  for (const frame of vectors.frames) {
    results.same(encodeFrame(frame), frame.bytes, frame.frame);
    results.same(decodeFrame(fromHex(frame.bytes)).frame, frame.frame, frame.bytes);
  }
  for (const bytes of vectors.unknown) results.same(decodeFrame(fromHex(bytes)), null, bytes);
  for (const { what, bytes } of vectors.refused) await results.refused(() => decodeFrame(fromHex(bytes)), undefined, what);
  for (const comparison of vectors.comparisons) checkComparison(results, comparison);
  return results;
}

function checkComparison(results, { r, s, messages, lacking }) {
  const found = [];
  messages.forEach((message, index) => {
    const bytes = fromHex(message);
    results.same(isTrue(bytes, index % 2 === 0 ? r : s), true, `message ${index}: ${hex(bytes.slice(0, 20))}…`);
    if (index % 2 === 1) found.push(...lackingIn(bytes, r));
  });
  results.same([...new Set(found)].sort(), lacking, 'what is lacking');
}
