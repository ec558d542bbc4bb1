// SPDX-License-Identifier: Apache-2.0
/** A log's line on the page, counted again without SQL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '../../src/store/state.ts';
import { VERDICTS } from '../../src/store/verdicts.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const other = new SigningLog();
const [FROM, TO] = [1000, 2000];

test('has each tree once, in its slot and with its verdict', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.record({
          size: fc.integer({ min: 1, max: 200 }),
          at: fc.integer({ min: FROM - 300, max: TO + 300 }),
          verdict: fc.constantFrom(...VERDICTS),
        }),
        { selector: ({ size }) => size, maxLength: 40 },
      ),
      fc.integer({ min: 1, max: 60 }),
      (trees, slots) => {
        const store = memoryStore();
        const expected = new Map<string, { trees: number; largest: bigint }>();
        for (const { size, at, verdict } of trees) {
          for (const by of [log, other]) {
            const head = by.verified(size, treeOf(size).root());
            const seen = { source: 'eth0', firstSeen: at, lastSeen: at, count: 1 };
            store.heads.record([{ head, ...seen }]);
            store.verdicts.set(store.heads.treeOf(head), 1, { verdict });
          }
          const slot =
            at < FROM ? -1 : Math.min(slots - 1, Math.floor(((at - FROM) * slots) / (TO - FROM)));
          const place = `${slot} ${verdict}`;
          const { trees: count = 0, largest = 0n } = expected.get(place) ?? {};
          expected.set(place, {
            trees: count + 1,
            largest: largest > BigInt(size) ? largest : BigInt(size),
          });
        }
        const found = store.heads
          .timeline(log.key.logId, FROM, TO, slots)
          .map(({ slot, verdict, ...rest }): [string, object] => [`${slot} ${verdict}`, rest]);
        assert.deepEqual(new Map(found), expected);
        assert.equal(found.length, expected.size);
        store.close();
      },
    ),
    { numRuns: 60 },
  );
});
