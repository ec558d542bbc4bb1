// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga store`: rolling up, checking, compacting, exporting and backing up, also while somebody
 * writes.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import {
  backupStore,
  checkStore,
  compactStore,
  exportStore,
} from '../../src/upkeep/maintenance.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { memoryStore, openForWriting, type State, stateAt } from '../../src/store/state.ts';
import { ROLLED_UP, type Sighting } from '../../src/store/heads.ts';
import { ctga } from '../support/ctga.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));

const DAY = 86_400_000;
const log = new SigningLog();
const heads = Array.from({ length: 20 }, (_, i) => log.verified(3, treeOf(3).root(), BigInt(i)));
const seen = (i: number, source: string, at: number, count = 1): Sighting => {
  const head = heads[i] ?? assert.fail();
  return { head, source, firstSeen: at, lastSeen: at, count };
};

describe('sightings that are rolled up', () => {
  test('leave every sum as it was, whatever was seen when and where', () => {
    const sighting = fc.record({
      head: fc.nat({ max: heads.length - 1 }),
      source: fc.constantFrom('eth0', 'eth1', 'get-sth'),
      at: fc.nat({ max: 100 }),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(sighting, { maxLength: 60 }),
        fc.array(fc.nat({ max: 120 })),
        (all, times) => {
          const store = memoryStore();
          for (const { head, source, at, count } of all)
            store.heads.record([seen(head, source, at, count)]);
          const sums = (): unknown =>
            store.heads
              .latest()
              .map(({ timestamp, count, headFirstSeen, lastSeen }) => ({
                timestamp,
                count,
                headFirstSeen,
                lastSeen,
              }));
          const before = sums();
          for (const time of times) {
            while (store.heads.rollUp(time, 7) > 0);
            assert.deepEqual(sums(), before);
            for (const { sources, lastSeen } of store.heads.latest())
              if (lastSeen < time) assert.deepEqual(sources, [ROLLED_UP]);
          }
          store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('go on being counted where a head is seen again', () => {
    const store = memoryStore();
    store.heads.record([seen(0, 'eth0', 1, 5), seen(0, 'eth1', 100, 2)]);
    assert.equal(store.heads.rollUp(50, 100), 1);
    assert.deepEqual([...(store.heads.latest()[0]?.sources ?? [])].sort(), ['eth1', ROLLED_UP]);
    store.heads.record([seen(0, 'eth0', 200)]);
    assert.equal(store.heads.latest()[0]?.count, 8);
    assert.equal(store.heads.rollUp(50, 100), 0, 'what was rolled up is not looked at again');
  });

  test('stay in the count of their day', () => {
    const store = memoryStore();
    store.heads.record([
      seen(0, 'eth0', 3 * DAY, 5),
      seen(1, 'eth0', 3 * DAY + 1),
      seen(0, 'eth1', 4 * DAY),
    ]);
    store.heads.rollUp(10 * DAY, 100);
    assert.deepEqual(
      store.heads.days(0).map(({ day, heads: count, sightings }) => [day, count, sightings]),
      [
        [3, 2, 6],
        [4, 0, 1],
      ],
    );
    assert.equal(store.heads.days(4).length, 1);
  });
});

test('a store of an earlier version has its days counted', () => {
  const path = join(root, 'old.db');
  const old = new Database(path);
  for (const step of MIGRATIONS.slice(0, 3)) old.exec(step);
  old.pragma('user_version = 3');
  old.exec(`INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen) VALUES (1, x'01', '1', x'02', 5);
    INSERT INTO tree_heads (id, tree, timestamp, signature) VALUES (1, 1, '1', x'03'), (2, 1, '2', x'04');
    INSERT INTO sightings VALUES (1, 'eth0', ${DAY}, ${9 * DAY}, 3), (1, 'eth1', ${DAY + 1}, ${DAY + 1}, 1), (2, 'eth0', ${2 * DAY}, ${2 * DAY}, 1);`);
  old.close();
  const database = openDatabase(path);
  assert.deepEqual(
    database.prepare('SELECT day, heads, sightings FROM days ORDER BY day').raw().all(),
    [
      [1, 1, 4],
      [2, 1, 1],
    ],
  );
  database.close();
});

test('in a store of an earlier version empty trees accuse nobody any more', () => {
  const path = join(root, 'empty-trees.db');
  const old = new Database(path);
  for (const step of MIGRATIONS.slice(0, 6)) old.exec(step);
  old.pragma('user_version = 6');
  const zero = '0'.repeat(20);
  const [five, empty] = ['5'.padStart(20, '0'), Buffer.from(EMPTY_ROOT).toString('hex')];
  old.exec(`INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen, verdict, proven_against) VALUES
      (1, x'01', '${zero}', x'${'00'.repeat(32)}', 5, 'fork-proven', 3),
      (2, x'01', '${zero}', x'${empty}', 5, 'fork-proven', 1),
      (3, x'01', '${five}', x'02', 5, 'consistent', 3),
      (4, x'02', '${five}', x'02', 5, 'fork-proven', 5),
      (5, x'02', '${five}', x'03', 5, 'skewed', NULL);
    INSERT INTO evidence VALUES ('a', x'01', 1, 3, '${zero}', '${five}', 9), ('b', x'01', 1, 2, '${zero}', '${zero}', 9),
      ('c', x'02', 4, 5, '${five}', '${five}', 9);`);
  old.close();
  const database = openDatabase(path);
  assert.deepEqual(
    database.prepare('SELECT id, verdict, proven_against FROM trees ORDER BY id').raw().all(),
    [
      [1, 'malformed-head', null],
      [2, 'pending', null],
      [3, 'consistent', 3],
      [4, 'fork-proven', 5],
      [5, 'skewed', null],
    ],
  );
  assert.deepEqual(database.prepare('SELECT path FROM evidence').pluck().all(), ['c']);
  database.close();
});

describe('a store on disk', () => {
  let state: State;
  let number = 0;
  beforeEach(() => {
    state = stateAt(join(root, `state${number++}`));
    const store = openForWriting(state);
    store.logs.put([log.asLog({})]);
    store.heads.record(heads.map((_, i) => seen(i, 'eth0', i * DAY)));
    store.heads.record(heads.map((_, i) => seen(i, 'eth1', i * DAY)));
    store.counters.add('observer', { 'no tree head': 7 });
    store.close();
  });

  test('is whole; and what is not is named', async () => {
    assert.deepEqual(checkStore(state).faults, []);
    assert.equal(checkStore(state).sightings, 40);
    mkdirSync(state.evidence, { recursive: true });
    writeFileSync(join(state.evidence, 'mine.json'), '{}');
    const database = openDatabase(state.database);
    database.exec(
      "DELETE FROM sightings WHERE tree_head = 3; UPDATE trees SET verdict = 'fork-proven'",
    );
    database.close();
    const { faults } = checkStore(state);
    assert.equal(faults.length, 4, faults.join('\n'));
    assert.match(faults.join('\n'), /1 tree heads were never seen/);
    assert.match(faults.join('\n'), /1 forks are without evidence/);
    assert.match(faults.join('\n'), /mine\.json: .*no evidence of version/);
    const ran = await ctga(['store', 'check', '--json', '--state-dir', state.directory]);
    assert.equal(ran.code, 1);
    assert.equal((JSON.parse(ran.stdout) as { faults: string[] }).faults.length, 4);
  });

  test('with any page flipped is not called whole', () => {
    const good = readFileSync(state.database);
    const PAGE = 4096;
    for (let page = 0; page * PAGE < good.length; page++) {
      const flipped = Buffer.from(good);
      for (let at = page * PAGE; at < (page + 1) * PAGE; at++)
        flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      writeFileSync(state.database, flipped);
      let faults: readonly string[];
      try {
        ({ faults } = checkStore(state));
      } catch (error) {
        faults = [String(error)];
      }
      assert(faults.length > 0, `page ${page} of ${good.length / PAGE}`);
    }
    writeFileSync(state.database, good);
  });

  test('is made smaller, and keeps its tree heads', async () => {
    const done = await compactStore(state, 10 * DAY, () => undefined);
    assert.equal(done.rolledUp, 20);
    assert(done.bytesAfter <= done.bytesBefore);
    const { faults, treeHeads, sightings } = checkStore(state);
    assert.deepEqual([faults, treeHeads, sightings], [[], 20, 30]);
    const ran = await ctga([
      'store',
      'compact',
      '--keep-days',
      '0',
      '--state-dir',
      state.directory,
    ]);
    assert.match(ran.stdout, /20 sightings rolled up; .* MiB became .* MiB\./);
    assert.equal(checkStore(state).sightings, 20);
  });

  for (const [what, prepare] of [
    ['', () => undefined],
    [
      ' that an earlier version made',
      (path: string) => {
        const old = new Database(path);
        old.pragma('auto_vacuum = NONE');
        old.exec('VACUUM');
        old.close();
      },
    ],
  ] as const)
    test(`of many old sightings${what} is made smaller while others write`, async () => {
      const large = stateAt(join(root, `large${what}`));
      const store = openForWriting(large);
      const sources = Array.from({ length: 2000 }, (_, i) => `interface-${i}`);
      for (let i = 0; i < heads.length; i++)
        store.heads.record(sources.map((source) => seen(i, source, DAY)));
      prepare(large.database);
      let written = 0;
      const over = new AbortController();
      const writing = (async () => {
        for (; !over.signal.aborted; written++) {
          store.heads.record([seen(0, 'eth0', 100 * DAY)]);
          await setImmediate();
        }
      })();
      const said: string[] = [];
      const done = await compactStore(large, 10 * DAY, (how) => void said.push(how));
      over.abort();
      await writing;
      assert.equal(done.rolledUp, sources.length * heads.length);
      assert(done.bytesAfter < done.bytesBefore / 4, JSON.stringify(done));
      assert(written > 10, `${written} writes had their turn`);
      assert(said.includes('100 % of the unused pages given back'), said.join('\n'));
      assert.equal(
        said.some((line) => line.includes('anew')),
        what !== '',
      );
      assert.equal(
        store.heads.latest().reduce((sum, { count }) => sum + count, 0),
        sources.length * heads.length + written,
      );
      store.close();
      assert.deepEqual(checkStore(large).faults, []);
      // From now on it gives pages back.
      said.length = 0;
      await compactStore(large, 10 * DAY, (how) => void said.push(how));
      assert(!said.some((line) => line.includes('anew')));
    });

  test('is exported line by line, and its heads can be imported again', async () => {
    const lines = [...exportStore(state)];
    const count = (type: string): number => lines.filter((line) => line['type'] === type).length;
    assert.deepEqual([count('log'), count('tree-head'), count('count')], [1, 20, 1]);
    const ran = await ctga(['store', 'export', '--state-dir', state.directory]);
    assert.equal(ran.stdout.trim().split('\n').length, lines.length);
    for (const line of ran.stdout.trim().split('\n'))
      assert.equal(typeof (JSON.parse(line) as { type: string }).type, 'string');
    const { stdout } = await ctga(['heads', 'export', '--state-dir', state.directory]);
    assert.equal((JSON.parse(stdout) as { sths: unknown[] }).sths.length, 20);
    const limited = await ctga(['heads', 'list', '--limit', '5', '--state-dir', state.directory]);
    assert.match(limited.stdout, /These are the newest 5 of 20; --limit 0 lists all\./);
  });

  test('is backed up while somebody writes', async () => {
    const store = openForWriting(state);
    const copy = join(state.directory, 'copy.db');
    const writing = setInterval(() => store.heads.record([seen(0, 'eth9', Date.now())]), 1);
    await backupStore(state, copy, () => undefined);
    clearInterval(writing);
    store.close();
    const copied = stateAt(join(state.directory, 'other'));
    mkdirSync(copied.directory);
    writeFileSync(copied.database, readFileSync(copy));
    assert.deepEqual(checkStore(copied).faults, []);
    assert.equal(checkStore(copied).treeHeads, 20);
    assert.equal((await ctga(['store', 'backup', copy, '--state-dir', state.directory])).code, 2);
  });

  test('that is not there is not made by looking', async () => {
    for (const command of ['check', 'compact', 'export']) {
      const ran = await ctga(['store', command, '--state-dir', join(root, 'nowhere')]);
      assert.equal(ran.code, 1);
      assert.match(ran.stderr, /there is no store in/);
    }
  });
});
