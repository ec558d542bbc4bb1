// SPDX-License-Identifier: Apache-2.0
/**
 * Routes to one AS as Gao and Rexford have ASes choose and export them: what a customer tells is
 * preferred to what a peer tells, and that to what a provider tells; of these the shortest; and what
 * a peer or a provider told is passed on to customers alone. Pure.
 *
 * Several neighbours may be equally good. Seed 0 takes the lowest AS number; other seeds take
 * another, which is the same in every run.
 */
import { neighboursOf, type AsGraph } from './graph.ts';

export const RouteKind = { none: 0, own: 1, customer: 2, peer: 3, provider: 4 } as const;

export interface Routes {
  readonly graph: AsGraph;
  /** The AS that all routes lead to; here as everywhere below, its place in the graph. */
  readonly target: number;
  /** ASes that peer with the target beside what the graph has, if the place's byte is 1. */
  readonly direct: Uint8Array | undefined;
  /** Who told each AS: values of RouteKind. */
  readonly kind: Uint8Array;
  /** Hops to the target; 0 where there is no route as well. */
  readonly length: Uint32Array;
}

export function routesTo(graph: AsGraph, target: number, direct?: Uint8Array): Routes {
  const count = graph.asns.length;
  const kind = new Uint8Array(count);
  const length = new Uint32Array(count);
  kind[target] = RouteKind.own;
  // Customers tell their providers, level by level; a level has all routes of one length.
  const told: number[] = [target];
  for (let i = 0; i < told.length; i++) {
    const place = told[i] as number;
    for (const provider of neighboursOf(graph.providers, place)) {
      if (kind[provider] !== RouteKind.none) continue;
      kind[provider] = RouteKind.customer;
      length[provider] = (length[place] as number) + 1;
      told.push(provider);
    }
  }
  // They tell their peers; the list is by length, so whoever tells first tells the shortest.
  const fromCustomers = told.length;
  for (let i = 0; i < fromCustomers; i++) {
    const place = told[i] as number;
    const tell = (peer: number): void => {
      if (kind[peer] !== RouteKind.none) return;
      kind[peer] = RouteKind.peer;
      length[peer] = (length[place] as number) + 1;
      told.push(peer);
    };
    for (const peer of neighboursOf(graph.peers, place)) tell(peer);
    if (i === 0 && direct !== undefined)
      for (let peer = 0; peer < count; peer++) if (direct[peer] === 1) tell(peer);
  }
  // All tell their customers, those with the shortest routes first.
  const byLength: number[][] = [];
  const put = (place: number): void => {
    (byLength[length[place] as number] ??= []).push(place);
  };
  told.forEach(put);
  for (let hops = 0; hops < byLength.length; hops++)
    for (const place of byLength[hops] ?? [])
      for (const customer of neighboursOf(graph.customers, place)) {
        if (kind[customer] !== RouteKind.none) continue;
        kind[customer] = RouteKind.provider;
        length[customer] = hops + 1;
        put(customer);
      }
  return { graph, target, direct, kind, length };
}

/** The neighbours whose routes an AS has for its best ones, ascending; none for the target. */
export function bestNeighbours(routes: Routes, place: number): number[] {
  const { graph, target, direct, kind, length } = routes;
  const isOne = (neighbour: number): boolean =>
    kind[neighbour] !== RouteKind.none && length[neighbour] === (length[place] as number) - 1;
  const fromCustomer = (neighbour: number): boolean =>
    isOne(neighbour) &&
    (kind[neighbour] === RouteKind.own || kind[neighbour] === RouteKind.customer);
  switch (kind[place]) {
    case RouteKind.customer:
      return [...neighboursOf(graph.customers, place)].filter(fromCustomer);
    case RouteKind.peer: {
      const found = [...neighboursOf(graph.peers, place)].filter(fromCustomer);
      if (direct?.[place] === 1 && length[place] === 1 && !found.includes(target))
        found.push(target);
      return found.sort((a, b) => a - b);
    }
    case RouteKind.provider:
      return [...neighboursOf(graph.providers, place)].filter(isOne);
    default:
      return [];
  }
}

/**
 * Gives the next AS on the way to the target, by place: -1 at the target and where there is no
 * route. What was found is remembered.
 */
export function nextBySeed(routes: Routes, seed: number): (place: number) => number {
  const next = new Int32Array(routes.kind.length).fill(UNKNOWN);
  return (place) => {
    const found = next[place] ?? -1;
    if (found !== UNKNOWN) return found;
    const { asns } = routes.graph;
    let best = -1;
    let bestRank = Infinity;
    for (const neighbour of bestNeighbours(routes, place)) {
      const rank =
        seed === 0
          ? (asns[neighbour] as number)
          : chance(seed, asns[place] as number, asns[neighbour] as number);
      if (rank < bestRank) [best, bestRank] = [neighbour, rank];
    }
    next[place] = best;
    return best;
  };
}

const UNKNOWN = -2;

/** The ASes from one to the target, both with it; undefined if there is no route. */
export function pathFrom(
  routes: Routes,
  next: (place: number) => number,
  from: number,
): number[] | undefined {
  if (routes.kind[from] === RouteKind.none) return undefined;
  const path = [from];
  for (let place = next(from); place >= 0; place = next(place)) path.push(place);
  return path;
}

/** How many equally good paths each AS has, up to `most`; 0 where there is no route. */
export function equalPaths(routes: Routes, most: number): Uint32Array {
  const { kind, length } = routes;
  const counts = new Uint32Array(kind.length);
  const places = Array.from(kind.keys()).filter((place) => kind[place] !== RouteKind.none);
  places.sort((a, b) => (length[a] as number) - (length[b] as number));
  for (const place of places)
    counts[place] =
      place === routes.target
        ? 1
        : Math.min(
            most,
            bestNeighbours(routes, place).reduce((sum, each) => sum + (counts[each] ?? 0), 0),
          );
  return counts;
}

/** A number from 0 to 1 (1 is left out) that hangs on these whole numbers alone (murmur3's mixing). */
export function chance(...numbers: readonly number[]): number {
  let hash = 0x9747_b28c;
  for (const number of numbers) {
    hash = mix(hash ^ mix(number >>> 0));
    hash = (Math.imul(hash, 5) + 0xe654_6b64) >>> 0;
  }
  return mix(hash) / 2 ** 32;
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
