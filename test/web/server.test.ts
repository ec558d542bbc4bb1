// SPDX-License-Identifier: Apache-2.0
/**
 * The status page's server: what it gives to whom, metrics by the book, a store that comes and
 * goes.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { AuditMetrics } from '../../src/auditor/metrics.ts';
import { FederationMetrics } from '../../src/federation/metrics.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import { PoolMetrics } from '../../src/pool/metrics.ts';
import { openForWriting, stateAt, storeFiles, type State } from '../../src/store/state.ts';
import { alertCounter, BLIND, NO_ROOM } from '../../src/store/counters.ts';
import { html } from '../../src/base/html.ts';
import { WebServer } from '../../src/web/server.ts';
import { logIdText } from '../../src/logs/log.ts';
import { WitnessMetrics } from '../../src/witness/metrics.ts';
import { ctga } from '../support/ctga.ts';
import { HOSTILE, unshowableIn } from '../support/hostile.ts';
import { noPrometheus, promtool } from '../support/prometheus.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(root, 0o755); // for the account that root becomes
after(() => rmSync(root, { recursive: true }));

const log = new SigningLog();
let state: State;
let server: WebServer;
let number = 0;
beforeEach(async () => {
  state = stateAt(join(root, `${number++}`));
  const options = {
    state,
    address: '127.0.0.1',
    port: 0,
    hosts: ['ctga.example'],
    version: '1.2.3',
  };
  server = await WebServer.start(options);
});
afterEach(() => server.stop());

interface Got {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Unlike fetch, sends whatever path, method and Host it is told. */
function get(path: string, options: { method?: string; host?: string } = {}): Promise<Got> {
  const { method = 'GET', host = `127.0.0.1:${server.at.port}` } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      { port: server.at.port, host: '127.0.0.1', path, method, headers: { host } },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
      },
    );
    asked.once('error', reject).end();
  });
}

function record(size: number): void {
  const store = openForWriting(state);
  const head = log.verified(size, treeOf(size).root());
  store.logs.put([log.asLog({ description: 'A "log"\n' })]);
  store.heads.record([
    { head, source: 'eth0', firstSeen: Date.now(), lastSeen: Date.now(), count: 3 },
  ]);
  store.close();
}

test('markup is only what is written as such', () => {
  const { text } = html`<p>${'<b>&"\''}</p>
    ${[html`<i>1</i>`, html`${2n}`]}`;
  assert.equal(text.replaceAll(/\s/g, ''), '<p>&#60;b&#62;&#38;&#34;&#39;</p><i>1</i>2');
});

describe('what is asked for', () => {
  test('is answered to addresses, localhost and names that it was told, and to no other', async () => {
    for (const host of [
      '127.0.0.1',
      '127.0.0.1:80',
      '[::1]:80',
      'localhost',
      'LOCALHOST:1',
      'ctga.example',
    ])
      assert.equal((await get('/', { host })).status, 200, host);
    for (const host of ['evil.example', 'ctga.example.evil.example', 'localhost.evil.example'])
      assert.equal((await get('/', { host })).status, 421, host);
  });

  test('is only ever read', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await get('/', { method });
      assert.equal(status, 405);
      assert.equal(headers['allow'], 'GET, HEAD');
    }
    const { status, body, headers } = await get('/', { method: 'HEAD' });
    assert.deepEqual([status, body], [200, '']);
    assert(Number(headers['content-length']) > 1000);
    const events = await get('/events', { method: 'HEAD' });
    assert.equal(events.headers['content-type'], 'text/event-stream');
  });

  test('is under a policy that lets a browser ask nobody else', async () => {
    for (const path of ['/', '/state.json', '/metrics', '/assets/page.js', '/nothing']) {
      const { headers } = await get(path);
      assert.match(
        String(headers['content-security-policy']),
        /^default-src 'none'; script-src 'self'/,
      );
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
  });

  test('is no file but those that are meant', async () => {
    for (const path of [
      '/assets/../server.ts',
      '/assets/%2e%2e/server.ts',
      '/evidence/..%2f..%2fctga.db',
      '/evidence/../ctga.db',
      '/evidence/',
      '/evidence/%00',
      '/evidence/%zz',
      '/evidence?page=2',
      '/logs?page=2',
      '//evil.example/',
      '/package.json',
    ])
      assert.equal((await get(path)).status, 404, path);
    assert.equal((await get('/assets/alarm.svg')).status, 200);
    assert.match((await get('/verify-evidence.sh')).body, /^#!\/bin\/sh/);
  });
});

