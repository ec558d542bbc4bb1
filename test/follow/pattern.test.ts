// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH, newPattern, nextBlock } from '../../src/follow/pattern.ts';
import { fc, random, SEED } from '../support/random.ts';

function chanceOf(seed: number): () => number {
  const below = random(seed);
  return () => below(2 ** 30) / 2 ** 30;
}

test('whatever waits, a batch differs in one place from what it is if nothing waits', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.bigInt({ min: 1n, max: 2n ** 40n }),
      fc.array(fc.option(fc.bigInt({ min: 0n, max: 2n ** 40n })), {
        minLength: 2 * BATCH,
        maxLength: 2 * BATCH,
      }),
      (seed, count, waits) => {
        const [quiet, busy] = [chanceOf(seed), chanceOf(seed)];
        let [one, other] = [newPattern(quiet), newPattern(busy)];
        const differ = [0, 0];
        waits.forEach((wait, i) => {
          const wanted = wait === null ? undefined : wait % count;
          const without = nextBlock(one, { end: count, count }, undefined, quiet);
          const withOne = nextBlock(other, { end: count, count }, wanted, busy);
          const batch = Math.floor(i / BATCH);
          if (without.block !== withOne.block) differ[batch] = (differ[batch] ?? 0) + 1;
          assert.equal(without.isWanted, false);
          if (withOne.isWanted) assert.equal(withOne.block, wanted);
          [one, other] = [without.pattern, withOne.pattern];
          assert.deepEqual(one, other);
        });
        assert.ok(
          differ.every((places) => places <= 1),
          differ.join(),
        );
      },
    ),
    { seed: SEED },
  );
});

test('what waits all the time is asked for in each batch, at any place', () => {
  const chance = chanceOf(SEED);
  const places = new Set<number>();
  let pattern = newPattern(chance);
  for (let batch = 0; batch < 2000; batch++) {
    const at = [];
    for (let i = 0; i < BATCH; i++) {
      const next = nextBlock(pattern, { end: 1000n, count: 1000n }, 7n, chance);
      if (next.isWanted) at.push(i);
      pattern = next.pattern;
    }
    assert.equal(at.length, 1);
    places.add(at[0] ?? -1);
  }
  assert.equal(places.size, BATCH);
});

test('blocks are drawn below their end, evenly on a logarithmic scale of their distance', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.bigInt({ min: 1n, max: 2n ** 40n }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seed, count, share) => {
        const end = 1n + BigInt(Math.floor(Number(count - 1n) * share));
        const chance = chanceOf(seed);
        let pattern = newPattern(chance);
        for (let i = 0; i < BATCH; i++) {
          const next = nextBlock(pattern, { end, count }, undefined, chance);
          assert.ok(next.block >= 0n && next.block < end, `${next.block} of ${end}`);
          pattern = next.pattern;
        }
      },
    ),
    { seed: SEED },
  );
  const chance = chanceOf(SEED);
  let pattern = newPattern(chance);
  const decades = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) {
    const next = nextBlock(pattern, { end: 1_000_000n, count: 1_000_000n }, undefined, chance);
    const decade = Math.floor(Math.log10(Number(1_000_000n - next.block)));
    decades[decade] = (decades[decade] ?? 0) + 1;
    pattern = next.pattern;
  }
  // Each is expected to have 10,000; the standard deviation is 91.
  for (const found of decades) assert.ok(Math.abs(found - 10_000) < 600, decades.join());
});
