// SPDX-License-Identifier: Apache-2.0
/** A state directory that was moved or copied elsewhere, and one that an earlier version wrote. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { recordHeads } from '../../src/evidence/record.ts';
import { AlertService } from '../../src/services/alert.ts';
import { padded } from '../../src/store/sqlite/rows.ts';
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const log = new SigningLog();
let number = 0;
const fresh = (): State => stateAt(join(root, `${(number += 1)}`));

/** Records a split view. */
function proveFork(state: State): void {
  const store = openForWriting(state);
  const { forks, failure } = recordHeads(
    { store, evidenceDirectory: state.evidence, logs: [log.asLog()], now: Date.now() },
    ['a', 'b'].map((branch) => {
      const head = log.verified(3, treeOf(3, branch).root());
      return { head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };
    }),
  );
  store.close();
  assert.equal(failure, undefined);
  assert.equal(forks.length, 1);
}

/** What a new alerter tells, in two looks. */
async function told(state: State): Promise<string[]> {
  const sent: string[] = [];
  const service = new AlertService({
    state,
    channels: [
      {
        kind: 'command',
        name: 'test',
        send: ({ event, key }) => Promise.resolve(void sent.push(`${event} ${key}`)),
      },
    ],
    heartbeat: { send: () => Promise.resolve(), every: Infinity },
    clock: { now: Date.now, elapsed: () => performance.now() },
    warn: (message) => assert.fail(message),
  });
  await service.look();
  await service.look();
  service.close();
  return sent;
}

function evidenceOf(state: State): string[] {
  const store = openForReading(state);
  const paths = store.evidence.all().map(({ path }) => path);
  store.close();
  return paths;
}

describe('a split view is on record once, and told once,', () => {
  const ways: [string, (from: State, to: State) => void][] = [
    ['copied', (from, to) => cpSync(from.directory, to.directory, { recursive: true })],
    ['moved', (from, to) => renameSync(from.directory, to.directory)],
    [
      'copied and then moved back over what was there',
      (from, to) => {
        cpSync(from.directory, `${to.directory}.copy`, { recursive: true });
        renameSync(`${to.directory}.copy`, to.directory);
      },
    ],
  ];
  for (const [how, bring] of ways)
    test(`where its store was ${how}`, async () => {
      const [from, to] = [fresh(), fresh()];
      proveFork(from);
      assert.equal((await told(from)).length, 1);
      bring(from, to);
      assert.deepEqual(await told(to), []);
      const [path, ...others] = evidenceOf(to);
      assert.deepEqual(others, []);
      assert(path?.startsWith(`${to.evidence}/`), path);
      const { faults, evidence } = checkStore(to);
      assert.deepEqual(faults, []);
      assert.equal(evidence, 1);
    });

  /** As the version before this one left it: with absolute paths, in the table and in alerts. */
  function asBefore(state: State, directories: readonly string[]): void {
    const [path] = evidenceOf(state);
    const name = basename(path ?? assert.fail('there is no evidence'));
    const rows = { evidence: 'path, log_id, first, second, first_size, second_size, created' };
    const present = new Database(state.database);
    const tables = ['trees', 'tree_heads', 'sightings', 'days', 'counters', 'data_planes'];
    const old = new Database(`${state.database}.old`);
    for (const step of MIGRATIONS.slice(0, 10)) old.exec(step);
    old.pragma('user_version = 10');
    present.close();
    old.prepare('ATTACH ? AS present').run(state.database);
    old.pragma('foreign_keys = OFF');
    for (const table of tables)
      old.exec(`INSERT INTO main.${table} SELECT * FROM present.${table}`);
    for (const directory of directories) {
      const absolute = join(directory, 'evidence', name);
      old
        .prepare(
          `INSERT INTO main.evidence (${rows.evidence}) SELECT ?, log_id, first, second, first_size, second_size, created FROM present.evidence`,
        )
        .run(absolute);
      old.prepare('INSERT INTO main.alerts VALUES (?, 1, ?)').run(`fork:${absolute}`, 'A fork.');
    }
    old.close();
    rmSync(state.database);
    renameSync(`${state.database}.old`, state.database);
  }

  for (const [what, directories] of [
    ['with absolute paths', (state: State) => [state.directory]],
    ['that was moved before', () => ['/var/lib/ctga']],
    [
      'that has it twice, since it was moved before',
      (state: State) => ["/srv/it's", state.directory],
    ],
  ] as const)
    test(`in a store of the version before, ${what}`, async () => {
      const state = fresh();
      proveFork(state);
      asBefore(state, directories(state));
      assert.deepEqual(await told(state), []);
      const [path, ...others] = evidenceOf(state);
      assert.deepEqual(others, []);
      assert(path?.startsWith(`${state.evidence}/`), path);
      assert.deepEqual(checkStore(state).faults, []);
    });
});

