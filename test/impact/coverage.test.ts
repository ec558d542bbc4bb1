// SPDX-License-Identifier: Apache-2.0
/** Rankings and what they cover, against sums by hand and against every choice there is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  byGreedyCover,
  byHegemony,
  byPopularity,
  coverage,
  hegemony,
  type View,
} from '../../src/impact/coverage.ts';
import { band, shares } from '../../src/impact/figures.ts';
import { fc } from '../support/random.ts';

const view = (...actors: readonly number[]): View => ({ actors, shares: actors.map(() => 1) });
/** The paper's example (Section 5.3.3): z covers the probes of y already, but not x's. */
const PAPER = [
  view(10),
  view(10),
  view(10),
  view(20, 30),
  view(20, 30),
  view(20, 30),
  view(20, 30),
  view(30),
];

describe('a ranking', () => {
  test('by popularity is the paper', () => {
    assert.deepEqual(byPopularity(PAPER), [30, 20, 10]);
    assert.deepEqual(byPopularity([view(9), view(7)]), [7, 9]);
  });
  test('by greedy cover does not take whom it covers already', () =>
    assert.deepEqual(
      byGreedyCover(
        PAPER,
        PAPER.map(() => 1),
      ),
      [30, 10, 20],
    ));
  test('by greedy cover weighs', () =>
    assert.deepEqual(byGreedyCover([view(1), view(2), view(2)], [5, 1, 1]), [1, 2]));
  test('by hegemony leaves a tenth out at both ends', () => {
    // Ten clients: AS 1 is crossed by all, half of the time; AS 2 by one, always.
    const views = Array.from({ length: 10 }, (_, i): View =>
      i === 0 ? { actors: [1, 2], shares: [0.5, 1] } : { actors: [1], shares: [0.5] },
    );
    assert.deepEqual(
      hegemony(views),
      new Map([
        [1, 0.5],
        [2, 0],
      ]),
    );
    // Of fewer than ten nobody is left out.
    assert.deepEqual(
      hegemony(views.slice(0, 4)),
      new Map([
        [1, 0.5],
        [2, 0.25],
      ]),
    );
    assert.deepEqual(byHegemony([view(5), view(5, 4), { actors: [3], shares: [0.1] }]), [5, 4, 3]);
  });
});

describe('coverage', () => {
  test('of the paper: the first covers five of eight, the second no more', () => {
    const one = PAPER.map(() => 1);
    assert.deepEqual(coverage(PAPER, one, [30, 20, 10], 4), [5 / 8, 5 / 8, 1, 1]);
    assert.deepEqual(coverage(PAPER, one, [30, 10], 2), [5 / 8, 1]);
  });
  test('weighs', () =>
    assert.deepEqual(coverage([view(1), view(2)], [3, 1], [2, 1], 2), [0.25, 1]));
  test('of nobody is no number', () => assert.deepEqual(coverage([], [], [1], 1), [NaN]));
  test('does not count an actor beyond the first N', () =>
    assert.deepEqual(coverage([view(1), view(2)], [1, 1], [1, 3, 2], 2), [0.5, 0.5]));

  const arbitraryViews = fc.array(fc.uniqueArray(fc.nat(6), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  });
  test('is what asking each client says', () => {
    fc.assert(
      fc.property(arbitraryViews, fc.uniqueArray(fc.nat(6)), (lists, ranking) => {
        const found = coverage(
          lists.map((list) => view(...list)),
          lists.map(() => 1),
          ranking,
          7,
        );
        for (const [i, share] of found.entries()) {
          const first = ranking.slice(0, i + 1);
          const covered = lists.filter((list) => list.some((actor) => first.includes(actor)));
          assert.equal(share, covered.length / lists.length);
        }
      }),
    );
  });
  test('of the greedy cover is at least 1 - 1/e of the best there is', () => {
    fc.assert(
      fc.property(arbitraryViews, fc.integer({ min: 1, max: 3 }), (lists, n) => {
        const views = lists.map((list) => view(...list));
        const one = lists.map(() => 1);
        const best = (chosen: number[], from: number): number =>
          chosen.length === n
            ? (coverage(views, one, chosen, n)[n - 1] ?? 0)
            : Math.max(
                coverage(views, one, chosen, n)[n - 1] ?? 0,
                ...Array.from({ length: 7 - from }, (_, i) =>
                  best([...chosen, from + i], from + i + 1),
                ),
              );
        const greedy = coverage(views, one, byGreedyCover(views, one), n)[n - 1] ?? 0;
        assert(greedy >= (1 - 1 / Math.E) * best([], 0) - 1e-9);
        assert(greedy <= best([], 0) + 1e-9);
      }),
    );
  });
});

test('a band is from the lowest to the highest, point by point', () => {
  assert.deepEqual(
    band([
      [1, 9],
      [3, 5],
      [2, 7],
    ]),
    { values: [2, 7], low: [1, 5], high: [3, 9] },
  );
  assert.deepEqual(band([[1], [2]]), { values: [1.5], low: [1], high: [2] });
  assert.throws(() => band([]), RangeError);
});

test('shares of nothing are 0', () => {
  assert.deepEqual(shares([1, 3]), [0.25, 0.75]);
  assert.deepEqual(shares([0, 0]), [0, 0]);
});
