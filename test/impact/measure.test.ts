// SPDX-License-Identifier: Apache-2.0
/** The paper's rules, one by one, on a network that a person can follow. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/impact/fault.ts';
import type { TargetFigures } from '../../src/impact/figures.ts';
import { Measurement, type MeasureInput } from '../../src/impact/measure.ts';
import { parsePrefix, PrefixTable } from '../../src/impact/prefix.ts';
import { UNKNOWN_ORIGIN } from '../../src/impact/tables.ts';
import { LEGACY, type Traceroute } from '../../src/impact/traceroute.ts';

function tableOf(entries: Readonly<Record<string, number>>): PrefixTable {
  const table = new PrefixTable();
  for (const [prefix, value] of Object.entries(entries)) table.set(parsePrefix(prefix), value);
  return table;
}

/** ASes 1 to 9 have 20.N.0.0/16, AS 100 is the target's. Exchange point 7 is at 30.0.0.0/24. */
const RIB = tableOf({
  ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`20.${i + 1}.0.0/16`, i + 1])),
  '20.2.128.0/17': 3,
  '20.200.0.0/16': UNKNOWN_ORIGIN,
  '50.0.0.0/8': 100,
  '2001:db8:1::/48': 1,
  '2001:db8:100::/48': 100,
});

const INPUT: MeasureInput = {
  rib: RIB,
  exchanges: { table: tableOf({ '30.0.0.0/24': 7, '30.0.1.0/24': 8 }), names: new Map() },
  targets: [
    { name: 'one', prefixes: [parsePrefix('50.0.0.1/32'), parsePrefix('2001:db8:100::/64')] },
    { name: 'two', prefixes: [parsePrefix('50.1.0.0/16')] },
  ],
  probes: undefined,
  ranking: [9, 2],
};

const trace = (
  probe: number,
  asn: number,
  addresses: readonly string[],
  more: Partial<Traceroute> = {},
): Traceroute => ({
  probe,
  from: `20.${asn}.0.1`,
  destination: '50.0.0.1',
  isSuccess: true,
  addresses,
  ...more,
});

function figuresOf(
  traceroutes: readonly (Traceroute | typeof LEGACY)[],
  input = INPUT,
): TargetFigures {
  const measurement = new Measurement(input);
  for (const each of traceroutes) measurement.add(each);
  const [first] = measurement.figures().targets;
  assert(first !== undefined);
  return first;
}

const lengthsOf = ({ lengths }: TargetFigures, actor = 'AS'): readonly number[] =>
  lengths.find((each) => each.actor === actor)?.series.values ?? [];
const stabilityOf = ({ stability }: TargetFigures, actor = 'AS'): readonly number[] =>
  stability.find((each) => each.actor === actor)?.series.values ?? [];
const coverageOf = ({ coverage }: TargetFigures, actor: string, by: string) => {
  const found = coverage.find((each) => each.actor === actor && each.by === by);
  assert(found !== undefined);
  return found;
};

describe('a path', () => {
  for (const [what, addresses, length] of [
    ['is a set of ASes', ['20.1.0.1', '20.1.0.2', '20.2.0.1', '20.1.0.3'], 2],
    ['goes by the longest prefix', ['20.2.128.1', '20.3.0.1'], 1],
    ['has no private addresses', ['10.0.0.1', '192.168.0.1', '172.16.0.1', '20.1.0.1'], 1],
    [
      'has none that nobody announces, or of an unknown origin',
      ['99.0.0.1', '20.200.0.1', '20.1.0.1'],
      1,
    ],
    ["has not the target's own AS", ['20.1.0.1', '50.9.9.9', '50.0.0.1'], 1],
    ['may be empty', ['50.0.0.1'], 0],
    ['of many is of 5 or more', [1, 2, 3, 4, 5, 6, 7].map((n) => `20.${n}.0.1`), 5],
  ] as const)
    test(what, () => {
      const values = lengthsOf(figuresOf([trace(1, 1, addresses)]));
      assert.equal(values.indexOf(1), length);
    });

  test('crosses exchange points by their prefixes', () => {
    const figures = figuresOf([trace(1, 1, ['30.0.0.5', '30.0.0.6', '30.0.1.1', '20.1.0.1'])]);
    assert.equal(lengthsOf(figures, 'IXP').indexOf(1), 2);
    assert.deepEqual(coverageOf(figures, 'IXP', 'popularity').first, [7, 8]);
  });

  test('counts once for each traceroute', () => {
    const figures = figuresOf([
      trace(1, 1, ['20.1.0.1']),
      trace(1, 1, ['20.1.0.1']),
      trace(1, 1, ['20.1.0.1', '20.2.0.1']),
      trace(2, 2, ['20.2.0.1', '20.1.0.1']),
    ]);
    assert.deepEqual(lengthsOf(figures), [0, 0.5, 0.5, 0, 0, 0]);
    assert.deepEqual(stabilityOf(figures), [0.5, 0.5, 0, 0, 0]);
  });

  test('may be of IPv6, to a target of the same name', () => {
    const figures = figuresOf([
      trace(1, 1, ['2001:db8:1::1', '2001:db8:100::1'], {
        destination: '2001:db8:100::1',
        from: '2001:db8:1::9',
      }),
    ]);
    assert.equal(lengthsOf(figures).indexOf(1), 1);
  });

  test('is told apart from five others, and no more', () => {
    const figures = figuresOf(
      [2, 3, 4, 5, 6, 7, 8].map((n) => trace(1, 1, ['20.1.0.1', `20.${n}.0.1`])),
    );
    assert.deepEqual(stabilityOf(figures), [0, 0, 0, 0, 1]);
  });
});

