// SPDX-License-Identifier: Apache-2.0
/** When a challenger takes its way to the logs for lost, and which log it tries then. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WayOut } from '../../src/fleet/way-out.ts';
import { fc } from '../support/random.ts';

const LEASE = 120_000;
const LOGS = ['a', 'b', 'c', 'd', 'e'];
const wayOut = (chance = (): number => 0): WayOut => new WayOut({ lease: LEASE, chance });

describe('a way to the logs', () => {
  for (const [what, heard, held, at, isLost] of [
    ['nothing was asked', [], 5, 10 * LEASE, false],
    ['three logs were silent for a lease', ['a0', 'b1', 'c2'], 5, LEASE, true],
    ['three logs were silent, not yet for a lease', ['a0', 'b1', 'c2'], 5, LEASE - 1, false],
    ['two logs are down', ['a0', 'b1', 'a2', 'b3'], 5, 10 * LEASE, false],
    ['all that it has are silent', ['a0', 'b1'], 2, LEASE, true],
    ['its only log is', ['a0'], 1, LEASE, true],
    ['one answered in between', ['a0', 'b1', 'd+', 'c2', 'a3'], 5, 10 * LEASE, false],
    ['one answered, and then three were silent', ['d+', 'a0', 'b1', 'c2'], 5, 10 * LEASE, true],
  ] as const)
    test(`${isLost ? 'is lost' : 'is not lost'} where ${what}`, () => {
      const way = wayOut();
      for (const each of heard)
        way.heard(each.charAt(0), each.endsWith('+'), Number(each.charAt(1)) || 0, 5);
      assert.equal(way.isLost(held, at), isLost);
    });

  test('is lost for as long as what was asked waits, and not only since that was given up', () => {
    const way = wayOut();
    for (const log of ['a', 'b', 'c']) way.heard(log, false, 0, LEASE);
    assert(way.isLost(5, LEASE));
  });

  test('is not lost because of what was asked before one answered', () => {
    const way = wayOut();
    way.heard('d', true, 0, LEASE - 1);
    for (const log of ['a', 'b', 'c']) way.heard(log, false, 0, LEASE);
    assert(!way.isLost(5, LEASE));
    assert(way.isLost(5, 2 * LEASE - 1));
  });

  test('stays lost however few logs are left to it, until one answers', () => {
    const way = wayOut();
    for (const log of LOGS) way.heard(log, false, 0, 0);
    for (const held of [5, 1, 0, 5]) assert(way.isLost(held, LEASE));
    way.heard('e', true, LEASE, LEASE);
    for (const held of [5, 1, 0]) assert(!way.isLost(held, 10 * LEASE));
  });

  test('is tried with one log at a time, each as likely, and as long with none', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        fc.array(fc.integer({ min: 1000, max: 3 * LEASE }), { minLength: 5, maxLength: 30 }),
        (draws, spans) => {
          const way = wayOut(() => Number(draws.next().value ?? 0));
          let at = 0;
          for (const span of spans) {
            const log = way.trial(LOGS, at) ?? assert.fail('none is tried');
            assert.equal(way.trial(LOGS, at + span), log, 'until it was asked');
            at += span;
            // That of another log, from before, ends no trial.
            way.heard(LOGS.find((each) => each !== log) ?? '', false, at, at);
            assert.equal(way.trial(LOGS, at), log);
            way.heard(log, false, at, at);
            const rest = Math.max(LEASE, span);
            assert.equal(way.trial(LOGS, at + rest - 1), undefined, 'another may ask it');
            at += rest;
          }
        },
      ),
    );
  });

  test('is tried with another log where that which was drawn is not its own any more', () => {
    const way = wayOut();
    assert.equal(way.trial(LOGS, 0), 'a');
    assert.equal(way.trial(['c', 'd'], 1), 'c');
    assert.equal(way.trial([], 2), undefined);
  });
});
