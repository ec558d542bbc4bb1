// SPDX-License-Identifier: Apache-2.0
/**
 * What a log can tell from its challenges: the real `ctga challenge` asks six logs through a real
 * SOCKS proxy while tree heads of four of them are seen at random times. Neither when nor how much
 * it asks may depend on that.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { HttpAnswer } from '../../src/http/request.ts';
import { logIdText } from '../../src/logs/log.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApi } from '../support/fake-api.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { random, SEED } from '../support/random.ts';
import { treeOf } from '../support/signing-log.ts';

const SECONDS = 24;
const SHIFTS = 20_000;
/**
 * The challenger's chance is the system's, so that one experiment in a thousand looks like a leak;
 * three in a row never do.
 */
const EXPERIMENTS = 3;

interface Asked {
  readonly at: number;
  readonly endpoint: string;
  readonly query: string;
}

class Log {
  readonly api = new FakeApi(treeOf(400));
  readonly asked: Asked[] = [];

  async answer(url: URL): Promise<HttpAnswer> {
    const endpoint = url.pathname.split('/').at(-1) ?? '';
    this.asked.push({ at: Date.now(), endpoint, query: url.search });
    this.api.timestamp = BigInt(Date.now());
    return this.api.fetch(url.href);
  }
}

/**
 * Mean milliseconds from each moment to the next question after it; the window is taken as a
 * circle.
 */
function meanWait(
  moments: readonly number[],
  questions: readonly number[],
  length: number,
): number {
  let sum = 0;
  for (const moment of moments) {
    let wait = Infinity;
    for (const question of questions) wait = Math.min(wait, (question - moment + length) % length);
    sum += wait;
  }
  return sum / moments.length;
}

/** Of one log, in milliseconds from the beginning of an experiment. */
interface Series {
  readonly seen: readonly number[];
  readonly asked: readonly number[];
}

/**
 * The share of random shifts of what was seen against what was asked that have it asked as soon, or
 * sooner.
 */
function permutationTest(series: readonly Series[], length: number): number {
  const below = random(SEED);
  const statistic = (shift: () => number): number =>
    series.reduce((sum, { seen, asked }) => {
      const by = shift();
      return (
        sum +
        meanWait(
          seen.map((at) => (at + by) % length),
          asked,
          length,
        )
      );
    }, 0);
  const observed = statistic(() => 0);
  let sooner = 1;
  for (let i = 0; i < SHIFTS; i++) if (statistic(() => below(length)) <= observed) sooner += 1;
  return sooner / (SHIFTS + 1);
}

/** A random wait of `mean` milliseconds on average, as between events of a Poisson process. */
function wait(below: (limit: number) => number, mean: number): number {
  return -Math.log(1 - below(1_000_000) / 1_000_000) * mean;
}

/** Random moments in milliseconds, in order, all of them before `length`. */
function moments(below: (limit: number) => number, mean: number, length: number): number[] {
  const times: number[] = [];
  for (let at = wait(below, mean); at < length; at += wait(below, mean)) times.push(at);
  return times;
}

test('the permutation test tells a challenger that leaks from one that does not', (context) => {
  const below = random(SEED);
  const length = SECONDS * 1000;
  const honest = Array.from({ length: 4 }, () => ({
    seen: moments(below, 800, length),
    asked: moments(below, 1000, length),
  }));
  // Every other head is asked about within a tenth of a second.
  const leaky = honest.map(({ seen, asked }) => ({
    seen,
    asked: [...asked, ...seen.filter((_, i) => i % 2 === 0).map((at) => at + below(100))],
  }));
  const [p, leak] = [permutationTest(honest, length), permutationTest(leaky, length)];
  context.diagnostic(`p = ${p}, and ${leak} with a leak (CTGA_TEST_SEED=${SEED})`);
  assert(leak < 0.0005, `p = ${leak} for a challenger that leaks`);
  assert(p > leak * 10);
});

