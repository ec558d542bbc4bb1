// SPDX-License-Identifier: Apache-2.0
/** What a witness believes of its own database, and that nobody writes between reading and storing. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { StoreError } from '../../src/disk/error.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, type Harness } from './harness.ts';

const [one, two] = [new CheckpointLog(), new CheckpointLog({ name: 'log.test/gamma' })];
const [tree, fork] = [treeOf(9, 'a', 2), treeOf(9, 'b', 2)];

/** A witness that cosigned five leaves of each log, and its database as others may open it. */
function witnessOfTwo(t: TestContext): { made: Harness; raw: Database.Database } {
  const made = makeWitness([one.asLog(), two.asLog()]);
  const raw = new Database(join(made.directory, 'witness/witness.sqlite'), { timeout: 0 });
  t.after(() => {
    raw.close();
    made.end();
  });
  for (const log of [one, two]) assert.equal(add(made, log, 0, 5), 200);
  return { made, raw };
}

function add({ witness }: Harness, log: CheckpointLog, old: number, size: number): number {
  const proof = old > 0 && old < size ? tree.consistencyProof(old, size) : [];
  return witness.addCheckpoint(addBody(old, proof, log.checkpoint(size, tree.root(size)))).status;
}

const isDamaged = (error: unknown): boolean =>
  error instanceof StoreError && error.code === 'store-damaged';

test('a root that somebody put into the database is not what was cosigned', (t) => {
  const { made, raw } = witnessOfTwo(t);
  const text = (of: typeof tree): string => Buffer.from(of.root(5)).toString('base64');
  raw
    .prepare('UPDATE cosigned SET note = replace(note, ?, ?) WHERE origin = ?')
    .run(text(tree), text(fork), one.origin);
  assert.throws(() => add(made, one, 5, 9), isDamaged);
  assert.throws(() => made.store.cosigned(one.origin), isDamaged);
  assert.equal(add(made, two, 5, 9), 200, 'of another log all is as it was');
});

test("nor is another log's checkpoint that was put in its place", (t) => {
  const { made, raw } = witnessOfTwo(t);
  raw
    .prepare('UPDATE cosigned SET note = (SELECT note FROM cosigned WHERE origin = ?)')
    .run(two.origin);
  assert.throws(() => add(made, one, 5, 9), isDamaged);
  assert.equal(add(made, two, 5, 9), 200);
});

test('from reading what was cosigned last until the next is stored, nobody else can write', (t) => {
  const { made, raw } = witnessOfTwo(t);
  const note = made.store.cosigned(one.origin)?.note ?? '';
  made.store.update(one.origin, (latest) => {
    assert.equal(latest?.note, note);
    assert.throws(() => raw.exec('BEGIN IMMEDIATE'), /locked/);
    return { made: { note, logNote: note } };
  });
  raw.exec('BEGIN IMMEDIATE; ROLLBACK');
});

test('a cosignature of which a part cannot be stored is not stored, and nobody gets it', (t) => {
  const { made, raw } = witnessOfTwo(t);
  const before = made.store.cosigned(one.origin);
  raw.exec("CREATE TRIGGER full BEFORE INSERT ON past BEGIN SELECT RAISE(ABORT, 'full'); END");
  assert.throws(() => add(made, one, 5, 9), StoreError);
  assert.deepEqual(made.store.cosigned(one.origin), before);
  assert.equal(made.store.past(one.origin, 9n), undefined);
  raw.exec('DROP TRIGGER full');
  assert.equal(add(made, one, 5, 9), 200);
  assert.notEqual(made.store.past(one.origin, 9n), undefined);
});

test('of each log a thousand former checkpoints are kept, the newest', (t) => {
  const { made, raw } = witnessOfTwo(t);
  raw.exec(`INSERT INTO past (origin, size, note)
    WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
    SELECT '${one.origin}', i, 'x' FROM n`);
  assert.equal(add(made, one, 5, 9), 200);
  const count = raw.prepare('SELECT count(*) FROM past WHERE origin = ?').pluck();
  assert.deepEqual([count.get(one.origin), count.get(two.origin)], [1000, 1]);
  assert.notEqual(made.store.past(one.origin, 9n), undefined);
  assert.equal(made.store.past(one.origin, 5n), undefined);
});
