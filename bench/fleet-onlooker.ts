// SPDX-License-Identifier: Apache-2.0
/**
 * What an onlooker on each link of a fleet can tell: tcpdump writes down the sizes and times of all
 * packets between a site, a collector, a challenger and the bus, and between the servers of the bus,
 * while the sites see much and while they see nothing, in turns. All members are processes of their
 * own, as they are run, and everything between them is under TLS.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRoster } from '../src/fleet/roster.ts';
import { logIdText } from '../src/logs/log.ts';
import { openForWriting } from '../src/store/state.ts';
import { FakeApi } from '../test/support/fake-api.ts';
import { startMicrosocks } from '../test/support/microsocks.ts';
import { treeOf } from '../test/support/signing-log.ts';
import { BenchFleet, readable } from './fleet-bus.ts';
import { byPhases, type Phase } from './phases.ts';

/** One packet with something in it. */
interface Packet {
  /** Ms since the epoch. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export const LINKS = [
  'site to bus',
  'bus to bus',
  'collector to bus',
  'challenger to bus',
] as const;
export const FEATURES = [
  'bytes an interval',
  'packet sizes',
  'times between',
  'answer times',
] as const;

export interface Told {
  readonly link: (typeof LINKS)[number];
  readonly way: 'out' | 'back';
  readonly feature: (typeof FEATURES)[number];
  /** Of packets, or of intervals. */
  readonly samples: number;
  /** Medians while nothing is seen, and while much is. */
  readonly nothing: number;
  readonly much: number;
  /** The largest distance of the two distributions, and how likely one as large is by chance. */
  readonly distance: number;
  readonly p: number;
}

export interface Onlooker {
  readonly heads: number;
  readonly intervalSeconds: number;
  readonly phases: number;
  readonly told: readonly Told[];
}

export interface Watching {
  /** Heads that each site sees in an interval, while it sees any. */
  readonly heads: number;
  readonly intervalSeconds: number;
  /** An even number, half of which see nothing. */
  readonly phases: number;
  readonly intervalsAPhase: number;
}

const SIZE = 40;
const LOGS = 4;
/** Of each phase: what was seen before is still on its way. */
const LEFT_OUT = 4;
const WARM_UP_INTERVALS = 20;

export function missingForOnlooker(): string | undefined {
  const missing = ['tcpdump', 'microsocks', 'nats-server'].filter(
    (tool) => spawnSync(tool, ['-h']).error !== undefined,
  );
  return missing.length === 0 ? undefined : `it needs ${missing.join(' and ')} on PATH`;
}

