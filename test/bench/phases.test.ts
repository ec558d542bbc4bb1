// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byPhases, type Difference, type Phase } from '../../bench/phases.ts';
import { exponent } from '../../bench/exponent.ts';
import { random } from '../support/random.ts';

const PHASES: readonly Phase[] = Array.from({ length: 16 }, (_, i) => ({
  from: i * 100,
  to: i * 100 + 90,
  isMuch: [1, 2].includes(i % 4),
}));

/** A hundred values a phase, of which the last ten are left out. */
function difference(seed: number, value: (phase: number, chance: number) => number): Difference {
  const draw = random(seed);
  const chance = (): number => draw(2 ** 31) / 2 ** 31;
  const samples = PHASES.flatMap(({ from }, phase) =>
    Array.from({ length: 100 }, (_, k) => ({ at: from + k, value: value(phase, chance()) })),
  );
  return byPhases(samples, PHASES, chance);
}

describe('phases', () => {
  test('that differ by a fifth of the spread are told apart', () => {
    const found = difference(1, (phase, chance) => chance + ([1, 2].includes(phase % 4) ? 0.2 : 0));
    assert(found.p < 0.01, `${found.p}`);
    assert(found.much > found.nothing);
    assert.equal(found.samples, 16 * 90);
  });

  test('of which a tenth of the values is another are told apart, though medians are the same', () => {
    const isOther = (phase: number, chance: number): boolean =>
      [1, 2].includes(phase % 4) && chance > 0.9;
    const found = difference(2, (phase, chance) => (isOther(phase, chance) ? 8283 : 8282));
    assert(found.p < 0.01, `${found.p}`);
    assert.deepEqual([found.nothing, found.much], [8282, 8282]);
  });

  test('that are alike are not, however much a machine slows down meanwhile', () => {
    for (const [what, value] of Object.entries({
      'chance alone': (_: number, chance: number) => chance,
      'slower and slower': (phase: number, chance: number) => phase + chance,
      'one phase is another': (phase: number, chance: number) => (phase === 5 ? 100 : chance),
      'one value': () => 7,
    })) {
      const { p } = difference(3, value);
      assert(p > 0.05, `${what}: ${p}`);
    }
  });

  test('of which one has nothing at all are told apart', () => {
    const much = PHASES.filter(({ isMuch }) => isMuch);
    const found = byPhases(
      much.map(({ from }) => ({ at: from, value: 1 })),
      PHASES,
    );
    assert.equal(found.p, 0);
    assert.equal(byPhases([], PHASES).p, 1);
  });
});

test('an exponent is that of the power', () => {
  const near = (found: number, wanted: number): void =>
    assert(Math.abs(found - wanted) < 1e-9, `${found}`);
  near(exponent([10, 100, 1000].map((x) => [x, 3 * x ** 1.5])), 1.5);
  near(exponent([10, 100, 1000].map((x) => [x, 7])), 0);
  near(
    exponent([
      [10, 0],
      [100, 4],
      [1000, 40],
    ]),
    1,
  );
});
