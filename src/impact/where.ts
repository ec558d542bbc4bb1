// SPDX-License-Identifier: Apache-2.0
/**
 * One operator's question: whom do my aggregators cover, what does one more neighbour add, and what
 * is left of it against an attacker who goes out of their way (paper, Sections 5.4 and 7.1)? By the
 * model of model.ts, with its bands. Pure.
 */
import { band, type Series } from './figures.ts';
import { neighboursOf, type AsGraph, type Neighbours } from './graph.ts';
import { crossed, placeOf, runOf, type ModelInput, type ModelTarget, type Run } from './model.ts';
import { byHegemony } from './coverage.ts';
import { chance, RouteKind } from './routes.ts';

/** A share of the clients and of the IPv4 space of their ASes; each a series of one value. */
export interface Share {
  readonly clients: Series;
  readonly space: Series | undefined;
}

export type NeighbourKind = 'provider' | 'customer' | 'peer';

export interface TargetView {
  readonly name: string;
  readonly asn: number;
  /** Clients with a route. */
  readonly clients: number;
  readonly covered: Share;
  /** The clients that are covered in any run, with the share of the runs; those in most first. */
  readonly coveredClients: readonly { readonly asn: number; readonly share: number }[];
  /** What is covered more if this neighbour aggregates too; the one that adds most comes first. */
  readonly neighbours: readonly {
    readonly asn: number;
    readonly is: NeighbourKind;
    readonly adds: Share;
  }[];
  /** What is covered, with everybody's new routes, if the operator peers with this AS too. */
  readonly peers: readonly { readonly asn: number; readonly covered: Share }[];
  readonly attacks: readonly Attack[];
}

export interface Attack {
  readonly kind: 'none' | 'next to the client' | 'best neighbour' | 'places' | 'known';
  /** How many places fragments come from, or how many aggregators are known; 0 for other kinds. */
  readonly count: number;
  /** What stays uncovered if each aggregator sees only what passes itself. */
  readonly uncovered: Share;
  /** The same if the operator's aggregators, being several, put their fragments together. */
  readonly together: Share | undefined;
}

export interface Where {
  readonly kind: 'model';
  readonly runs: number;
  readonly mine: readonly number[];
  /** How many places an attacker has to send from, the target's AS being one. */
  readonly places: number;
  readonly targets: readonly TargetView[];
}

/** ASes anywhere that an attacker may send from, beside the target's. */
export const PLACES = 16;
/** From how many places fragments come. */
export const FRAGMENT_PLACES = [2, 3, 4, 8, 16];
/** How many of the most likely aggregators are known. */
export const KNOWN = [1, 4, 16, 64, 256, 1024];

export interface WhereInput extends ModelInput {
  /** The operator's ASes, all of which aggregate. */
  readonly mine: readonly number[];
  /** ASes that the operator might peer with. */
  readonly peers: readonly number[];
}

export function where(input: WhereInput, onRun: (done: number) => void): Where {
  const { mine, runs, targets } = input;
  const seeds = Array.from({ length: runs }, (_, seed) => seed);
  let done = 0;
  const results = seeds.map((seed) => {
    const places = attackerPlaces(input.graph, seed);
    const found = targets.map((target) => runOfTarget(input, target, seed, places));
    onRun(++done);
    return found;
  });
  return {
    kind: 'model',
    runs,
    mine,
    places: PLACES,
    targets: targets.map((target, i) =>
      together(
        input,
        target,
        results.flatMap((each) => each[i] ?? []),
      ),
    ),
  };
}

/** Weights of clients, one and by space, and sums over those for which something holds. */
class Weights {
  readonly #space: readonly number[] | undefined;
  readonly #count: number;

  constructor(clients: readonly number[], { space }: ModelInput) {
    this.#count = clients.length;
    this.#space = space && clients.map((client) => space.byAs.get(client) ?? 0);
  }

  /** Of a part of each client, from 0 to 1: the shares of clients and of space. */
  share(part: (i: number) => number): Scalars {
    let [clients, space, all] = [0, 0, 0];
    for (let i = 0; i < this.#count; i++) {
      const value = part(i);
      const weight = this.#space?.[i] ?? 0;
      clients += value;
      space += value * weight;
      all += weight;
    }
    return [
      this.#count === 0 ? 0 : clients / this.#count,
      this.#space === undefined ? undefined : all === 0 ? 0 : space / all,
    ];
  }
}

type Scalars = readonly [clients: number, space: number | undefined];

