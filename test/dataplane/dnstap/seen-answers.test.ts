// SPDX-License-Identifier: Apache-2.0
/** Repeats of answers that were copied not long ago. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../support/random.ts';
import { makeSlots, SeenAnswers, seenEntries } from '../../../src/dataplane/dnstap/seen-answers.ts';

const LIFE = 1000;

/**
 * Every answer that comes is copied or counted, and every count is credited exactly once to the
 * entry of its own text: through what ended an entry, or through what is left at the end.
 */
test('no repeat is lost, and none is credited to another answer', () => {
  const events = fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ text: fc.nat(30), later: fc.nat(300) }) },
      { weight: 1, arbitrary: fc.constant('renew' as const) },
    ),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(events, (list) => {
      const slots = makeSlots();
      const seen = new SeenAnswers(slots, LIFE);
      const textOf = new Map<bigint, string>();
      const credited = new Map<string, number>();
      const counted = new Map<string, number>();
      const add = (map: Map<string, number>, text: string, by: number): unknown =>
        map.set(text, (map.get(text) ?? 0) + by);
      let now = 0;
      for (const event of list) {
        if (event === 'renew') {
          seen.renew();
          continue;
        }
        now += event.later;
        const text = `text ${event.text}`;
        if (seen.count(text, now)) {
          add(counted, text, 1);
          continue;
        }
        const { entry, ended } = seen.begin(text, now);
        assert(!textOf.has(entry), 'entries are not used again');
        textOf.set(entry, text);
        if (ended === undefined) continue;
        const former = textOf.get(ended.entry);
        assert(former !== undefined);
        if (ended.repeats > 0) add(credited, former, ended.repeats);
      }
      for (const { entry, repeats } of seenEntries(slots)) {
        const text = textOf.get(entry);
        assert(text !== undefined);
        add(credited, text, repeats);
      }
      assert.deepEqual([...credited].sort(), [...counted].sort());
    }),
  );
});

test('an answer is copied again after its life, and after the entries were renewed', () => {
  const seen = new SeenAnswers(makeSlots(), LIFE);
  seen.begin('a', 0);
  assert.equal(seen.count('a', LIFE - 1), true);
  assert.equal(seen.count('a', LIFE), false);
  const { ended } = seen.begin('a', LIFE);
  assert.equal(ended?.repeats, 1);
  seen.renew();
  assert.equal(seen.count('a', LIFE + 1), false);
});

test('the oldest gives way, and what it had counted is told', () => {
  const seen = new SeenAnswers(makeSlots(), LIFE);
  const first = seen.begin('first', 0);
  assert.equal(seen.count('first', 1), true);
  let ended = 0;
  for (let i = 0; i < 4096; i++) {
    const begun = seen.begin(`other ${i}`, 2);
    if (begun.ended?.entry === first.entry) ended = begun.ended.repeats;
  }
  assert.equal(ended, 1);
  assert.equal(seen.count('first', 3), false);
});
