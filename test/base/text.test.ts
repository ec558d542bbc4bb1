// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plural, time } from '../../src/base/text.ts';

test('times are UTC to the second, and a number where no date is that far', () => {
  assert.equal(time(1795211283000), '2026-11-20 21:48:03 UTC');
  assert.equal(time(1795211283999n), '2026-11-20 21:48:03 UTC');
  assert.equal(time(2n ** 63n), `${2n ** 63n} ms`);
});

test('one is singular, all other counts are plural', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => plural(count, 'log')),
    ['0 logs', '1 log', '2 logs'],
  );
  assert.equal(plural(2n, 'entry', 'entries'), '2 entries');
});
