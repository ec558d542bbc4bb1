// SPDX-License-Identifier: Apache-2.0
/**
 * A fleet of real processes, any of which may be killed at any time: sites (one process that sees and
 * one that publishes), a collector, a challenger and an alerter over its store, and the servers of a
 * bus. A log over HTTP, which the challenger asks through a real SOCKS proxy, and someone who is told
 * of alerts.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import type { Log } from '../../src/logs/log.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { ROLLED_UP, type StoredTree } from '../../src/store/heads.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { FOUND_IN_EVIDENCE } from '../../src/upkeep/found-evidence.ts';
import { TestFleet } from './bus.ts';
import { CTGA } from './ctga.ts';
import { eventually } from './eventually.ts';
import { FakeApi } from './fake-api.ts';
import { startMicrosocks, type Microsocks } from './microsocks.ts';
import { treeOf } from './signing-log.ts';

const SEER = join(import.meta.dirname, 'fleet-seer.ts');
/** Sizes at which one site is shown another tree than all others. */
export const SPLIT_SIZES = [7, 19, 31];
const TREE_SIZE = 48;
/** So long nothing has come nearer to its end: far longer than anything takes on a busy machine. */
const STUCK_MS = 240_000;

/** What a seer reads: heads as it would have them from packets. */
export interface SeerFile {
  readonly stateDirectory: string;
  readonly journal: string;
  readonly heads: readonly SeerHead[];
  readonly key: string;
}
export interface SeerHead {
  readonly treeSize: string;
  readonly timestamp: string;
  readonly rootHash: string;
  readonly signature: string;
}

export interface Process {
  /** Of which it is one: 'seer', 'publisher', 'collector', 'challenger', 'alerter'. */
  readonly kind: string;
  readonly name: string;
  readonly command: readonly string[];
  /** By which its clock is ahead, in seconds. */
  readonly clock: number;
}

export interface Site {
  readonly name: string;
  readonly state: State;
  readonly journal: string;
  /** How many there are for it to see. */
  readonly heads: number;
}

export class ProcessFleet {
  readonly bus: TestFleet;
  readonly sites: readonly Site[];
  readonly hub: State;
  readonly processes: readonly Process[];
  /** What the alerter's webhook was told: the bodies. */
  readonly alerts: string[] = [];
  readonly #running = new Map<string, ChildProcess>();
  readonly #said = new Map<string, string>();
  readonly #api: Server;
  readonly #ear: Server;
  readonly #proxy: Microsocks;

