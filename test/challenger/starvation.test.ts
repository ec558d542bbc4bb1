// SPDX-License-Identifier: Apache-2.0
/**
 * A busy log whose fork waits in the queue: a simulation, challenge after challenge. Each tree has
 * an answer within the bound that docs/OPERATIONS.md names, however many new ones come.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog } from '../../src/challenger/challenge.ts';
import type { Log } from '../../src/logs/log.ts';
import { memoryStore } from '../../src/store/state.ts';
import { FakeApi } from '../support/fake-api.ts';
import { treeOf, type LogTree } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const START = 1_800_000_000_000;
const HOUR = 3_600_000;
const SIZE = 5000;
const honest = treeOf(SIZE, 'a', 100);
const forked = treeOf(SIZE, 'b', 100);

interface Simulated {
  /** Challenges until the fork was proven. */
  readonly proven: number;
  /** Proofs asked for, by challenge. */
  readonly asked: readonly number[];
  /** The most challenges that any tree waited for a verdict. */
  readonly longest: number;
}

/**
 * `waiting` honest heads and a fork among them; before each challenge the log grows and `fresh`
 * more heads of it are seen, all of them larger than those before.
 */
async function simulate(
  {
    waiting,
    fresh,
    questions,
    rounds,
  }: Readonly<Record<string, number>> & {
    waiting: number;
    fresh: number;
    questions: number;
    rounds: number;
  },
  finalTree?: Log['finalTree'],
): Promise<Simulated> {
  const [store, api] = [memoryStore(), new FakeApi(honest, 1000)];
  const { log } = api;
  let now = START;
  const seenAt = new Map<bigint, number>();
  const answeredAt = new Map<bigint, number>();
  const see = (size: number, tree: LogTree, round: number): void => {
    const head = log.verified(size, tree.root(size), BigInt(now));
    store.heads.record([{ head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 }]);
    seenAt.set(BigInt(size), round);
  };
  for (let i = 0; i < waiting; i++) see(200 + 2 * i, honest, 0);
  see(150, forked, 0);
  const asked: number[] = [];
  let proven = Infinity;
  for (let round = 1; round <= rounds; round++) {
    now += HOUR;
    for (let i = 0; i < fresh; i++) see(api.size + 1 + i, honest, round - 1);
    api.size += fresh + 1;
    api.requests.length = 0;
    const failure = await challengeLog(log.asLog({ finalTree }), {
      store,
      evidenceDirectory: directory,
      paths: [api.fetch],
      questions,
      onNotice: () => undefined,
      onVerdict: ({ tree, verdict }) => {
        if (!answeredAt.has(tree.treeSize)) answeredAt.set(tree.treeSize, round);
        if (verdict === 'fork-proven') proven = Math.min(proven, round);
      },
      signal: new AbortController().signal,
      now: () => now,
      ignoreBackOff: false,
    });
    assert.equal(failure, undefined);
    asked.push(api.requests.filter((each) => each !== 'get-sth').length);
  }
  const longest = [...seenAt]
    .filter(([, at]) => at <= rounds / 2)
    .map(([size, at]) => (answeredAt.get(size) ?? Infinity) - at);
  return { proven, asked, longest: Math.max(...longest) };
}

describe('a fork behind eighty honest heads', () => {
  for (const [questions, fresh] of [
    [4, 0],
    [4, 2],
    [4, 8],
    [2, 3],
    [1, 3],
    [16, 40],
  ] as const) {
    const bound = Math.ceil(81 / Math.max(1, questions - 1));
    test(`with ${questions} questions and ${fresh} new heads a challenge: proven within ${bound}`, async () => {
      const { proven, asked } = await simulate({ waiting: 80, fresh, questions, rounds: bound });
      assert(proven <= bound, `after ${proven} challenges`);
      // Whatever waits, the log is asked the same.
      assert.deepEqual(new Set(asked), new Set([questions]));
    });
  }

  test('of a read-only log that goes on growing: its final tree takes one question at most', async () => {
    const finalTree = { treeSize: 900n, rootHash: honest.root(900) };
    const options = { waiting: 80, fresh: 4, questions: 4, rounds: 41 };
    const { proven, asked } = await simulate(options, finalTree);
    assert(proven <= 41, `after ${proven} challenges`);
    assert.deepEqual(new Set(asked), new Set([4]));
  });

  test('and every head has its verdict in time, where no more come than questions', async () => {
    const { longest } = await simulate({ waiting: 20, fresh: 1, questions: 4, rounds: 60 });
    assert(longest <= 8, `one waited for ${longest} challenges`);
  });
});
