// SPDX-License-Identifier: Apache-2.0
/**
 * Relationships between ASes, from CAIDA's files: serial-1 (AS|AS|RELATIONSHIP) and serial-2 (with a
 * source behind that). -1 says that the first provides for the second, 0 that they peer, and 1, in
 * some older files, that the first is a customer of the second. Pure.
 *
 * Where two lines contradict each other, or providers form a circle, nobody can say which line is
 * wrong, and with a circle routes may have no end (Gao and Rexford, "Stable Internet Routing Without
 * Global Coordination", 2001): such a graph is refused.
 */
import { asNumber, Fault, shown } from './fault.ts';
import type { LineReader } from './tables.ts';

/** The neighbours of all ASes, by places in `asns`: those of i are from offsets[i] to offsets[i+1]. */
export interface Neighbours {
  readonly offsets: Uint32Array;
  /** Ascending within those of one AS. */
  readonly all: Uint32Array;
}

export interface AsGraph {
  /** The ASes, ascending; elsewhere they go by their places in this. */
  readonly asns: Float64Array;
  readonly placeOf: ReadonlyMap<number, number>;
  readonly providers: Neighbours;
  readonly customers: Neighbours;
  readonly peers: Neighbours;
}

export type Relationship = 'provider' | 'peer';

export interface Edge {
  /** The provider, or one of two peers. */
  readonly from: number;
  readonly to: number;
  readonly relationship: Relationship;
  /** The line that says so; 0 if none does. */
  readonly line: number;
}

export function neighboursOf({ offsets, all }: Neighbours, place: number): Uint32Array {
  return all.subarray(offsets[place], offsets[place + 1]);
}

/** Reads edges; `edges` has each pair once when the reader has ended. */
export function graphReader(edges: Edge[]): LineReader {
  const known = new Map<string, Edge>();
  return {
    line(text, line) {
      if (text.trim() === '' || text.startsWith('#')) return;
      const fields = text.trim().split('|');
      if (fields.length < 3 || fields.length > 4)
        throw new Fault(`${shown(text)}: want AS|AS|RELATIONSHIP, or a source behind that`);
      const [a, b] = [asNumber(fields[0]), asNumber(fields[1])];
      if (a === b) throw new Fault(`AS${a} is its own neighbour`);
      const edge = edgeOf(a, b, fields[2] ?? '', line);
      const key = a < b ? `${a} ${b}` : `${b} ${a}`;
      const earlier = known.get(key);
      if (earlier === undefined) {
        known.set(key, edge);
        edges.push(edge);
      } else if (
        earlier.relationship !== edge.relationship ||
        (edge.relationship === 'provider' && earlier.from !== edge.from)
      )
        throw new Fault(`${said(edge)}, but by line ${earlier.line} ${said(earlier)}`);
    },
    end() {
      if (edges.length === 0) throw new Fault('there is no relationship in it');
      refuseCircle(edges);
    },
  };
}

function edgeOf(a: number, b: number, relationship: string, line: number): Edge {
  switch (relationship) {
    case '-1':
      return { from: a, to: b, relationship: 'provider', line };
    case '1':
      return { from: b, to: a, relationship: 'provider', line };
    case '0':
      return { from: a, to: b, relationship: 'peer', line };
    default:
      throw new Fault(
        `${shown(relationship)} is no relationship: want -1 (provider of), 0 (peer of) or 1 (customer of)`,
      );
  }
}

function said({ from, to, relationship }: Edge): string {
  return relationship === 'peer' ? `AS${from} and AS${to} peer` : `AS${from} provides for AS${to}`;
}

/** Throws Fault, with the last line of a circle, if providers form one. */
function refuseCircle(edges: readonly Edge[]): void {
  const providing = edges.filter(({ relationship }) => relationship === 'provider');
  const providersOf = new Map<number, Edge[]>();
  const customersOf = new Map<number, Edge[]>();
  const put = (map: Map<number, Edge[]>, asn: number, edge: Edge): void => {
    const list = map.get(asn);
    if (list === undefined) map.set(asn, [edge]);
    else list.push(edge);
  };
  for (const edge of providing) {
    put(providersOf, edge.to, edge);
    put(customersOf, edge.from, edge);
  }
  // Whoever has no provider that is left is in no circle.
  const left = new Map(Array.from(providersOf, ([asn, list]) => [asn, list.length]));
  const free = [...customersOf.keys()].filter((asn) => !left.has(asn));
  for (let asn = free.pop(); asn !== undefined; asn = free.pop())
    for (const { to } of customersOf.get(asn) ?? []) {
      const count = (left.get(to) ?? 0) - 1;
      if (count > 0) left.set(to, count);
      else {
        left.delete(to);
        free.push(to);
      }
    }
  const [start] = left.keys();
  if (start === undefined) return;
  // All that are left have a provider that is left, too: upwards leads into a circle.
  const path: Edge[] = [];
  const seen = new Map<number, number>();
  let asn = start;
  while (!seen.has(asn)) {
    seen.set(asn, path.length);
    const up = providersOf.get(asn)?.find(({ from }) => left.has(from));
    if (up === undefined) throw new Error('a circle is open');
    path.push(up);
    asn = up.from;
  }
  const circle = path.slice(seen.get(asn)).reverse();
  const [first] = circle;
  const names = [...circle.map(({ from }) => from), first?.from ?? 0].map((each) => `AS${each}`);
  throw new Fault(
    `providers form a circle: ${(names.length > 12 ? [...names.slice(0, 11), '...'] : names).join(' provides for ')}`,
    {
      line: Math.max(...circle.map(({ line }) => line)),
      remedy: 'Nobody can say which of these relationships is wrong: take one out of the file.',
    },
  );
}

/** The graph of edges; each pair has to be there once. */
export function graphOf(edges: readonly Edge[]): AsGraph {
  const asns = Float64Array.from(new Set(edges.flatMap(({ from, to }) => [from, to]))).sort();
  const placeOf = new Map(Array.from(asns, (asn, place) => [asn, place]));
  const place = (asn: number): number => placeOf.get(asn) ?? 0;
  const links = edges.map(({ from, to, relationship }) => ({
    from: place(from),
    to: place(to),
    relationship,
  }));
  const providing = links.filter(({ relationship }) => relationship === 'provider');
  const peering = links.filter(({ relationship }) => relationship === 'peer');
  const turned = ({ from, to }: { from: number; to: number }): { from: number; to: number } => ({
    from: to,
    to: from,
  });
  return {
    asns,
    placeOf,
    customers: neighbours(asns.length, providing),
    providers: neighbours(asns.length, providing.map(turned)),
    peers: neighbours(asns.length, [...peering, ...peering.map(turned)]),
  };
}

function neighbours(
  count: number,
  links: readonly { readonly from: number; readonly to: number }[],
): Neighbours {
  const offsets = new Uint32Array(count + 1);
  for (const { from } of links) offsets[from + 1] = (offsets[from + 1] ?? 0) + 1;
  for (let i = 0; i < count; i++) offsets[i + 1] = (offsets[i + 1] ?? 0) + (offsets[i] ?? 0);
  const all = new Uint32Array(links.length);
  const next = offsets.slice();
  for (const { from, to } of links) {
    const at = next[from] ?? 0;
    all[at] = to;
    next[from] = at + 1;
  }
  for (let i = 0; i < count; i++) all.subarray(offsets[i], offsets[i + 1]).sort();
  return { offsets, all };
}
