// SPDX-License-Identifier: Apache-2.0
/**
 * What a log can learn where one challenger takes over from another: nothing of what either has seen,
 * though one of them saw something else, or nothing at all.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BATCH } from '../../src/follow/pattern.ts';
import { fc } from '../support/random.ts';
import { playHandOver, type HandOver } from './hand-over.ts';
import { NETWORKS, type Strategy } from './marks.ts';
import { TROUBLES, type GameSetting, type Kind, type Trouble } from './play.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** Games are long. */
const RUNS = Number(process.env['CTGA_HAND_OVERS'] ?? 2);
const network = fc.integer({ min: 1, max: NETWORKS - 1 });

function setting(
  kind: Kind,
  strategies: readonly Strategy[],
  troubles: readonly Trouble[],
): fc.Arbitrary<Omit<GameSetting, 'observed' | 'way'>> {
  return fc.record({
    kind: fc.constant(kind),
    strategy: fc.constantFrom(...strategies),
    trouble: fc.constantFrom(...troubles),
    isTogether: fc.boolean(),
    seed: fc.nat(),
    chance: fc.nat(),
    evidenceDirectory: fc.constant(directory),
  });
}

/** Every request, with all that can be seen of it and who sent it, in order. */
function linesOf({ asked, by }: HandOver): string[] {
  return asked.map((each) => JSON.stringify([each, by[each.circuit]]));
}

/** The paths that each circuit was for, in the order in which circuits were opened. */
function circuitsOf({ asked }: HandOver): string[][] {
  const circuits: string[][] = [];
  for (const { circuit, path } of asked) (circuits[circuit] ??= []).push(path);
  return circuits;
}

describe('what the log sees of a hand-over is the same whatever both have seen', () => {
  for (const [kind, strategies] of [
    ['static-ct', ['the window', 'the whole history', 'a split view']],
    ['rfc6962', ['the window', 'eight heads each', 'above the public head']],
  ] as const)
    test(`${kind}: to the byte and the millisecond`, async () => {
      await fc.assert(
        fc.asyncProperty(
          setting(kind, strategies, TROUBLES),
          network,
          network,
          async (game, one, other) => {
            const none = await playHandOver(game, [undefined, undefined]);
            assert(none.changes >= 1, 'the log was not handed over');
            assert(none.asked.length > 20);
            for (const seen of [
              [one, other],
              [one, undefined],
            ] as const)
              assert.deepEqual(linesOf(await playHandOver(game, [...seen])), linesOf(none));
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
    });

  test('rfc6962 in blocks: but for one place of a batch of each', async (t) => {
    let wanted = 0;
    await fc.assert(
      fc.asyncProperty(
        // Other troubles answer a request by its place among all requests.
        setting('rfc6962 in blocks', ['the whole history', 'eight heads each'], ['none']),
        network,
        async (game, seen) => {
          const none = circuitsOf(await playHandOver(game, [undefined, undefined]));
          // That they ask for no block twice test/fleet/leases.test.ts tries: in games this short they
          // seldom would, whatever they knew of each other.
          const both = await playHandOver(game, [seen, seen]);
          const some = circuitsOf(both);
          assert.equal(some.length, none.length);
          const because = some.map(String).filter((paths, i) => paths !== String(none[i]));
          const differ = because.length;
          const places = some.filter(([path]) => path !== 'ct/v1/get-sth').length;
          assert(differ <= Math.ceil(places / BATCH) + 2, `${differ} of ${places} differ`);
          wanted += differ;
        },
      ),
      { numRuns: 3 * RUNS, endOnFailure: true },
    );
    t.diagnostic(`${wanted} blocks were asked for because of what was seen`);
    assert(wanted > 0);
  });
});
