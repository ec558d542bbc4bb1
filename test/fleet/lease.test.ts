// SPDX-License-Identifier: Apache-2.0
/** What stands in a lease, and who is to have it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  allClaims,
  formatLease,
  formatPresence,
  knows,
  LEASE_BYTES,
  MOST_CLAIMS,
  parseLease,
  parsePresence,
  preferred,
  termsOf,
} from '../../src/fleet/lease.ts';
import { fc } from '../support/random.ts';

const name = fc.stringMatching(/^[a-z0-9]{1,32}$/);
const claim = fc
  .tuple(name, fc.bigInt({ min: 0n, max: 2n ** 48n }))
  .map(([by, start]) => ({ by, start }));

describe('a lease', () => {
  test('is read as it was written, and is as long whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.option(name, { nil: undefined }),
        fc.uniqueArray(claim, { maxLength: 2 * MOST_CLAIMS, selector: ({ start }) => start }),
        (holder, claims) => {
          const text = formatLease({ holder, run: 'ab12', seconds: 120, claims });
          assert.equal(Buffer.byteLength(text), LEASE_BYTES);
          const read = parseLease(text);
          assert.deepEqual(
            { ...read, claims: [] },
            { holder, run: 'ab12', seconds: 120, claims: [] },
          );
          // Those that there is no room for are the oldest.
          assert.deepEqual(read.claims, claims.slice(claims.length - read.claims.length));
          assert(read.claims.length >= Math.min(claims.length, 8));
        },
      ),
    );
  });

  for (const text of [
    '',
    '{',
    '[]',
    '{"holder":"a"}',
    formatPresence('a', 120, []),
    '\0'.repeat(9),
  ])
    test(`that says ${JSON.stringify(text)} is somebody's`, () => {
      assert.notEqual(parseLease(text).holder, undefined);
    });

  test('is waited for longer than it is held, and another has it before it is over', () => {
    const { poll, hold, wait } = termsOf(120);
    assert(wait > 1.3 * hold);
    // It died right after it had written; the others look twice before and after they have waited.
    assert(poll + wait + poll < 120_000);
  });

  test('has each block once, for who claimed it first', () => {
    const [a, b] = [
      { by: 'a', start: 64n },
      { by: 'b', start: 64n },
    ];
    assert.deepEqual(allClaims([a], [b, { by: 'b', start: 0n }]), [a, { by: 'b', start: 0n }]);
  });
});

describe('who is to ask a log', () => {
  const logs = Array.from({ length: 600 }, (_, i) => i.toString(16).padStart(64, '0'));
  test('is each about as often, and only the logs of one that goes go to others', () => {
    const all = ['east', 'north', 'west'];
    const before = logs.map((log) => preferred(log, all));
    for (const each of all) {
      const count = before.filter((who) => who === each).length;
      assert(count > 140 && count < 260, `${each} has ${count} of ${logs.length}`);
    }
    logs.forEach((log, i) => {
      const after = preferred(log, ['west', 'east']);
      if (before[i] !== 'north') assert.equal(after, before[i]);
    });
  });

  test('is one of those that know it', () => {
    const presence = parsePresence(formatPresence('r', 120, ['ab12cd34ff', 'ffffffff00']));
    assert(presence !== undefined);
    assert.equal(knows(presence, 'ab12cd34ff'), true);
    assert.equal(knows(presence, 'ffffffff00'), true);
    assert.equal(knows(presence, '12cd34ffff'), false);
    assert.equal(parsePresence('{"logs":1}'), undefined);
  });
});