interface RunView {
  readonly clients: readonly number[];
  readonly covered: Scalars;
  readonly coveredClients: readonly number[];
  readonly neighbours: readonly Scalars[];
  readonly peers: readonly Scalars[];
  readonly attacks: readonly (readonly [uncovered: Scalars, together: Scalars | undefined])[];
}

function attackerPlaces(graph: AsGraph, seed: number): Run[] {
  return Array.from({ length: PLACES - 1 }, (_, i) => {
    const asn = graph.asns[Math.floor(chance(seed, i, 7) * graph.asns.length)] as number;
    return runOf(graph, { name: '', asn, directPeering: 0 }, seed);
  });
}

function runOfTarget(
  input: WhereInput,
  target: ModelTarget,
  seed: number,
  places: readonly Run[],
): RunView {
  const { graph } = input;
  const mine = new Set(input.mine);
  const found = pathsTo(input, runOf(graph, target, seed));
  const clients = found.map(({ client }) => client);
  const weights = new Weights(clients, input);
  const isMine = (path: readonly number[]): boolean => path.some((asn) => mine.has(asn));
  const covered = found.map(({ path }) => isMine(path));
  const covers = (more: number): Scalars =>
    weights.share((i) => +(covered[i] !== true && (found[i]?.path.includes(more) ?? false)));
  return {
    clients,
    covered: weights.share((i) => +(covered[i] ?? false)),
    coveredClients: clients.filter((_, i) => covered[i]),
    neighbours: neighboursOfMine(input).map(({ asn }) => covers(asn)),
    peers: input.peers.map((peer) => {
      const other = withPeering(graph, input.mine, peer);
      const paths = pathsTo({ ...input, graph: other }, runOf(other, target, seed));
      const theirs = new Weights(
        paths.map(({ client }) => client),
        input,
      );
      return theirs.share((i) => +isMine(paths[i]?.path ?? []));
    }),
    attacks: attacksOn(input, found, places, weights, isMine),
  };
}

interface ClientPath {
  readonly client: number;
  readonly path: readonly number[];
}

function pathsTo({ clients }: ModelInput, run: Run): ClientPath[] {
  return clients.flatMap((client) => {
    const path = crossed(run, client);
    return path === undefined ? [] : [{ client, path }];
  });
}

/** In this order the attacks of a run and of all are told. */
const ATTACKS: readonly Pick<Attack, 'kind' | 'count'>[] = [
  { kind: 'none', count: 0 },
  { kind: 'next to the client', count: 0 },
  { kind: 'best neighbour', count: 0 },
  ...FRAGMENT_PLACES.map((count) => ({ kind: 'places' as const, count })),
  ...KNOWN.map((count) => ({ kind: 'known' as const, count })),
];

function attacksOn(
  input: WhereInput,
  found: readonly ClientPath[],
  places: readonly Run[],
  weights: Weights,
  isMine: (path: readonly number[]) => boolean,
): (readonly [Scalars, Scalars | undefined])[] {
  const { graph } = input;
  const likely =
    input.ranking ??
    byHegemony(found.map(({ path }) => ({ actors: path, shares: path.map(() => 1) })));
  // Of each client: its paths to all places, the target's first; a place without a path is none.
  const ways = found.map(({ client, path }) => [
    path,
    ...places.flatMap((run) => {
      const way = wayFrom(run, client);
      return way === undefined ? [] : [way];
    }),
  ]);
  // Of each client: of its neighbours, those from which nobody of mine is passed.
  const free = found.map(({ client }) => {
    const place = placeOf(graph, client);
    const all = [graph.providers, graph.peers, graph.customers].flatMap((each) => [
      ...neighboursOf(each, place),
    ]);
    const open = all.filter((each) => !isMine([client, graph.asns[each] as number]));
    return { all: all.length, open: open.length };
  });
  return ATTACKS.map(({ kind, count }) => {
    switch (kind) {
      case 'none':
        return [weights.share((i) => +!isMine(found[i]?.path ?? [])), undefined];
      case 'next to the client':
        return [
          weights.share((i) => (free[i]?.open ?? 0) / Math.max(1, free[i]?.all ?? 1)),
          undefined,
        ];
      case 'best neighbour':
        return [weights.share((i) => +((free[i]?.open ?? 0) > 0)), undefined];
      case 'places': {
        const used = (i: number): readonly (readonly number[])[] => ways[i]?.slice(0, count) ?? [];
        return [
          weights.share(
            (i) => +!input.mine.some((asn) => used(i).every((way) => way.includes(asn))),
          ),
          weights.share((i) => +!used(i).every(isMine)),
        ];
      }
      case 'known': {
        const known = new Set(likely.slice(0, count));
        return [
          weights.share((i) => {
            const all = ways[i] ?? [];
            const around = all.find((way) => !way.some((asn) => known.has(asn)));
            return +!isMine(around ?? all[0] ?? []);
          }),
          undefined,
        ];
      }
    }
  });
}

