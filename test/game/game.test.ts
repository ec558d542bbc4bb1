// SPDX-License-Identifier: Apache-2.0
/**
 * What a log can learn from ctga's questions: which of sixteen networks it watches. test/game/
 * plays the log. A few games are played here, and as many as CTGA_GAMES=<number> says of the kinds
 * of which a log learns nothing; `npm run bench -- game` plays all kinds and makes the table.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BATCH } from '../../src/follow/pattern.ts';
import { fc } from '../support/random.ts';
import { LEARNED } from './distinguishers.ts';
import { atLeast, atMost, clopperPearson } from './interval.ts';
import { NETWORKS, STRATEGIES, type Strategy } from './marks.ts';
import { play, TROUBLES, type Game, type GameSetting, type Kind, type Trouble } from './play.ts';
import { chanceOf, describeTally, tournament } from './tournament.ts';

/** Properties are exact: they need few games. */
const RUNS = 1;

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
  'static-ct, larger than the window': ['the whole history', 'logs out of service'],
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

const GAMES = Number(process.env['CTGA_GAMES'] ?? 140);
/** A false alarm comes less often than once in so many runs. */
const RUNS_A_FALSE_ALARM = 1e6;

describe('a challenger that asks by the pattern is one of sixteen', () => {
  // Of the others a log learns something: see docs/UNLINKABILITY.md.
  const kinds = ['static-ct', 'rfc6962'] as const;
  for (const kind of kinds)
    test(kind, async (context) => {
      const result = await tournament({
        kind,
        way: 'pattern',
        games: GAMES,
        evidenceDirectory: directory,
      });
      context.diagnostic(`${GAMES} games, ${result.cost.toFixed(0)} ms each`);
      const least = 1 / RUNS_A_FALSE_ALARM / kinds.length / result.all.size;
      for (const [name, tally] of result.all) {
        context.diagnostic(`${name}: ${describeTally(tally)}`);
        assert(chanceOf(tally) > least, `${name}: ${describeTally(tally)}`);
      }
    });
});

/** Strategies whose heads lie where all hashes are fetched, whatever the size of the log. */
const RECENT: readonly Strategy[] = [
  'the window',
  'yesterday',
  'above the public head',
  'the last partial tile',
  'public heads, other times',
  'logs out of service',
  'a split view',
];

/** Strategies whose heads lie where blocks are asked for. */
const OLD: readonly Strategy[] = ['the whole history', 'eight heads each', 'powers of two'];

/** The paths that each circuit was for, in the order in which circuits were opened. */
function circuitsOf({ asked }: Game): string[][] {
  const circuits: string[][] = [];
  for (const { circuit, path } of asked) (circuits[circuit] ??= []).push(path);
  return circuits;
}

/** Every request, with all that can be seen of it, in order. */
function linesOf({ asked }: Game): string[] {
  return asked.map((each) => JSON.stringify(each));
}

describe('what the log sees is the same whatever ctga saw', () => {
  // Network 0 is shown nothing of a log that is out of service.
  const network = fc.integer({ min: 1, max: NETWORKS - 1 });
  function setting(
    kind: Kind,
    strategies: readonly Strategy[],
    troubles: readonly Trouble[] = TROUBLES,
  ): fc.Arbitrary<Omit<GameSetting, 'observed'>> {
    return fc.record({
      kind: fc.constant(kind),
      way: fc.constant('pattern' as const),
      strategy: fc.constantFrom(...strategies),
      trouble: fc.constantFrom(...troubles),
      isTogether: fc.boolean(),
      seed: fc.nat(),
      chance: fc.nat(),
      evidenceDirectory: fc.constant(directory),
    });
  }

  for (const [kind, strategies] of [
    ['static-ct', [...STRATEGIES, 'a split view']],
    ['rfc6962', [...STRATEGIES, 'a split view']],
    ['static-ct, larger than the window', RECENT],
  ] as const)
    describe(`${kind}: to the byte and the millisecond`, () => {
      for (const strategy of strategies)
        test(strategy, async () => {
          const verdict = strategy === 'a split view' ? 'fork-proven' : 'consistent';
          for (const troubles of [['none'], TROUBLES] as const)
            await fc.assert(
              fc.asyncProperty(
                setting(kind, [strategy], troubles),
                network,
                async (game, observed) => {
                  const none = await play({ ...game, observed: undefined });
                  const some = await play({ ...game, observed });
                  assert.ok(none.asked.length > 20);
                  assert.deepEqual(linesOf(some), linesOf(none));
                  // It has not simply been deaf.
                  if (game.trouble === 'none')
                    for (const found of some.verdicts) assert.equal(found, verdict);
                },
              ),
              { numRuns: RUNS },
            );
        });
    });

  for (const kind of ['static-ct, larger than the window', 'rfc6962 in blocks'] as const) {
    test(`${kind}: for all heads of one block that are seen at one time`, () =>
      fc.assert(
        fc.asyncProperty(
          setting(kind, ['one block']),
          network,
          network,
          async (game, first, second) => {
            const one = await play({ ...game, isTogether: true, observed: first });
            const other = await play({ ...game, isTogether: true, observed: second });
            assert.deepEqual(linesOf(one), linesOf(other));
          },
        ),
        { numRuns: 8 * RUNS },
      ));

    test(`${kind}: but for one place of a batch, whatever was seen`, async () => {
      let wanted = 0;
      await fc.assert(
        fc.asyncProperty(
          // Other troubles answer a request by its place among all requests.
          setting(kind, OLD, ['none', 'a third of the identities is told to wait']),
          network,
          async (game, observed) => {
            const none = circuitsOf(await play({ ...game, observed: undefined }));
            const some = circuitsOf(await play({ ...game, observed }));
            assert.equal(some.length, none.length);
            const places = some.filter(
              ([path]) => path !== 'checkpoint' && path !== 'ct/v1/get-sth',
            ).length;
            const differ = some.filter((paths, i) => paths.join() !== none[i]?.join()).length;
            assert.ok(differ <= Math.ceil(places / BATCH) + 1, `${differ} of ${places} differ`);
            wanted += differ;
          },
        ),
        { numRuns: 8 * RUNS },
      );
      assert.ok(wanted > 0, 'no game asked for a block because of what was seen');
    });
  }
});
