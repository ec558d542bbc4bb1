// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCome } from '../../src/base/clock.ts';

test('what was put off has come when it is due, or lies further ahead than anything is put off', () => {
  const [now, longest] = [1_000_000, 1000];
  for (const [time, expected] of [
    [0, true],
    [now, true],
    [now + 1, false],
    [now + longest, false],
    [now + longest + 1, true],
    [Number.MAX_SAFE_INTEGER, true],
  ] as const)
    assert.equal(hasCome(time, now, longest), expected, String(time));
});
