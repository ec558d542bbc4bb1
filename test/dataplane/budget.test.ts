// SPDX-License-Identifier: Apache-2.0
/** How budgets follow what the reader manages. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BudgetControl } from '../../src/dataplane/budget.ts';
import type { CopyBudget, DataPlaneCounters } from '../../src/dataplane/types.ts';

const USUAL: CopyBudget = {
  answersPerSecond: 50_000,
  fragmentsPerSecond: 20_000,
  answersShare: 1,
  fragmentsShare: 1,
};

/** A data plane and its reader, as far as the control sees them. */
class Scene {
  readonly #control: BudgetControl;
  readonly #totals = { copied: 0n, overBudget: 0n, seen: 0n, ringFull: 0n };
  #delivered = 0;
  budget: CopyBudget;

  constructor(usual = USUAL) {
    this.#control = new BudgetControl(usual);
    this.budget = usual;
    this.second({});
  }

  /** One second of answers. Everything copied is delivered unless told. */
  second(moved: {
    copied?: number;
    overBudget?: number;
    seen?: number;
    ringFull?: number;
    delivered?: number;
  }): CopyBudget {
    const { copied = 0, overBudget = 0, seen = 0, ringFull = 0, delivered = copied } = moved;
    this.#totals.copied += BigInt(copied);
    this.#totals.overBudget += BigInt(overBudget);
    this.#totals.seen += BigInt(seen);
    this.#totals.ringFull += BigInt(ringFull);
    this.#delivered += delivered;
    const t = { ...this.#totals };
    const counters = new Proxy({} as DataPlaneCounters, {
      get: (_, name) =>
        ({
          answers: t.copied + t.overBudget + t.seen + t.ringFull,
          answersCopied: t.copied,
          answersOverBudget: t.overBudget,
          answersSeen: t.seen,
          answersRingFull: t.ringFull,
        })[String(name)] ?? 0n,
    });
    this.budget = this.#control.next(this.budget, counters, {
      answers: this.#delivered,
      fragments: 0,
    });
    return this.budget;
  }
}

describe('a budget', () => {
  test('stays where it is while nothing happens', () => {
    assert.deepEqual(new Scene().second({ copied: 100 }), USUAL);
  });

  test('is halved while the ring is full, down to the least, and the other kind keeps its own', () => {
    const scene = new Scene();
    assert.equal(scene.second({ copied: 100, ringFull: 1 }).answersPerSecond, 25_000);
    for (let i = 0; i < 20; i++) scene.second({ copied: 100, ringFull: 1 });
    assert.equal(scene.budget.answersPerSecond, 200);
    assert.equal(scene.budget.fragmentsPerSecond, 20_000);
  });

  test('is halved while the reader lags', () => {
    assert.equal(
      new Scene().second({ copied: 50_000, delivered: 30_000 }).answersPerSecond,
      25_000,
    );
    assert.equal(
      new Scene().second({ copied: 50_000, delivered: 40_000 }).answersPerSecond,
      50_000,
    );
  });

  test('comes back to the usual when the reader keeps up', () => {
    const scene = new Scene();
    for (let i = 0; i < 5; i++) scene.second({ copied: 100, ringFull: 1 });
    for (let i = 0; i < 6; i++) scene.second({ copied: 100 });
    assert.equal(scene.budget.answersPerSecond, 50_000);
  });

  test('grows beyond the usual where more is asked for and the reader keeps up, to a limit, and shrinks again', () => {
    const scene = new Scene();
    scene.second({ copied: 50_000, overBudget: 10_000 });
    assert.equal(scene.budget.answersPerSecond, 55_000);
    for (let i = 0; i < 100; i++) scene.second({ copied: 50_000, overBudget: 10_000 });
    assert.equal(scene.budget.answersPerSecond, 400_000);
    for (let i = 0; i < 100; i++) scene.second({ copied: 10 });
    assert.equal(scene.budget.answersPerSecond, 50_000);
  });

  test('is what the operator asks for, though that is less than the least or more than the most', () => {
    for (const answersPerSecond of [1, 100, 1_000_000]) {
      const scene = new Scene({ ...USUAL, answersPerSecond });
      for (let i = 0; i < 3; i++)
        assert.equal(
          scene.second({ copied: 10, overBudget: 1 }).answersPerSecond >= answersPerSecond,
          true,
        );
      const lagging = new Scene({ ...USUAL, answersPerSecond });
      for (let i = 0; i < 20; i++) {
        const { answersPerSecond: now } = lagging.second({ ringFull: 1 });
        assert(now > 0 && now <= answersPerSecond, `${answersPerSecond}: ${now}`);
      }
    }
  });

  test('of 0 is no limit, and stays so', () => {
    const scene = new Scene({ ...USUAL, answersPerSecond: 0 });
    assert.equal(scene.second({ copied: 10, ringFull: 5 }).answersPerSecond, 0);
  });
});

describe('the share that is copied', () => {
  test('is that of the matches of the last second, repeats left out', () => {
    assert.equal(new Scene().second({ copied: 30, overBudget: 10, seen: 1000 }).answersShare, 0.75);
    assert.equal(new Scene().second({ copied: 0, ringFull: 10 }).answersShare, 0);
  });
  test('stays while nothing matches', () => {
    const scene = new Scene();
    scene.second({ copied: 1, overBudget: 1 });
    assert.equal(scene.second({ seen: 5 }).answersShare, 0.5);
  });
});
