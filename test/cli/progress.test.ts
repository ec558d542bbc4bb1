// SPDX-License-Identifier: Apache-2.0
/** Work that takes long says how far it is where a terminal is there, and is quiet elsewhere. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCtga } from '../../src/cli/program.ts';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
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
async function run(isTTY: boolean, ...args: string[]): Promise<{ shown: string; stdout: string }> {
  let [shown, stdout] = ['', ''];
  await runCtga(args, {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (shown += text), isTTY },
  });
  return { shown, stdout };
}

const importMany = (isTTY: boolean): ReturnType<typeof run> =>
  run(isTTY, 'heads', 'import', file, '--state-dir', state);

/** What was shown, one thing after the other. */
const steps = (shown: string): string[] =>
  shown.split('\r').map((text) => text.replace('\u001b[K', '').replace(directory, ''));

describe('heads import of a long list', () => {
  test('says on a terminal how far it is, and takes that away', async () => {
    const { shown, stdout } = await importMany(true);
    assert.deepEqual(steps(shown), [
      '',
      '/many.json: 1000 of 2500 tree heads verified',
      '/many.json: 2000 of 2500 tree heads verified',
      'storing 2500 tree heads',
      '',
    ]);
    assert.match(stdout, /^2500 tree heads verified/);
  });

  test('is quiet without one', async () => {
    const { shown, stdout } = await importMany(false);
    assert.equal(shown, '');
    assert.match(stdout, /^2500 tree heads verified/);
  });
});

describe('logs import of a long list', () => {
  const list = join(directory, 'long.json');
  before(() => {
    const logs = Array.from({ length: 2500 }, (_, i) => ({
      key: generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .publicKey.export({ format: 'der', type: 'spki' })
        .toString('base64'),
      url: `https://ct${i}.example-logs.test/`,
    }));
    const operators = [
      { name: 'One', logs: logs.slice(0, 1500) },
      { name: 'Other', logs: [], tiled_logs: [] },
      { name: 'Third', logs: logs.slice(1500) },
    ];
    writeFileSync(list, JSON.stringify({ operators }));
  });

  for (const [what, isTTY, flags, expected] of [
    [
      'says on a terminal how far it is',
      true,
      [],
      ['', '/long.json: 1000 of 2500 logs read', '/long.json: 2000 of 2500 logs read', ''],
    ],
    ['is quiet without one', false, [], ['']],
    ['is quiet with --json', true, ['--json'], ['', '']],
  ] as const)
    test(what, async () => {
      const own = mkdtempSync(join(directory, 'logs-'));
      const { shown, stdout } = await run(
        isTTY,
        ...['logs', 'import', list, '--state-dir', own, ...flags],
      );
      assert.deepEqual(steps(shown), expected);
      assert.match(stdout, /^2500 logs imported|"imported": 2500/m);
    });
});

describe('store salvage', () => {
  /** A store with one tree head, one page of which is damaged: that of its alerts. */
  function damagedStore(): string {
    const damaged = stateAt(mkdtempSync(join(directory, 'damaged-')));
    const log = new SigningLog();
    const store = openForWriting(damaged);
    store.logs.put([log.asLog({ description: 'Alpha' })]);
    const head = log.verified(9, treeOf(9).root(), 1n);
    store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
    store.close();
    const database = openDatabase(damaged.database);
    const [found] = database
      .prepare<[], { rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE name = 'alerts'")
      .all();
    const page = database.pragma('page_size', { simple: true }) as number;
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const bytes = readFileSync(damaged.database);
    bytes.fill(0xa5, ((found?.rootpage ?? 0) - 1) * page, (found?.rootpage ?? 0) * page);
    writeFileSync(damaged.database, bytes);
    return damaged.directory;
  }

  for (const [what, isTTY, flags, expected] of [
    ['says on a terminal how far it is', true, [], ['', '1 tree head carried over', '']],
    ['is quiet without one', false, [], ['']],
    ['is quiet with --json', true, ['--json'], ['', '']],
  ] as const)
    test(what, async () => {
      const { shown, stdout } = await run(
        isTTY,
        ...['store', 'salvage', '--state-dir', damagedStore(), ...flags],
      );
      assert.deepEqual(steps(shown), expected);
      assert.match(stdout, /1 tree head carried over/);
    });
});