describe('a client', () => {
  test('is one probe in each AS: the one with the fewest failures', () => {
    const failed = (probe: number) => trace(probe, 1, [], { isSuccess: false });
    const figures = figuresOf([
      ...[failed(1), failed(1), trace(1, 1, ['20.1.0.1', '20.2.0.1'])],
      ...[failed(2), trace(2, 1, ['20.1.0.1'])],
      trace(3, 4, ['20.4.0.1', '20.5.0.1', '20.6.0.1']),
    ]);
    assert.equal(figures.clients, 2);
    assert.deepEqual(lengthsOf(figures), [0, 0.5, 0, 0.5, 0, 0]);
  });
  test('is, of equal ones, that with more traceroutes, and else the lower number', () => {
    const both = [trace(5, 1, ['20.1.0.1']), trace(4, 1, ['20.1.0.1', '20.2.0.1'])];
    assert.equal(lengthsOf(figuresOf(both)).indexOf(1), 2);
    assert.equal(lengthsOf(figuresOf([...both, trace(5, 1, ['20.1.0.1'])])).indexOf(1), 1);
  });
  test('is where the file of probes says, before its address', () => {
    const probes = new Map([[1, { asn: 9, line: 1 }]]);
    const figures = figuresOf([trace(1, 1, ['20.1.0.1'])], { ...INPUT, probes });
    assert.equal(figures.space, RIB.ipv4Space().get(9));
  });
  test('without an AS is left out, and counted', () => {
    const measurement = new Measurement(INPUT);
    measurement.add(trace(1, 1, ['20.1.0.1']));
    measurement.add(trace(2, 1, ['20.1.0.1'], { from: '99.0.0.1' }));
    const figures = measurement.figures();
    assert.equal(figures.unknownProbes, 1);
    assert.equal(figures.targets[0]?.clients, 1);
  });
});

describe('coverage', () => {
  const figures = figuresOf([
    trace(1, 1, ['20.1.0.1', '20.9.0.1']),
    trace(2, 2, ['20.2.0.1', '20.9.0.1']),
    trace(2, 2, ['20.2.0.1', '20.8.0.1']),
    trace(3, 3, ['20.3.0.1', '20.8.0.1']),
  ]);
  test('counts a client that crosses an aggregator on any of its paths', () => {
    const pop = coverageOf(figures, 'AS', 'popularity');
    assert.deepEqual(pop.first, [8, 9, 1, 2, 3]);
    assert.deepEqual(pop.clients.values.slice(0, 3), [2 / 3, 1, 1]);
    assert.deepEqual(coverageOf(figures, 'AS', 'rank file').clients.values.slice(0, 2), [
      2 / 3,
      2 / 3,
    ]);
  });
  test("weighs with the space of the client's AS", () => {
    // A half of AS 2's prefix is announced by AS 3, too: for pyasn and the paper it is both's.
    const half = 2 ** 15;
    assert.equal(figures.space, 7 * half);
    assert.equal(coverageOf(figures, 'AS', 'popularity').space?.values[0], 5 / 7);
  });
});

test('what is in no figure is counted', () => {
  const measurement = new Measurement(INPUT);
  measurement.add(LEGACY);
  measurement.add(trace(1, 1, [], { destination: undefined }));
  measurement.add(trace(1, 1, [], { destination: '99.0.0.1' }));
  measurement.add(trace(1, 1, [], { isSuccess: false }));
  assert.deepEqual(measurement.counts, { traceroutes: 4, failed: 1, otherTargets: 2, legacy: 1 });
  assert.throws(() => measurement.figures(), Fault);
});

test('an address that is none is a fault', () => {
  const measurement = new Measurement(INPUT);
  assert.throws(() => measurement.add(trace(1, 1, ['1.2.3'])), Fault);
});
