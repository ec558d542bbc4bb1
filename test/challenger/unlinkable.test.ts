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
import { logIdText } from '../../src/logs/log.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { CTGA } from '../support/ctga.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const SECONDS = 24;
const SHIFTS = 20_000;

interface Asked {
  readonly at: number;
  readonly endpoint: string;
}

class Log {
  readonly signing = new SigningLog();
  readonly tree = treeOf(400);
  readonly asked: Asked[] = [];
  readonly seen: number[] = [];
  readonly size = 400;

  answer(endpoint: string, query: URLSearchParams): unknown {
    this.asked.push({ at: Date.now(), endpoint });
    if (endpoint === 'get-sth')
      return treeHeadToJson(this.signing.sign(this.size, this.tree.root(this.size)));
    const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
    return {
      consistency: this.tree
        .consistencyProof(first, second)
        .map((hash) => Buffer.from(hash).toString('base64')),
    };
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

/**
 * The share of random shifts of what was seen against what was asked that have it asked as soon, or
 * sooner.
 */
function permutationTest(
  series: readonly { readonly seen: readonly number[]; readonly asked: readonly number[] }[],
  length: number,
): number {
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
  for (let i = 0; i < SHIFTS; i++)
    if (statistic(() => Math.random() * length) <= observed) sooner += 1;
  return sooner / (SHIFTS + 1);
}

describe('what a log can tell from its challenges', { skip: noMicrosocks }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  // As root, the challenger becomes nobody, who must be able to walk in here.
  chmodSync(directory, 0o755);
  const logs = Array.from({ length: 6 }, () => new Log());
  const watched = logs.slice(0, 4);
  let web: Server;
  let microsocks: Microsocks;
  let begin = 0;
  let length = 0;

  before(async () => {
    web = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://log');
      const [, number, , , endpoint = ''] = url.pathname.split('/');
      response.end(JSON.stringify(logs[Number(number)]?.answer(endpoint, url.searchParams)));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    microsocks = await startMicrosocks();
    const { port } = web.address() as AddressInfo;
    const list = join(directory, 'list.json');
    const entries = logs.map(({ signing }, i) => ({
      description: `Log ${i}`,
      key: Buffer.from(signing.key.spki).toString('base64'),
      log_id: logIdText(signing.key.logId),
      url: `http://127.0.0.1:${port}/${i}/`,
      allow_private_address: true,
    }));
    writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', logs: entries }] }));
    const state = join(directory, 'state');
    const store = openForWriting(stateAt(state));
    const proxy = `socks5h://127.0.0.1:${microsocks.port}`;
    const how = ['--every', '1', '--proxy', proxy, '--log-list', list, '--state-dir', state];
    const challenger = spawn(CTGA, ['challenge', ...how], {
      env: { ...process.env, CTGA_NODE: process.execPath },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => challenger.once('close', resolve));
    // The first answers of all are over, and everybody is at work.
    while (logs.some(({ asked }) => asked.length === 0)) await sleep(20);

    begin = Date.now();
    let size = 1;
    while (Date.now() < begin + SECONDS * 1000) {
      await sleep(-Math.log(1 - Math.random()) * 200);
      const log = watched[Math.floor(Math.random() * watched.length)] ?? assert.fail();
      const at = Date.now();
      const head = log.signing.verified(size, log.tree.root(size), BigInt(at));
      store.heads.record([{ head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 }]);
      log.seen.push(at);
      size += 1;
    }
    length = Date.now() - begin;
    challenger.kill('SIGTERM');
    assert.equal(await ended, 0);
    store.close();
  });
  after(() => {
    microsocks.stop();
    web.closeAllConnections();
    web.close();
    rmSync(directory, { recursive: true });
  });

  const since = (times: readonly number[]): number[] =>
    times.map((at) => at - begin).filter((at) => at >= 0 && at < length);
  const askedFor = ({ asked }: Log, endpoint: string): number[] =>
    since(asked.filter((each) => each.endpoint === endpoint).map(({ at }) => at));

  test('not when its tree heads were seen: a permutation test', (context) => {
    const series = watched.map((log) => ({
      seen: since(log.seen),
      asked: askedFor(log, 'get-sth'),
    }));
    const p = permutationTest(series, length);
    const [seen, asked] = [
      series.flatMap((each) => each.seen),
      series.flatMap((each) => each.asked),
    ];
    context.diagnostic(
      `p = ${p.toFixed(3)}, of ${seen.length} heads seen and ${asked.length} times asked`,
    );
    assert(seen.length > 50 && asked.length > 50, 'too little to tell anything from');
    assert(p > 0.0005 && p < 0.9995, `p = ${p}`);
    // And it would tell: were every other head asked about within a tenth of a second, this is what
    // it would find.
    const leaky = series.map((each) => ({
      ...each,
      asked: [
        ...each.asked,
        ...each.seen.filter((_, i) => i % 2 === 0).map((at) => at + Math.random() * 100),
      ],
    }));
    const leak = permutationTest(leaky, length);
    context.diagnostic(`p = ${leak.toFixed(5)} with a challenger that leaks`);
    assert(leak < 0.01, `p = ${leak} for a challenger that leaks`);
  });

  test('not whether any was seen: two heads and four proofs at a time, of every log', () => {
    for (const [i, log] of logs.entries()) {
      const heads = log.asked.filter(({ endpoint }) => endpoint === 'get-sth').length;
      const proofs = log.asked.filter(({ endpoint }) => endpoint === 'get-sth-consistency').length;
      // The last challenge may have been broken off.
      assert(Math.abs(proofs - heads * 2) <= 4, `log ${i}: ${heads} heads and ${proofs} proofs`);
    }
  });
});
