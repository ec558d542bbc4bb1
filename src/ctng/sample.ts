// SPDX-License-Identifier: Apache-2.0
/**
 * The sample run of CTng's slides: 3 loggers, 3 CAs, 4 monitors and 4 gossipers are configured, and
 * of each the first runs, with monitor 3 and gossiper 3. Logger 1 shows monitors 1 and 3 different
 * trees; the others do not answer.
 */
import { generateKeyPair, randomInt, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { decodeSecret, encodePublicKey, encodeSecret, herumi } from '../bls/herumi.ts';
import { CtgaError } from '../base/errors.ts';
import { publicKeyOf } from '../bls/signatures.ts';
import { makeDirectory } from '../disk/directory.ts';
import { readEntityConfig, readGossiperConfig, readMonitorConfig } from './config.ts';
import { writeGo, type GoValue } from './go-json.ts';
import type { Counters } from './gossiper.ts';
import { MONITOR_FILES } from './monitor.ts';
import {
  startEntity,
  startGossiper,
  startMonitor,
  storageOf,
  type NodeEvent,
  type Running,
} from './nodes.ts';
import { decodeObjects, messageOf, type GossipObject } from './object.ts';
import { Periods } from './periods.ts';

/** "localhost:PORT" of each, from number 1 on. */
export interface Names {
  readonly loggers: readonly string[];
  readonly cas: readonly string[];
  readonly gossipers: readonly string[];
  readonly monitors: readonly string[];
}

export type Program = 'logger' | 'ca' | 'gossiper' | 'monitor';

const SLIDES: Readonly<Record<keyof Names, readonly number[]>> = {
  loggers: [9000, 9001, 9002],
  cas: [9100, 9101, 9102],
  gossipers: [8080, 8081, 8082, 8083],
  monitors: [8180, 8181, 8182, 8183],
};

/** Whom each tells or asks, by number; monitor and gossiper of a number belong together. */
const GOSSIPS: readonly (readonly number[])[] = [
  [2, 3],
  [3, 4],
  [4, 1],
  [1, 2],
];
const ASKS: readonly { readonly loggers: readonly number[]; readonly cas: readonly number[] }[] = [
  { loggers: [1, 2], cas: [1, 3] },
  { loggers: [2, 3], cas: [2, 3] },
  { loggers: [1, 2], cas: [1, 3] },
  { loggers: [2, 3], cas: [2, 3] },
];
const THRESHOLD = 2;
const GOSSIP_WAIT_SECONDS = 1;

/** The slides' ports if nobody has one of them, else others that are free. */
export async function sampleNames(): Promise<Names> {
  const all = Object.values(SLIDES).flat();
  const held = await Promise.all(all.map((port) => hold(port).catch(() => undefined)));
  await release(held);
  return namesAt(held.includes(undefined) ? await freePorts(all.length) : all);
}

/** All at other ports than the slides', which are free: so many sets, of which no two have one. */
export async function freeNames(sets: number): Promise<Names[]> {
  const { length } = Object.values(SLIDES).flat();
  const ports = await freePorts(sets * length);
  return Array.from({ length: sets }, (_, i) => namesAt(ports.slice(i * length, (i + 1) * length)));
}

function namesAt(ports: readonly number[]): Names {
  const names = ports.map((port) => `localhost:${port}`);
  const [loggers, cas, gossipers, monitors] = Object.values(SLIDES).map(({ length }) =>
    names.splice(0, length),
  ) as [string[], string[], string[], string[]];
  return { loggers, cas, gossipers, monitors };
}

/**
 * Held together, so that no two are the same; and of those that Linux gives to no connection
 * (net.ipv4.ip_local_port_range), so that they are still free when somebody listens there.
 */
async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  for (let tries = 0; held.length < count && tries < 1000; tries++) {
    const server = await hold(randomInt(10_000, 32_768)).catch(() => undefined);
    if (server !== undefined) held.push(server);
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await release(held);
  if (ports.length < count)
    throw new CtgaError('busy', 'there are too few free ports on 127.0.0.1');
  return ports;
}

/** At all addresses, where the Go programs listen. */
async function hold(port: number): Promise<Server> {
  const server = createServer().listen(port);
  await once(server, 'listening');
  return server;
}

async function release(servers: readonly (Server | undefined)[]): Promise<void> {
  for (const server of servers)
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
}

/**
 * Writes the configuration of all into a directory, where the Go programs look for it, with fresh
 * keys. A period is `mmd` seconds, and gossipers sign `gossipWait` seconds after they have heard.
 */
export async function writeSample(
  directory: string,
  names: Names,
  mmd: number,
  gossipWait = GOSSIP_WAIT_SECONDS,
): Promise<void> {
  const { loggers, cas, gossipers, monitors } = names;
  const signers = [...monitors, ...loggers, ...cas];
  const all = [...signers, ...gossipers];
  const rsa = new Map(await Promise.all(all.map(async (name) => [name, await rsaKey()] as const)));
  // Each its own: of keys that lie on one polynomial, as the Go programs deal them out, a threshold
  // of owners has all. A signature of several is the sum of theirs either way.
  const bls = new Map(
    [...gossipers, ...monitors].map((name) => {
      const secret = bls12_381.utils.randomSecretKey();
      return [name, decodeSecret(secret.reverse())] as const;
    }),
  );
  const write = (path: string, value: GoValue): void => {
    const file = join(directory, 'testData', path);
    makeDirectory(dirname(file));
    writeFileSync(file, writeGo(value, true), { mode: 0o600 });
  };
  const crypto = (self: string): GoValue => ({
    SelfID: self,
    Threshold: THRESHOLD,
    N: gossipers.length,
    HashScheme: 4,
    SignScheme: 'rsa',
    ThresholdScheme: 'bls',
    SignaturePublicMap: new Map(signers.map((name) => [name, publicPart(rsa.get(name))])),
    RSAPrivateKey: privatePart(rsa.get(self)),
    ThresholdPublicMap: new Map(
      gossipers.map((name) => {
        const key = encodePublicKey(publicKeyOf(herumi, bls.get(name) ?? 0n));
        return [name, Buffer.from(key).toString('base64')];
      }),
    ),
    ThresholdSecretKey: Buffer.from(encodeSecret(bls.get(self) ?? 0n)).toString('base64'),
  });
  const times = { Gossip_wait_time: gossipWait, MMD: mmd, MRD: mmd };
  write('gossiperNetworkTest/gossiper_pub_config.json', {
    ...times,
    Gossiper_URLs: gossipers,
    Signer_URLs: all,
  });
  write('monitorNetworkTest/monitor_pub_config.json', {
    ...times,
    All_CA_URLs: cas,
    All_Logger_URLs: loggers,
  });
  const pick = (list: readonly string[], numbers: readonly number[] = []): string[] =>
    numbers.map((number) => list[number - 1] ?? '');
  for (const [i, name] of gossipers.entries()) {
    write(`gossiperNetworkTest/${i + 1}/gossiper_priv_config.json`, {
      Connected_Gossipers: pick(gossipers, GOSSIPS[i]),
      Owner_URL: monitors[i] ?? '',
      Port: portOf(name),
    });
    write(`gossiperNetworkTest/${i + 1}/gossiperCrypto.json`, crypto(name));
  }
  for (const [i, name] of monitors.entries()) {
    write(`monitorNetworkTest/${i + 1}/monitor_priv_config.json`, {
      CA_URLs: pick(cas, ASKS[i]?.cas),
      Logger_URLs: pick(loggers, ASKS[i]?.loggers),
      Gossiper_URL: gossipers[i] ?? '',
      Port: portOf(name),
    });
    write(`monitorNetworkTest/${i + 1}/monitorCrypto.json`, crypto(name));
  }
  const entity = (name: string): Record<string, GoValue> => ({
    Signer: name,
    Port: portOf(name),
    Private: privatePart(rsa.get(name)),
    MisbehaviorInterval: 2,
  });
  for (const [i, name] of loggers.entries())
    write(`fakeLogger/${i + 1}/logger.json`, { ...entity(name), MMD: mmd });
  for (const [i, name] of cas.entries())
    write(`fakeCA/${i + 1}/ca.json`, { ...entity(name), NRevoke: 5, MRD: mmd });
}

/** The files that a program of this number takes as its arguments, below the directory. */
export function sampleFiles(program: Program, number: number): string[] {
  if (program === 'logger') return [`testData/fakeLogger/${number}/logger.json`];
  if (program === 'ca') return [`testData/fakeCA/${number}/ca.json`];
  const base = `testData/${program}NetworkTest`;
  return [
    `${base}/${program}_pub_config.json`,
    `${base}/${number}/${program}_priv_config.json`,
    `${base}/${number}/${program}Crypto.json`,
  ];
}

function portOf(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

async function rsaKey(): Promise<JsonWebKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return privateKey.export({ format: 'jwk' });
}

function publicPart(key: JsonWebKey = {}): Record<string, GoValue> {
  return { N: number(key.n), E: number(key.e) };
}

function privatePart(key: JsonWebKey = {}): Record<string, GoValue> {
  return {
    ...publicPart(key),
    D: number(key.d),
    Primes: [number(key.p), number(key.q)],
    Precomputed: { Dp: number(key.dp), Dq: number(key.dq), Qinv: number(key.qi), CRTValues: [] },
  };
}

function number(base64Url = ''): bigint {
  return BigInt(`0x${Buffer.from(base64Url, 'base64url').toString('hex')}`);
}

/** One thing that must hold in every run, and whether it did. */
export interface Check {
  readonly what: string;
  readonly held: boolean;
  /** What was found, where it did not. */
  readonly found?: string;
}

/**
 * Whether the counters of a run are as the slides expect them: of each gossiper, those of the
 * periods since its monitor began to ask, in order. On a machine that is busy the first signatures
 * may come into the second period, and so of the first nothing is asked but what never may be.
 */
export function checkCounters(runs: readonly (readonly Counters[])[]): Check[] {
  const enough = runs.length > 0 && runs.every((run) => run.length > 1);
  const check = (what: string, holds: (at: Counters, i: number) => boolean): Check => {
    if (!enough) return { what, held: false, found: 'there are fewer than two periods' };
    const wrong = runs.flatMap((run) => run.filter((at, i) => !holds(at, i)))[0];
    return wrong === undefined
      ? { what, held: true }
      : { what, held: false, found: JSON.stringify(wrong) };
  };
  return [
    check('ACC_FULL is 4 from the second period on', (at, i) => i === 0 || at.Num_ACC_FULL === 4),
    check('STH_FULL is 0', (at) => at.Num_STH_FULL === 0),
    check('REV_FULL grows by 1 each period', (at, i) =>
      i === 0 ? at.Num_REV_FULL <= 1 : at.Num_REV_FULL === i + 1,
    ),
    check('CON_FULL is 1 from the second period on', (at, i) => i === 0 || at.Num_CON_FULL === 1),
  ];
}

export interface SampleOptions {
  /** Where the configuration goes, and the programs' files. */
  readonly directory: string;
  /** Of a period, in seconds. */
  readonly period: number;
  readonly periods: number;
  readonly onEvent: (event: NodeEvent) => void;
}

export interface SampleResult {
  readonly names: Names;
  /** Of gossipers 1 and 3. */
  readonly counters: readonly (readonly Counters[])[];
  /** The proofs of misbehaviour of monitors 1 and 3, as their files have them. */
  readonly proofs: readonly (readonly GossipObject[])[];
  readonly checks: readonly Check[];
}

/** Those that run; the monitors and gossipers of these numbers. */
const RUNNING = [1, 3] as const;

/**
 * Plays it. Rejects with CtgaError if something cannot be started; resolves early, with what there
 * is, when `stop` is aborted.
 */
export async function playSample(
  { directory, period, periods: count, onEvent }: SampleOptions,
  stop: AbortSignal,
): Promise<SampleResult> {
  const names = await sampleNames();
  await writeSample(directory, names, period);
  const gossipers = RUNNING.map((i) => names.gossipers[i - 1] ?? '');
  const monitors = RUNNING.map((i) => names.monitors[i - 1] ?? '');
  const counters: Counters[][] = gossipers.map(() => []);
  const asking = new Set<string>();
  const asked = { early: 0, late: 0 };
  const running: Running[] = [];
  await new Promise<void>((resolve, reject) => {
    const see = (event: NodeEvent): void => {
      onEvent(event);
      if (event.event === 'asked' && monitors.includes(event.node)) asking.add(event.node);
      if (event.event === 'asked' && event.node === names.loggers[0])
        asked[counters.every(({ length }) => length > 1) ? 'late' : 'early'] += 1;
      if (event.event !== 'counters' || asking.size < monitors.length) return;
      counters[gossipers.indexOf(event.node)]?.push(event.counters);
      if (counters.every(({ length }) => length >= count)) resolve();
    };
    startSample(directory, new Periods(period * 1000), see, running, stop).catch(reject);
    stop.addEventListener('abort', () => resolve(), { once: true });
    if (stop.aborted) resolve();
  }).finally(() => Promise.all(running.map((node) => node.stop())));
  const proofs = RUNNING.map((i) => {
    const file = join(directory, storageOf('monitor', String(i)), MONITOR_FILES.CON_FULL);
    return decodeObjects(readFileSync(file, 'utf8'));
  });
  const said = new Set(proofs.flat().map(messageOf));
  return {
    names,
    counters,
    proofs,
    checks: [
      ...checkCounters(counters),
      {
        what: 'Logger 1 was asked by both monitors, and by nobody since they have the proof',
        held: asked.early >= 2 && asked.late === 0,
        found: `${asked.early} times, and ${asked.late} times later`,
      },
      {
        what: 'Monitors 1 and 3 have one proof of misbehaviour each, of Logger 1, and it is the same',
        held:
          said.size === 1 &&
          proofs.every((list) => list.length === 1 && list[0]?.payload[0] === names.loggers[0]),
      },
    ],
  };
}

/** Adds to `running` what it starts, as it starts it. */
async function startSample(
  directory: string,
  periods: Periods,
  onEvent: (event: NodeEvent) => void,
  running: Running[],
  stop: AbortSignal,
): Promise<void> {
  const common = { periods, onEvent };
  const files = (program: Program, i: number): [string, string, string] =>
    sampleFiles(program, i).map((path) => join(directory, path)) as [string, string, string];
  const storage = (kind: 'gossiper' | 'monitor', i: number): string =>
    join(directory, storageOf(kind, String(i)));
  const starts: (() => Promise<Running>)[] = [
    ...(['logger', 'ca'] as const).map((kind) => () => {
      const config = readEntityConfig(files(kind, 1)[0]);
      return startEntity({ kind, config, behaviour: kind === 'logger' ? 2 : 1, periods }, common);
    }),
    ...RUNNING.map(
      (i) => () =>
        startGossiper(readGossiperConfig(...files('gossiper', i)), storage('gossiper', i), common),
    ),
    ...RUNNING.map(
      (i) => () =>
        startMonitor(readMonitorConfig(...files('monitor', i)), storage('monitor', i), common),
    ),
  ];
  for (const start of starts) {
    const node = await start();
    if (stop.aborted) await node.stop();
    else running.push(node);
  }
}