test('before anything was seen there is a page that says how to begin', async () => {
  const { status, body } = await get('/');
  assert.equal(status, 200);
  assert.match(body, /sudo ctga attach eth0/);
  // Whatever asks is not to hear that all is well where there is nothing to look at.
  assert.equal((await get('/healthz')).status, 503);
  assert.match((await get('/logs')).body, /No log was seen yet/);
  const { body: findings } = await get('/evidence');
  assert.match(findings, /waiting\.svg[^]*Nothing is ruled out yet/);
});

test('a fork whose evidence is not on record is no good news on any page', async () => {
  record(3);
  const store = openForWriting(state);
  const [tree] = store.heads.trees(log.key.logId);
  assert(tree !== undefined);
  store.verdicts.set(tree, Date.now(), { verdict: 'fork-proven' });
  store.close();
  for (const path of ['/', '/evidence']) {
    const { body } = await get(path);
    assert.match(body, /alarm\.svg[^]* proven a fork/);
    assert.doesNotMatch(body, /No split view is proven/);
  }
});

test('a store that is made, written, damaged and replaced is followed', async () => {
  record(3);
  assert.match((await get('/')).body, /1 tree head was seen/);
  record(4);
  assert.match((await get('/')).body, /2 tree heads were seen/);
  renameSync(state.database, `${state.database}.aside`);
  writeFileSync(state.database, 'no database '.repeat(1000));
  const damaged = await get('/');
  assert.equal(damaged.status, 500);
  assert.match(damaged.body, /<title>ctga: The store is damaged<\/title>/);
  assert.match(damaged.body, /does not say that all is well/);
  assert.match(damaged.body, /store salvage/);
  for (const path of ['/state.json', '/metrics']) assert.equal((await get(path)).status, 500, path);
  for (const file of storeFiles(state)) rmSync(file, { force: true });
  record(5);
  assert.match((await get('/')).body, /1 tree head was seen/);
});