/**
 * The ASes between a client and a place that sends, the place's own AS with them; undefined if there
 * is no route, or the place is in the client's AS, as whoever is there isolates it (Section 3.1.1).
 */
function wayFrom(run: Run, client: number): readonly number[] | undefined {
  const { graph, target, kind } = run.routes;
  const place = placeOf(graph, client);
  if (kind[place] === RouteKind.none || place === target) return undefined;
  return [...(crossed(run, client) ?? []), graph.asns[target] as number];
}

/** The neighbours of the operator's ASes that are not its own, each once. */
export function neighboursOfMine({
  graph,
  mine,
}: Pick<WhereInput, 'graph' | 'mine'>): { asn: number; is: NeighbourKind }[] {
  const kinds: readonly (readonly [NeighbourKind, Neighbours])[] = [
    ['provider', graph.providers],
    ['peer', graph.peers],
    ['customer', graph.customers],
  ];
  const found = new Map<number, NeighbourKind>();
  for (const [is, neighbours] of kinds)
    for (const asn of mine)
      for (const place of neighboursOf(neighbours, placeOf(graph, asn))) {
        const other = graph.asns[place] as number;
        if (!mine.includes(other) && !found.has(other)) found.set(other, is);
      }
  return Array.from(found, ([asn, is]) => ({ asn, is })).sort((a, b) => a.asn - b.asn);
}

/** The graph in which the operator's ASes peer with one more; neighbours stay what they are. */
function withPeering(graph: AsGraph, mine: readonly number[], peer: number): AsGraph {
  const other = placeOf(graph, peer);
  const more = mine
    .map((asn) => placeOf(graph, asn))
    .filter((place) =>
      [graph.providers, graph.peers, graph.customers].every(
        (each) => !neighboursOf(each, place).includes(other),
      ),
    );
  const added = new Map<number, readonly number[]>(more.map((place) => [place, [other]]));
  added.set(other, more);
  const lists = Array.from(graph.asns.keys(), (place) => {
    const list = neighboursOf(graph.peers, place);
    const others = added.get(place);
    return others === undefined ? list : Uint32Array.from([...list, ...others]).sort();
  });
  const offsets = new Uint32Array(lists.length + 1);
  for (const [place, list] of lists.entries())
    offsets[place + 1] = (offsets[place] as number) + list.length;
  const all = new Uint32Array(offsets[lists.length] as number);
  for (const [place, list] of lists.entries()) all.set(list, offsets[place]);
  return { ...graph, peers: { offsets, all } };
}

function together(
  input: WhereInput,
  { name, asn }: ModelTarget,
  runs: readonly RunView[],
): TargetView {
  const share = (of: (run: RunView) => Scalars | undefined): Share => {
    const values = runs.map((run): Scalars => of(run) ?? [0, undefined]);
    return {
      clients: band(values.map(([clients]) => [clients])),
      space: input.space && band(values.map(([, space]) => [space ?? 0])),
    };
  };
  const counts = new Map<number, number>();
  for (const { coveredClients } of runs)
    for (const client of coveredClients) counts.set(client, (counts.get(client) ?? 0) + 1);
  const value = ({ clients }: Share): number => clients.values[0] ?? 0;
  return {
    name,
    asn,
    clients: Math.max(...runs.map(({ clients }) => clients.length)),
    covered: share((run) => run.covered),
    coveredClients: Array.from(counts, ([client, count]) => ({
      asn: client,
      share: count / runs.length,
    })).sort((a, b) => b.share - a.share || a.asn - b.asn),
    neighbours: neighboursOfMine(input)
      .map((neighbour, i) => ({ ...neighbour, adds: share((run) => run.neighbours[i]) }))
      .sort((a, b) => value(b.adds) - value(a.adds) || a.asn - b.asn),
    peers: input.peers.map((peer, i) => ({ asn: peer, covered: share((run) => run.peers[i]) })),
    attacks: ATTACKS.map((attack, i) => ({
      ...attack,
      uncovered: share((run) => run.attacks[i]?.[0]),
      together:
        attack.kind === 'places' && input.mine.length > 1
          ? share((run) => run.attacks[i]?.[1])
          : undefined,
    })),
  };
}
