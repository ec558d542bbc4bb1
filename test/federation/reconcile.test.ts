// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOf } from '../../src/federation/member.ts';
import { IdSet } from '../../src/federation/reconcile.ts';
import { hex, sha256 } from '../../src/federation/bytes.ts';
import type { SetRange } from '../../src/federation/messages.ts';
import { fc } from '../support/random.ts';

const id = (n: number): Uint8Array => idOf('period', n % 1000, sha256(`${n}`));

/** Lets two sets tell each other ranges until they have no more to say. */
function reconcile(one: IdSet, other: IdSet): { ranges: number; sent: number } {
  let [ranges, sent] = [0, 0];
  let said: readonly SetRange[] = [one.whole()];
  for (let [speaker, listener] = [one, other]; said.length > 0;) {
    ranges += said.length;
    const differences = said.map((range) => listener.compare(range));
    for (const { missing, surplus } of differences) {
      for (const each of missing) {
        assert.ok(!listener.has(each), 'he is sent what he has');
        listener.add(each);
      }
      for (const each of surplus) {
        assert.ok(!speaker.has(each), 'he is sent what he has');
        speaker.add(each);
      }
      sent += missing.length + surplus.length;
    }
    said = differences.flatMap((each) => each.ranges);
    [speaker, listener] = [listener, speaker];
    assert.ok(ranges < 5000, 'it never ends');
  }
  return { ranges, sent };
}

test('two sets become one, and what is sent is what each lacks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5000), { maxLength: 400 }),
      fc.array(fc.nat(5000), { maxLength: 40 }),
      fc.array(fc.nat(5000), { maxLength: 40 }),
      (common, mine, theirs) => {
        const [one, other] = [new IdSet(), new IdSet()];
        for (const n of [...common, ...mine]) one.add(id(n));
        for (const n of [...common, ...theirs]) other.add(id(n));
        const all = new Set([...common, ...mine, ...theirs]);
        const before = one.size + other.size;
        const { sent } = reconcile(one, other);
        const list = (set: IdSet): string[] => set.between(new Uint8Array(0), undefined).map(hex);
        assert.deepEqual(list(one), list(other));
        assert.equal(one.size, all.size);
        assert.equal(sent, 2 * all.size - before);
      },
    ),
    { numRuns: 100 },
  );
});

test('equal sets cost one range, and a small difference little, whatever their size', () => {
  const [one, other] = [new IdSet(), new IdSet()];
  for (let n = 0; n < 20_000; n++) {
    one.add(id(n));
    other.add(id(n));
  }
  assert.deepEqual(reconcile(one, other), { ranges: 1, sent: 0 });
  one.add(id(20_001));
  const { ranges, sent } = reconcile(one, other);
  assert.equal(sent, 1);
  assert.ok(ranges < 100, `${ranges} ranges`);
});