test('who listens is told of a change, once it is written', async () => {
  record(3);
  const aborted = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.at.port}/events`, {
    signal: aborted.signal,
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert(response.body !== null);
  let said = '';
  let wrote = false;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    said += Buffer.from(chunk).toString();
    if (!wrote) {
      wrote = true;
      said = '';
      setTimeout(() => record(4), 1500);
    } else if (said.includes('event: change')) break;
  }
  aborted.abort();
});

describe('metrics', () => {
  test('are what Prometheus reads: a type and a help for each, labels escaped, counters that count', async () => {
    record(3);
    const store = openForWriting(state);
    const counters = { packets: 10, notIp: 4, answersCopied: 5, answersRingFull: 1 };
    store.planes.put(
      'eth0',
      planeState({ counters, settings: { everyNth: 4, answersShare: 0.25 } }),
      Date.now(),
    );
    store.counters.add('observer', { [NO_ROOM]: 6, 'answer: not a tree head': 3 });
    store.counters.add('eth0', { [BLIND]: 1500 });
    store.counters.add('alerter', { [alertCounter('webhook', 'failed')]: 2 });
    store.close();
    const hashes = HashStore.open(state.directory);
    const rows = hashes.rows(log.asLog());
    rows.setState({
      mode: 'leaves',
      shown: rows.putHead(log.verified(7, treeOf(7).root()), 1).id,
      held: { start: 2n, end: 7n, nodes: [], head: 1 },
      target: 0n,
      bytesPerLeaf: 32,
      growth: 10,
      budget: 1000,
      pattern: newPattern(() => 0.5),
    });
    rows.addUsage(Date.now(), { requests: 3, bytes: 200 });
    rows.addUsage(Date.now() - 86_400_000, { requests: 4, bytes: 100 });
    rows.addVisit(8000, true);
    rows.addVisit(9000, false);
    hashes.close();
    const of = `log="A \\"log\\"\\\\u000a",log_id="${logIdText(log.key.logId)}"`;
    const { body, headers } = await get('/metrics');
    assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
    const lines = body.trim().split('\n');
    const typed = new Set(
      lines.flatMap((line) => /^# TYPE (\S+) (counter|gauge)$/.exec(line)?.[1] ?? []),
    );
    for (const line of lines.filter((each) => each !== '' && !each.startsWith('#'))) {
      const [, name] =
        /^([a-z_]+)(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? -?[0-9.e+]+$/.exec(line) ??
        assert.fail(line);
      assert(typed.has(name ?? ''), line);
    }
    for (const wanted of [
      'ctga_packets_total{interface="eth0"} 10',
      'ctga_passed_by_total{interface="eth0",reason="not_ip"} 4',
      'ctga_matches_total{interface="eth0",kind="answers",outcome="copied"} 5',
      'ctga_matches_total{interface="eth0",kind="answers",outcome="ring_full"} 1',
      'ctga_copied_ratio{interface="eth0",kind="answers"} 0.25',
      'ctga_copied_ratio{interface="eth0",kind="fragments"} 1',
      'ctga_copy_budget{interface="eth0",kind="answers"} 50000',
      'ctga_sampling_every{interface="eth0"} 4',
      'ctga_fragment_threshold_bytes{interface="eth0"} 400',
      'ctga_known_names{interface="eth0"} 32',
      'ctga_interface_info{interface="eth0",mode="native"} 1',
      'ctga_interface_blind{interface="eth0"} 0',
      'ctga_tree_heads 1',
      'ctga_trees{verdict="pending"} 1',
      'ctga_evidence_files 0',
      `ctga_log_tree_heads_total{${of}} 1`,
      `ctga_log_visits_total{${of}} 2`,
      `ctga_log_visits_failed_total{${of}} 1`,
      `ctga_log_last_visit_timestamp_seconds{${of}} 9`,
      `ctga_log_last_success_timestamp_seconds{${of}} 8`,
      `ctga_log_requests_total{${of}} 7`,
      `ctga_log_received_bytes_total{${of}} 300`,
      `ctga_follow_budget_bytes{${of}} 1000`,
      `ctga_follow_growth_bytes{${of}} 320`,
      `ctga_follow_entries_held{${of}} 5`,
      `ctga_follow_info{${of},mode="leaves"} 1`,
      'ctga_interface_blind_seconds_total{interface="eth0"} 1.5',
      'ctga_lost_total{reason="not_verified"} 6',
      'ctga_observed_total{what="answer: not a tree head"} 3',
      'ctga_alert_messages_total{channel="webhook",outcome="failed"} 2',
      'ctga_damaged_rows 0',
      'ctga_alerts_raised 0',
      'ctga_build_info{version="1.2.3"} 1',
    ])
      assert(lines.includes(wanted), `${wanted} is not in\n${body}`);
    // Counters are what they are, however often they are asked for.
    assert((await get('/metrics')).body.includes('ctga_packets_total{interface="eth0"} 10\n'));
  });

  test(
    'are as promtool wants them, with hostile names and evidence',
    { skip: noPrometheus },
    async () => {
      const store = openForWriting(state);
      store.planes.put(HOSTILE, planeState({}), Date.now());
      store.counters.add(HOSTILE, { [BLIND]: 1, [HOSTILE]: 1 });
      store.logs.put([log.asLog({ description: HOSTILE })]);
      for (let size = 1; size <= 20; size++)
        for (const branch of ['a', 'b']) {
          const head = log.verified(size, treeOf(size, branch).root());
          store.heads.record([{ head, source: HOSTILE, firstSeen: 1, lastSeen: 1, count: 1 }]);
        }
      const pairs = store.evidence.missing();
      for (const [i, [first, second]] of pairs.entries())
        store.evidence.add(join(state.evidence, `fork-${i}.json`), first, second, 1000 + i);
      store.close();
      const { body } = await get('/metrics');
      assert.equal(promtool(['check', 'metrics'], body), '');
      assert.equal(unshowableIn(body), '');
      assert.equal(unshowableIn((await get('/')).body), '');
      assert.equal(unshowableIn((await get('/state.json')).body), '');
      assert.equal(unshowableIn((await get('/healthz')).body), '');
      // So many series, however much evidence there is; the rest is counted.
      assert.equal(body.match(/^ctga_evidence_created_timestamp_seconds{/gm)?.length, 16);
      assert.match(body, /^ctga_log_evidence_files{.*} 20$/m);
      assert.match(body, /evidence="fork-0.json"} 1$/m);
    },
  );

  test('are those that the rules, the dashboards and the documentation name', async () => {
    // Those of a fleet are there in a fleet alone.
    const members = MemberStore.open(state.directory);
    members.putFleet({
      fleet: 'test',
      self: 'hub',
      intervalSeconds: 10,
      members: [
        { name: 'hub', role: 'collector' },
        { name: 'ams1', role: 'site' },
      ],
    });
    members.close();
    const namesIn = (text: string): (string | undefined)[] =>
      [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    const served = new Set(namesIn((await get('/metrics')).body));
    const figures = { statedAt: 0, statements: 0, accused: 0, convicted: 0, faulty: 0 };
    const audited = { mixing: 0, waiting: 0, proven: 0, unprovable: 0, convicted: 0 };
    // What an auditor, a pool, a member of a federation and a witness serve by themselves.
    const elsewhere = [
      new AuditMetrics({ counts: () => ({ scts: audited, heads: audited }) }),
      new PoolMetrics(() => ({ pairs: 0, heads: 0 })),
      new FederationMetrics(() => figures),
      new WitnessMetrics({
        all: () => [],
        counts: () => ({ open: 0, malformed: 0, 'fork-proven': 0 }),
      }),
    ];
    for (const each of elsewhere) for (const name of namesIn(await each.render())) served.add(name);
    for (const file of [
      'monitoring/alerts.yml',
      'monitoring/dashboard.json',
      'monitoring/fleet-dashboard.json',
      'docs/OPERATIONS.md',
    ]) {
      const text = readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8');
      const named = new Set(
        [...text.matchAll(/\b(?:ctga|process)_[a-z_]+[a-z]\b/g)].map(([name]) => name),
      );
      for (const name of named) assert(served.has(name), `${file}: ${name}`);
      if (file.endsWith('.md'))
        for (const name of served)
          assert(named.has(name ?? ''), `${file} says nothing of ${name ?? ''}`);
    }
  });

  test('call an interface whose observer is gone blind, and so does health', async () => {
    const store = openForWriting(state);
    store.planes.put('eth0', planeState({}), Date.now() - 60_000);
    store.close();
    assert((await get('/metrics')).body.includes('ctga_interface_blind{interface="eth0"} 1'));
    const { status, body } = await get('/healthz');
    assert.deepEqual([status, body], [503, 'eth0: no observer\n']);
  });
});

test('the command says where it listens; a port that is taken is a sentence and a remedy', async () => {
  mkdirSync(state.directory, { recursive: true });
  const taken = await ctga([
    'web',
    '--listen',
    `127.0.0.1:${server.at.port}`,
    '--state-dir',
    state.directory,
  ]);
  assert.equal(taken.code, 1);
  assert.match(
    taken.stderr,
    /cannot listen on 127\.0\.0\.1 port \d+: another program has this address and port\n {2}Choose another/,
  );
  assert.equal((await ctga(['web', '--listen', 'everywhere'])).code, 2);
});
