// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { place, spend, type Allowance, type Heard } from '../../src/fleet/sequence.ts';
import { fc } from '../support/random.ts';

describe('the sequence of a member', () => {
  test('says how many batches are missing, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 40n }), { minLength: 1, maxLength: 120 }),
        (sequences) => {
          let heard: Heard = [];
          let missing = 0n;
          const seen = new Set<bigint>();
          for (const sequence of sequences) {
            const placed = place(heard, { epoch: 1n, sequence, previous: undefined });
            assert.equal(placed.isRepeated, seen.has(sequence));
            seen.add(sequence);
            ({ heard } = placed);
            missing += placed.missing;
            const largest = [...seen].reduce((a, b) => (a > b ? a : b));
            assert.equal(missing, largest + 1n - BigInt(seen.size));
          }
        },
      ),
    );
  });

  test('misses nothing in the end, though what was sent before a restart comes behind what is newer', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 });
    const orders = lengths.chain((each) => {
      const all = each.flatMap((length, epoch) =>
        Array.from({ length }, (_, i) => ({
          epoch: BigInt(epoch),
          sequence: BigInt(i),
          previous:
            epoch === 0
              ? undefined
              : { epoch: BigInt(epoch - 1), sequence: BigInt(each[epoch - 1] ?? 0) - 1n },
        })),
      );
      return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
    });
    fc.assert(
      fc.property(orders, (batches) => {
        let heard: Heard = [];
        let missing = 0n;
        for (const batch of batches) {
          const placed = place(heard, batch);
          assert.equal(placed.isRepeated, false);
          ({ heard } = placed);
          missing += placed.missing;
          assert(missing >= 0n);
        }
        assert.equal(missing, 0n);
      }),
    );
  });

  test('is kept bounded where every other batch is missing', () => {
    let heard: Heard = [];
    let missing = 0n;
    for (let sequence = 1n; sequence < 2000n; sequence += 2n) {
      const placed = place(heard, { epoch: 1n, sequence, previous: undefined });
      ({ heard } = placed);
      missing += placed.missing;
    }
    assert.equal(missing, 1000n);
    assert(JSON.stringify(heard, (_, v: unknown) => (typeof v === 'bigint' ? 1 : v)).length < 1000);
    for (let epoch = 2n; epoch < 100n; epoch++)
      ({ heard } = place(heard, { epoch, sequence: 0n, previous: undefined }));
    assert.equal(heard.length, 8);
  });

  const first = place([], { epoch: 1n, sequence: 0n, previous: undefined }).heard;
  for (const [what, heard, batch, missing] of [
    ['first of all', [], { epoch: 5n, sequence: 0n, previous: { epoch: 4n, sequence: 9n } }, 0n],
    ['a new epoch', first, { epoch: 2n, sequence: 0n, previous: { epoch: 1n, sequence: 0n } }, 0n],
    ['a tail', first, { epoch: 2n, sequence: 0n, previous: { epoch: 1n, sequence: 4n } }, 4n],
    ['an epoch', first, { epoch: 3n, sequence: 2n, previous: { epoch: 2n, sequence: 1n } }, 4n],
  ] as const)
    test(`what is missing before it: ${what}`, () => {
      assert.equal(place(heard, batch).missing, missing);
    });
});

describe('what a member may send', () => {
  const interval = 10_000;
  const run = (times: readonly number[]): number => {
    let left: Allowance | undefined;
    return times.filter((at, i) => {
      const next = spend(left, { at, number: i + 1 }, interval);
      if (next !== undefined) left = next;
      return next !== undefined;
    }).length;
  };

  test('is one batch in each interval, for ever', () => {
    assert.equal(run(Array.from({ length: 5000 }, (_, i) => i * interval)), 5000);
  });

  test('is little more, however fast they come', () => {
    const hour = Array.from({ length: 36_000 }, (_, i) => i * 100);
    const taken = run(hour);
    assert(taken >= 360 && taken <= 360 * 1.5 + 20, `${taken}`);
    assert.equal(run(Array.from({ length: 1000 }, () => 5)), 20);
  });

  test('is not used up by what the bus brings once more', () => {
    let left = spend(undefined, { at: 1000, number: 500 }, interval);
    for (let number = 1; number <= 500; number++) {
      left = spend(left, { at: 1000 - number, number }, interval);
      assert(left !== undefined);
    }
  });

  test('is no less because a clock was ahead, and no more than one for each time that it goes back', () => {
    const day = 86_400_000;
    const times = Array.from(
      { length: 5000 },
      (_, i) => i * interval + (i >= 50 && i < 60 ? day : 0),
    );
    assert.equal(run(times), 5000);
    // Who floods meanwhile has what a pause would give it, and one.
    const flood = Array.from({ length: 3000 }, (_, i) => i + (i >= 1000 && i < 2000 ? day : 0));
    assert(run(flood) <= 20 + 20 + 1 + 1, `${run(flood)}`);
  });
});