test('in a store of the version before, the newest list has told of the logs', () => {
  const state = fresh();
  mkdirSync(state.directory);
  const old = new Database(state.database);
  for (const step of MIGRATIONS.slice(0, 10)) old.exec(step);
  old.pragma('user_version = 10');
  const put = old.prepare('INSERT INTO log_lists (source, json, fetched) VALUES (?, ?, 1)');
  for (const [source, json] of Object.entries({
    old: '{"log_list_timestamp":"2026-05-01T00:00:00Z"}',
    new: '{"log_list_timestamp":"2026-06-01T00:00:00Z"}',
    undated: '{}',
    damaged: '{',
  }))
    put.run(source, Buffer.from(json));
  old
    .prepare(
      `INSERT INTO logs (log_id, key, description, url, api, mmd) VALUES (?, ?, '', '', 'rfc6962', 1)`,
    )
    .run(log.key.logId, log.key.spki);
  old.close();
  const store = openForWriting(state);
  assert.equal(store.logs.listedAt(log.key.logId), Date.UTC(2026, 5, 1));
  assert.match(store.exchange.identity(), /^[0-9a-f]{8}$/);
  store.close();
});

test('in a store of before words had a table, what others concluded and what they saw stays', () => {
  const state = fresh();
  mkdirSync(state.directory);
  const old = new Database(state.database);
  const before = MIGRATIONS.findIndex((step) => step.includes('CREATE TABLE words'));
  for (const step of MIGRATIONS.slice(0, before)) old.exec(step);
  old.pragma(`user_version = ${before}`);
  const { logId, treeSize, rootHash, timestamp, signature } = log.verified(3, treeOf(3).root());
  old
    .prepare(
      `INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen) VALUES (7, ?, ?, ?, 1)`,
    )
    .run(logId, padded(treeSize), rootHash);
  old
    .prepare('INSERT INTO tree_heads (id, tree, timestamp, signature) VALUES (5, 7, ?, ?)')
    .run(padded(timestamp), signature);
  const put = old.prepare('INSERT INTO imported VALUES (5, ?, ?, ?, ?)');
  put.run('there/0011aabb', 0, 'bad-proof', 'a reason');
  put.run('elsewhere/0011aabb', 3, 'consistent', null);
  put.run('silent/0011aabb', 2, null, null);
  old.close();
  const store = openForWriting(state);
  assert.deepEqual(
    store.exchange.foreignVerdicts(),
    new Map([
      [
        7,
        [
          {
            origin: { host: 'elsewhere', store: '0011aabb' },
            verdict: 'consistent',
            reason: undefined,
          },
          {
            origin: { host: 'there', store: '0011aabb' },
            verdict: 'bad-proof',
            reason: 'a reason',
          },
        ],
      ],
    ]),
  );
  store.close();
  const now = new Database(state.database, { readonly: true });
  assert.deepEqual(now.prepare('SELECT origin, count FROM imported ORDER BY origin').raw().all(), [
    ['elsewhere/0011aabb', 3],
    ['silent/0011aabb', 2],
  ]);
  now.close();
});

test('in a store of before rounds were in the rows of evidence, what was told stays told', () => {
  const state = fresh();
  mkdirSync(state.directory);
  const old = new Database(state.database);
  const before = MIGRATIONS.findIndex((step) => step.includes('DROP TABLE published_evidence'));
  for (const step of MIGRATIONS.slice(0, before)) old.exec(step);
  old.pragma(`user_version = ${before}`);
  const put = old.prepare(
    'INSERT INTO trees (log_id, tree_size, root_hash, first_seen) VALUES (?, ?, ?, 1)',
  );
  for (const size of [3, 4, 5])
    for (const branch of ['a', 'b'])
      put.run(log.key.logId, padded(BigInt(size)), treeOf(size, branch).root());
  // Of the last pair there is no evidence yet.
  for (const [name, first] of [
    ['told', 1],
    ['untold', 3],
  ] as const)
    old
      .prepare(
        `INSERT INTO evidence (path, log_id, first, second, first_size, second_size, created)
         VALUES (?, ?, ?, ?, ?, ?, 1)`,
      )
      // Whichever of the two was first.
      .run(`evidence/${name}.json`, log.key.logId, first + 1, first, padded(3n), padded(3n));
  // By the path that it had before the directory was moved.
  old
    .prepare('INSERT INTO published_evidence (path, rounds) VALUES (?, 7)')
    .run('/var/lib/elsewhere/evidence/told.json');
  old.close();
  const store = openForWriting(state);
  const next = store.publishing.nextEvidence();
  assert.equal(next?.path, join(state.evidence, 'untold.json'));
  store.publishing.evidenceArrived(next.path);
  assert.equal(store.publishing.nextEvidence()?.rounds, 1);
  for (let i = 0; i < 6; i++) store.publishing.evidenceArrived(next.path);
  store.publishing.evidenceArrived(next.path);
  assert.equal(store.publishing.nextEvidence()?.rounds, 7);
  assert.deepEqual(
    store.evidence.missing().map(([{ treeSize }]) => treeSize),
    [5n],
  );
  store.close();
});
