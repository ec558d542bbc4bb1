// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff, longestWait } from '../../src/base/back-off.ts';

const DAY = 86_400_000;

test('the wait doubles from the first to the longest, and stays there', () => {
  const cases: readonly (readonly [failures: number, wait: number])[] = [
    [1, 60_000],
    [2, 120_000],
    [11, 61_440_000],
    [12, DAY],
    [1_000_000, DAY],
  ];
  for (const [failures, wait] of cases)
    assert.equal(backOff({ first: 60_000, longest: DAY }, failures), wait, `${failures}`);
});

test('a scattered wait stays within its bounds', () => {
  const policy = { first: 1000, longest: DAY, scatter: [0.5, 1.5] } as const;
  assert.equal(longestWait(policy), DAY * 1.5);
  for (let i = 0; i < 1000; i++) {
    const wait = backOff(policy, 1);
    assert(wait >= 500 && wait < 1500, `${wait}`);
  }
});

test('no failure is a bug of the caller', () => {
  assert.throws(() => backOff({ first: 1, longest: 2 }, 0), RangeError);
});
