// SPDX-License-Identifier: Apache-2.0
/**
 * Everything that can be lost is told: each counter is either a loss with an alert of ctga's and a
 * rule for Prometheus, or named here as no loss. A new counter fails this test until it is one.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Conditions, LOSSES, PLANE_LOSSES } from '../../src/alert/conditions.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import * as counters from '../../src/store/counters.ts';
import { memoryStore, stateAt } from '../../src/store/state.ts';
import { measure } from '../../src/web/measurements.ts';
import { Metrics } from '../../src/web/metrics.ts';
import { overviewOf } from '../../src/web/overview.ts';
import { planeState } from '../support/plane-state.ts';
import { noPrometheus, promtool } from '../support/prometheus.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RULES = join(ROOT, 'monitoring/alerts.yml');

/** Counters of a data plane that are no loss of what was to be copied, and why not. */
const PLANE_NO_LOSS: Readonly<Record<string, string>> = {
  packets: 'all',
  notIp: 'no tree head',
  encapsulatedTags: 'stated: what ctga cannot see',
  encapsulatedMpls: 'stated: what ctga cannot see',
  encapsulatedIp: 'stated: what ctga cannot see',
  encapsulatedGre: 'stated: what ctga cannot see',
  encapsulatedUdp: 'stated: what ctga cannot see',
  encapsulatedIpsec: 'stated: what ctga cannot see',
  notUdp: 'no tree head',
  otherPort: 'no tree head',
  malformed: 'no tree head',
  notTreeHead: 'no tree head',
  unknownName: 'nobody watches it',
  fragmentsTooLarge: 'by the threshold that was set',
  answers: 'the sum',
  answersCopied: 'copied',
  answersSampledOut: 'the alert on coverage',
  answersOverBudget: 'the alert on coverage',
  answersSeen: 'counted in full',
  fragments: 'the sum',
  fragmentsCopied: 'copied',
  fragmentsSampledOut: 'as asked for',
  fragmentsOverBudget: 'anybody can send fragments',
  fragmentsSeen: 'never',
};

/** Counters of the observer that are no loss, and why not. */
const NO_LOSS: Readonly<Record<string, string>> = {
  'packet: datagramTimedOut': 'its other fragments never came',
};

function keysOf(name: string): string[] {
  const text = readFileSync(join(ROOT, 'src/dataplane/types.ts'), 'utf8');
  const body = new RegExp(`interface ${name} {(.*?)\n}`, 's').exec(text)?.[1] ?? '';
  return [...body.matchAll(/^ {2}readonly (\w+): bigint;/gm)].map(([, key]) => key ?? '');
}

test('every counter of a data plane is a loss with an alert, or known to be none', () => {
  const losses = PLANE_LOSSES.flatMap(({ of }) => of);
  const all = keysOf('DataPlaneCounters');
  assert(all.length > 20);
  assert.deepEqual(all.sort(), [...losses, ...Object.keys(PLANE_NO_LOSS)].sort());
});

test('every counter of the observer that may be a loss is one with an alert', () => {
  const losses = new Set(LOSSES.flatMap(({ of }) => of));
  // What is counted of packets: frames and fragments that are refused by their own fault are none.
  const decoder = Object.keys(new DatagramDecoder().counters).map((name) => `packet: ${name}`);
  for (const name of decoder.filter((each) => /Evicted|OverBudget|TooMany|TimedOut/.test(each)))
    assert(losses.has(name) || name in NO_LOSS, name);
  for (const name of losses)
    if (name.startsWith('packet: ')) assert(decoder.includes(name), `${name} is not counted`);
  // What the store names.
  for (const name of Object.values(counters))
    if (typeof name === 'string' && name !== counters.BLIND) assert(losses.has(name), name);
  // What the observer says of anything lost or dropped.
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/^(observer|sources|statements|packet)\/.*\.ts$/.test(file)) continue;
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    for (const [, said = ''] of text.matchAll(/#count\(\s*'([^']*)'/g))
      assert(!/lost|drop|too many|no room/i.test(said) || losses.has(said), `${file}: ${said}`);
  }
});

