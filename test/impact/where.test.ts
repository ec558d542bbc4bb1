// SPDX-License-Identifier: Apache-2.0
/** One operator's question, on graphs whose answers a person can see. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { graphOf, graphReader, type AsGraph, type Edge } from '../../src/impact/graph.ts';
import { where, type Attack, type TargetView, type WhereInput } from '../../src/impact/where.ts';

function graph(...lines: readonly string[]): AsGraph {
  const edges: Edge[] = [];
  const reader = graphReader(edges);
  for (const [i, line] of lines.entries()) reader.line(line, i + 1);
  reader.end();
  return graphOf(edges);
}

function ask(
  input: Partial<WhereInput> & Pick<WhereInput, 'graph' | 'clients' | 'mine'>,
): TargetView {
  const all: WhereInput = {
    ...{ targets: [{ name: 't', asn: 100, directPeering: 0 }], peers: [], runs: 1 },
    ...{ space: undefined, ranking: undefined, ...input },
  };
  const [target] = where(all, () => undefined).targets;
  assert(target !== undefined);
  return target;
}

const attack = (target: TargetView, kind: Attack['kind'], count = 0): number => {
  const found = target.attacks.find((each) => each.kind === kind && each.count === count);
  return found?.uncovered.clients.values[0] ?? NaN;
};

/**
 * The target has the providers 10 and 20, and 10 has all of the clients 1 to 4, with the clients 3
 * and 4 behind 11.
 */
const TREE = graph(
  '10|100|-1',
  '20|100|-1',
  '10|20|0',
  '10|1|-1',
  '10|2|-1',
  '10|11|-1',
  '11|3|-1',
  '11|4|-1',
  '20|5|-1',
);
const CLIENTS = [1, 2, 3, 4, 5];

describe('mine cover', () => {
  test('the clients whose paths cross them', () => {
    const target = ask({ graph: TREE, clients: CLIENTS, mine: [11] });
    assert.equal(target.covered.clients.values[0], 2 / 5);
    assert.deepEqual(target.coveredClients, [
      { asn: 3, share: 1 },
      { asn: 4, share: 1 },
    ]);
  });
  test('by the space of their ASes, too', () => {
    const space = {
      byAs: new Map([
        [3, 6],
        [1, 2],
      ]),
      all: 100,
    };
    const target = ask({ graph: TREE, clients: CLIENTS, mine: [11], space });
    assert.equal(target.covered.space?.values[0], 0.75);
  });
  test('with one more neighbour what that covers beside', () => {
    const target = ask({ graph: TREE, clients: CLIENTS, mine: [11] });
    assert.deepEqual(
      target.neighbours.map(({ asn, is, adds }) => [asn, is, adds.clients.values[0]]),
      [
        [10, 'provider', 2 / 5],
        [3, 'customer', 0],
        [4, 'customer', 0],
      ],
    );
    const both = ask({ graph: TREE, clients: CLIENTS, mine: [10] });
    assert.deepEqual(
      both.neighbours
        .filter(({ adds }) => (adds.clients.values[0] ?? 0) > 0)
        .map(({ asn, is }) => [asn, is]),
      [[20, 'peer']],
    );
  });
  test('with one more peering what takes the new way', () => {
    // Client 6 has the provider 30, which reaches the target by 40; 11 has nobody of that.
    const more = graph('40|100|-1', '50|40|-1', '50|30|-1', '30|6|-1', '11|100|-1');
    const target = ask({ graph: more, clients: [6], mine: [11], peers: [30] });
    assert.equal(target.covered.clients.values[0], 0);
    assert.deepEqual(
      target.peers.map(({ asn, covered }) => [asn, covered.clients.values[0]]),
      [[30, 1]],
    );
  });
});

describe('an attacker', () => {
  test('at the target is left by what mine cover', () =>
    assert.equal(attack(ask({ graph: TREE, clients: CLIENTS, mine: [10] }), 'none'), 1 / 5));

  test("next to the client passes the neighbour and the client's own AS alone", () => {
    const neighbour = ask({ graph: TREE, clients: CLIENTS, mine: [10] });
    // Client 5's and 3's and 4's neighbours are others.
    assert.equal(attack(neighbour, 'next to the client'), 3 / 5);
    const own = ask({ graph: TREE, clients: [3, 4], mine: [3] });
    assert.equal(attack(own, 'next to the client'), 1 / 2);
    assert.equal(attack(own, 'best neighbour'), 1 / 2);
    // With two providers one may be free: chance finds it half of the time, who looks always.
    const two = graph('10|100|-1', '20|100|-1', '10|1|-1', '20|1|-1');
    const either = ask({ graph: two, clients: [1], mine: [10] });
    assert.equal(attack(either, 'next to the client'), 1 / 2);
    assert.equal(attack(either, 'best neighbour'), 1);
  });

  test('who sends fragments from several places is left by no fewer', () => {
    const target = ask({ graph: TREE, clients: CLIENTS, mine: [10], runs: 7 });
    const order = [
      attack(target, 'none'),
      ...[2, 3, 4, 8, 16].map((n) => attack(target, 'places', n)),
    ];
    for (const [i, value] of order.entries()) assert(value >= (order[i - 1] ?? 0), order.join());
    // An aggregator in the client's own AS sees all fragments, wherever they come from.
    const own = ask({ graph: TREE, clients: [1], mine: [1], runs: 7 });
    for (const n of [2, 16]) assert.equal(attack(own, 'places', n), 0);
  });

  test('is seen by several that put fragments together, and by none alone', () => {
    // Both sides of the client are mine: each fragment passes one of them.
    const two = graph(
      '10|100|-1',
      '10|1|-1',
      '20|1|-1',
      ...Array.from({ length: 60 }, (_, i) => `20|${200 + i}|-1`),
    );
    const target = ask({ graph: two, clients: [1], mine: [10, 20], runs: 9 });
    const sixteen = target.attacks.find(({ kind, count }) => kind === 'places' && count === 16);
    assert.equal(sixteen?.uncovered.clients.values[0], 1);
    assert.equal(sixteen.together?.clients.values[0], 0);
    const one = ask({ graph: two, clients: [1], mine: [10] });
    assert(one.attacks.every((each) => each.together === undefined));
  });

  test('who knows an aggregator goes around it where there is a way', () => {
    const two = graph(
      '10|100|-1',
      '10|1|-1',
      '20|1|-1',
      ...Array.from({ length: 60 }, (_, i) => `20|${200 + i}|-1`),
    );
    const known = ask({ graph: two, clients: [1], mine: [10], ranking: [10, 20] });
    assert.equal(attack(known, 'none'), 0);
    assert.equal(attack(known, 'known', 1), 1);
    // Who knows another takes no way around mine.
    assert.equal(
      attack(ask({ graph: two, clients: [1], mine: [10], ranking: [20] }), 'known', 1),
      0,
    );
    // Where all ways lead through it there is none.
    const only = ask({ graph: TREE, clients: [3, 4], mine: [11], ranking: [11] });
    assert.equal(attack(only, 'known', 1), 0);
  });
});
