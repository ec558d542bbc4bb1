// SPDX-License-Identifier: Apache-2.0
/**
 * The numbers behind the paper's figures 4 to 7, as measured or as a model has them. Pure.
 */
import {
  byGreedyCover,
  byHegemony,
  byPopularity,
  coverage,
  MOST_AGGREGATORS,
  type View,
} from './coverage.ts';

/** A path of this many actors or more is one with "5 or more", and so for distinct paths. */
export const LONGEST = 5;

export type ActorKind = 'AS' | 'IXP';

/** A ranking of actors, in the words of its figure. */
export const RANKINGS = ['popularity', 'rank file', 'hegemony', 'greedy cover'] as const;
export type RankingName = (typeof RANKINGS)[number];

/** Values along a figure's axis, and in what band they are if they come from a model. */
export interface Series {
  readonly values: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
}

export interface CoverageFigure {
  readonly actor: ActorKind;
  readonly by: RankingName;
  /** Figure 6: the share of clients that the first 1, 2, ... cover. */
  readonly clients: Series;
  /** Figure 7: the share of the IPv4 space of the clients' ASes; undefined if that is not known. */
  readonly space: Series | undefined;
  /** The first actors of the ranking; in a model, with its first seed. */
  readonly first: readonly number[];
}

export interface TargetFigures {
  readonly name: string;
  /** Clients, one in each AS. */
  readonly clients: number;
  /** The IPv4 space of their ASes, in the unit of the input. */
  readonly space: number | undefined;
  /** What that is of all IPv4 space. */
  readonly spaceShare: number | undefined;
  /** Figure 4: the share of paths that cross 0, 1, ... actors; the last is of 5 and more. */
  readonly lengths: readonly { readonly actor: ActorKind; readonly series: Series }[];
  /** Figure 5: the share of clients with 1, 2, ... distinct paths; the last is of 5 and more. */
  readonly stability: readonly { readonly actor: ActorKind; readonly series: Series }[];
  readonly coverage: readonly CoverageFigure[];
}

export interface Figures {
  /** Whether paths were measured, or are those of a model. */
  readonly kind: 'measured' | 'model';
  /** Runs of the model that the bands are over; 1 where it was measured. */
  readonly runs: number;
  readonly targets: readonly TargetFigures[];
}

/** How many of each ranking's actors are named. */
const NAMED = 32;

/**
 * Coverage by every ranking there is for these actors. `greedy cover` is another ranking for clients
 * than for space: each figure has its own, and `first` names that for clients. Hegemony goes by
 * `allPaths`, the views over more paths than those at hand, if there are more.
 */
export function coverageFigures(
  actor: ActorKind,
  views: readonly View[],
  space: readonly number[] | undefined,
  ranking: readonly number[] | undefined,
  allPaths = views,
): CoverageFigure[] {
  const each = views.map(() => 1);
  const greedy = byGreedyCover(views, each);
  const rankings: [RankingName, readonly number[], (readonly number[])?][] = [
    ['popularity', byPopularity(views)],
    ...(ranking === undefined ? [] : [['rank file', ranking] as [RankingName, readonly number[]]]),
    ['hegemony', byHegemony(allPaths)],
    ['greedy cover', greedy, space && byGreedyCover(views, space)],
  ];
  return rankings.map(([by, clients, forSpace = clients]) => ({
    actor,
    by,
    clients: { values: coverage(views, each, clients) },
    space: space && { values: coverage(views, space, forSpace) },
    first: clients.slice(0, NAMED),
  }));
}

/** Counts as shares of their sum; all 0 if there are none. */
export function shares(counts: readonly number[]): number[] {
  const sum = counts.reduce((total, count) => total + count, 0);
  return counts.map((count) => (sum === 0 ? 0 : count / sum));
}

/** Where a table shows coverage: powers of two, as the figures' axis has them. */
export const STEPS = Array.from({ length: Math.log2(MOST_AGGREGATORS) + 1 }, (_, i) => 2 ** i);

/**
 * The middle of several runs with the band from the lowest to the highest; point by point. Throws
 * RangeError without runs.
 */
export function band(runs: readonly (readonly number[])[]): Required<Series> {
  const [first] = runs;
  if (first === undefined) throw new RangeError('no band without runs');
  const sorted = first.map((_, i) => runs.map((run) => run[i] ?? 0).sort((a, b) => a - b));
  const middle = (all: readonly number[]): number => {
    const half = all.length >> 1;
    const upper = all[half] ?? 0;
    return all.length % 2 === 1 ? upper : ((all[half - 1] ?? 0) + upper) / 2;
  };
  return {
    values: sorted.map(middle),
    low: sorted.map((all) => all[0] ?? 0),
    high: sorted.map((all) => all[all.length - 1] ?? 0),
  };
}
