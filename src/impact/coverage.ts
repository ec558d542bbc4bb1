// SPDX-License-Identifier: Apache-2.0
/**
 * Who is covered if which actors aggregate, and whom to ask first (paper, Section 5.3). Pure.
 *
 * An actor, an AS or an exchange point, is a number. A client is covered if any path of it crosses
 * an actor that aggregates.
 */

/** What one client's paths to one target cross: each actor once, with the share of the paths. */
export interface View {
  readonly actors: readonly number[];
  /** By the places of `actors`: above 0, and up to 1. */
  readonly shares: readonly number[];
}

/** As many aggregators as the paper's figures go up to. */
export const MOST_AGGREGATORS = 1024;

/** The paper's popularity: actors by how many clients cross them; of equals, the lowest first. */
export function byPopularity(views: readonly View[]): number[] {
  const clients = new Map<number, number>();
  for (const { actors } of views)
    for (const actor of actors) clients.set(actor, (clients.get(actor) ?? 0) + 1);
  return sortedBy(clients);
}

function sortedBy(score: ReadonlyMap<number, number>): number[] {
  return Array.from(score)
    .sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || a - b)
    .map(([actor]) => actor);
}

/** The tenth of the clients that crosses an actor most, and that which does so least, are no vote. */
const TRIM = 0.1;

/**
 * AS hegemony (Fontugne, Shah and Aben, "The (Thin) Bridges of AS Connectivity", PAM 2018): the
 * mean, over the clients, of the share of a client's paths that cross the actor, without the tenth
 * at either end. Actors that fewer than a tenth cross are all 0; of equals, the more popular first.
 */
export function hegemony(views: readonly View[]): Map<number, number> {
  const shares = new Map<number, number[]>();
  for (const view of views)
    for (const [i, actor] of view.actors.entries()) {
      const all = shares.get(actor);
      if (all === undefined) shares.set(actor, [view.shares[i] ?? 0]);
      else all.push(view.shares[i] ?? 0);
    }
  const cut = Math.floor(views.length * TRIM);
  const result = new Map<number, number>();
  for (const [actor, all] of shares) {
    all.sort((a, b) => b - a);
    const sum = all.slice(cut, views.length - cut).reduce((total, share) => total + share, 0);
    result.set(actor, sum / (views.length - 2 * cut));
  }
  return result;
}

export function byHegemony(views: readonly View[]): number[] {
  const score = hegemony(views);
  return byPopularity(views)
    .map((actor, place) => ({ actor, place, score: score.get(actor) ?? 0 }))
    .sort((a, b) => b.score - a.score || a.place - b.place)
    .map(({ actor }) => actor);
}

/**
 * The greedy cover: each next actor is the one that covers most of what none before it covers; of
 * equals, the lowest. No order that is found in reasonable time covers more than 1 / (1 - 1/e) times
 * as much. `weights` are the clients', by their places.
 */
export function byGreedyCover(
  views: readonly View[],
  weights: readonly number[],
  most = MOST_AGGREGATORS,
): number[] {
  const clientsOf = new Map<number, number[]>();
  const gains = new Map<number, number>();
  for (const [client, { actors }] of views.entries())
    for (const actor of actors) {
      const clients = clientsOf.get(actor);
      if (clients === undefined) clientsOf.set(actor, [client]);
      else clients.push(client);
      gains.set(actor, (gains.get(actor) ?? 0) + (weights[client] ?? 0));
    }
  const isCovered = new Uint8Array(views.length);
  const ranking: number[] = [];
  while (ranking.length < most && gains.size > 0) {
    let best = 0;
    let bestGain = -1;
    for (const [actor, gain] of gains)
      if (gain > bestGain || (gain === bestGain && actor < best)) [best, bestGain] = [actor, gain];
    ranking.push(best);
    gains.delete(best);
    for (const client of clientsOf.get(best) ?? []) {
      if (isCovered[client] === 1) continue;
      isCovered[client] = 1;
      for (const actor of views[client]?.actors ?? []) {
        const gain = gains.get(actor);
        if (gain !== undefined) gains.set(actor, gain - (weights[client] ?? 0));
      }
    }
  }
  return ranking;
}

/**
 * The weight of the clients that are covered if the first n of a ranking aggregate, as a share of
 * all weight; the first is that of n = 1. NaN if there is no weight.
 */
export function coverage(
  views: readonly View[],
  weights: readonly number[],
  ranking: readonly number[],
  most = MOST_AGGREGATORS,
): number[] {
  const places = new Map(ranking.slice(0, most).map((actor, place) => [actor, place]));
  const gains = new Float64Array(most);
  let all = 0;
  for (const [client, { actors }] of views.entries()) {
    const weight = weights[client] ?? 0;
    all += weight;
    let first = most;
    for (const actor of actors) first = Math.min(first, places.get(actor) ?? most);
    if (first < most) gains[first] = (gains[first] ?? 0) + weight;
  }
  let sum = 0;
  return Array.from(gains, (gain) => (sum += gain) / all);
}
