// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { CtgaError } from '../../src/base/errors.ts';
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import type { Sighting } from '../../src/store/heads.ts';
import { formatTreeHeadText, parseTreeHeadText } from '../../src/statements/text.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { memoryStore, openForReading, openForWriting, stateAt } from '../../src/store/state.ts';
import { MAX_UINT64 } from '../../src/base/u64.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const sighting = { source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };

describe('the store', () => {
  test('keeps the largest numbers and sorts by size', () => {
    const store = memoryStore();
    const sizes = [MAX_UINT64, 10n, 9n, 1n << 63n];
    store.heads.record(
      sizes.map((size) => ({
        ...sighting,
        head: log.verified(size, treeOf(3).root(), MAX_UINT64),
      })),
    );
    assert.deepEqual(
      store.heads.trees(log.key.logId).map(({ treeSize }) => treeSize),
      [9n, 10n, 1n << 63n, MAX_UINT64],
    );
    assert.equal(store.heads.latest()[0]?.timestamp, MAX_UINT64);
  });

  test('tells trees from tree heads: one tree under three timestamps', () => {
    const store = memoryStore();
    const heads = [5n, 6n, 7n].map((timestamp) => ({
      ...sighting,
      head: log.verified(3, treeOf(3).root(), timestamp),
    }));
    assert.equal(store.heads.record(heads).newHeads.size, 3);
    assert.equal(store.heads.record(heads).newHeads.size, 0);
    assert.equal(store.heads.trees(log.key.logId).length, 1);
    assert.deepEqual(
      store.heads.latest().map(({ count }) => count),
      [2, 2, 2],
    );
    assert.equal(store.evidence.missing().length, 0);
  });

  // The signature covers the numbers and not how they are written (sources/ct-over-dns/answer.ts).
  const text = formatTreeHeadText(log.sign(3, treeOf(3).root()));
  const spelled = (spelling: string, at: number): Sighting => {
    const parsed = parseTreeHeadText(spelling);
    if (parsed.kind === 'refused') assert.fail(parsed.reason);
    const head = verifyStatement(parsed.head, log.key) ?? assert.fail('does not verify');
    return { head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 };
  };
  for (const [how, batches] of [
    ['in one batch', (all: Sighting[]) => [all]],
    ['in a batch each', (all: Sighting[]) => all.map((each) => [each])],
  ] as const)
    test(`knows one head in several spellings, ${how}, and calls it new once`, () => {
      const store = memoryStore();
      const all = [`0${text}`, text, `000${text}`].map((spelling, i) => spelled(spelling, 30 - i));
      const fresh = batches(all).flatMap((batch) => [...store.heads.record(batch).newHeads]);
      assert.deepEqual(fresh, all.slice(0, 1));
      assert.equal(fresh[0], all[0]);
      assert.deepEqual(
        store.heads.latest().map((each) => [each.count, each.headFirstSeen, each.lastSeen]),
        [[3, 28, 30]],
      );
      assert.equal(store.heads.trees(log.key.logId).length, 1);
      assert.deepEqual(
        store.heads.days(0).map(({ day, heads, sightings }) => [day, heads, sightings]),
        [[0, 1, 3]],
      );
    });

  test('keeps a log under the key it came with', () => {
    const store = memoryStore();
    store.logs.put([log.asLog({ dns: 'a.example' })]);
    store.logs.put([log.asLog({ description: 'Renamed' })]);
    const [only] = store.logs.all();
    assert.equal(only?.description, 'Renamed');
    assert.equal(only.dns, 'a.example');
    assert.deepEqual(only.key.logId, log.key.logId);
  });
});

describe('the database file', () => {
  const path = (name: string): string => join(directory, name, 'ctga.db');

  test('is not made by looking', () => {
    const state = stateAt(join(directory, 'nobody-home'));
    openForReading(state, { mayBeMissing: true }).close();
    assert.throws(() => openForReading(state), /there is no store in/);
    openForReading({ ...state, isNamed: false }).close();
    assert.equal(existsSync(state.directory), false);
  });

  test('is durable: write-ahead log, every commit synced', () => {
    const database = openDatabase(path('durable'));
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(database.pragma('synchronous', { simple: true }), 2);
    database.close();
  });

  test('is written by two connections at once without losing anything', () => {
    const [one, two] = [
      openForWriting(stateAt(join(directory, 'two'))),
      openForWriting(stateAt(join(directory, 'two'))),
    ];
    for (let size = 1; size <= 40; size++) {
      (size % 2 === 0 ? one : two).heads.record([
        { ...sighting, head: log.verified(size, treeOf(size).root()) },
      ]);
    }
    assert.equal(one.heads.latest().length, 40);
    one.close();
    two.close();
  });

  const damages: [string, (bytes: Buffer) => Buffer][] = [
    [
      'overwritten with text',
      () => Buffer.from('this is not a database, it only has its name'.repeat(200)),
    ],
    [
      'with its pages turned to noise',
      (bytes) => Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0xa5)]),
    ],
    ['cut in half', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2 / 4096) * 4096)],
  ];
  for (const [name, damage] of damages) {
    test(`${name} is reported, set aside whole, and a new one started`, () => {
      const state = stateAt(join(directory, `damaged ${name}`));
      const store = openForWriting(state);
      for (let size = 1; size <= 200; size++) {
        store.heads.record([{ ...sighting, head: log.verified(size, treeOf(size).root()) }]);
      }
      store.close();
      const broken = damage(readFileSync(state.database));
      writeFileSync(state.database, broken);

      assert.throws(
        () => openForReading(state),
        (error) =>
          error instanceof CtgaError && error.code === 'store-damaged' && error.exitCode === 1,
      );
      const said: string[] = [];
      const fresh = new StoreInUse({ state, onSetAside: (message) => void said.push(message) })
        .store;
      assert.equal(fresh.heads.latest().length, 0);
      fresh.close();
      assert.match(said.join(), /is damaged: .*; it is kept as .*damaged-/);
      const aside =
        readdirSync(state.directory).find((each) => /^ctga\.db\.damaged-[0-9TZ-]+$/.test(each)) ??
        assert.fail();
      assert.deepEqual(readFileSync(join(state.directory, aside)), broken);
    });
  }

  test('of a newer ctga is left alone', () => {
    const database = new Database(join(directory, 'newer.db'));
    database.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    database.close();
    assert.throws(() => openDatabase(join(directory, 'newer.db')), /written by a newer ctga/);
  });

  test(
    'below a directory in which nothing can be made says so',
    { skip: existsSync('/proc/self') ? false : 'no /proc here' },
    () => {
      assert.throws(
        () => openDatabase('/proc/nothing/ctga.db'),
        (error) => error instanceof CtgaError && error.code === 'store-failed',
      );
    },
  );

  test('that cannot be made says so', () => {
    writeFileSync(join(directory, 'a-file'), '');
    assert.throws(
      () => openDatabase(join(directory, 'a-file', 'ctga.db')),
      (error) => error instanceof CtgaError && error.code === 'store-failed',
    );
  });
});
