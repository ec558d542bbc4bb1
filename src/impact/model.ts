// SPDX-License-Identifier: Apache-2.0
/**
 * The paper's figures from a model of routing: where nobody measured, who would be covered? Pure.
 *
 * A graph of ASes says nothing of exchange points, of what an AS prefers beyond the rules of Gao and
 * Rexford, and lacks most of the peerings at the edge. So each figure is the middle of several runs
 * with the band that they span: each run has other ties, and, if asked for, another draw of the ASes
 * that peer with the target directly.
 */
import {
  band,
  coverageFigures,
  LONGEST,
  shares,
  type CoverageFigure,
  type Figures,
  type TargetFigures,
} from './figures.ts';
import type { View } from './coverage.ts';
import type { AsGraph } from './graph.ts';
import { chance, equalPaths, nextBySeed, pathFrom, routesTo, type Routes } from './routes.ts';
import type { Space } from './files.ts';

export interface ModelTarget {
  readonly name: string;
  readonly asn: number;
  /** The share of ASes that peer with it beside what the graph has. */
  readonly directPeering: number;
}

export interface ModelInput {
  readonly graph: AsGraph;
  readonly targets: readonly ModelTarget[];
  /** The ASes that have clients: each once, and each in the graph. */
  readonly clients: readonly number[];
  readonly space: Space | undefined;
  readonly ranking: readonly number[] | undefined;
  /** How often the model runs, with the seeds 0, 1, ... */
  readonly runs: number;
}

/** Which ASes peer with a target directly, beside what the graph has. The draws of a seed nest. */
export function directPeers(
  graph: AsGraph,
  target: number,
  share: number,
  seed: number,
): Uint8Array | undefined {
  if (share === 0) return undefined;
  const asn = graph.asns[target] as number;
  const direct = Uint8Array.from(graph.asns, (each) => +(chance(seed, asn, each) < share));
  direct[target] = 0;
  return direct;
}

/** Routes to one target with one seed, and the way that is taken of several. */
export interface Run {
  readonly routes: Routes;
  readonly next: (place: number) => number;
}

export function runOf(graph: AsGraph, target: ModelTarget, seed: number): Run {
  const place = placeOf(graph, target.asn);
  const routes = routesTo(graph, place, directPeers(graph, place, target.directPeering, seed));
  return { routes, next: nextBySeed(routes, seed) };
}

/** Throws RangeError for an AS that is not in the graph. */
export function placeOf(graph: AsGraph, asn: number): number {
  const place = graph.placeOf.get(asn);
  if (place === undefined) throw new RangeError(`AS${asn} is not in the graph`);
  return place;
}

/** What a client's path crosses: its ASes from its own on, without the target's. */
export function crossed({ routes, next }: Run, client: number): number[] | undefined {
  const path = pathFrom(routes, next, placeOf(routes.graph, client));
  return path?.slice(0, -1).map((place) => routes.graph.asns[place] as number);
}

export interface ModelFigures extends Figures {
  readonly targets: readonly ModelTargetFigures[];
}

interface ModelTargetFigures extends TargetFigures {
  readonly asn: number;
  readonly directPeering: number;
  /** Clients without a route to the target, in the run that has most of them. */
  readonly unrouted: number;
}

/** Runs the model; `onRun` is told of each run that is done. */
export function simulate(input: ModelInput, onRun: (done: number) => void): ModelFigures {
  let done = 0;
  const targets = input.targets.map((target) => {
    const seeds = Array.from({ length: input.runs }, (_, seed) => seed);
    const paths = seeds.map((seed) => pathsOfRun(input, target, seed));
    const all = viewsOf(paths);
    const runs = paths.map((run) => {
      const figures = figuresOfRun(input, run, all);
      onRun(++done);
      return figures;
    });
    return together(input, target, runs);
  });
  return { kind: 'model', runs: input.runs, targets };
}

interface RunPaths {
  readonly clients: readonly number[];
  /** By the places of `clients`: the ASes that each crosses. */
  readonly paths: readonly (readonly number[])[];
  readonly lengths: readonly number[];
  readonly stability: readonly number[];
}

function pathsOfRun({ graph, clients }: ModelInput, target: ModelTarget, seed: number): RunPaths {
  const run = runOf(graph, target, seed);
  const found = clients.flatMap((client) => {
    const path = crossed(run, client);
    return path === undefined ? [] : [{ client, path }];
  });
  const counts = equalPaths(run.routes, LONGEST);
  const lengths = found.map(({ path }) => Math.min(LONGEST, path.length));
  const paths = found.map(({ client }) => (counts[placeOf(graph, client)] ?? 1) - 1);
  return {
    clients: found.map(({ client }) => client),
    paths: found.map(({ path }) => path),
    lengths: shares(histogram(lengths, LONGEST + 1)),
    stability: shares(histogram(paths, LONGEST)),
  };
}

