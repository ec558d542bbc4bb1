// SPDX-License-Identifier: Apache-2.0
/** The alerting rules over series of several machines, as promtool runs them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { noPrometheus, promtool } from '../support/prometheus.ts';

const RULES = resolve(import.meta.dirname, '../../monitoring/alerts.yml');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

interface Case {
  readonly name: string;
  /** Values a minute apart, by series. */
  readonly series: Readonly<Record<string, string>>;
  readonly alert: string;
  /** The labels of what fires, besides the job and the severity, by minute. */
  readonly fires: Readonly<Record<number, readonly Readonly<Record<string, string>>[]>>;
  readonly severity?: string;
}

const fork = (instance: string, log: string, evidence: string): string =>
  `ctga_evidence_created_timestamp_seconds{job="ctga",instance="${instance}",log="${log}",log_id="${log}=",evidence="${evidence}"}`;
const forked = (instance: string, log: string, evidence: string): Record<string, string> => ({
  instance,
  log,
  log_id: `${log}=`,
  evidence,
});

const WITNESS = { job: 'ctga-witness' };
const witnessed = (instance: string, metric: string, labels = ''): string =>
  `ctga_witness_${metric}{job="ctga-witness",instance="${instance}"${labels === '' ? '' : `,${labels}`}}`;

