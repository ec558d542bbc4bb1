// SPDX-License-Identifier: Apache-2.0
/** Many games, and how often each distinguisher is right. */
import { random } from '../support/random.ts';
import {
  DISTINGUISHERS,
  guess,
  LEARNED,
  Learned,
  scoresOf,
  type Distinguisher,
  type Scores,
} from './distinguishers.ts';
import { atLeast, clopperPearson } from './interval.ts';
import { NETWORKS, STRATEGIES, type Strategy } from './marks.ts';
import { play, settingOf, type Kind, type Way } from './play.ts';

/** How often a distinguisher named the network that was observed. */
export interface Tally {
  wins: number;
  games: number;
}

export interface Result {
  readonly kind: Kind;
  readonly way: Way;
  /** By distinguisher, the learned one too. */
  readonly all: ReadonlyMap<string, Tally>;
  /** By strategy and then by distinguisher. */
  readonly byStrategy: ReadonlyMap<Strategy, ReadonlyMap<string, Tally>>;
  /** Milliseconds a game. */
  readonly cost: number;
}

export interface TournamentOptions {
  readonly kind: Kind;
  readonly way: Way;
  readonly games: number;
  readonly evidenceDirectory: string;
  /** Which of the log's strategies are played; all unless given. */
  readonly strategies?: readonly Strategy[];
  readonly onGame?: (played: number) => void;
}

export async function tournament({
  kind,
  way,
  games,
  evidenceDirectory,
  strategies = STRATEGIES,
  onGame = () => undefined,
}: TournamentOptions): Promise<Result> {
  const began = performance.now();
  const played: Played[] = [];
  for (let i = 0; i < games; i++) {
    const setting = settingOf(kind, way, i, strategies, evidenceDirectory);
    // The log's guess is from what it knows, and nothing else.
    const { asked, handed } = await play(setting);
    const { observed: answer, strategy } = setting;
    played.push({ scores: scoresOf({ asked, handed }), answer, strategy });
    onGame(i + 1);
  }
  const cost = (performance.now() - began) / games;
  return { kind, way, cost, ...talliesOf(played) };
}

/** A game that is over: what was made of it, and what is right. */
export interface Played {
  readonly scores: Scores;
  readonly answer: number;
  readonly strategy: Strategy;
}

export function talliesOf(played: readonly Played[]): Pick<Result, 'all' | 'byStrategy'> {
  const draw = random(played.length);
  const all = new Map<string, Tally>();
  const byStrategy = new Map<Strategy, Map<string, Tally>>();
  const count = (name: string, strategy: Strategy, isRight: boolean): void => {
    const mine = byStrategy.get(strategy) ?? new Map<string, Tally>();
    byStrategy.set(strategy, mine);
    for (const tallies of [all, mine]) {
      const tally = tallies.get(name) ?? { wins: 0, games: 0 };
      tallies.set(name, tally);
      tally.games += 1;
      tally.wins += isRight ? 1 : 0;
    }
  };
  for (const { scores, answer, strategy } of played)
    for (const name of Object.keys(DISTINGUISHERS) as Distinguisher[])
      count(name, strategy, guess(scores[name], draw) === answer);
  // Each half is guessed by what was learned from the other.
  const middle = Math.floor(played.length / 2);
  const [first, second] = [played.slice(0, middle), played.slice(middle)];
  for (const { training, tested } of [
    { training: first, tested: second },
    { training: second, tested: first },
  ]) {
    const learned = new Learned(training);
    for (const { scores, answer, strategy } of tested)
      count(LEARNED, strategy, guess(learned.scores(scores), draw) === answer);
  }
  return { all, byStrategy };
}

/** The chance to be right as often, or more often, by guessing blindly. */
export function chanceOf({ wins, games }: Tally): number {
  return atLeast(wins, games, 1 / NETWORKS);
}

/** `12.3 % (11.8 to 12.9), +6.1`: the share, its 95 % interval, and the advantage over blind guesses. */
export function describeTally({ wins, games }: Tally): string {
  const percent = (share: number): string => (share * 100).toFixed(1);
  const [low, high] = clopperPearson(wins, games).map((share) => percent(share));
  const advantage = wins / games - 1 / NETWORKS;
  const sign = advantage < 0 ? '−' : '+';
  return `${percent(wins / games)} (${low ?? ''} to ${high ?? ''}), ${sign}${percent(Math.abs(advantage))}`;
}
