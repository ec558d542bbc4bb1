// SPDX-License-Identifier: Apache-2.0
/**
 * Packets a second of CPU time through `ctga replay`, in this process: with the filter, and with
 * all of them decoded; beside tcpdump and tshark if they are installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CapturePlane } from '../src/dataplane/capture.ts';
import { CaptureReader } from '../src/dataplane/capture/reader.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { Observer } from '../src/observer/observer.ts';
import { replayPlanes } from '../src/observer/replay.ts';
import { CtOverDns } from '../src/sources/ct-over-dns/source.ts';
import { formatTreeHeadText } from '../src/statements/text.ts';
import { memoryStore } from '../src/store/state.ts';
import { captureFile } from '../src/traffic/traffic.ts';
import { dnsAnswer, frameV4 } from '../test/support/packets.ts';
import { SigningLog } from '../test/support/signing-log.ts';

export interface ReplayRate {
  readonly traffic: string;
  readonly reader: string;
  /** Of CPU time, user and system. */
  readonly seconds: number;
  readonly packetsPerSecond: number;
}

/** Answers that are not watched, each to another name. */
const OTHERS = 159;
const CHUNK = 10_000;
const DECODED = 'ctga, every packet decoded';

const log = new SigningLog();
const sources = [new CtOverDns(new Map([['alpha.example', log.asLog()]]))];
const watched = frameV4(
  dnsAnswer({
    name: 'sth.alpha.example',
    strings: [formatTreeHeadText(log.sign(1, hashLeaf(Buffer.of(1))))],
  }),
);
const answersBelow = (zone: string): Uint8Array[] =>
  Array.from({ length: OTHERS }, (_, i) =>
    frameV4(dnsAnswer({ name: zone.replace('N', `${i}`), strings: ['x'.repeat(200)] })),
  );
const TRAFFIC: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ['TXT answers, none watched', answersBelow('hostN.some.example')],
  ['TXT answers, one in 160 watched', [watched, ...answersBelow('hostN.some.example')]],
  ['tree heads of other logs', answersBelow('sth.logN.some.example')],
];

export async function measureReplay(packets: number, repeats: number): Promise<ReplayRate[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const rates: ReplayRate[] = [];
  try {
    for (const [traffic, frames] of TRAFFIC) {
      const path = join(directory, 'answers.pcap');
      writeCapture(path, packets, frames);
      const measure = async (
        reader: string,
        times: number,
        work: () => Promise<number | undefined>,
      ): Promise<void> => {
        const seconds: number[] = [];
        for (let i = 0; i < times; i++) {
          const found = await work();
          if (found === undefined) return;
          seconds.push(found);
        }
        const least = Math.min(...seconds);
        rates.push({
          traffic,
          reader,
          seconds: least,
          packetsPerSecond: Math.round(packets / least),
        });
      };
      await measure('ctga', repeats, () => cpuOf(() => replayed(path)));
      await measure(DECODED, repeats, () => cpuOf(() => decoded(path)));
      await measure('tcpdump, filtering by name', 1, () =>
        Promise.resolve(
          cpuOfProgram('tcpdump', '-n', '-r', path, 'udp src port 53 and udp[21:4] = 0x73746805'),
        ),
      );
      await measure('tshark, printing names', 1, () =>
        Promise.resolve(cpuOfProgram('tshark', '-r', path, '-T', 'fields', '-e', 'dns.qry.name')),
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return rates;
}

/** What the other readers of the same traffic are compared with. */
export function decodedRate(rates: readonly ReplayRate[], traffic: string): number {
  const found = rates.find((rate) => rate.traffic === traffic && rate.reader === DECODED);
  return found?.packetsPerSecond ?? NaN;
}

function writeCapture(path: string, packets: number, frames: readonly Uint8Array[]): void {
  const file = openSync(path, 'w');
  const chunk = (from: number, count: number): Buffer =>
    captureFile(
      Array.from({ length: count }, (_, i) => frames[(from + i) % frames.length] ?? watched),
    );
  for (let from = 0; from < packets; from += CHUNK) {
    const bytes = chunk(from, Math.min(CHUNK, packets - from));
    writeSync(file, from === 0 ? bytes : bytes.subarray(24));
  }
  closeSync(file);
}

async function replayed(path: string): Promise<void> {
  const { failures } = await replayPlanes([new CapturePlane(path)], {
    sources,
    store: memoryStore(),
    evidenceDirectory: tmpdir(),
  });
  for (const failure of failures.values()) throw failure;
}

function decoded(path: string): Promise<void> {
  const observer = new Observer({
    sources,
    store: memoryStore(),
    evidenceDirectory: tmpdir(),
    onEvent: () => undefined,
  });
  const reader = new CaptureReader(path, (packet) => {
    const { timestamp, frameLength } = packet;
    const interfaceName = 'replay';
    observer.receive({
      kind: 'unknown',
      frame: packet.frame(),
      frameLength,
      timestamp,
      interfaceName,
    });
  });
  reader.push(readFileSync(path));
  reader.end();
  observer.endBatch(0);
  return Promise.resolve();
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** CPU seconds of a program; undefined if it is not installed. */
function cpuOfProgram(program: string, ...args: readonly string[]): number | undefined {
  if (spawnSync(program, ['--version']).error !== undefined) return undefined;
  const script = '"$@" >/dev/null 2>&1; times';
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', program, ...args], { encoding: 'utf8' });
  // POSIX, "times": the second line has user and system time of the children, as 0m1.25s.
  const [, children = ''] = stdout.split('\n');
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