export async function measureOnlooker(
  watching: Watching,
  say: (what: string) => void,
): Promise<Onlooker> {
  const { heads, intervalSeconds, phases, intervalsAPhase } = watching;
  const apis = Array.from({ length: LOGS }, () => new FakeApi(treeOf(SIZE)));
  const web = createServer((request, response) => {
    const api = apis[Number(new URL(request.url ?? '', 'http://log').pathname.split('/')[1])];
    if (api === undefined) return void response.writeHead(404).end();
    api.timestamp = BigInt(Date.now());
    void api
      .fetch(`http://log${request.url ?? ''}`)
      .then(({ status, body }) => response.writeHead(status).end(body));
  });
  await new Promise<void>((done) => web.listen(0, '127.0.0.1', done));
  const microsocks = await startMicrosocks();
  const signers = apis.map(({ log }) => log);
  const count = { sites: 2, logs: LOGS, signers, withChallenger: true };
  const fleet = await BenchFleet.found(count, { intervalSeconds, batchBytes: 8192 });
  try {
    await fleet.bus.start(...fleet.bus.nodes);
    const { challenger } = fleet;
    const [site] = fleet.sites;
    if (challenger === undefined || site === undefined) throw new RangeError('want both');
    const { port } = web.address() as AddressInfo;
    const list = join(fleet.bus.directory, 'list.json');
    const entries = signers.map(({ key }, i) => ({
      description: `Log ${i}`,
      key: Buffer.from(key.spki).toString('base64'),
      log_id: logIdText(key.logId),
      url: `http://127.0.0.1:${port}/${i}/`,
      allow_private_address: true,
    }));
    writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', logs: entries }] }));
    const { url } = fleet.bus;
    fleet.startCollector();
    await fleet.untilStreams();
    const ofChallenger = fleet.startWithoutRights(challenger, [
      ...['challenge', '--subscribe', url, '--every', '30', '--log-list', list],
      ...['--proxy', `socks5h://127.0.0.1:${microsocks.port}`],
    ]);
    const [ofSite] = fleet.sites.map((each) =>
      fleet.start(each, ['fleet', 'publish', '--bus', url]),
    );
    await sleep(WARM_UP_INTERVALS * intervalSeconds * 1000);
    const { nodes } = readRoster(fleet.bus.directory);
    const ports = {
      client: nodes.map((node) => node.port),
      between: nodes.map((node) => node.clusterPort),
    };
    const capture = await startCapture(
      [...ports.client, ...ports.between],
      join(fleet.bus.directory, 'seen.pcap'),
    );
    const connections = (): Map<number, (typeof LINKS)[number]> =>
      new Map([
        ...portsOf(ofSite ?? 0, ports.client).map((own) => [own, LINKS[0]] as const),
        ...portsOf(fleet.collectorPid, ports.client).map((own) => [own, LINKS[2]] as const),
        ...portsOf(ofChallenger, ports.client).map((own) => [own, LINKS[3]] as const),
      ]);
    const before = connections();
    const seen: Phase[] = [];
    const stores = fleet.sites.map(({ state }) => openForWriting(state));
    try {
      for (let i = 0; i < phases; i++) {
        // By turns A B B A: a machine that grows slower or quicker is in both.
        const isMuch = [1, 2].includes(i % 4);
        say(`  phase ${i + 1} of ${phases}: ${isMuch ? `${heads} heads an interval` : 'nothing'}`);
        const from = Date.now() + LEFT_OUT * intervalSeconds * 1000;
        for (let turn = 0; turn < intervalsAPhase; turn++) {
          if (isMuch) seeHeads(fleet, stores, heads);
          await sleep(intervalSeconds * 1000);
        }
        seen.push({ from, to: Date.now(), isMuch });
      }
    } finally {
      for (const store of stores) store.close();
    }
    const after = connections();
    const packets = await capture.stop();
    const links = new Map([...before, ...after]);
    const told = LINKS.flatMap((link) =>
      (['out', 'back'] as const).flatMap((way) => {
        const flows = flowsOf(packets, link, way, links, ports.between);
        return compare(link, way, flows, seen, intervalSeconds * 1000);
      }),
    );
    return { heads, intervalSeconds, phases, told };
  } finally {
    await fleet.end();
    microsocks.stop();
    web.closeAllConnections();
    web.close();
  }
}

/** As an observer writes them down: heads of real trees, each new. */
function seeHeads(
  { signers }: BenchFleet,
  stores: readonly ReturnType<typeof openForWriting>[],
  count: number,
): void {
  const now = Date.now();
  const seen = Array.from({ length: count }, (_, i) => {
    const size = 1 + (i % SIZE);
    const signer = signers[i % signers.length];
    if (signer === undefined) throw new RangeError('want a log');
    const head = signer.verified(size, treeOf(SIZE).root(size), BigInt(now + i));
    return { head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 };
  });
  for (const store of stores) store.heads.record(seen);
}