describe('each loss', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  after(() => rmSync(directory, { recursive: true }));
  const store = memoryStore();
  const state = stateAt(join(directory, 'state'));
  const conditions = new Conditions();
  let planeCounters: Record<string, number> = {};
  let elapsed = 0;
  const look = (): string[] => {
    store.planes.put('eth0', planeState({ counters: planeCounters }), Date.now());
    return conditions.present(store, Date.now(), (elapsed += 1000)).map(({ key }) => key);
  };
  const metrics = (): Promise<string> =>
    new Metrics('0').render(
      overviewOf(store, {
        conditions: [],
        chain: undefined,
        following: [],
        fleet: undefined,
        room: undefined,
        now: Date.now(),
      }),
      measure(store, state, [], undefined),
    );
  before(() => void look());
  after(() => store.close());

  const cases: (readonly [key: string, grow: () => void])[] = [
    ...PLANE_LOSSES.flatMap(({ key, of }) =>
      of.map(
        (name) =>
          [
            `${key}:eth0`,
            () => (planeCounters = { ...planeCounters, [name]: (planeCounters[name] ?? 0) + 1 }),
          ] as const,
      ),
    ),
    ...LOSSES.flatMap(({ key, of }) =>
      of.map((name) => [key, () => store.counters.add('observer', { [name]: 1 })] as const),
    ),
    ['gap:eth0', () => store.counters.add('eth0', { [counters.BLIND]: 2500 })],
  ];
  for (const [i, [key, grow]] of cases.entries())
    test(
      `raises ${key} (${i}), has a remedy, and a rule fires`,
      { skip: noPrometheus },
      async () => {
        elapsed += 16 * 60_000;
        assert.deepEqual(look(), [], 'calm before');
        const before = await metrics();
        grow();
        assert.deepEqual(look(), [key]);
        const after = await metrics();
        const [found] = conditions.present(store, Date.now(), elapsed);
        assert(found !== undefined && found.remedy.length > 20 && found.message.endsWith('.'));
        // The series that grew, to Prometheus: some rule must fire, and none before.
        const values = (text: string): Map<string, number> =>
          new Map(
            [...text.matchAll(/^(ctga_\w+_total(?:{.*})?) (\S+)$/gm)].map(([, name, value]) => [
              name ?? '',
              Number(value),
            ]),
          );
        const grown = [...values(after)].filter(
          ([name, value]) => value > (values(before).get(name) ?? 0),
        );
        assert.equal(grown.length, 1, JSON.stringify(grown));
        const [name, value] = grown[0] ?? assert.fail();
        const series = name.replace(
          /}?$/,
          `${name.includes('{') ? ',' : '{'}job="ctga",instance="a"}`,
        );
        const from = values(before).get(name) ?? 0;
        const file = join(directory, `rules-${i}.yml`);
        const rulesTest = {
          evaluation_interval: '1m',
          tests: [
            {
              interval: '1m',
              input_series: [
                { series, values: `${from}x19 ${value}x10` },
                { series: 'up{job="ctga",instance="a"}', values: '1x40' },
              ],
              promql_expr_test: [
                {
                  expr: 'count(ALERTS{alertstate="firing",job="ctga",instance="a"}) or vector(0)',
                  eval_time: '18m',
                  exp_samples: [{ labels: '{}', value: 0 }],
                },
                {
                  expr: 'count(ALERTS{alertstate="firing",job="ctga",instance="a"}) or vector(0)',
                  eval_time: '22m',
                  exp_samples: [{ labels: '{}', value: 1 }],
                },
              ],
            },
          ],
        };
        writeFileSync(file, JSON.stringify({ rule_files: [RULES], ...rulesTest }));
        assert.equal(promtool(['test', 'rules', file]), '');
      },
    );
});
