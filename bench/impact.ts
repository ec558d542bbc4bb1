// SPDX-License-Identifier: Apache-2.0
/** How long `ctga impact traceroutes` takes, and how much memory, by the number of traceroutes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CTGA = resolve(import.meta.dirname, '../bin/ctga');
const PROBES = 10_000;
const ASES = 60_000;
/** Different results; each is sent as often as it takes. */
const DIFFERENT = 40_000;
/** How often the memory is asked for. What is asked for only grows. */
const EVERY_MS = 100;

export interface ImpactRate {
  readonly traceroutes: number;
  readonly megabytes: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** The most that was resident, in MiB. */
  readonly mebibytes: number;
}

/** An address of each AS, which has a /20 of its own. */
const address = (asn: number, host: number): string => {
  const at = 0x0b00_0000 + asn * 4096 + host;
  return [24, 16, 8, 0].map((by) => Math.floor(at / 2 ** by) % 256).join('.');
};

/** A result of ten hops, with three packets each, some 2 kB. */
function result(i: number): string {
  const probe = i % PROBES;
  const way = [probe, probe, ...[3, 5, 7].map((n) => (probe * n + (i % 4)) % 300), 59_999];
  const hops = way.flatMap((asn, n) =>
    [asn + 1, asn + 1].map((each, m) => address(each, 1 + n * 2 + m)),
  );
  return JSON.stringify({
    ...{ fw: 5080, lts: 17, dst_name: '192.0.2.1', af: 4, dst_addr: '192.0.2.1' },
    ...{ src_addr: '10.0.0.2', proto: 'ICMP', size: 48, paris_id: 3, msm_id: 1, prb_id: probe },
    ...{ from: address(probe + 1, 9), timestamp: 1_520_000_000 + i, type: 'traceroute' },
    result: [...hops, '192.0.2.1'].map((from, hop) => ({
      hop: hop + 1,
      result: [1, 2, 3].map((n) => ({ from, ttl: 255 - hop, size: 76, rtt: hop + n / 8 })),
    })),
  });
}

export async function measureImpact(
  counts: readonly number[],
  say: (what: string) => void,
): Promise<ImpactRate[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  try {
    const rib = join(directory, 'ip2as');
    const prefixes = Array.from({ length: ASES }, (_, i) => `${address(i + 1, 0)}/20\t${i + 1}\n`);
    writeFileSync(rib, `${prefixes.join('')}192.0.2.0/24\t65000\n`);
    const results = Array.from({ length: DIFFERENT }, (_, i) => result(i));
    const rates: ImpactRate[] = [];
    for (const count of counts) {
      say(`${count} traceroutes`);
      rates.push(await measure(rib, results, count));
    }
    return rates;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measure(
  rib: string,
  results: readonly string[],
  count: number,
): Promise<ImpactRate> {
  const args = [
    'impact',
    'traceroutes',
    '-',
    '--rib',
    rib,
    '--target',
    'one=192.0.2.0/24',
    '--json',
  ];
  const begin = performance.now();
  const child = spawn(CTGA, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let most = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      most = Math.max(most, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, EVERY_MS);
  let bytes = 0;
  for (let sent = 0; sent < count;) {
    const at = sent % results.length;
    const lines = results.slice(at, at + Math.min(500, count - sent));
    sent += lines.length;
    const chunk = Buffer.from(`${lines.join('\n')}\n`);
    bytes += chunk.length;
    if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = await ended;
  clearInterval(timer);
  if (code !== 0) throw new Error(`ctga impact traceroutes ended with ${code ?? 'a signal'}`);
  const seconds = (performance.now() - begin) / 1000;
  return {
    traceroutes: count,
    megabytes: Math.round(bytes / 1e6),
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(count / seconds),
    mebibytes: Math.round(most / 1024),
  };
}
