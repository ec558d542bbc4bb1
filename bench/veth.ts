// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody on the wire can notice, over a veth pair between two namespaces: throughput and
 * latency against the match rate, with and without ctga; and whether every packet comes out as it
 * went in.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttachXdpOptions } from '../src/dataplane/xdp.ts';
import {
  captureFile,
  TRAFFIC_KINDS,
  trafficFrames,
  type TrafficKind,
} from '../src/traffic/traffic.ts';
import { Link, run } from '../test/dataplane/namespaces.ts';
import { kolmogorovSmirnov, mannWhitney, median } from './statistics.ts';

export interface Setting {
  readonly name: string;
  readonly program: 'none' | 'tcpdump' | 'empty' | Omit<AttachXdpOptions, 'interfaceName'>;
}

const NONE: Setting = { name: 'no program', program: 'none' };
const CTGA: Setting = { name: 'ctga', program: {} };
const CTGA_COPYING: Setting = {
  name: 'ctga, every match copied',
  program: { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 },
};
/** The paper's minimal program, which only lets packets through. */
const EMPTY: Setting = { name: 'empty XDP program', program: 'empty' };

/** The first one is what the others are held against. */
export const SETTINGS: readonly [Setting, ...Setting[]] = [
  NONE,
  { name: 'tcpdump -w /dev/null', program: 'tcpdump' },
  CTGA,
  CTGA_COPYING,
  EMPTY,
  { name: 'ctga --mode native', program: { mode: 'native' } },
];

const ATTACHED = join(import.meta.dirname, 'attached.ts');
const EMPTY_OBJECT = join(import.meta.dirname, '../build/bench/empty.bpf.o');

/**
 * What a sweep over match rates measures, and how: a figure from a namespace's traffic of one kind
 * and rate.
 */
export interface Measure {
  readonly name: 'throughput' | 'latency';
  readonly unit: string;
  readonly measure: (link: Link, frames: readonly Buffer[]) => number;
}

export interface Swept {
  readonly kind: TrafficKind;
  readonly rate: number;
  readonly setting: string;
  /** In the measure's unit: the middle of the rounds. */
  readonly value: number;
  /** To no program at this rate, in this run. */
  readonly ratio: number;
}

export interface PingPong {
  readonly sent: number;
  readonly lost: number;
  readonly altered: number;
  readonly reordered: number;
  readonly perSecond: number;
  /** Nanoseconds from sending a frame to having it on the other side. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Runs `work` with a program on the receiving end, or without one. */
async function under<T>(link: Link, { program }: Setting, work: () => T): Promise<T> {
  if (program === 'none') return work();
  if (program === 'empty') {
    const xdp = (...args: readonly string[]): string =>
      run('ip', '-n', link.observer, 'link', 'set', 'dev', link.interfaceName, 'xdpdrv', ...args);
    xdp('object', EMPTY_OBJECT, 'section', 'xdp.frags');
    try {
      return work();
    } finally {
      xdp('off');
    }
  }
  const { interfaceName } = link;
  const watch =
    program === 'tcpdump'
      ? ['tcpdump', '-i', interfaceName, '-w', '/dev/null']
      : [process.execPath, '--import', 'tsx', ATTACHED, interfaceName, JSON.stringify(program)];
  const child = spawn('nsenter', [`--net=/run/netns/${link.observer}`, ...watch]);
  const ended = once(child, 'exit');
  // ctga says that it is attached, and tcpdump, as an error, that it listens.
  await Promise.race([
    once(program === 'tcpdump' ? child.stderr : child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error(`${watch.join(' ')}: did not attach`))),
  ]);
  try {
    return work();
  } finally {
    child.stdin.end();
    if (program === 'tcpdump') child.kill('SIGINT');
    await ended;
  }
}

/**
 * Measures every kind of traffic at every match rate in every setting; settings take turns,
 * `rounds` times.
 */
