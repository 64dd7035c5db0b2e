// Recomputes every vector from its inputs with an implementation that shares no code with the Rust one.
//
//   node check.mjs           checks all files; exits with 1 if anything differs
//   node check.mjs --write   first makes from-js.json anew, which the Rust tests then have to accept

import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import * as data from './checks/data.mjs';
import * as connection from './checks/connection.mjs';
import * as mailbox from './checks/mailbox.mjs';
import * as sync from './checks/sync.mjs';
import { make } from './make.mjs';

const CHECKS = {
  'encoding.json': data.encoding,
  'value.json': data.values,
  'user.json': data.users,
  'change.json': data.changes,
  'box.json': mailbox.boxes,
  'link.json': mailbox.links,
  'seal.json': mailbox.sealing,
  'message.json': mailbox.messages,
  'question.json': mailbox.questions,
  'work.json': mailbox.work,
  'handshake.json': connection.handshake,
  'frame.json': connection.frames,
  'sync.json': sync.check,
  'from-js.json': async vectors => [[isDeepStrictEqual(vectors, await make()), 'is not what make.mjs makes']],
};

const path = file => new URL(file, import.meta.url);

if (process.argv.includes('--write')) {
  writeFileSync(path('from-js.json'), `${JSON.stringify(await make(), null, 2)}\n`);
}

let failed = 0;
for (const [file, check] of Object.entries(CHECKS)) {
  const results = await resultsOf(check, file);
  const wrong = results.filter(([holds]) => !holds);
  console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${file}: ${results.length} checks`);
  for (const [, what] of wrong) console.log(`     ${what}`);
  failed += wrong.length;
}
process.exitCode = failed === 0 ? 0 : 1;

async function resultsOf(check, file) {
  try {
    const results = await check(JSON.parse(readFileSync(path(file), 'utf8')));
    return results.length === 0 ? [[false, 'checked nothing']] : results;
  } catch (error) {
    return [[false, error.stack]];
  }
}