const CASES: readonly Case[] = [
  {
    name: 'each split view of each machine is an alert of its own, and the first ones stay',
    series: {
      [fork('a', 'L', '1')]: '1000x30',
      [fork('a', 'L', '2')]: '_x9 2000x20',
      [fork('b', 'L', '1')]: '_x14 2000x20',
    },
    alert: 'SplitViewProven',
    severity: 'critical',
    fires: {
      5: [forked('a', 'L', '1')],
      12: [forked('a', 'L', '1'), forked('a', 'L', '2')],
      20: [forked('a', 'L', '1'), forked('a', 'L', '2'), forked('b', 'L', '1')],
    },
  },
  {
    name: 'one page of a fleet that is gone is named',
    series: { 'up{job="ctga",instance="a"}': '1x30', 'up{job="ctga",instance="b"}': '1x5 0x30' },
    alert: 'PageGone',
    fires: { 4: [], 15: [{ instance: 'b' }] },
  },
  {
    name: 'no page at all, among other jobs',
    series: { 'up{job="node",instance="a"}': '1x30' },
    alert: 'AllPagesGone',
    fires: { 15: [{}] },
  },
  {
    name: 'copies are lost on one machine and not on the other',
    series: {
      'ctga_matches_total{job="ctga",instance="a",interface="eth0",kind="answers",outcome="ring_full"}':
        '0x9 5x30',
      'ctga_matches_total{job="ctga",instance="b",interface="eth0",kind="answers",outcome="ring_full"}':
        '7x40',
    },
    alert: 'CopiesLost',
    fires: { 8: [], 12: [{ instance: 'a', interface: 'eth0' }], 30: [] },
  },
  {
    name: 'a log that never answered, and one that does',
    series: {
      'ctga_log_last_success_timestamp_seconds{job="ctga",instance="a",log="L",log_id="L="}':
        '0x2000',
      'ctga_log_visits_total{job="ctga",instance="a",log="L",log_id="L="}': '9x2000',
      'ctga_log_last_success_timestamp_seconds{job="ctga",instance="a",log="M",log_id="M="}':
        '0+60x2000',
      'ctga_log_visits_total{job="ctga",instance="a",log="M",log_id="M="}': '9x2000',
    },
    alert: 'LogSilent',
    fires: { 60: [], 1500: [{ instance: 'a', log: 'L', log_id: 'L=' }] },
  },
  {
    name: 'the challenger that asks nobody any more',
    series: {
      'ctga_log_last_visit_timestamp_seconds{job="ctga",instance="a",log="L",log_id="L="}':
        '0+60x60 3600x600',
      'ctga_log_last_visit_timestamp_seconds{job="ctga",instance="a",log="M",log_id="M="}': '0x660',
    },
    alert: 'ChallengerGone',
    fires: { 60: [], 500: [{ instance: 'a' }] },
  },
  {
    name: 'messages that could not be delivered',
    series: {
      'ctga_alert_messages_total{job="ctga",instance="a",channel="mail",outcome="failed"}':
        '0x9 2x30',
      'ctga_alert_messages_total{job="ctga",instance="a",channel="mail",outcome="delivered"}':
        '0+1x40',
    },
    alert: 'AlertsNotDelivered',
    fires: { 8: [], 12: [{ instance: 'a', channel: 'mail' }] },
  },
  {
    name: 'a federation that agrees on nothing any more, and one that does',
    series: {
      'ctga_federation_stated_timestamp_seconds{job="ctga",instance="a"}': '0+60x10 600x60',
      'ctga_federation_stated_timestamp_seconds{job="ctga",instance="b"}': '0+60x80',
    },
    alert: 'FederationSilent',
    fires: { 20: [], 40: [{ instance: 'a' }] },
  },
  {
    name: 'a federation with evidence against a log',
    series: {
      'ctga_federation_convicted_logs{job="ctga",instance="a"}': '0x9 1x30',
      'ctga_federation_convicted_logs{job="ctga",instance="b"}': '0x40',
    },
    alert: 'FederationConvicts',
    severity: 'critical',
    fires: { 8: [], 12: [{ instance: 'a' }] },
  },
  {
    name: 'a member that is not reached for an hour, and one that was away for a moment',
    series: {
      'ctga_federation_failures_total{job="ctga",instance="a",member="m"}': '0+1x90',
      'ctga_federation_failures_total{job="ctga",instance="b",member="m"}': '0x30 5x60',
    },
    alert: 'FederationMemberUnreached',
    fires: { 20: [], 60: [{ instance: 'a', member: 'm' }] },
  },
  {
    name: 'a site that fell silent, and one that is heard',
    series: {
      'ctga_member_silent{job="ctga",instance="a",member="ams1",role="site"}': '0x5 1x30',
      'ctga_member_silent{job="ctga",instance="a",member="ber1",role="site"}': '0x35',
    },
    alert: 'MemberSilent',
    fires: { 5: [], 12: [{ instance: 'a', member: 'ams1' }] },
  },
  {
    name: 'nobody of a fleet is heard, and a fleet that nobody has joined',
    series: {
      'ctga_fleet_members{job="ctga",instance="a",state="heard"}': '2x5 0x30',
      'ctga_fleet_members{job="ctga",instance="a",state="silent"}': '0x5 2x30',
      'ctga_fleet_members{job="ctga",instance="b",state="heard"}': '0x35',
      'ctga_fleet_members{job="ctga",instance="b",state="silent"}': '0x35',
    },
    alert: 'FleetSilent',
    severity: 'critical',
    fires: { 5: [], 12: [{ instance: 'a' }] },
  },
  {
    name: 'batches that did not come, and some that came late',
    series: {
      'ctga_member_batches_missing{job="ctga",instance="a",member="ams1",role="site"}': '7x9 9x30',
      'ctga_member_batches_missing{job="ctga",instance="a",member="ber1",role="site"}': '7x9 2x30',
    },
    alert: 'BatchesMissing',
    fires: { 8: [], 12: [{ instance: 'a', member: 'ams1' }], 30: [] },
  },
  {
    name: 'tree heads that will not be told, and what was refused',
    series: {
      'ctga_member_heads_given_up_total{job="ctga",instance="a",member="ams1",role="site"}':
        '0x9 5x30',
    },
    alert: 'HeadsGivenUp',
    fires: { 8: [], 12: [{ instance: 'a', member: 'ams1' }], 30: [] },
  },
  {
    name: 'what nobody in the fleet sent',
    series: {
      'ctga_member_refused_total{job="ctga",instance="a",member="",role=""}': '0x9 5x30',
      'ctga_member_refused_total{job="ctga",instance="a",member="ams1",role="site"}': '3x40',
    },
    alert: 'MemberRefused',
    fires: { 8: [], 12: [{ instance: 'a' }], 30: [] },
  },
  {
    name: 'a log that a witness convicted, and none of another witness that only refused',
    series: {
      [witnessed('a', 'refused_checkpoints', 'state="fork-proven"')]: '0x9 1x30',
      [witnessed('b', 'refused_checkpoints', 'state="fork-proven"')]: '0x40',
      [witnessed('b', 'refused_checkpoints', 'state="open"')]: '3x40',
    },
    alert: 'WitnessedLogForked',
    severity: 'critical',
    fires: { 8: [], 12: [{ ...WITNESS, instance: 'a' }], 40: [{ ...WITNESS, instance: 'a' }] },
  },
  {
    name: 'a second conviction notifies as the first did',
    series: { [witnessed('a', 'forks_proven_total')]: '0x4 1x25 2x30' },
    alert: 'WitnessedLogForkedAgain',
    severity: 'critical',
    fires: {
      3: [],
      8: [{ ...WITNESS, instance: 'a' }],
      25: [],
      35: [{ ...WITNESS, instance: 'a' }],
    },
  },
  {
    name: 'refusals that nothing settles',
    series: {
      [witnessed('a', 'refused_checkpoints', 'state="open"')]: '2x100',
      [witnessed('b', 'refused_checkpoints', 'state="open"')]: '2x30 0x70',
    },
    alert: 'WitnessRefusalOpen',
    fires: { 50: [], 90: [{ ...WITNESS, instance: 'a' }] },
  },
  {
    name: 'a witness whose disk takes nothing, and one that refuses what is wrong',
    series: {
      [witnessed('a', 'requests_total', 'path="add-checkpoint",status="503"')]: '0x9 4x30',
      [witnessed('b', 'requests_total', 'path="add-checkpoint",status="422"')]: '0x9 4x30',
    },
    alert: 'WitnessCannotKeep',
    severity: 'critical',
    fires: { 8: [], 12: [{ ...WITNESS, instance: 'a' }], 35: [] },
  },
  {
    name: 'a witness that cosigns nothing, and one that lags behind one log alone',
    series: {
      [witnessed('a', 'cosigned_timestamp_seconds', 'origin="L"')]: '0x2000',
      [witnessed('b', 'cosigned_timestamp_seconds', 'origin="L"')]: '0x2000',
      [witnessed('b', 'cosigned_timestamp_seconds', 'origin="M"')]: '0+60x2000',
    },
    alert: 'WitnessIdle',
    fires: { 60: [], 1500: [{ ...WITNESS, instance: 'a' }] },
  },
  {
    name: 'a witness that is gone, and no page of ctga web',
    series: { 'up{job="ctga-witness",instance="a"}': '1x5 0x30' },
    alert: 'WitnessGone',
    severity: 'critical',
    fires: { 4: [], 15: [{ ...WITNESS, instance: 'a' }] },
  },
];

describe('the alerting rules', { skip: noPrometheus }, () => {
  test('are rules', () => assert.equal(promtool(['check', 'rules', RULES]), ''));

  for (const [i, { name, series, alert, fires, severity = 'warning' }] of CASES.entries())
    test(name, () => {
      const file = join(directory, `test-${i}.json`);
      const check = {
        interval: '1m',
        input_series: Object.entries(series).map(([of, values]) => ({ series: of, values })),
        promql_expr_test: Object.entries(fires).map(([minute, expected]) => ({
          expr: `count by (job, instance, interface, channel, log, log_id, evidence, member) (ALERTS{alertname="${alert}",alertstate="firing",severity="${severity}"})`,
          eval_time: `${minute}m`,
          exp_samples: expected.map((labels) => ({
            labels: `{${Object.entries({ job: 'ctga', ...labels })
              .map(([label, value]) => `${label}="${value}"`)
              .join(',')}}`,
            value: 1,
          })),
        })),
      };
      const content = { rule_files: [RULES], evaluation_interval: '1m', tests: [check] };
      writeFileSync(file, JSON.stringify(content));
      assert.equal(promtool(['test', 'rules', file]), '');
    });
});
