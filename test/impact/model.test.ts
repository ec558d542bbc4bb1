// SPDX-License-Identifier: Apache-2.0
/** The model: its runs, its bands, direct peering and its calibration; and the graph of 2013. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { graphOf, graphReader, type AsGraph, type Edge } from '../../src/impact/graph.ts';
import { readGraph, readProbes, readRanking, readSpace } from '../../src/impact/files.ts';
import {
  directPeers,
  fitDirectPeering,
  simulate,
  type ModelFigures,
  type ModelInput,
} from '../../src/impact/model.ts';
import { random, SEED } from '../support/random.ts';
import { needsShared, sharedPath } from '../support/shared.ts';

function graph(lines: readonly string[]): AsGraph {
  const edges: Edge[] = [];
  const reader = graphReader(edges);
  for (const [i, line] of lines.entries()) reader.line(line, i + 1);
  reader.end();
  return graphOf(edges);
}

const run = (input: Partial<ModelInput> & Pick<ModelInput, 'graph' | 'clients'>): ModelFigures =>
  simulate(
    {
      targets: [{ name: 't', asn: 100, directPeering: 0 }],
      space: undefined,
      ranking: undefined,
      runs: 11,
      ...input,
    },
    () => undefined,
  );

/** Every client has the providers 10 and 20, and both have the target for a customer. */
const TIES = graph([
  '10|100|-1',
  '20|100|-1',
  ...[1, 2, 3, 4, 5, 6].flatMap((n) => [`10|${n}|-1`, `20|${n}|-1`]),
]);
const clients = [1, 2, 3, 4, 5, 6];

describe('a model', () => {
  const figures = run({ graph: TIES, clients, ranking: [10, 20] });
  const [target] = figures.targets;
  const by = (name: string) => target?.coverage.find((each) => each.by === name)?.clients;

  test('says that it is one, and has bands', () => {
    assert.equal(figures.kind, 'model');
    assert.equal(figures.runs, 11);
    assert.deepEqual(target?.lengths[0]?.series.values, [0, 0, 1, 0, 0, 0]);
    for (const each of target.coverage) assert(each.clients.low !== undefined);
  });
  test('shows in its band what hangs on ties', () => {
    const band = by('rank file');
    // With seed 0 the lowest AS has all; with others it has some.
    assert.equal(band?.high?.[0], 1);
    assert((band.low?.[0] ?? 1) < 1);
    assert.equal(band.low?.[1], 1);
  });
  test('counts equally good paths', () =>
    assert.deepEqual(target?.stability[0]?.series.values, [0, 1, 0, 0, 0]));
  test('is the same every time', () =>
    assert.deepEqual(run({ graph: TIES, clients, ranking: [10, 20] }), figures));
  test('ranks by hegemony what is on most paths in all runs', () =>
    assert.deepEqual(
      [
        ...(target?.coverage.find((each) => each.by === 'hegemony')?.first.slice(0, 2) ?? []),
      ].sort(),
      [10, 20],
    ));

  test('leaves out clients without a route, and counts them', () => {
    const [only] = run({
      graph: graph(['10|100|-1', '10|1|-1', '30|2|-1']),
      clients: [1, 2],
    }).targets;
    assert.equal(only?.clients, 1);
    assert.equal(only.unrouted, 1);
  });
  test("crosses the client's own AS, and not the target's", () => {
    const [only] = run({ graph: graph(['1|100|-1']), clients: [1, 100] }).targets;
    assert.deepEqual(only?.lengths[0]?.series.values, [0.5, 0.5, 0, 0, 0, 0]);
    assert.deepEqual(only.coverage[0]?.first, [1]);
  });
  test('weighs with the space of ASes', () => {
    const space = {
      byAs: new Map([
        [1, 30],
        [2, 10],
        [9, 60],
      ]),
      all: 100,
    };
    const [only] = run({
      graph: graph(['10|100|-1', '10|1|-1', '20|100|-1', '20|2|-1']),
      clients: [1, 2],
      space,
      ranking: [10],
    }).targets;
    assert.equal(only?.spaceShare, 0.4);
    assert.equal(only.coverage.find((each) => each.by === 'rank file')?.space?.values[0], 0.75);
  });
});

