// SPDX-License-Identifier: Apache-2.0
/** The bench runs: quickly, so its figures mean little. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const MAIN = resolve(import.meta.dirname, '../../bench/main.ts');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

function bench(...args: readonly string[]): { status: number | null; stderr: string } {
  const command = ['--import', 'tsx', MAIN, ...args, '--output', directory];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, stderr };
}

test('cost, drain and what passes unaltered are measured and written down', () => {
  const { status, stderr } = bench('cost', 'drain', 'unaltered', 'challenge', 'follow', '--quick');
  assert.equal(status, 0, stderr);
  const read = (part: string): unknown =>
    (JSON.parse(readFileSync(join(directory, `${part}.json`), 'utf8')) as { data: unknown }).data;
  const cost = read('cost') as { ns: Record<string, number> }[];
  assert(cost.length > 0);
  for (const { ns } of cost) {
    // The paper's program is where its source is.
    assert.deepEqual(Object.keys(ns).slice(0, 3), ['empty', 'floor', 'ctga']);
    assert(Object.values(ns).every((each) => each > 0));
  }
  const drain = read('drain') as { lost: number; recordsPerSecond: number }[];
  assert(drain.every(({ lost, recordsPerSecond }) => lost === 0 && recordsPerSecond > 0));
  const challenged = read('challenge') as {
    heads: number;
    consistent: number;
    headsPerMinute: number;
  }[];
  assert(
    challenged.every(
      ({ heads, consistent, headsPerMinute }) => heads === consistent && headsPerMinute > 0,
    ),
  );
  const followed = read('follow') as { visits: number; bytes: number; held: number }[];
  assert(followed.every(({ visits, bytes, held }) => visits > 0 && bytes > 0 && held > 0));
  const { sent, lost, altered, reordered } = read('unaltered') as Record<string, number>;
  assert.deepEqual(
    { sent, lost, altered, reordered },
    { sent: 2000, lost: 0, altered: 0, reordered: 0 },
  );
  assert.match(
    readFileSync(join(directory, 'cost.md'), 'utf8'),
    /a quick run: figures mean little/,
  );
});

test('latency is swept over match rates, and plotted', () => {
  const { status, stderr } = bench('latency', '--quick');
  assert.equal(status, 0, stderr);
  const { data } = JSON.parse(readFileSync(join(directory, 'latency.json'), 'utf8')) as {
    data: { kind: string; rate: number; setting: string; value: number }[];
  };
  // Two kinds, two rates, six settings.
  assert.equal(new Set(data.map(({ setting }) => setting)).size, 6);
  assert.equal(data.length, 24);
  assert(data.every(({ value }) => value > 0));
  assert.match(
    readFileSync(join(directory, 'latency-answers.svg'), 'utf8'),
    /^<svg [^]*<\/svg>\n$/,
  );
});

test('federations agree, whoever fails, and what that takes is written down beside runs of CTngV3', () => {
  const runs = join(directory, 'runs');
  const run = { n: 4, mal: 1, certs: 64, waits: ['1', '1', '1'], all: true, wall: 2.5 };
  const sent = { bytes_member: 2_000_000, requests_member: 342, cpu_member: 0.27 };
  writeFileSync(runs, `${JSON.stringify({ ...run, ...sent, bin: 'ctngv3-race' })}\n`);
  const { status, stderr } = bench('federation', '--quick', '--ctngv3', runs);
  assert.equal(status, 0, stderr);
  const { data } = JSON.parse(readFileSync(join(directory, 'federation.json'), 'utf8')) as {
    data: Record<'agreements' | 'overTls', { fault: string; convergence: number; bytes: number }[]>;
  };
  assert.equal(new Set(data.agreements.map(({ fault }) => fault)).size, 6);
  // One that is never reached is null in JSON.
  assert(data.overTls.length > 0);
  for (const { convergence, bytes } of [...data.agreements, ...data.overTls])
    assert(convergence > 0 && bytes > 0);
  const text = readFileSync(join(directory, 'federation.md'), 'utf8');
  assert.match(text, /grow as n\^\d/);
  assert.match(text, /\| 4 +\| 2\.5 +\| 2000000 +\| 342 /);
});

test('a part that there is not is named', () => {
  const { status, stderr } = bench('coast');
  assert.equal(status, 2);
  assert.match(stderr, /no part named coast: want cost, throughput/);
});
