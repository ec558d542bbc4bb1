// SPDX-License-Identifier: Apache-2.0
/**
 * What passes over the bus of a fleet, what a batch costs each part, and what is paid when nothing
 * passes: by CPU time, since all parts share one machine.
 */
import { setMaxListeners } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bus } from '../src/fleet/bus.ts';
import { memberStatus } from '../src/services/fleet-status.ts';
import type { MemberBus } from '../src/services/fleet.ts';
import type { VerifiedStatement } from '../src/statements/statement.ts';
import { openForWriting, type State } from '../src/store/state.ts';
import { openDatabase } from '../src/store/sqlite/open.ts';
import type { Store } from '../src/store/store.ts';
import { cpuSecondsOf } from './cpu.ts';
import { BenchFleet, readable } from './fleet-bus.ts';
import { percentile } from './statistics.ts';

export interface FleetLoad {
  readonly sites: number;
  readonly logs: number;
  /** Heads that each log signs in a minute, all of which each site sees. */
  readonly headsPerMinute: number;
  /** Heads that wait at each site from the beginning. */
  readonly backlog: number;
  readonly batchBytes: number;
  readonly intervalSeconds: number;
  readonly seconds: number;
}

export interface Parts {
  /** One of three. */
  readonly server: number;
  readonly collector: number;
  readonly site: number;
}

export interface FleetCost {
  readonly load: FleetLoad;
  /** Batches a second that the bus acknowledged, and that the collector took in. */
  readonly inPerSecond: number;
  readonly throughPerSecond: number;
  /** Of what each site was to send by its schedule. */
  readonly shareSent: number;
  /** From sending to the bus's acknowledgement, in ms. */
  readonly ackP50: number;
  readonly ackP99: number;
  /** Heads that were told, a second and site, and how many wait at the end, of all that were seen. */
  readonly toldPerSiteSecond: number;
  readonly waitingShare: number;
  /** Seconds until there was a consumer for each site. */
  readonly founding: number;
  /** Share of a CPU that a server takes while no site is there, for its consumers' replicas. */
  readonly idleServer: number;
  /** Ms of CPU that a batch costs, without that. */
  readonly batchCpu: Parts;
  /** MiB. Of a site: by how much the process that is all of them grew, by their number. */
  readonly memory: Parts;
  /** Bytes of a server's disk for a batch; and what its replicas agree by in all, in MiB. */
  readonly batchDisk: number;
  readonly agreeing: number;
}

/** So long after the last start nothing is measured: streams get a leader. */
const WARM_UP_MS = 15_000;
/** And so long, since a site's first interval finds the bus, and its first batch goes out at the end of its second. */
const WARM_UP_INTERVALS = 2.5;
const IDLE_MS = 15_000;

export async function measureLoad(
  load: FleetLoad,
  say: (what: string) => void,
): Promise<FleetCost> {
  const { sites, logs, intervalSeconds, seconds, backlog } = load;
  const fleet = await BenchFleet.found({ sites, logs }, load, backlog);
  const before = process.memoryUsage().rss;
  const stop = new AbortController();
  // Each site listens to it.
  setMaxListeners(0, stop.signal);
  const acks: number[] = [];
  let isMeasured = false;
  const stores = new Map<string, Store>();
  const running: Promise<void>[] = [];
  try {
    await fleet.bus.start(...fleet.bus.nodes);
    const began = performance.now();
    fleet.startCollector();
    await fleet.untilStreams();
    const founding = (performance.now() - began) / 1000;
    say(`  ${sites} sites, ${logs} logs`);
    const { pids } = fleet.bus;
    const cpuOfServers = (): number =>
      pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0) / pids.length;
    // Leaders are being found for a while.
    await sleep(IDLE_MS);
    const idleCpu = cpuOfServers();
    await sleep(IDLE_MS);
    const idleServer = ((cpuOfServers() - idleCpu) / IDLE_MS) * 1000;
    const openBus = (options: ConstructorParameters<typeof Bus>[0]): MemberBus =>
      timedBus(new Bus(options), (ms) => isMeasured && acks.push(ms));
    for (const site of fleet.sites) {
      stores.set(site.name, openForWriting(site.state));
      running.push(fleet.runSite(site, stop.signal, { openBus }));
      // Sites are not in step.
      await sleep((intervalSeconds * 1000) / sites);
    }
    const seeing = see(fleet, stores, load, stop.signal);
    await sleep(Math.max(WARM_UP_MS, WARM_UP_INTERVALS * intervalSeconds * 1000));
    const at = (): Snapshot => ({ ...snapshot(fleet, stores), serverCpu: cpuOfServers() });
    const first = at();
    isMeasured = true;
    await sleep(seconds * 1000);
    isMeasured = false;
    const last = at();
    const took = (last.at - first.at) / 1000;
    const grown = (of: (snapshot: Snapshot) => number): number => of(last) - of(first);
    const waiting = [...stores.values()].reduce((sum, each) => sum + each.publishing.waiting(), 0);
    stop.abort();
    await Promise.all([...running, seeing]);
    const [batches, taken] = [acks.length, grown((each) => each.batches)];
    return {
      load,
      inPerSecond: batches / took,
      throughPerSecond: taken / took,
      shareSent: batches / ((took / intervalSeconds) * sites),
      ackP50: batches > 0 ? percentile(acks, 0.5) : NaN,
      ackP99: batches > 0 ? percentile(acks, 0.99) : NaN,
      toldPerSiteSecond: grown((each) => each.told) / took / sites,
      waitingShare: waiting / Math.max(1, last.seen * sites),
      founding,
      idleServer,
      batchCpu: {
        server: ((grown((each) => each.serverCpu) - idleServer * took) / batches) * 1000,
        collector: (grown((each) => each.collectorCpu) / taken) * 1000,
        site: (grown((each) => each.ownCpu) / batches) * 1000,
      },
      memory: {
        server: Math.max(...pids.map(residentOf)),
        collector: residentOf(fleet.collectorPid),
        site:
          last.ownMemory - before / 2 ** 20 > 0 ? (last.ownMemory - before / 2 ** 20) / sites : 0,
      },
      batchDisk: grown((each) => each.messages) / batches,
      agreeing: (last.disk - last.messages) / 2 ** 20,
    };
  } finally {
    stop.abort();
    await Promise.allSettled(running);
    for (const store of stores.values()) store.close();
    await fleet.end();
  }
}