/** Some providers in two tiers, and many ASes below them. */
function randomGraph(): AsGraph {
  const draw = random(SEED);
  const lines = ['1|100000|-1', '2|3|0', '1|2|0', '1|3|0'];
  for (let n = 10; n < 60; n++) lines.push(`${1 + draw(3)}|${n}|-1`);
  for (let n = 1000; n < 3000; n++) lines.push(`${10 + draw(50)}|${n}|-1`);
  return graph([...new Set(lines)]);
}

describe('direct peering', () => {
  const big = randomGraph();
  const target = big.placeOf.get(100_000) ?? 0;
  const stubs = Array.from({ length: 2000 }, (_, i) => 1000 + i);

  test('with all is a path of one AS', () => {
    const [only] = run({
      graph: big,
      clients: stubs,
      targets: [{ name: 't', asn: 100_000, directPeering: 1 }],
      runs: 1,
    }).targets;
    assert.equal(only?.lengths[0]?.series.values[1], 1);
  });
  test('draws the share, anew with each seed, and more in more', () => {
    const drawn = (share: number, seed: number): number[] =>
      [...(directPeers(big, target, share, seed) ?? [])].flatMap((each, i) =>
        each === 1 ? [i] : [],
      );
    const some = drawn(0.3, 1);
    assert(Math.abs(some.length / big.asns.length - 0.3) < 0.04, `${some.length}`);
    assert.notDeepEqual(some, drawn(0.3, 2));
    const more = new Set(drawn(0.4, 1));
    assert(some.every((each) => more.has(each)));
    assert.equal(directPeers(big, target, 0, 1), undefined);
  });
  test('is found again by the path lengths that it makes', () => {
    for (const share of [0.07, 0.31]) {
      const [made] = run({
        graph: big,
        clients: stubs,
        targets: [{ name: 't', asn: 100_000, directPeering: share }],
      }).targets;
      const wanted = new Map([1, 2, 3].map((n) => [n, made?.lengths[0]?.series.values[n] ?? 0]));
      const found = fitDirectPeering(big, 100_000, stubs, wanted);
      assert(Math.abs(found.share - share) < 0.02, `${share}: ${found.share}`);
      assert(found.error < 0.04, `${share}: ${found.error}`);
    }
  });
});

test(
  'of the graph of 2013 with the probes of 2018 is what docs/IMPACT.md says',
  { skip: needsShared('impact/whole-internet-rel-2013.txt') },
  async () => {
    const path = (name: string): string => sharedPath(`impact/${name}`) ?? assert.fail(name);
    const whole = await readGraph(path('whole-internet-rel-2013.txt'));
    assert.equal(whole.asns.length, 39_406);
    assert.equal(whole.customers.all.length, 73_324);
    assert.equal(whole.peers.all.length, 2 * 43_606);
    const probes = await readProbes(path('probe-to-as-2018.tsv'));
    const known = new Set([...probes.values()].map(({ asn }) => asn));
    const { targets } = run({
      graph: whole,
      clients: [...known].filter((asn) => whole.placeOf.has(asn)).sort((a, b) => a - b),
      targets: [{ name: 'google', asn: 15_169, directPeering: 0 }],
      space: await readSpace(path('whole-internet-ip-2013.txt')),
      ranking: await readRanking(path('asnrank-2018.txt')),
      runs: 1,
    });
    const [google] = targets;
    const percent = (share: number | undefined): string => (100 * (share ?? 0)).toFixed(1);
    assert.equal(google?.clients, 4053);
    assert.equal(percent(google.spaceShare), '37.9');
    assert.deepEqual(
      [1, 2, 3].map((n) => percent(google.lengths[0]?.series.values[n])),
      ['1.9', '48.7', '43.0'],
    );
  },
);