export async function sweep(
  { measure }: Measure,
  rates: readonly number[],
  rounds: number,
  progress: (what: string) => void,
): Promise<Swept[]> {
  const link = new Link();
  try {
    const results: Swept[] = [];
    for (const kind of TRAFFIC_KINDS) {
      const frames = new Map(rates.map((rate) => [rate, [...trafficFrames(kind, rate, 1000)]]));
      const values = new Map<string, number[]>();
      for (let round = 0; round < rounds; round++) {
        for (const setting of SETTINGS) {
          progress(`${kind}, round ${round + 1} of ${rounds}: ${setting.name}`);
          await under(link, setting, () => {
            for (const [rate, some] of frames) {
              const key = `${rate} ${setting.name}`;
              values.set(key, [...(values.get(key) ?? []), measure(link, some)]);
            }
          });
        }
      }
      for (const rate of rates) {
        const base = median(values.get(`${rate} ${SETTINGS[0].name}`) ?? []);
        for (const { name } of SETTINGS) {
          const value = median(values.get(`${rate} ${name}`) ?? []);
          results.push({ kind, rate, setting: name, value, ratio: value / base });
        }
      }
    }
    return results;
  } finally {
    link.remove();
  }
}

/**
 * Packets that tcpreplay gets rid of in a second of its CPU time: on veth, sending a packet is
 * receiving it, the program included. Other processes on the machine change that time least.
 */
