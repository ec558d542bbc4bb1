// SPDX-License-Identifier: Apache-2.0
/**
 * The game of test/game: how often a log finds out which of sixteen networks ctga observes, when
 * ctga asks by its pattern, and when it asks about what it saw.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEARNED } from '../test/game/distinguishers.ts';
import { NETWORKS } from '../test/game/marks.ts';
import { KINDS, type Kind, type Way } from '../test/game/play.ts';
import { describeTally, tournament, type Result } from '../test/game/tournament.ts';
import { table } from './report.ts';

export interface GameOptions {
  /** Of each kind; of those that ask directly a tenth is enough. */
  readonly games: number;
  readonly kinds?: readonly Kind[];
  readonly say: (what: string) => void;
}

export async function measureGame({
  games,
  kinds = KINDS,
  say,
}: GameOptions): Promise<readonly Result[]> {
  const evidenceDirectory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const results: Result[] = [];
  try {
    for (const kind of kinds)
      for (const way of ['direct', 'pattern'] as const) {
        const count = way === 'direct' ? Math.max(140, Math.round(games / 10)) : games;
        const onGame = (played: number): void => {
          if (played % 1000 === 0) say(`  ${kind}, ${way}: ${played} of ${count} games`);
        };
        results.push(await tournament({ kind, way, games: count, evidenceDirectory, onGame }));
      }
  } finally {
    rmSync(evidenceDirectory, { recursive: true });
  }
  return results;
}

/** The sections of a report, the first of them its title. */
export function gameSections(results: readonly Result[]): string[] {
  const percent = (100 / NETWORKS).toFixed(2);
  const sections = [
    '# The game: which of sixteen networks does ctga observe?\n',
    `How often each distinguisher names the right network, in percent, with the 95 % interval of Clopper and Pearson, and its advantage over blind guesses (${percent} %).\n`,
  ];
  for (const kind of new Set(results.map((each) => each.kind))) {
    const of = (way: Way): Result | undefined =>
      results.find((each) => each.kind === kind && each.way === way);
    const [direct, pattern] = [of('direct'), of('pattern')];
    const count = (result: Result | undefined): string => {
      const games = result?.all.get(LEARNED)?.games ?? 0;
      return `${games} games, ${(result?.cost ?? 0).toFixed(0)} ms each`;
    };
    const cell = (tallies: ReadonlyMap<string, { wins: number; games: number }> | undefined) => {
      return (name: string): string => {
        const tally = tallies?.get(name);
        return tally === undefined ? '' : describeTally(tally);
      };
    };
    sections.push(
      `## ${kind}\n`,
      table(
        [
          'distinguisher',
          `asks directly (${count(direct)})`,
          `asks by the pattern (${count(pattern)})`,
        ],
        [...((pattern ?? direct)?.all.keys() ?? [])].map((name) => [
          name,
          cell(direct?.all)(name),
          cell(pattern?.all)(name),
        ]),
      ),
      `What is learned from all of these, by what the log shows to the networks:\n`,
      table(
        ['heads', 'asks directly', 'asks by the pattern'],
        [...((pattern ?? direct)?.byStrategy.keys() ?? [])].map((strategy) => [
          strategy,
          cell(direct?.byStrategy.get(strategy))(LEARNED),
          cell(pattern?.byStrategy.get(strategy))(LEARNED),
        ]),
      ),
    );
  }
  return sections;
}
