// SPDX-License-Identifier: Apache-2.0
/** Tree heads from files into a store and out of it again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exportTreeHeads, importTreeHeads } from '../../src/services/heads.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { memoryStore } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [log, stranger] = [new SigningLog(), new SigningLog()];
const options = {
  logs: [log.asLog()],
  witnesses: [],
  now: 1_700_000_000_000,
  evidenceDirectory: join(directory, 'evidence'),
};
let files = 0;
function file(text: string): string {
  const path = join(directory, String(++files));
  writeFileSync(path, text);
  return path;
}
const headOf = (signer: SigningLog, size: number): Record<string, unknown> => ({
  log_id: Buffer.from(log.key.logId).toString('base64'),
  ...treeHeadToJson(signer.sign(size, treeOf(size).root())),
});

test('what is exported can be imported elsewhere, and is new there once', () => {
  const sths = [1, 2, 3].map((size) => headOf(log, size));
  const here = memoryStore();
  importTreeHeads(here, [file(JSON.stringify({ sths }))], options);
  const exported = file([...exportTreeHeads(here)].join(''));
  const there = memoryStore();
  const imported = importTreeHeads(there, [exported], options);
  assert.deepEqual(imported, {
    verified: 3,
    new: 3,
    refused: [],
    signatures: [],
    forks: [],
    evidenceFailure: undefined,
  });
  assert.equal(importTreeHeads(there, [exported], options).new, 0);
  assert.deepEqual(
    there.logs.all().map(({ description }) => description),
    [log.asLog().description],
    'the challenger knows the log too',
  );
});

test('an empty store is an empty list', () => {
  assert.deepEqual(JSON.parse([...exportTreeHeads(memoryStore())].join('')), { sths: [] });
});

test('what does not verify is refused and named, and the rest is recorded', () => {
  const store = memoryStore();
  const sths = [headOf(log, 1), headOf(stranger, 2)];
  const { verified, refused } = importTreeHeads(store, [file(JSON.stringify({ sths }))], options);
  assert.equal(verified, 1);
  assert.match(refused.join(), /sths\[1\]/);
  assert.equal(store.heads.count(), 1);
});

test('one file that holds no tree heads keeps all from being recorded', () => {
  const store = memoryStore();
  const good = file(JSON.stringify({ sths: [headOf(log, 1)] }));
  assert.throws(() => importTreeHeads(store, [good, file('{')], options), /not JSON/);
  assert.equal(store.heads.count(), 0);
});
