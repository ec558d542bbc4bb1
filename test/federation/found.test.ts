// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { hex } from '../../src/federation/bytes.ts';
import { attachmentOf } from '../../src/federation/cosignatures.ts';
import { FoundByFollowing } from '../../src/federation/found.ts';
import type { Proposed } from '../../src/federation/statement.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const signing = new SigningLog();
const log = signing.asLog({ api: 'static-ct' });
const SIZE: number = 700;
const START: number = 256;
const tree = treeOf(SIZE);
const NOW = 1_800_000_000_000;

function proposed(head: VerifiedStatement): Proposed {
  const { logId: id, treeSize, rootHash } = head;
  return { statement: { kind: 'head', id, treeSize, rootHash }, attachment: attachmentOf(head) };
}

const headOf = (size: number, of = tree): VerifiedStatement =>
  signing.verified(size, of.root(size));

/** A challenger that was shown a tree of 700 leaves, and has those from 256 on. */
function following(): { hashes: HashStore; found: FoundByFollowing; time: { now: number } } {
  const hashes = HashStore.inMemory();
  const rows = hashes.rows(log);
  const { id } = rows.putHead(headOf(SIZE), NOW);
  rows.setState({
    mode: 'leaves',
    shown: id,
    held: {
      start: BigInt(START),
      end: BigInt(SIZE),
      nodes: [[0n, BigInt(START), tree.node(8, 0)]],
      head: id,
    },
    target: BigInt(START),
    bytesPerLeaf: 32,
    budget: 1000,
    pattern: newPattern(() => 0.5),
  });
  for (let first = START; first < SIZE; first += 256) {
    const count = Math.min(256, SIZE - first);
    const leaves = Array.from({ length: count }, (_, i) => tree.node(0, first + i));
    const hash = count === 256 ? tree.node(8, first / 256) : undefined;
    rows.putTile(BigInt(first / 256), new Uint8Array(Buffer.concat(leaves)), hash);
  }
  rows.addVisit(NOW, true);
  const time = { now: NOW };
  const logs = new Map([[hex(log.key.logId), log]]);
  return {
    hashes,
    time,
    found: new FoundByFollowing(
      () => hashes,
      logs,
      () => time.now,
    ),
  };
}

test('what is stated is what the log showed to everybody, and is proven', () => {
  const { hashes, found } = following();
  const sizes = (): unknown[] =>
    found.candidates().map(({ statement }) => statement.kind === 'head' && statement.treeSize);
  assert.deepEqual(sizes(), [BigInt(SIZE)]);
  const [mine] = found.candidates();
  assert.ok(mine !== undefined && found.judge(mine) === 'stated');
  // Shown, and not proven by anything.
  hashes.rows(log).putHead(headOf(900, treeOf(900)), NOW);
  assert.deepEqual(sizes(), [BigInt(SIZE)]);
  assert.equal(found.judge(proposed(headOf(900, treeOf(900)))), 'unknown');
});

test('a head of others is judged by the leaves that are here', async () => {
  const { found } = following();
  for (const size of [START, 300, 512, SIZE])
    assert.equal(found.judge(proposed(headOf(size))), 'stated', `size ${size}`);
  for (const size of [100, START - 1])
    assert.equal(found.judge(proposed(headOf(size))), 'unknown', `size ${size}`);
  assert.equal(found.judge(proposed(headOf(800, treeOf(800)))), 'unknown');
  // What the log did not sign, and what is of a log that nobody knows.
  const good = proposed(headOf(300));
  const forged = { ...good, attachment: attachmentOf(headOf(301)) };
  assert.equal(found.judge(forged), 'refused');
  const stranger = new SigningLog();
  assert.equal(found.judge(proposed(stranger.verified(300, tree.root(300)))), 'unknown');
  assert.deepEqual(await found.convictions(), []);
});

test('a head that contradicts the public tree is refused, and convicts', async () => {
  for (const size of [300, 512, SIZE]) {
    const { found } = following();
    assert.equal(found.judge(proposed(headOf(size, treeOf(size, 'other')))), 'refused');
    const [bundle, ...more] = await found.convictions();
    assert.ok(bundle !== undefined && more.length === 0);
    const checks = verifyEvidence(parseEvidence(bundle, 'bundle'));
    assert.ok(
      checks.every(({ holds }) => holds),
      `size ${size}`,
    );
    assert.deepEqual(await found.convictions(), []);
  }
});

test('a log is accused once it has been silent for as long as it may lag', () => {
  const { hashes, found, time } = following();
  const rows = hashes.rows(log);
  rows.addVisit(NOW + 1000, false);
  time.now = NOW + 86_400_000;
  assert.equal(found.candidates()[0]?.statement.kind, 'head');
  time.now += 1;
  const [accusation] = found.candidates();
  assert.ok(accusation?.statement.kind === 'accusation');
  assert.equal(found.judge(accusation), 'stated');
  rows.addVisit(time.now, true);
  assert.equal(found.candidates()[0]?.statement.kind, 'head');
  assert.equal(found.judge(accusation), 'unknown');
});