function timedBus(bus: Bus, onAck: (ms: number) => void): MemberBus {
  return {
    get isUp() {
      return bus.isUp;
    },
    connect: () => bus.connect(),
    publish: async (id, batch, timeout) => {
      const began = performance.now();
      await bus.publish(id, batch, timeout);
      onAck(performance.now() - began);
    },
    prepare: (roster) => bus.prepare(roster),
    consume: (take, signal, moments) => bus.consume(take, signal, moments),
    close: () => bus.close(),
  };
}

/** Each log signs heads at its rate, and once in each interval each site has seen those that came. */
async function see(
  fleet: BenchFleet,
  stores: ReadonlyMap<string, Store>,
  { headsPerMinute, backlog, logs, intervalSeconds }: FleetLoad,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const heads: VerifiedStatement[] = [];
  const told = new Map<string, number>();
  for (let turn = 0; !signal.aborted; turn++) {
    const due = Math.floor(((performance.now() - began) / 60_000) * headsPerMinute * logs);
    heads.push(...fleet.headsFrom(1 + backlog + heads.length, due - heads.length));
    const site = fleet.sites[turn % fleet.sites.length];
    const store = site && stores.get(site.name);
    const now = Date.now();
    if (site !== undefined && store !== undefined) {
      const news = heads.slice(told.get(site.name) ?? 0);
      told.set(site.name, heads.length);
      const times = { source: 'eth0', firstSeen: now, lastSeen: now, count: 2 };
      if (news.length > 0) store.heads.record(news.map((head) => ({ head, ...times })));
    }
    await sleep((intervalSeconds * 1000) / fleet.sites.length);
  }
}

interface Snapshot {
  readonly at: number;
  readonly batches: number;
  readonly told: number;
  readonly seen: number;
  readonly serverCpu: number;
  readonly collectorCpu: number;
  readonly ownCpu: number;
  /** MiB. */
  readonly ownMemory: number;
  /** Bytes of a server: of what members told, and of all. */
  readonly messages: number;
  readonly disk: number;
}

function snapshot(
  fleet: BenchFleet,
  stores: ReadonlyMap<string, Store>,
): Omit<Snapshot, 'serverCpu'> {
  const own = process.cpuUsage();
  const [firstStore] = stores.values();
  const { members } = memberStatus(fleet.hub.state);
  const nodes = fleet.bus.nodes.map((node) => join(fleet.bus.directory, 'nodes', node, 'store'));
  const bytesIn = (part: string): number =>
    nodes.reduce((sum, node) => sum + bytesBelow(join(node, part)), 0) / nodes.length;
  return {
    at: performance.now(),
    batches: members.reduce((sum, { batches }) => sum + batches, 0),
    told: sightingsIn(fleet.hub.state),
    seen: firstStore?.heads.count() ?? 0,
    collectorCpu: cpuSecondsOf(fleet.collectorPid),
    ownCpu: (own.user + own.system) / 1e6,
    ownMemory: process.memoryUsage().rss / 2 ** 20,
    messages: ['SITES', 'FINDINGS']
      .map((stream) => bytesIn(join('jetstream/FLEET/streams', stream, 'msgs')))
      .reduce((sum, each) => sum + each, 0),
    disk: bytesIn('.'),
  };
}

function sightingsIn({ database }: State): number {
  const db = openDatabase(database);
  const rows = db.prepare('SELECT count(*) FROM sightings').pluck().get();
  db.close();
  return Number(rows);
}

/** MiB of memory of a process. */
function residentOf(pid: number): number {
  const text = readable(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024;
}

function bytesBelow(directory: string): number {
  let sum = 0;
  for (const entry of readable(() => readdirSync(directory, { withFileTypes: true })) ?? []) {
    const path = join(directory, entry.name);
    sum += entry.isDirectory() ? bytesBelow(path) : (readable(() => statSync(path).size) ?? 0);
  }
  return sum;
}
