/**
 * What a log can learn from ctga's questions: which of sixteen networks it watches. test/game/
 * plays the log. A few games are played here; CTGA_GAMES=<number> plays as many of each kind and
 * prints the table, as `npm run bench -- game` does.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LEARNED } from './distinguishers.ts';
import { atLeast, atMost, clopperPearson } from './interval.ts';
import type { Strategy } from './marks.ts';
import type { Kind } from './play.ts';
import { describeTally, tournament } from './tournament.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

describe('the statistics of the game', () => {
  // By R: binom.test(wins, games)$conf.int.
  for (const [wins, games, low, high] of [
    [0, 100, 0, 0.03621669],
    [5, 100, 0.01643188, 0.1128349],
    [625, 10_000, 0.05783363, 0.0674231],
    [10, 10, 0.6915029, 1],
  ] as const)
    test(`the interval of ${wins} in ${games}`, () => {
      const found = clopperPearson(wins, games);
      assert(Math.abs(found[0] - low) < 1e-7 && Math.abs(found[1] - high) < 1e-7, String(found));
    });

  test('tails add up to one', () => {
    for (const wins of [1, 7, 30, 59])
      assert(Math.abs(atLeast(wins, 60, 0.3) + atMost(wins - 1, 60, 0.3) - 1) < 1e-12);
  });
});

/**
 * What gives away a challenger that asks about what it saw. A static-ct log sees which tiles are
 * fetched, and so tells sizes apart that lie in different ones.
 */
const LOST: Readonly<Record<Kind, readonly Strategy[]>> = {
  'static-ct': ['the whole history', 'eight heads each', 'logs out of service'],
  rfc6962: ['one block', 'the window', 'yesterday', 'above the public head', 'powers of two'],
  'rfc6962 in blocks': ['one block', 'the whole history', 'eight heads each', 'the window'],
};

describe('a challenger that asks about what it saw loses the game', () => {
  for (const [kind, strategies] of Object.entries(LOST) as [Kind, readonly Strategy[]][])
    test(kind, async (context) => {
      const { all, cost } = await tournament({
        kind,
        way: 'direct',
        games: 12 * strategies.length,
        strategies,
        evidenceDirectory: directory,
      });
      const tally = all.get(LEARNED) ?? assert.fail();
      context.diagnostic(`${describeTally(tally)}; ${cost.toFixed(0)} ms a game`);
      assert(tally.wins > tally.games / 2, `right in ${tally.wins} of ${tally.games} games`);
    });
});
