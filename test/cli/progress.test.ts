// SPDX-License-Identifier: Apache-2.0
/** Work that takes long says how far it is where a terminal is there, and is quiet elsewhere. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCtga } from '../../src/cli/program.ts';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'many.json');
const state = join(directory, 'state');

before(() => {
  const log = new SigningLog();
  const store = openForWriting(stateAt(state));
  store.logs.put([log.asLog({ description: 'Alpha' })]);
  store.close();
  const head = {
    log_id: logIdText(log.key.logId),
    ...treeHeadToJson(log.sign(9, treeOf(9).root())),
  };
  writeFileSync(file, JSON.stringify({ sths: Array.from({ length: 2500 }, () => head) }));
});

/** What is written to stderr, and the lines of stdout. */
async function importMany(isTTY: boolean): Promise<{ shown: string; stdout: string }> {
  let [shown, stdout] = ['', ''];
  await runCtga(['heads', 'import', file, '--state-dir', state], {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (shown += text), isTTY },
  });
  return { shown, stdout };
}

describe('heads import of a long list', () => {
  test('says on a terminal how far it is, and takes that away', async () => {
    const { shown, stdout } = await importMany(true);
    assert.deepEqual(
      shown.split('\r').map((text) => text.replace('\u001b[K', '').replace(directory, '')),
      [
        '',
        '/many.json: 1000 of 2500 tree heads verified',
        '/many.json: 2000 of 2500 tree heads verified',
        'storing 2500 tree heads',
        '',
      ],
    );
    assert.match(stdout, /^2500 tree heads verified/);
  });

  test('is quiet without one', async () => {
    const { shown, stdout } = await importMany(false);
    assert.equal(shown, '');
    assert.match(stdout, /^2500 tree heads verified/);
  });
});