/** The local ports of the connections to `servers` that a process has, and those that it started. */
function portsOf(pid: number, servers: readonly number[]): number[] {
  const children = spawnSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' }).stdout.trim();
  const own = new Set(
    (readable(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap(
      (fd) =>
        /^socket:\[(\d+)\]$/.exec(
          readable(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '',
        )?.[1] ?? [],
    ),
  );
  const found = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
      const port = (address: string): number => parseInt(address.split(':')[1] ?? '', 16);
      return own.has(inode) && servers.includes(port(remote)) ? [port(local)] : [];
    });
  const below = children === '' ? [] : children.split('\n');
  return [...found, ...below.flatMap((child) => portsOf(Number(child), servers))];
}

async function startCapture(
  ports: readonly number[],
  path: string,
): Promise<{ stop: () => Promise<Packet[]> }> {
  const filter = `tcp and (${ports.map((port) => `port ${port}`).join(' or ')})`;
  const args = ['-i', 'lo', '-n', '-s', '96', '-B', '65536', '-w', path, filter];
  const tcpdump = spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  tcpdump.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  while (!said.includes('listening')) {
    if (tcpdump.exitCode !== null) throw new Error(`tcpdump: ${said}`);
    await sleep(50);
  }
  return {
    stop: async () => {
      const ended = once(tcpdump, 'exit');
      tcpdump.kill('SIGINT');
      await ended;
      if (!/\b0 packets dropped by kernel/.test(said)) throw new Error(`tcpdump: ${said}`);
      const { stdout } = spawnSync('tcpdump', ['-r', path, '-tt', '-n', '-q'], {
        encoding: 'utf8',
        maxBuffer: 2 ** 30,
      });
      // Acknowledgements of the kernel's, which carry nothing, are left out.
      const line = /^(\d+\.\d+) IP 127\.0\.0\.1\.(\d+) > 127\.0\.0\.1\.(\d+): tcp ([1-9]\d*)$/gm;
      return [...stdout.matchAll(line)].map(([, at, from, to, bytes]) => ({
        at: Number(at) * 1000,
        from: Number(from),
        to: Number(to),
        bytes: Number(bytes),
      }));
    },
  };
}

interface Sample {
  readonly at: number;
  readonly value: number;
}
interface Flows {
  readonly sizes: readonly Sample[];
  readonly between: readonly Sample[];
  readonly answers: readonly Sample[];
}

/** What goes one way over all connections of a link. */
function flowsOf(
  packets: readonly Packet[],
  link: (typeof LINKS)[number],
  way: 'out' | 'back',
  links: ReadonlyMap<number, (typeof LINKS)[number]>,
  between: readonly number[],
): Flows {
  const [sizes, gaps, answers]: [Sample[], Sample[], Sample[]] = [[], [], []];
  /** By connection, when something last went out, and came back. */
  const last = new Map<string, { out?: number; back?: number }>();
  for (const { at, from, to, bytes } of packets) {
    const isOfBus = between.includes(from) || between.includes(to);
    const goes = isOfBus
      ? between.includes(to)
        ? 'out'
        : 'back'
      : links.has(from)
        ? 'out'
        : 'back';
    const [client, server] = goes === 'out' ? [from, to] : [to, from];
    if ((isOfBus ? 'bus to bus' : links.get(client)) !== link) continue;
    const connection = `${client} ${server}`;
    const known = last.get(connection) ?? {};
    last.set(connection, { ...known, [goes]: at });
    if (goes !== way) continue;
    sizes.push({ at, value: bytes });
    const [same, other] = way === 'out' ? [known.out, known.back] : [known.back, known.out];
    if (same !== undefined) gaps.push({ at, value: at - same });
    // Since what came last, where nothing was said since.
    if (other !== undefined && other > (same ?? 0)) answers.push({ at, value: at - other });
  }
  return { sizes, between: gaps, answers };
}

function compare(
  link: Told['link'],
  way: Told['way'],
  { sizes, between, answers }: Flows,
  phases: readonly Phase[],
  interval: number,
): Told[] {
  const sums = phases.flatMap(({ from, to }) =>
    Array.from({ length: Math.floor((to - from) / interval) }, (_, i) => {
      const [begin, end] = [from + i * interval, from + (i + 1) * interval];
      const value = sizes.reduce(
        (sum, each) => sum + (each.at >= begin && each.at < end ? each.value : 0),
        0,
      );
      return { at: begin, value };
    }),
  );
  const samples: Readonly<Record<Told['feature'], readonly Sample[]>> = {
    'bytes an interval': sums,
    'packet sizes': sizes,
    'times between': between,
    'answer times': answers,
  };
  return FEATURES.map((feature) => ({ link, way, feature, ...byPhases(samples[feature], phases) }));
}
