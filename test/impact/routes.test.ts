// SPDX-License-Identifier: Apache-2.0
/** Routes: against others' on small graphs, and against a naive BGP on random ones. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/impact/fault.ts';
import { graphOf, graphReader, type AsGraph, type Edge } from '../../src/impact/graph.ts';
import {
  bestNeighbours,
  chance,
  equalPaths,
  nextBySeed,
  pathFrom,
  routesTo,
} from '../../src/impact/routes.ts';
import { needsPython, python } from '../support/python.ts';
import { fc } from '../support/random.ts';
import { BGPY_VECTORS, VALLEY_FREE_VECTORS } from './route-vectors.ts';

function edgesOf(text: string): Edge[] {
  const edges: Edge[] = [];
  const reader = graphReader(edges);
  for (const [i, line] of text.split(/[ \n]/).entries()) reader.line(line, i + 1);
  reader.end();
  return edges;
}
const readGraph = (text: string): AsGraph => graphOf(edgesOf(text));

/** The paths of all ASes that have one, as text. */
function paths(graph: AsGraph, target: number, seed = 0, direct?: readonly number[]): string[] {
  const place = graph.placeOf.get(target) ?? assert.fail(`no AS${target}`);
  const mask = direct && Uint8Array.from(graph.asns, (asn) => +direct.includes(asn));
  const routes = routesTo(graph, place, mask);
  const next = nextBySeed(routes, seed);
  return Array.from(graph.asns.keys()).flatMap((from) => {
    const path = pathFrom(routes, next, from);
    return path === undefined ? [] : [path.map((each) => graph.asns[each] ?? 0).join(' ')];
  });
}

describe("bgpy's graphs", () => {
  for (const { graph, routes } of BGPY_VECTORS)
    test(graph, () => {
      const read = readGraph(graph);
      assert.equal(Object.keys(routes).length, read.asns.length);
      for (const [target, expected] of Object.entries(routes))
        assert.deepEqual(paths(read, Number(target)).sort(), [...expected].sort(), target);
    });
});

describe("valley-free's graphs", () => {
  for (const { graph, target, paths: all } of VALLEY_FREE_VECTORS)
    test(`${graph}, from ${target}`, () => {
      const found = paths(readGraph(graph), target).map((path) =>
        path.split(' ').reverse().join(' '),
      );
      for (const path of found) assert(all.includes(path), path);
      // Whoever is on one of the paths has a route, and its route is as short as any.
      const ends = new Map<string, number>();
      for (const path of all) {
        const ases = path.split(' ');
        const end = ases[ases.length - 1] ?? '';
        ends.set(end, Math.min(ends.get(end) ?? Infinity, ases.length));
      }
      assert.equal(found.length, ends.size);
    });
});

/** Relationships of up to a dozen ASes: whoever provides has the lower place, so there is no circle. */
const arbitraryGraph = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2, maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.constantFrom('-1', '-1', '0')), {
      minLength: 1,
      maxLength: 30,
    }),
  )
  .map(([asns, links]) => {
    const lines = new Map<string, string>();
    for (const [a, b, relationship] of links) {
      const [low, high] = [Math.min(a, b) % asns.length, Math.max(a, b) % asns.length].sort(
        (x, y) => x - y,
      );
      if (low === high || low === undefined || high === undefined) continue;
      const key = `${low} ${high}`;
      if (!lines.has(key)) lines.set(key, `${asns[low] ?? 0}|${asns[high] ?? 0}|${relationship}`);
    }
    return [...lines.values()].join('\n');
  })
  .filter((text) => text !== '');

/**
 * BGP as ASes run it: each tells its neighbours what it has, by the rules, and takes the best of
 * what it is told, until nothing changes. The paths of all ASes.
 */
function naive(edges: readonly Edge[], target: number): Map<number, number[]> {
  const asns = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const best = new Map<number, { path: number[]; preference: number }>([
    [target, { path: [target], preference: 3 }],
  ]);
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    for (const asn of asns) {
      if (asn === target) continue;
      const told = edges.flatMap(({ from, to, relationship }) => {
        if (from !== asn && to !== asn) return [];
        const other = from === asn ? to : from;
        const theirs = best.get(other);
        if (theirs === undefined || theirs.path.includes(asn)) return [];
        const isProvider = relationship === 'provider' && from === other;
        // Of peers and providers only customers hear.
        if (!isProvider && theirs.preference < 2) return [];
        const preference = relationship === 'peer' ? 1 : isProvider ? 0 : 2;
        return [{ path: [asn, ...theirs.path], preference }];
      });
      told.sort(
        (a, b) =>
          b.preference - a.preference ||
          a.path.length - b.path.length ||
          (a.path[1] ?? 0) - (b.path[1] ?? 0),
      );
      const [first] = told;
      if (first?.path.join() !== best.get(asn)?.path.join()) {
        isChanged = true;
        if (first === undefined) best.delete(asn);
        else best.set(asn, first);
      }
    }
  }
  return new Map(Array.from(best, ([asn, { path }]) => [asn, path]));
}

