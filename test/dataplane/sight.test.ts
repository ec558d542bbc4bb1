// SPDX-License-Identifier: Apache-2.0
/** When a plane is said to be blind, since when, and for how long it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../support/random.ts';
import { Sight } from '../../src/dataplane/sight.ts';

const EPOCH = 1_800_000_000_000;

/** Two clocks that a test moves. */
class FakeClock {
  wall = EPOCH;
  monotonic = 5000;
  readonly now = (): number => this.wall;
  readonly elapsed = (): number => this.monotonic;

  pass(milliseconds: number): void {
    this.wall += milliseconds;
    this.monotonic += milliseconds;
  }
}

test('a plane that goes away is blind since it was last seen to see, by the wall clock', () => {
  const clock = new FakeClock();
  const sight = new Sight('eth0', clock);
  clock.pass(1000);
  assert.deepEqual(sight.seeing('native'), []);
  clock.pass(250);
  assert.deepEqual(sight.blind(), [{ event: 'blind', interface: 'eth0', since: EPOCH + 1000 }]);
  clock.pass(250);
  const failing = { event: 'still-blind', interface: 'eth0', message: 'busy' };
  assert.deepEqual(sight.blind('busy'), [failing]);
  assert.deepEqual(sight.blind('busy'), []);
  assert.deepEqual(sight.blind(), []);
  clock.pass(500);
  assert.deepEqual(sight.seeing('tc'), [
    { event: 'seeing-again', interface: 'eth0', mode: 'tc', blindMilliseconds: 1000 },
  ]);
  assert.equal(sight.blind('busy').length, 2, 'the reason is said again the next time');
});

interface Step {
  readonly pass: number;
  /** How far somebody sets the wall clock. */
  readonly set: number;
  readonly found: 'seeing' | 'blind' | { readonly reason: string };
}

const step: fc.Arbitrary<Step> = fc.record({
  pass: fc.integer({ min: 0, max: 100_000 }),
  set: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -1e9, max: 1e9 })),
  found: fc.oneof(
    fc.constant('seeing' as const),
    fc.constant('blind' as const),
    fc.record({ reason: fc.constantFrom('busy', 'gone') }),
  ),
});

test('whatever happens: told in turns, timed by the monotonic clock, each reason once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new FakeClock();
      const sight = new Sight('eth0', clock);
      // The model: when the plane was last found to see, and what has been said since.
      let lastSeeing = clock.monotonic;
      let isBlind = false;
      let said: string | undefined;
      for (const { pass, set, found } of steps) {
        clock.pass(pass);
        clock.wall += set;
        const unseen = clock.monotonic - lastSeeing;
        if (found === 'seeing') {
          const events = sight.seeing('native');
          assert.deepEqual(
            events.map((event) => event.event === 'seeing-again' && event.blindMilliseconds),
            isBlind ? [unseen] : [],
          );
          [lastSeeing, isBlind, said] = [clock.monotonic, false, undefined];
          continue;
        }
        const reason = found === 'blind' ? undefined : found.reason;
        const want: unknown[] = [];
        if (!isBlind) want.push({ event: 'blind', interface: 'eth0', since: clock.wall - unseen });
        if (reason !== undefined && reason !== said)
          want.push({ event: 'still-blind', interface: 'eth0', message: reason });
        assert.deepEqual(sight.blind(reason), want);
        [isBlind, said] = [true, reason ?? said];
      }
    }),
  );
});
