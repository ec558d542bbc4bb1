// SPDX-License-Identifier: Apache-2.0
/**
 * Frames of a resolver a second, through `ctga attach dnstap:` as it is: a writer in a process of its
 * own, a Unix socket, the thread that reads, and the observer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DnstapPlane } from '../src/dataplane/dnstap.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { Observer } from '../src/observer/observer.ts';
import { watch } from '../src/observer/watch.ts';
import { CtOverDns } from '../src/sources/ct-over-dns/source.ts';
import { formatTreeHeadText } from '../src/statements/text.ts';
import { memoryStore } from '../src/store/state.ts';
import { dataFrame, dnstapFrame, START } from '../test/support/dnstap.ts';
import { dnsAnswer } from '../test/support/packets.ts';
import { SigningLog } from '../test/support/signing-log.ts';

export interface DnstapRate {
  readonly traffic: string;
  readonly frames: number;
  readonly lost: number;
  /** Of this process, user and system, all threads. */
  readonly cpuSeconds: number;
  readonly framesPerCpuSecond: number;
  readonly framesPerSecond: number;
}

const ZONE = 'alpha.example';
const log = new SigningLog();
const sources = [new CtOverDns(new Map([[ZONE, log.asLog()]]))];
const head = (size: number): string =>
  formatTreeHeadText(log.sign(size, hashLeaf(Buffer.from(String(size)))));
const known = (size: number): Uint8Array =>
  dnsAnswer({ name: `sth.${ZONE}`, strings: [head(size)] });
const other = (i: number): Uint8Array =>
  dnsAnswer({ name: `host${i % 997}.some.example`, strings: ['x'.repeat(200)] });
const unknown = (i: number): Uint8Array =>
  dnsAnswer({ name: `sth.log${i % 997}.example`, strings: ['x'.repeat(200)] });

const TRAFFIC: readonly (readonly [string, (i: number) => Uint8Array])[] = [
  ['TXT answers, none looked for', other],
  ['tree heads of other logs', unknown],
  ['one in ten a known tree head', (i) => (i % 10 === 0 ? known(1) : other(i))],
  ['known tree heads alone, 50 of them in turn', (i) => known(i % 50)],
];
/** Frames that are made once, and sent again and again. */
const DISTINCT = 1000;

/** `frames` of each kind of traffic, a multiple of 1,000. */
export async function measureDnstap(frames: number): Promise<DnstapRate[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const rates: DnstapRate[] = [];
  try {
    for (const [traffic, make] of TRAFFIC) {
      const block = Array.from({ length: DISTINCT }, (_, i) => dataFrame(dnstapFrame(make(i))));
      const file = join(directory, 'block');
      writeFileSync(file, Buffer.concat(block));
      rates.push(await measure(traffic, file, frames, join(directory, 'dnstap.sock')));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return rates;
}

async function measure(
  traffic: string,
  file: string,
  frames: number,
  path: string,
): Promise<DnstapRate> {
  const plane = await DnstapPlane.listen('dnstap', { path }, {});
  const store = memoryStore();
  const observer = new Observer({
    sources,
    store,
    evidenceDirectory: join(file, '..'),
    onEvent: () => undefined,
  });
  const stop = new AbortController();
  const watching = watch([plane], observer, store, stop.signal);
  const script = `
    const block = require('fs').readFileSync(process.argv[2]);
    const socket = require('net').connect(process.argv[1]);
    let left = Number(process.argv[3]);
    socket.write(Buffer.from(process.argv[4], 'hex'));
    const more = () => { while (left-- > 0) if (!socket.write(block)) return; socket.end(); };
    socket.on('drain', more).on('connect', more);`;
  const blocks = String(frames / DISTINCT);
  const begin = performance.now();
  const before = process.cpuUsage();
  const writer = spawn(process.execPath, ['-e', script, path, file, blocks, START.toString('hex')]);
  await once(writer, 'exit');
  while (Number(plane.counters().packets) < frames)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  stop.abort();
  await watching;
  const lost = Number(plane.counters().answersRingFull);
  plane.close();
  const cpuSeconds = (user + system) / 1e6;
  return {
    traffic,
    frames,
    lost,
    cpuSeconds,
    framesPerCpuSecond: Math.round(frames / cpuSeconds),
    framesPerSecond: Math.round(frames / seconds),
  };
}
