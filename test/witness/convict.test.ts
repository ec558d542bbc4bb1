// SPDX-License-Identifier: Apache-2.0
/** What convicts a log is never missed in silence: disks that take nothing, and logs that sign much. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { StoreError } from '../../src/disk/error.ts';
import { judgeProof } from '../../src/evidence/judge.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, openWitness, type Harness } from './harness.ts';

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
  for (const log of [one, two]) assert.equal(bring(made, log, tree, 0, 5), 200);
  return { made, raw };
}

function bring(
  made: Harness,
  log: CheckpointLog,
  of: typeof tree,
  old: number,
  n: number,
  proof: readonly MerkleHash[] = [],
): number {
  const body = addBody(old, proof, log.checkpoint(n, of.root(n)));
  return made.witness.addCheckpoint(body).status;
}

const provenBy = ({ events }: Harness): unknown[] =>
  events.flatMap((each) => (each.event === 'fork-proven' ? each.evidence : []));

test('evidence that cannot be written is written as soon as it can be', (t) => {
  const { made } = witnessOfTwo(t);
  writeFileSync(made.evidence, 'a file in the place of the directory');
  assert.equal(bring(made, one, fork, 5, 5), 422);
  assert.deepEqual(made.store.counts(), { open: 1, malformed: 0, 'fork-proven': 0 });
  assert.equal(made.errors.length, 1);
  made.convictions.settleAll();
  assert.deepEqual([made.errors.length, made.events], [2, []]);
  rmSync(made.evidence);
  made.convictions.settleAll();
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 1 });
});

test('nor what its log proves when it is asked', async (t) => {
  const { made } = witnessOfTwo(t);
  assert.equal(bring(made, one, fork, 0, 7), 409);
  writeFileSync(made.evidence, 'a file in the place of the directory');
  const settle = (): Promise<void> =>
    made.convictions.settle(one.origin, async (_, first, second) => {
      const { judgeProof } = await import('../../src/evidence/judge.ts');
      return judgeProof(first, second, {
        kind: 'consistency',
        hashes: fork.consistencyProof(5, 7),
      });
    });
  await settle();
  assert.deepEqual([made.store.counts().open, made.errors.length], [1, 1]);
  rmSync(made.evidence);
  await settle();
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 1 });
});

test('what neither the database nor the directory takes is kept in mind', (t) => {
  const { made, raw } = witnessOfTwo(t);
  raw.exec("CREATE TRIGGER full BEFORE INSERT ON refused BEGIN SELECT RAISE(ABORT, 'full'); END");
  writeFileSync(made.evidence, 'a file in the place of the directory');
  assert.throws(() => bring(made, one, fork, 5, 5), StoreError);
  for (let minute = 0; minute < 3; minute++)
    assert.throws(() => made.convictions.settleAll(), StoreError);
  raw.exec('DROP TRIGGER full');
  rmSync(made.evidence);
  made.convictions.settleAll();
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 1 });
});

test('a log of which a thousand are kept is convicted all the same, and it is said', (t) => {
  const { made, raw } = witnessOfTwo(t);
  const note = one.checkpoint(7, fork.root(7));
  raw
    .prepare(
      `INSERT INTO refused (origin, note, cosigned, status, proof, at, tree, state)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        SELECT ?, ?, ?, 409, '', 0, i, 'open' FROM n`,
    )
    .run(one.origin, note, note);
  assert.equal(bring(made, one, fork, 5, 5), 422);
  assert.equal(provenBy(made).length, 1);
  const failures = made.events.filter(({ event }) => event === 'failed');
  assert.match(JSON.stringify(failures), /so many of its checkpoints were refused/);
  assert.deepEqual(made.store.counts(), { open: 999, malformed: 0, 'fork-proven': 1 });
  assert.equal(bring(made, one, fork, 5, 6), 422, 'nothing shows that yet');
  assert.deepEqual(made.store.counts(), { open: 999, malformed: 0, 'fork-proven': 1 });
  assert.equal(bring(made, two, fork, 5, 5), 422);
  assert.equal(made.store.counts()['fork-proven'], 2, 'the other log has room of its own');
  // Whoever has its key cannot fill the disk with evidence.
  raw.exec(`UPDATE refused SET state = 'fork-proven' WHERE origin = '${one.origin}'`);
  for (let i = 0; i < 5; i++) assert.equal(bring(made, one, treeOf(9, `other ${i}`), 5, 5), 422);
  assert.equal(provenBy(made).length, 2);
  assert.equal(made.store.counts()['fork-proven'], 1001);
});

test('a log is asked about its own trees alone', async (t) => {
  const { made } = witnessOfTwo(t);
  for (const log of [one, two]) assert.equal(bring(made, log, tree, 0, 4), 409);
  const asked: unknown[] = [];
  await made.convictions.settle(one.origin, (log) => {
    asked.push(log.key);
    return Promise.resolve({ verdict: 'consistent' });
  });
  assert.deepEqual(asked, [one.key]);
  assert.equal(made.store.counts().open, 1);
});

test('a request that is malformed by its old size convicts by what the log signed', (t) => {
  const { made } = witnessOfTwo(t);
  assert.equal(bring(made, one, tree, 6, 5), 400);
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 0 });
  assert.equal(bring(made, one, fork, 6, 5), 400);
  assert.equal(provenBy(made).length, 1);
  const stranger = new CheckpointLog();
  assert.equal(bring(made, stranger, fork, 6, 5), 403, 'it has the name of the first log');
  assert.equal(provenBy(made).length, 1);
});

const proven = (n: number): unknown => ({ open: 0, malformed: 0, 'fork-proven': n });

test('two roots of one size convict, though neither was cosigned', (t) => {
  const { made } = witnessOfTwo(t);
  assert.equal(bring(made, one, tree, 0, 7), 409);
  assert.equal(bring(made, one, fork, 0, 8), 409);
  assert.deepEqual(made.events, []);
  assert.equal(bring(made, one, fork, 0, 7), 409);
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), { open: 1, malformed: 0, 'fork-proven': 2 });
  made.convictions.settleAll();
  for (const of of [tree, fork]) assert.equal(bring(made, one, of, 0, 7), 409, 'again');
  assert.equal(provenBy(made).length, 1, 'it is told of once');
});

test('what was refused before anything was cosigned is held against what is cosigned then', (t) => {
  const log = new CheckpointLog();
  const made = makeWitness([log.asLog()]);
  t.after(() => made.end());
  assert.equal(bring(made, log, fork, 3, 5), 409);
  assert.equal(bring(made, log, tree, 3, 6), 409);
  assert.equal(bring(made, log, tree, 0, 5), 200);
  assert.equal(bring(made, log, tree, 5, 6, tree.consistencyProof(5, 6)), 200);
  made.convictions.settleAll();
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), proven(1), 'the other one was cosigned after all');
});

test('nor is it lost below an empty tree, which every history has', (t) => {
  const log = new CheckpointLog();
  const made = makeWitness([log.asLog()]);
  t.after(() => made.end());
  assert.equal(bring(made, log, tree, 0, 0), 200);
  assert.equal(bring(made, log, fork, 3, 5), 409);
  assert.equal(bring(made, log, tree, 0, 5), 200);
  made.convictions.settleAll();
  assert.deepEqual(made.store.counts(), proven(1));
});

test('a proof that comes later convicts what is kept already, and is told of once', (t) => {
  const { made } = witnessOfTwo(t);
  assert.equal(bring(made, one, fork, 0, 9), 409);
  assert.equal(made.store.counts().open, 1);
  for (let i = 0; i < 3; i++)
    assert.equal(bring(made, one, fork, 5, 9, fork.consistencyProof(5, 9)), 422);
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), proven(1));
});

test('a proof from a tree that was cosigned long ago convicts, though it is not the last', (t) => {
  const { made } = witnessOfTwo(t);
  assert.equal(bring(made, one, tree, 5, 7, tree.consistencyProof(5, 7)), 200);
  assert.equal(bring(made, one, fork, 5, 9, fork.consistencyProof(5, 9)), 409);
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), proven(1));
});

test('a tree that goes on from what was cosigned is kept until it is proven a part of it', async (t) => {
  const log = new CheckpointLog();
  const made = makeWitness([log.asLog()]);
  t.after(() => made.end());
  const [main, branch] = [treeOf(9, 'a', 5), treeOf(9, 'b', 5)];
  const settleBy = (of: typeof tree): Promise<void> =>
    made.convictions.settle(log.origin, (_, first, second) => {
      const hashes = of.consistencyProof(Number(first.treeSize), Number(second.treeSize));
      return Promise.resolve(judgeProof(first, second, { kind: 'consistency', hashes }));
    });
  assert.equal(bring(made, log, main, 0, 5), 200);
  assert.equal(bring(made, log, branch, 0, 7), 409);
  assert.equal(bring(made, log, main, 0, 6), 409);
  await settleBy(branch);
  assert.equal(made.store.counts().open, 2, 'both go on from five leaves');
  assert.equal(bring(made, log, main, 5, 9, main.consistencyProof(5, 9)), 200);
  await settleBy(main);
  assert.equal(provenBy(made).length, 1);
  assert.deepEqual(made.store.counts(), proven(1));
});

test("a log is not accused of what its origin's former key signed", (t) => {
  const former = makeWitness([one.asLog()]);
  assert.equal(bring(former, one, tree, 0, 5), 200);
  former.store.close();
  const log = new CheckpointLog();
  const made = openWitness(former.directory, [log.asLog()]);
  t.after(() => made.end());
  assert.equal(bring(made, log, fork, 5, 5), 422);
  made.convictions.settleAll();
  assert.deepEqual(made.events, []);
  assert.deepEqual(made.store.counts(), { open: 1, malformed: 0, 'fork-proven': 0 });
});

test('nor of what a damaged database says that was signed', (t) => {
  const { made, raw } = witnessOfTwo(t);
  assert.equal(bring(made, one, tree, 5, 7, tree.consistencyProof(5, 7)), 200);
  const root = (of: typeof tree): string => Buffer.from(of.root(5)).toString('base64');
  const past = raw.prepare('UPDATE past SET note = replace(note, ?, ?) WHERE size = ?');
  past.run(root(tree), root(fork), '5');
  assert.equal(bring(made, one, tree, 0, 5), 409);
  assert.deepEqual(made.events, []);
  raw.exec("UPDATE past SET note = 'x'; UPDATE refused SET note = 'x', cosigned = 'x'");
  assert.equal(bring(made, one, fork, 0, 5), 409, 'what is no checkpoint spoils nothing else');
  made.convictions.settleAll();
  assert.deepEqual([made.events, made.errors], [[], []]);
});
