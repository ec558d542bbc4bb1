// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Turns, type TurnStore } from '../../src/client/turns.ts';
import { fc } from '../support/random.ts';

const HOUR = 3_600_000;

class Memory implements TurnStore {
  readonly kept = new Map<string, number>();
  isFull = false;
  turns(): Map<string, number> {
    return new Map(this.kept);
  }
  setTurn(name: string, next: number): void {
    if (this.isFull) throw new Error('the disk is full');
    this.kept.set(name, next);
  }
}

describe('turns', () => {
  test('are never less than an interval apart, whatever the machine does', () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 3 * HOUR }) }),
      fc.constant('restart' as const),
      fc.constant('full' as const),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1 }),
        (steps, draws) => {
          const store = new Memory();
          let drawn = 0;
          const chance = (): number => draws[drawn++ % draws.length] ?? 0;
          let turns = new Turns(store, chance);
          let [now, last] = [1e12, -Infinity];
          for (const each of steps) {
            // A process that is killed on a full disk knows no more; one that goes on does.
            if (each === 'restart') turns = store.isFull ? turns : new Turns(store, chance);
            else if (each === 'full') store.isFull = true;
            else now += each.wait;
            if (!turns.take('log', HOUR, now)) continue;
            assert(now - last >= HOUR, `${now - last} ms`);
            last = now;
          }
        },
      ),
    );
  });

  test('come within two intervals while the machine is awake', () => {
    const turns = new Turns(new Memory(), () => 0.999);
    let taken = 0;
    for (let now = 0; now <= 24 * HOUR; now += 60_000) if (turns.take('log', HOUR, now)) taken += 1;
    assert(taken >= 11, `${taken}`);
  });

  test('that a sleep put off are spread over five minutes', () => {
    let draw = 0;
    const turns = new Turns(new Memory(), () => (draw++ % 10) / 10);
    const names = Array.from({ length: 20 }, (_, i) => `log ${i}`);
    for (const name of names) turns.take(name, HOUR, 0);
    const woke = 1e9;
    const moments = new Set<number>();
    for (let now = woke; now <= woke + 300_000; now += 1000)
      for (const name of names) if (turns.take(name, HOUR, now)) moments.add(now);
    assert(moments.size >= 10, `${moments.size}`);
    for (const name of names) assert.equal(turns.take(name, HOUR, woke + 300_000), false);
  });

  test('that were drawn while the clock was wrong do not wait for years', () => {
    const store = new Memory();
    store.kept.set('log', Date.UTC(2090, 0));
    const turns = new Turns(store, () => 0.5);
    const now = Date.UTC(2026, 0);
    assert.equal(turns.take('log', HOUR, now), false);
    assert.equal(turns.take('log', HOUR, now + 300_000), true);
  });
});