  static async found(
    t: TestContext,
    options: {
      readonly sites: number;
      readonly nodes: number;
      readonly intervalSeconds: number;
      /** By which the clock of each site is ahead, in seconds. */
      readonly clocks?: readonly number[];
      /** What members are told the bus is. */
      readonly urlOf?: (bus: TestFleet) => Promise<string>;
    },
  ): Promise<ProcessFleet> {
    // Before what they write into is removed.
    const started: ProcessFleet[] = [];
    t.after(async () => {
      for (const each of started) await each.stopAll();
    });
    const bus = await TestFleet.found(t, options.nodes, options.intervalSeconds);
    const answering = new FakeApi(treeOf(TREE_SIZE));
    answering.timestamp = BigInt(Date.now());
    const api = createServer((request, response) => {
      void answering
        .fetch(`https://log.test/alpha${request.url ?? '/'}`)
        .then(({ status, body }) => response.writeHead(status).end(body));
    });
    const alerts: string[] = [];
    const ear = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        alerts.push(body);
        response.writeHead(200).end();
      });
    });
    for (const server of [api, ear]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    const proxy = await startMicrosocks();
    const url = (await options.urlOf?.(bus)) ?? bus.url;
    const fleet = new ProcessFleet(bus, options, url, answering, api, ear, proxy, alerts);
    started.push(fleet);
    return fleet;
  }

  private constructor(
    bus: TestFleet,
    options: { readonly sites: number; readonly clocks?: readonly number[] },
    url: string,
    answering: FakeApi,
    api: Server,
    ear: Server,
    proxy: Microsocks,
    alerts: string[],
  ) {
    this.bus = bus;
    this.alerts = alerts;
    [this.#api, this.#ear, this.#proxy] = [api, ear, proxy];
    const port = (server: Server): number => (server.address() as AddressInfo).port;
    const log = answering.log.asLog({
      url: `http://127.0.0.1:${port(api)}/`,
      allowPrivateAddress: true,
    });
    const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    const hubFiles = bus.join('hub', 'collector');
    this.hub = stateIn(bus, 'hub', log);
    const ofHub = ['--state-dir', this.hub.directory, ...stay];
    const webhook = `http://127.0.0.1:${port(ear)}/`;
    const socks = `socks5h://127.0.0.1:${proxy.port}`;
    // This log alone: nothing asks for the way to a log that is built in.
    const list = join(bus.directory, 'list.json');
    writeFileSync(list, listOf(log));
    const own = (kind: string, args: readonly string[]): Process => ({
      kind,
      name: kind,
      command: [CTGA, ...args, ...ofHub],
      clock: 0,
    });
    const processes: Process[] = [
      own('collector', ['collect', '--bus', url, '--fleet', hubFiles, '--json']),
      own('challenger', [
        ...['challenge', '--proxy', socks, '--log-list', list],
        ...['--every', '5', '--json'],
      ]),
      own('alerter', [
        ...['alert', 'run', '--webhook', webhook, '--webhook-allow-private'],
        ...['--heartbeat-command', 'true', '--json'],
      ]),
    ];
    const sites: Site[] = [];
    for (let i = 0; i < options.sites; i++) {
      const name = `site${i}`;
      const files = bus.join(name, 'site');
      const state = stateIn(bus, name, log);
      const journal = join(bus.directory, `${name}.journal`);
      const clock = options.clocks?.[i] ?? 0;
      const timestamp = answering.timestamp;
      const head = (size: number, branch: string): VerifiedStatement =>
        answering.log.verified(size, treeOf(size, branch).root(), timestamp - BigInt(size));
      const heads = Array.from({ length: TREE_SIZE - 1 }, (_, at) => head(at + 1, 'a')).filter(
        ({ treeSize }) => i > 0 || !SPLIT_SIZES.includes(Number(treeSize)),
      );
      if (i === 0) heads.push(...SPLIT_SIZES.map((size) => head(size, 'b')));
      sites.push({ name, state, journal, heads: heads.length });
      const seen = join(bus.directory, `${name}.seen.json`);
      const file: SeerFile = {
        stateDirectory: state.directory,
        journal,
        key: Buffer.from(log.key.spki).toString('base64'),
        heads: heads.map((each) => ({
          treeSize: each.treeSize.toString(),
          timestamp: each.timestamp.toString(),
          rootHash: Buffer.from(each.rootHash).toString('base64'),
          signature: Buffer.from(each.signature).toString('base64'),
        })),
      };
      writeFileSync(seen, JSON.stringify(file));
      const seeing = [process.execPath, '--import', 'tsx', SEER, seen];
      processes.push({ kind: 'seer', name: `${name}'s seer`, command: seeing, clock });
      const telling = ['fleet', 'publish', '--bus', url, '--fleet', files, '--json'];
      processes.push({
        kind: 'publisher',
        name: `${name}'s publisher`,
        command: [CTGA, ...telling, '--state-dir', state.directory, ...stay],
        clock,
      });
    }
    this.sites = sites;
    this.processes = processes;
  }

  start({ name, command, clock }: Process): void {
    const [program = '', ...args] =
      clock === 0 ? command : ['faketime', ...ahead(clock), ...command];
    const child = spawn(program, args, {
      env: {
        ...process.env,
        CTGA_NODE: process.execPath,
        // Only what the time of day is, and not how fast it passes.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // So that all that it has started dies with it.
      detached: true,
    });
    for (const output of [child.stdout, child.stderr])
      output.on('data', (chunk: Buffer) =>
        this.#said.set(name, `${this.said(name)}${chunk.toString()}`.slice(-200_000)),
      );
    this.#running.set(name, child);
  }

  said(name: string): string {
    return this.#said.get(name) ?? '';
  }

  /** Whether it has ended by itself, which none of them may. */
  hasEnded({ name }: Process): boolean {
    const child = this.#running.get(name);
    return child !== undefined && child.exitCode !== null;
  }

  async kill({ name }: Process, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, signal);
    await ended;
  }

  async stopAll(): Promise<void> {
    for (const each of this.processes) await this.kill(each);
    this.#proxy.stop();
    for (const server of [this.#api, this.#ear]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /**
   * What is not yet as it has to be in the end: everything that any site saw is at the collector, as
   * often as it was seen there; every tree has a verdict; every store has the same evidence. Empty
   * when all is.
   */
  lacking(): string[] {
    const told = reading(this.hub, (store) => countsBySite(store));
    const lacks: string[] = [];
    for (const { name, state } of this.sites) {
      const seen = reading(
        state,
        (store) => countsBySite(store).get('') ?? new Map<string, number>(),
      );
      const there = told.get(name) ?? new Map<string, number>();
      for (const [head, count] of seen)
        if (there.get(head) !== count)
          lacks.push(`${name} saw ${head} ${count} times, and told ${there.get(head) ?? 0}`);
      for (const head of there.keys()) if (!seen.has(head)) lacks.push(`${name} never saw ${head}`);
    }
    const evidence = reading(this.hub, evidenceNames);
    const sizes = reading(this.hub, (store) =>
      store.evidence
        .all()
        .filter(({ firstSize, secondSize }) => firstSize === secondSize)
        .map(({ firstSize }) => Number(firstSize)),
    );
    for (const size of SPLIT_SIZES) {
      const files = sizes.filter((each) => each === size).length;
      if (files !== 1) lacks.push(`${files} pieces of evidence of the two trees of size ${size}`);
    }
    for (const { name, state } of this.sites) {
      const own = reading(state, evidenceNames);
      if (own.join() !== evidence.join())
        lacks.push(`${name} has the evidence ${own.join()}, and the hub ${evidence.join()}`);
    }
    const { pending } = reading(this.hub, (store) => store.verdicts.counts());
    if (pending > 0) lacks.push(`${pending} trees without a verdict`);
    const verdicts = reading(this.hub, (store) => verdictsByTree(store));
    for (const { name, state } of this.sites)
      for (const [tree, heard] of reading(state, heardByTree))
        if (verdicts.get(tree) !== heard)
          lacks.push(
            `${name} knows ${tree} as ${heard ?? 'unknown'}, the hub as ${verdicts.get(tree) ?? 'unknown'}`,
          );
    const keys = new Set(this.alerts.flatMap((body) => alertKey(body) ?? []));
    for (const each of evidence)
      if (![...keys].some((key) => key.includes(each))) lacks.push(`nobody was told of ${each}`);
    return lacks;
  }

  /** Waits until nothing is lacking, for as long as something still changes. */
  async settled(): Promise<void> {
    let [before, changed] = ['', performance.now()];
    for (;;) {
      for (const each of this.processes)
        assert(!this.hasEnded(each), `${each.name} ended: ${this.said(each.name)}`);
      const lacks = this.lacking();
      if (lacks.length === 0) return;
      if (lacks.join() !== before) [before, changed] = [lacks.join(), performance.now()];
      if (performance.now() - changed > STUCK_MS) {
        const said = this.processes.map(({ name }) => `${name}: ${this.said(name).slice(-2000)}`);
        assert.fail([`${lacks.length}:`, ...lacks.slice(0, 40), ...said].join('\n'));
      }
      await sleep(500);
    }
  }

  /** Waits until each site has seen each of its heads. */
  async allSeen(): Promise<void> {
    for (const { name, journal, heads } of this.sites)
      await eventually(
        () => journalOf(journal)[0].size === heads,
        () => `${name} to see all heads: ${this.said(`${name}'s seer`)}`,
      );
  }

  /** In numbers, for whoever looks. */
  summary(): string {
    const counts = this.sites.map(({ state }) =>
      reading(state, (store) => countsBySite(store).get('') ?? new Map<string, number>()),
    );
    const heads = counts.reduce((sum, each) => sum + each.size, 0);
    const seen = counts.flatMap((each) => [...each.values()]).reduce((sum, n) => sum + n, 0);
    return `${seen} sightings of ${heads} heads at ${this.sites.length} sites`;
  }

  /** What each seer knew to be on its disk, and what it was about to write when it died. */
  checkJournals(): void {
    for (const { name, state, journal } of this.sites) {
      const [done, tried] = journalOf(journal);
      const counts = reading(
        state,
        (store) => countsBySite(store).get('') ?? new Map<string, number>(),
      );
      for (const [head, count] of done)
        assert(
          (counts.get(head) ?? 0) >= count,
          `${name} lost ${head}: ${counts.get(head) ?? 0} of ${count}`,
        );
      for (const [head, count] of counts)
        assert(
          count <= (tried.get(head) ?? 0),
          `${name} has ${head} ${count} times, of ${tried.get(head) ?? 0}`,
        );
    }
  }

  /** How often each thing was told by the alerter, by its key, by what differs between the messages. */
  alertsOf(prefix: string): Map<string, string[]> {
    const byKey = new Map<string, string[]>();
    for (const body of this.alerts) {
      const key = alertKey(body);
      if (key?.startsWith(prefix) === true) byKey.set(key, [...(byKey.get(key) ?? []), body]);
    }
    return byKey;
  }
}

function listOf({ key, description, url, mmd }: Log): string {
  const entry = {
    description,
    key: Buffer.from(key.spki).toString('base64'),
    log_id: Buffer.from(key.logId).toString('base64'),
    url,
    mmd,
    allow_private_address: true,
  };
  return JSON.stringify({ operators: [{ name: 'Test', logs: [entry] }] });
}

function ahead(seconds: number): string[] {
  return ['-f', `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s`];
}

function alertKey(body: string): string | undefined {
  const { event, key } = JSON.parse(body) as { event: string; key: string };
  return event === 'alert' ? key : undefined;
}

function stateIn(bus: TestFleet, name: string, log: Log): State {
  const directory = join(bus.directory, 'states', name);
  mkdirSync(directory, { recursive: true });
  const state = stateAt(directory);
  const store = openForWriting(state);
  store.logs.put([log]);
  store.close();
  return state;
}

function reading<T>(state: State, work: (store: Store) => T): T {
  const store = openForReading(state);
  try {
    return work(store);
  } finally {
    store.close();
  }
}

function headName({
  treeSize,
  timestamp,
  rootHash,
}: Pick<VerifiedStatement, 'treeSize' | 'timestamp' | 'rootHash'>): string {
  return `${treeSize} ${timestamp} ${Buffer.from(rootHash).toString('hex', 0, 4)}`;
}

/** How often each head was seen, by site; '' is what the store's own machine saw. */
function countsBySite(store: Store): Map<string, Map<string, number>> {
  const bySite = new Map<string, Map<string, number>>();
  for (const { sightings, ...head } of store.exchange.exports(0))
    for (const { origin, source, count } of sightings) {
      if (source === FOUND_IN_EVIDENCE || source === 'get-sth') continue;
      assert.notEqual(source, ROLLED_UP);
      const site = origin?.host ?? '';
      const counts = bySite.get(site) ?? new Map<string, number>();
      bySite.set(site, counts);
      counts.set(headName(head), (counts.get(headName(head)) ?? 0) + count);
    }
  return bySite;
}

function evidenceNames(store: Store): string[] {
  return store.evidence
    .all()
    .map(({ path }) => path.replace(/.*\//, ''))
    .sort();
}

const treeName = ({
  treeSize,
  rootHash,
}: Pick<VerifiedStatement, 'treeSize' | 'rootHash'>): string =>
  `${treeSize} ${Buffer.from(rootHash).toString('hex', 0, 4)}`;

const allTrees = (store: Store): StoredTree[] =>
  store.heads.logIds().flatMap((logId) => store.heads.trees(logId));

/**
 * By tree. Of two that contradict each other, which of them is called proven a fork is as the store
 * came to know them: there the evidence is the verdict on both.
 */
function verdictsByTree(
  store: Store,
  verdictOf: (tree: StoredTree) => string | undefined = ({ verdict }) => verdict,
): Map<string, string | undefined> {
  const contested = new Set(
    store.evidence.all().flatMap(({ path }) => {
      const { first, second } = store.evidence.treesOf(path);
      return [first, second].flatMap((tree) =>
        tree === undefined || tree === 'listed' ? [] : [tree.id],
      );
    }),
  );
  return new Map(
    allTrees(store).map((tree) => [
      treeName(tree),
      contested.has(tree.id) ? 'in evidence' : verdictOf(tree),
    ]),
  );
}

/** As a site knows them: its own, or what the collector said. */
function heardByTree(store: Store): Map<string, string | undefined> {
  const foreign = store.exchange.foreignVerdicts();
  return verdictsByTree(store, ({ id, verdict }) =>
    verdict === 'pending'
      ? foreign.get(id)?.find(({ origin }) => origin.host === 'hub')?.verdict
      : verdict,
  );
}

function journalOf(path: string): [Map<string, number>, Map<string, number>] {
  const [done, tried] = [new Map<string, number>(), new Map<string, number>()];
  if (!existsSync(path)) return [done, tried];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, what, head = '', count] = /^(done|tried) (.*) (\d+);$/.exec(line) ?? [];
    const into = what === 'done' ? done : tried;
    if (what !== undefined) into.set(head, (into.get(head) ?? 0) + Number(count));
  }
  return [done, tried];
}
