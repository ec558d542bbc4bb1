// SPDX-License-Identifier: Apache-2.0
/**
 * The bench's statistics, against values of SciPy 1.17: mannwhitneyu and ks_2samp, both asymptotic.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kolmogorovSmirnov, mannWhitney, median, percentile } from '../../bench/statistics.ts';
import { linePlot, table } from '../../bench/report.ts';

const near = (found: number, wanted: number, by: number): void =>
  assert(Math.abs(found - wanted) <= by, `${found}, want ${wanted}`);

describe('percentiles', () => {
  test('are values of the sample', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2);
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), 9);
    assert.equal(percentile([7], 0), 7);
  });
  test('of nothing are an error', () => assert.throws(() => median([]), RangeError));
});

describe('Mann and Whitney', () => {
  test('samples apart', () => {
    const { p, effect } = mannWhitney([1, 2, 3, 4, 5, 6, 7, 8], [11, 12, 13, 14, 15, 16, 17, 18]);
    near(p, 0.0009391057, 2e-7);
    assert.equal(effect, 1);
  });
  test('samples alike', () => {
    const { p, effect } = mannWhitney([1, 2, 3, 4], [1, 2, 3, 4]);
    assert.equal(p, 1);
    assert.equal(effect, 0);
  });
  test('with ties', () => {
    const { p, effect } = mannWhitney([1, 1, 2, 2, 3, 3, 4, 4], [2, 2, 3, 3, 4, 4, 5, 5]);
    near(effect, 2 * (46 / 64) - 1, 1e-12); // U = 64 - 18
    near(p, 0.1463990993, 1e-6);
  });
  test('nothing varies', () =>
    assert.deepEqual(mannWhitney([5, 5, 5], [5, 5, 5]), { p: 1, effect: 0 }));
});

describe('Kolmogorov and Smirnov', () => {
  test('samples apart', () => {
    const { p, distance } = kolmogorovSmirnov(
      [1, 2, 3, 4, 5, 6, 7, 8],
      [11, 12, 13, 14, 15, 16, 17, 18],
    );
    assert.equal(distance, 1);
    assert(p < 0.001);
  });
  test('samples alike', () =>
    assert.deepEqual(kolmogorovSmirnov([1, 2, 3], [1, 2, 3]), { p: 1, distance: 0 }));
  test('shifted', () => {
    const first = Array.from({ length: 40 }, (_, i) => 0.1 * i);
    const second = Array.from({ length: 50 }, (_, i) => 0.1 * i + 0.7);
    const { p, distance } = kolmogorovSmirnov(first, second);
    near(distance, 0.345, 1e-9);
    near(p, 0.00765, 0.002); // ours has Stephens' correction for small samples
    near(mannWhitney(first, second).p, 0.00024984, 2e-7);
  });
  test('half apart', () =>
    near(kolmogorovSmirnov([1, 2, 3, 4], [3, 4, 5, 6]).distance, 0.5, 1e-12));
});

describe('reports', () => {
  test('a table reads as text, too', () => {
    assert.equal(
      table(['a', 'long'], [['value', 'x']]),
      '| a     | long |\n|-------|------|\n| value | x    |\n',
    );
  });
  test('a plot has a line for each series, from 0', () => {
    const svg = linePlot('T', 'x', 'y', [
      {
        name: 'one',
        points: [
          [0, 1],
          [100, 2],
        ],
      },
      {
        name: 'two',
        points: [
          [0, 2],
          [100, 1],
        ],
      },
    ]);
    assert.equal(svg.match(/<path d="M[0-9.]+ [0-9.]+L/g)?.length, 2);
    assert.match(svg, />one</);
    assert.match(svg, />0</);
  });
});