describe('on random graphs, routes', () => {
  test('are those that a naive BGP comes to', () => {
    fc.assert(
      fc.property(arbitraryGraph, (text) => {
        const edges = edgesOf(text);
        const graph = graphOf(edges);
        for (const target of graph.asns)
          assert.deepEqual(
            paths(graph, target).sort(),
            [...naive(edges, target).values()].map((path) => path.join(' ')).sort(),
          );
      }),
    );
  });

  test('with another seed are as good, and the same every time', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.integer({ min: 1, max: 9 }), (text, seed) => {
        const graph = readGraph(text);
        for (const target of graph.asns) {
          const found = paths(graph, target, seed);
          assert.deepEqual(found, paths(graph, target, seed));
          const lengths = (all: readonly string[]): number[] =>
            all.map((path) => path.split(' ').length);
          assert.deepEqual(lengths(found), lengths(paths(graph, target)));
        }
      }),
    );
  });

  test('with direct peering are those of a graph that has these peerings', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(99), (text, pick) => {
        const graph = readGraph(text);
        const target = graph.asns[pick % graph.asns.length] ?? 0;
        const direct = [...graph.asns].filter((asn, i) => i % 3 === pick % 3 && asn !== target);
        const known = new Set(
          text.split('\n').map((line) => line.split('|').slice(0, 2).sort().join()),
        );
        const more = direct.filter((asn) => !known.has([`${asn}`, `${target}`].sort().join()));
        const bigger = readGraph([text, ...more.map((asn) => `${asn}|${target}|0`)].join('\n'));
        assert.deepEqual(paths(graph, target, 0, more), paths(bigger, target));
      }),
    );
  });

  test('have as many equally good paths as there are', () => {
    fc.assert(
      fc.property(arbitraryGraph, (text) => {
        const graph = readGraph(text);
        for (const target of graph.asns.keys()) {
          const routes = routesTo(graph, target);
          const count = (place: number): number =>
            place === target
              ? 1
              : bestNeighbours(routes, place).reduce((sum, each) => sum + count(each), 0);
          const all = Array.from(graph.asns.keys(), count);
          assert.deepEqual(
            [...equalPaths(routes, 5)],
            all.map((each) => Math.min(5, each)),
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  const BGPY = `
import json, sys
from bgpy.as_graphs import ASGraph, ASGraphInfo, PeerLink, CustomerProviderLink
from bgpy.simulation_engine import BGP, SimulationEngine, Announcement
def routes(text, target):
    edges = [tuple(map(int, e.split('|'))) for e in text.split()]
    graph = ASGraph(ASGraphInfo(
        customer_provider_links=frozenset(CustomerProviderLink(customer_asn=b, provider_asn=a) for a, b, r in edges if r == -1),
        peer_links=frozenset(PeerLink(a, b) for a, b, r in edges if r == 0)))
    engine = SimulationEngine(graph)
    for each in graph: each.policy = BGP(as_=each)
    graph.as_dict[target].policy.seed_ann(Announcement(prefix='1.2.0.0/16', as_path=(target,), next_hop_asn=target, seed_asn=target))
    engine._propagate(0, None)
    found = [each.policy.local_rib.get('1.2.0.0/16') for each in graph]
    return sorted(' '.join(map(str, f.as_path)) for f in found if f)
print(json.dumps([routes(*json.loads(line)) for line in sys.stdin]))
`;
  test('are those of bgpy itself', { skip: needsPython('bgpy') }, () => {
    const asked = fc
      .sample(arbitraryGraph, 200)
      .flatMap((text) =>
        [...readGraph(text).asns].slice(0, 3).map((target) => [text, target] as const),
      );
    const theirs = python(
      BGPY,
      asked.map((each) => `${JSON.stringify(each)}\n`).join(''),
    ) as string[][];
    for (const [i, [text, target]] of asked.entries())
      assert.deepEqual(paths(readGraph(text), target).sort(), theirs[i], `${text} to ${target}`);
  });
});

describe('a graph', () => {
  test('may be of serial-1, serial-2 or older, with comments, and say a thing twice', () => {
    const forms = ['1|2|-1 1|3|0', '#c\n1|2|-1|bgp\n3|1|0|mlp', '2|1|1\n1|2|-1\n1|3|0\n3|1|0'];
    for (const text of forms)
      assert.deepEqual(paths(readGraph(text), 2).sort(), ['1 2', '2', '3 1 2']);
  });

  for (const [text, line, said] of [
    ['1|2', 1, '"1|2": want AS|AS|RELATIONSHIP, or a source behind that'],
    ['1|2|-1 1|2|-1|a|b', 2, '"1|2|-1|a|b": want AS|AS|RELATIONSHIP, or a source behind that'],
    ['1|2|-1 x|2|0', 2, '"x" is no AS number'],
    ['1|2|-1 0|2|0', 2, '"0" is no AS number'],
    ['1|2|-1 2|2|0', 2, 'AS2 is its own neighbour'],
    ['1|2|2', 1, '"2" is no relationship: want -1 (provider of), 0 (peer of) or 1 (customer of)'],
    ['1|2|-1 3|4|0 2|1|-1', 3, 'AS2 provides for AS1, but by line 1 AS1 provides for AS2'],
    ['1|2|-1 2|1|0', 2, 'AS2 and AS1 peer, but by line 1 AS1 provides for AS2'],
    [
      '9|1|-1 1|2|-1 2|3|-1 3|1|-1 3|4|-1',
      4,
      'providers form a circle: AS1 provides for AS2 provides for AS3 provides for AS1',
    ],
    ['# nothing', undefined, 'there is no relationship in it'],
  ] as const)
    test(`is refused: ${said}`, () => {
      const edges: Edge[] = [];
      const reader = graphReader(edges);
      const lines = text.startsWith('#') ? [text] : text.split(' ');
      let at = 0;
      assert.throws(
        () => {
          for (const each of lines) reader.line(each, ++at);
          reader.end();
        },
        (error) => {
          assert(error instanceof Fault, String(error));
          const circle = (message: string): string =>
            message.split(': ').pop()?.split(' provides for ').slice(0, -1).sort().join() ?? '';
          if (said.startsWith('providers form')) {
            assert.equal(circle(error.message), circle(said));
            assert.equal(error.line, line);
          } else assert.equal(error.message, said);
          if (line !== undefined) assert.equal(error.line ?? at, line);
          return true;
        },
      );
    });

  test('is refused for any circle, and for nothing else that has none', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.nat(99), (text, pick) => {
        const edges = edgesOf(text);
        const down = edges.filter(({ relationship }) => relationship === 'provider');
        const from = down[pick % Math.max(1, down.length)]?.from;
        if (from === undefined) return;
        // The way down from an AS to any that it provides for, and one line back up.
        const below = new Set([from]);
        for (const asn of below) for (const edge of down) if (edge.from === asn) below.add(edge.to);
        const end = [...below].pop() ?? from;
        if (edges.some((edge) => edge.from === from && edge.to === end)) return;
        assert.throws(() => edgesOf(`${text}\n${end}|${from}|-1`), Fault);
      }),
    );
  });

  test('of a hundred thousand ASes in a line has routes', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `${i + 1}|${i + 2}|-1`).join('\n');
    const graph = readGraph(lines);
    const routes = routesTo(graph, 0);
    assert.equal(pathFrom(routes, nextBySeed(routes, 0), 100_000)?.length, 100_001);
    assert.equal(equalPaths(routes, 5)[100_000], 1);
  });
});

test('chance is even, and hangs on every number', () => {
  const draws = Array.from({ length: 10_000 }, (_, i) => chance(1, 2, i));
  for (const tenth of Array.from({ length: 10 }, (_, i) => i / 10)) {
    const count = draws.filter((each) => each >= tenth && each < tenth + 0.1).length;
    assert(count > 850 && count < 1150, `${count} from ${tenth} on`);
  }
  assert.notEqual(chance(1, 2, 3), chance(1, 3, 2));
  assert.notEqual(chance(1, 2, 3), chance(2, 2, 3));
});
