// SPDX-License-Identifier: Apache-2.0
/** What is concluded where a log gave no proof: every case there is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patienceWith, verdictWithoutProof, type Outcome } from '../../src/challenger/decision.ts';
import { VERDICTS, type Verdict } from '../../src/store/verdicts.ts';

// prettier-ignore
const TABLE: readonly (readonly [Outcome, inTime: Verdict, overdue: Verdict])[] = [
  ['refused',   'skewed',      'unprovable'],
  ['bad-proof', 'bad-proof',   'unprovable'],
  ['no-answer', 'unreachable', 'unreachable'],
];

describe('without a proof', () => {
  for (const [outcome, inTime, overdue] of TABLE) {
    for (const before of VERDICTS) {
      const sticks = outcome === 'no-answer' && before === 'unprovable';
      test(`${outcome}, after ${before}`, () => {
        const verdict = (isOverdue: boolean): Verdict =>
          verdictWithoutProof(outcome, { before, isOverdue });
        assert.equal(verdict(false), sticks ? 'unprovable' : inTime);
        assert.equal(verdict(true), sticks ? 'unprovable' : overdue);
      });
    }
  }
});

test('a log has its MMD to prove a tree, and an hour at least', () => {
  for (const [mmd, want] of [
    [0, 3_600_000],
    [60, 3_600_000],
    [86_400, 86_400_000],
  ] as const)
    assert.equal(patienceWith({ mmd }), want);
});