describe('what a log can tell from its challenges', { skip: noMicrosocks }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  // As root, the challenger becomes nobody, who must be able to walk in here.
  chmodSync(directory, 0o755);
  const list = join(directory, 'list.json');
  const logs = Array.from({ length: 6 }, () => new Log());
  const watched = logs.slice(0, 4);
  const below = random(SEED);
  let web: Server;
  let microsocks: Microsocks;
  let experiments = 0;

  before(async () => {
    web = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://log');
      const log = logs[Number(url.pathname.split('/')[1])] ?? assert.fail(url.href);
      void log.answer(url).then(({ status, body }) => response.writeHead(status).end(body));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    microsocks = await startMicrosocks();
    const { port } = web.address() as AddressInfo;
    const entries = logs.map(({ api: { log } }, i) => ({
      description: `Log ${i}`,
      key: Buffer.from(log.key.spki).toString('base64'),
      log_id: logIdText(log.key.logId),
      url: `http://127.0.0.1:${port}/${i}/`,
      allow_private_address: true,
    }));
    writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', logs: entries }] }));
  });
  after(() => {
    microsocks.stop();
    web.closeAllConnections();
    web.close();
    rmSync(directory, { recursive: true });
  });

  /** Has heads seen at random times while the challenger runs. */
  async function experiment(): Promise<{ series: Series[]; length: number }> {
    const state = join(directory, `state-${++experiments}`);
    const store = openForWriting(stateAt(state));
    const proxy = `socks5h://127.0.0.1:${microsocks.port}`;
    const how = ['--every', '1', '--proxy', proxy, '--log-list', list, '--state-dir', state];
    const challenger = spawn(CTGA, ['challenge', ...how], {
      env: { ...process.env, CTGA_NODE: process.execPath },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => challenger.once('close', resolve));
    const before = logs.map(({ asked }) => asked.length);
    await eventually(() => {
      assert.equal(challenger.exitCode, null, 'the challenger ended by itself');
      return logs.every(({ asked }, i) => asked.length > (before[i] ?? 0));
    }, 'the first questions to all logs');
    const begin = Date.now();
    const askedSince = ({ asked }: Log): number[] =>
      asked.filter(({ endpoint, at }) => endpoint === 'get-sth' && at >= begin).map(({ at }) => at);
    const seen = new Map(watched.map((log) => [log, [] as number[]]));
    let size = 1;
    const isEnough = (): boolean =>
      Date.now() >= begin + SECONDS * 1000 && size > 50 && watched.flatMap(askedSince).length > 50;
    while (!isEnough()) {
      assert(
        Date.now() < begin + 10 * SECONDS * 1000,
        'waited in vain for 50 questions to the logs',
      );
      await sleep(wait(below, 200));
      const log = watched[below(watched.length)] ?? assert.fail();
      const at = Date.now();
      const head = log.api.log.verified(size, log.api.tree.root(size), BigInt(at));
      store.heads.record([{ head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 }]);
      seen.get(log)?.push(at - begin);
      size += 1;
    }
    const length = Date.now() - begin;
    challenger.kill('SIGTERM');
    assert.equal(await ended, 0);
    store.close();
    const series = watched.map((log) => ({
      seen: (seen.get(log) ?? []).filter((at) => at < length),
      asked: askedSince(log)
        .map((at) => at - begin)
        .filter((at) => at < length),
    }));
    return { series, length };
  }

  test('not when its tree heads were seen: a permutation test', async (context) => {
    const found: number[] = [];
    do {
      const { series, length } = await experiment();
      const p = permutationTest(series, length);
      const seen = series.flatMap((each) => each.seen).length;
      const asked = series.flatMap((each) => each.asked).length;
      context.diagnostic(`p = ${p.toFixed(5)}, of ${seen} heads seen and ${asked} times asked`);
      if (p > 0.0005 && p < 0.9995) return;
      found.push(p);
    } while (found.length < EXPERIMENTS);
    assert.fail(`p = ${found.join(', ')}`);
  });

  test('not what was seen of which: the same entries of every log, and nothing but heads besides', () => {
    const others = ({ asked }: Log): string[] =>
      asked
        .filter(({ endpoint }) => endpoint !== 'get-sth')
        .map(({ endpoint, query }) => `${endpoint} ${query}`)
        .sort();
    const [first = assert.fail()] = logs;
    assert(others(first).length > 0);
    for (const log of logs) assert.deepEqual(others(log), others(first));
  });

  test('and what was seen of an honest log is consistent', () => {
    const store = openForWriting(stateAt(join(directory, `state-${experiments}`)));
    const { consistent, pending, ...others } = store.verdicts.counts();
    store.close();
    // What was seen after the last visit waits.
    assert(consistent > pending, `${consistent} consistent and ${pending} pending`);
    assert(Object.values(others).every((count) => count === 0));
  });
});