/** What each client crosses in all runs, with the share of the runs. */
function viewsOf(runs: readonly RunPaths[]): View[] {
  const counts = new Map<number, Map<number, number>>();
  for (const { clients, paths } of runs)
    for (const [i, client] of clients.entries()) {
      let of = counts.get(client);
      if (of === undefined) counts.set(client, (of = new Map<number, number>()));
      for (const actor of paths[i] ?? []) of.set(actor, (of.get(actor) ?? 0) + 1);
    }
  return Array.from(counts.values(), (of) => ({
    actors: [...of.keys()],
    shares: Array.from(of.values(), (count) => count / runs.length),
  }));
}

interface RunFigures extends RunPaths {
  readonly coverage: readonly CoverageFigure[];
}

function figuresOfRun(
  { space, ranking }: ModelInput,
  run: RunPaths,
  all: readonly View[],
): RunFigures {
  const views = run.paths.map((path): View => ({ actors: path, shares: path.map(() => 1) }));
  const sizes = space && run.clients.map((client) => space.byAs.get(client) ?? 0);
  return { ...run, coverage: coverageFigures('AS', views, sizes, ranking, all) };
}

function histogram(values: readonly number[], length: number): number[] {
  const counts = Array.from({ length }, () => 0);
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function together(
  { clients, space }: ModelInput,
  { name, asn, directPeering }: ModelTarget,
  runs: readonly RunFigures[],
): ModelTargetFigures {
  const [first] = runs;
  if (first === undefined) throw new RangeError('the model has to run once at least');
  const spaceSum =
    space && first.clients.reduce((sum, client) => sum + (space.byAs.get(client) ?? 0), 0);
  return {
    name,
    asn,
    directPeering,
    clients: first.clients.length,
    unrouted: clients.length - Math.min(...runs.map((run) => run.clients.length)),
    space: spaceSum,
    spaceShare: spaceSum === undefined || space === undefined ? undefined : spaceSum / space.all,
    lengths: [{ actor: 'AS', series: band(runs.map(({ lengths }) => lengths)) }],
    stability: [{ actor: 'AS', series: band(runs.map(({ stability }) => stability)) }],
    coverage: first.coverage.map((figure, i) => ({
      ...figure,
      clients: band(runs.map(({ coverage }) => coverage[i]?.clients.values ?? [])),
      space: figure.space && band(runs.map(({ coverage }) => coverage[i]?.space?.values ?? [])),
    })),
  };
}

/** Seeds that a fit goes by. */
const FIT_SEEDS = [0, 1, 2];

/** A fit: the share of ASes that peer directly, and how far the lengths are from those wanted. */
export interface Fit {
  readonly share: number;
  /** The root of the mean of the squared differences, in shares of paths. */
  readonly error: number;
}

/**
 * The share of directly peering ASes with which path lengths come nearest to those that were
 * measured: `wanted` has shares of paths by how many ASes they cross, from 0 to 5 (and more), for as
 * many lengths as are known.
 */
export function fitDirectPeering(
  graph: AsGraph,
  target: number,
  clients: readonly number[],
  wanted: ReadonlyMap<number, number>,
): Fit {
  const errorAt = (share: number): number => {
    const all = FIT_SEEDS.map((seed) => {
      const run = runOf(graph, { name: '', asn: target, directPeering: share }, seed);
      return shares(
        histogram(
          clients.flatMap((client) => {
            const actors = crossed(run, client);
            return actors === undefined ? [] : [Math.min(LONGEST, actors.length)];
          }),
          LONGEST + 1,
        ),
      );
    });
    const squares = Array.from(wanted, ([length, measured]) => {
      const mean = all.reduce((sum, run) => sum + (run[length] ?? 0), 0) / all.length;
      return (mean - measured) ** 2;
    });
    return Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / squares.length);
  };
  // In twentieths of all first, then in hundredths and in thousandths around the best of these.
  let best: Fit = { share: 0, error: errorAt(0) };
  const tryAll = (first: number, step: number, count: number): void => {
    for (let i = 0; i <= count; i++) {
      const share = Math.round((first + i * step) * 1000) / 1000;
      if (share <= 0 || share > 1) continue;
      const error = errorAt(share);
      if (error < best.error) best = { share, error };
    }
  };
  tryAll(0, 0.05, 20);
  tryAll(best.share - 0.04, 0.01, 8);
  tryAll(best.share - 0.009, 0.001, 18);
  return best;
}