export const throughput = (seconds: number): Measure => ({
  name: 'throughput',
  unit: 'packets a second of CPU time',
  measure: (link, frames) => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
    try {
      const capture = join(directory, 'frames.pcap');
      writeFileSync(capture, captureFile(frames));
      const how = ['--preload-pcap', '--topspeed', '--loop=0', `--duration=${seconds}`];
      const replay = ['tcpreplay', ...how, `--intf1=${link.peerName}`, capture];
      const { stdout, stderr } = spawnSync(
        'nsenter',
        [
          `--net=/run/netns/${link.sender}`,
          ...['bash', '-c', 'TIMEFORMAT="CPU %3U %3S"; time "$@"', 'bash', ...replay],
        ],
        { encoding: 'utf8' },
      );
      const packets = /Actual: (\d+) packets/.exec(stdout)?.[1];
      const [, user, system] = /CPU ([0-9.]+) ([0-9.]+)/.exec(stderr) ?? [];
      if (packets === undefined || user === undefined || system === undefined)
        throw new Error(`tcpreplay said nothing of its rate: ${stderr || stdout}`);
      return Number(packets) / (Number(user) + Number(system));
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
});

/**
 * The median nanoseconds from sending a packet to having it on the other side, one packet at a
 * time.
 */
export const latency = (packets: number): Measure => ({
  name: 'latency',
  unit: 'nanoseconds',
  measure: (link, frames) => pingPong(link, frames, packets, 1).p50,
});

export interface Distinguished {
  readonly what: string;
  readonly measure: 'latency, median' | 'latency, 99th percentile' | 'packets a second';
  readonly first: number;
  readonly second: number;
  /** Mann-Whitney's p, Kolmogorov-Smirnov's p, and Cliff's delta. */
  readonly mannWhitney: number;
  readonly kolmogorovSmirnov: number;
  readonly effect: number;
}

/** Two settings and match rates in turn, many times over: can their samples be told apart? */
export async function distinguish(
  blocks: number,
  perBlock: number,
  progress: (what: string) => void,
): Promise<Distinguished[]> {
  const link = new Link();
  try {
    const results: Distinguished[] = [];
    const pairs = [
      {
        what: 'no program, then ctga; half of the answers match',
        settings: [NONE, CTGA],
        rates: [50, 50],
      },
      {
        what: 'empty program, then ctga; half of the answers match',
        settings: [EMPTY, CTGA],
        rates: [50, 50],
      },
      { what: 'ctga; no answer matches, then every one', settings: [CTGA, CTGA], rates: [0, 100] },
      {
        what: 'ctga, every match copied; no answer matches, then every one',
        settings: [CTGA_COPYING, CTGA_COPYING],
        rates: [0, 100],
      },
    ] as const;
    for (const { what, settings, rates } of pairs) {
      progress(what);
      const samples: [PingPong[], PingPong[]] = [[], []];
      const block = (side: 0 | 1): number =>
        samples[side].push(
          pingPong(link, [...trafficFrames('answers', rates[side], 100)], perBlock, 1),
        );
      for (let i = 0; i < blocks; i++) {
        // Which goes first changes, or a machine that warms up would look like a difference.
        const order = i % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
        if (settings[0] === settings[1])
          await under(link, settings[0], () => order.forEach((side) => block(side)));
        else for (const side of order) await under(link, settings[side], () => block(side));
      }
      const measures = {
        'latency, median': 'p50',
        'latency, 99th percentile': 'p99',
        'packets a second': 'perSecond',
      } as const;
      for (const [measure, key] of Object.entries(measures) as [
        Distinguished['measure'],
        'p50' | 'p99' | 'perSecond',
      ][]) {
        const [a, b] = samples.map((side) => side.map((each) => each[key])) as [number[], number[]];
        const { p, effect } = mannWhitney(a, b);
        const ks = kolmogorovSmirnov(a, b).p;
        results.push({
          what,
          measure,
          first: median(a),
          second: median(b),
          mannWhitney: p,
          kolmogorovSmirnov: ks,
          effect,
        });
      }
    }
    return results;
  } finally {
    link.remove();
  }
}

/**
 * `count` packets, every fourth of them malformed, with ctga attached: bit for bit, and in order.
 */
export async function checkUnaltered(count: number): Promise<PingPong> {
  const link = new Link();
  try {
    const frames = [
      ...trafficFrames('answers', 50, 300),
      ...trafficFrames('fragments', 50, 100),
    ].map((frame, i) => (i % 4 === 3 ? malformed(frame, i) : frame));
    return await under(link, CTGA, () => pingPong(link, frames, count, 32));
  } finally {
    link.remove();
  }
}

/**
 * Cut, or with a byte of its headers changed; the addresses stay, by which the receiver knows it.
 */
function malformed(frame: Buffer, i: number): Buffer {
  if (i % 8 === 3) return frame.subarray(0, 64 + (i % Math.max(1, frame.length - 64)));
  const damaged = Buffer.from(frame);
  damaged[12 + (i % 44)] = i & 0xff;
  return damaged;
}

function pingPong(link: Link, frames: readonly Buffer[], count: number, window: number): PingPong {
  const script = join(import.meta.dirname, 'pingpong.py');
  const args = [
    script,
    link.sender,
    link.peerName,
    link.observer,
    link.interfaceName,
    `${count}`,
    `${window}`,
  ];
  const input = frames.map((frame) => frame.toString('hex')).join('\n');
  const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8', input });
  if (status !== 0) throw new Error(`pingpong.py: ${stderr}`);
  return JSON.parse(stdout) as PingPong;
}

export interface Visible {
  readonly device: 'interface' | 'its peer';
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/** Offloads and MTU that attaching changes, as `ethtool -k` and `ip` show them. */
export async function visibleChanges(): Promise<Visible[]> {
  const link = new Link();
  try {
    const look = (): Map<string, string> => {
      const seen = new Map<string, string>();
      for (const [device, namespace, name] of [
        ['interface', link.observer, link.interfaceName],
        ['its peer', link.sender, link.peerName],
      ] as const) {
        for (const line of run(
          'nsenter',
          `--net=/run/netns/${namespace}`,
          'ethtool',
          '-k',
          name,
        ).split('\n')) {
          const [feature, value] = line.split(': ');
          if (value !== undefined && value !== '')
            seen.set(`${device}/${(feature ?? '').trim()}`, value.trim());
        }
        const [{ mtu = 0 } = {}] = JSON.parse(
          run('ip', '-n', namespace, '-j', 'link', 'show', name),
        ) as { mtu?: number }[];
        seen.set(`${device}/MTU`, `${mtu}`);
      }
      return seen;
    };
    const before = look();
    const after = await under(link, CTGA, look);
    return [...before].flatMap(([key, value]) => {
      const [device, what] = key.split('/') as [Visible['device'], string];
      const now = after.get(key) ?? '';
      return now === value ? [] : [{ device, what, before: value, after: now }];
    });
  } finally {
    link.remove();
  }
}
