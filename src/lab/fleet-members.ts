// SPDX-License-Identifier: Apache-2.0
/**
 * The members of the lab's fleet and the servers of its bus, as processes: what `ctga fleet init` and
 * `ctga fleet join` make is what they run with.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { makeCertificate } from './api.ts';
import type { LogControl } from './control.ts';
import {
  BUS_SERVERS,
  CHALLENGERS,
  PATHS,
  type BusServerName,
  type LabChallenger,
  type Path,
} from './fleet-plan.ts';
import { JsonLines } from './json-lines.ts';
import { BUS_PORT, PROXY_PORT, type LabNetwork, type Role } from './network.ts';
import { must, run, start, untilReady, type Finished, type Service } from './processes.ts';
import {
  ctgaCommand,
  listens,
  LOG_NAME,
  readyLog,
  startLog,
  startMicrosocks,
  startResolver,
  type LabFiles,
} from './services.ts';

/** Shorter than what "ctga fleet init" writes: nobody wants to watch a lease of two minutes. */
const PACE = { intervalSeconds: 1, leaseSeconds: 24 };
/** The mean time between two visits of the log by a challenger, in seconds. */
const EVERY = 2;
/** Where the files of a server of the bus are, by the configuration as it is made. */
const USUAL_PLACES = [
  ['/etc/ctga-bus', ''],
  ['/var/lib/ctga-bus', '/store'],
] as const;

/** A process of ctga, and what it reports. */
export interface Member {
  readonly service: Service;
  readonly reports: JsonLines;
}

/** The log, a resolver on each path and a proxy for each challenger. Resolves when all answer. */
export async function startSurroundings(network: LabNetwork, files: LabFiles): Promise<LogControl> {
  const certificate = await makeCertificate(files.services, LOG_NAME);
  const others = PATHS.slice(1).map(({ authority }) => authority);
  const logService = startLog(network.in('log'), files, certificate, others);
  for (const { resolver, resolverAddress, authority } of PATHS) {
    const unbound = startResolver(network, resolver, resolverAddress, authority);
    await untilReady(unbound, () => listens(unbound.pid, 'udp', resolverAddress, 53));
  }
  for (const { proxy, proxyAddress } of CHALLENGERS) {
    const microsocks = startMicrosocks(network, files, proxy, proxyAddress);
    await untilReady(microsocks, () => listens(microsocks.pid, 'tcp', proxyAddress, PROXY_PORT));
  }
  return readyLog(logService, files);
}

export class LabMembers {
  readonly #network: LabNetwork;
  readonly #files: LabFiles;
  readonly #directory: string;
  readonly #servers = new Map<BusServerName, Service>();

  constructor(network: LabNetwork, files: LabFiles) {
    this.#network = network;
    this.#files = files;
    this.#directory = join(files.services, 'fleet');
  }

  /** The store of a member. */
  state(name: string): string {
    return join(this.#files.state, name);
  }

  /** Makes the fleet, and has all sites and challengers join it. Rejects with CtgaError. */
  async found(): Promise<void> {
    const nodes = BUS_SERVERS.flatMap(({ name, address }) => ['--node', `${name}=${address}`]);
    await this.#ctga(['fleet', 'init', this.#directory, '--name', 'lab', ...nodes]);
    const roster = join(this.#directory, 'fleet.json');
    const written = rosterSchema.parse(JSON.parse(readFileSync(roster, 'utf8')));
    writeFileSync(roster, `${JSON.stringify({ ...written, ...PACE }, null, 2)}\n`);
    for (const { name } of BUS_SERVERS) {
      const directory = this.#serverDirectory(name);
      const path = join(directory, 'nats-server.conf');
      let text = readFileSync(path, 'utf8');
      for (const [usual, here] of USUAL_PLACES) text = text.replaceAll(usual, directory + here);
      writeFileSync(path, text);
    }
    for (const { site } of PATHS) await this.#join(site, 'site');
    for (const { name } of CHALLENGERS) await this.#join(name, 'challenger');
  }

  /** Resolves when all servers of the bus answer. */
  async startBus(): Promise<void> {
    for (const { name, role } of BUS_SERVERS) {
      const config = join(this.#serverDirectory(name), 'nats-server.conf');
      const logPath = join(this.#files.services, `${name}.log`);
      const command: [string, ...string[]] = ['nats-server', '-c', config];
      const service = start(`nats-server (${name})`, command, this.#network.in(role), { logPath });
      this.#servers.set(name, service);
    }
    for (const service of this.#servers.values())
      await untilReady(service, () =>
        readFileSync(service.logPath, 'utf8').includes('Server is ready'),
      );
  }

  async killServer(name: BusServerName): Promise<void> {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`${name} was not started`);
    await kill(server);
  }

  /** So that each store names the log, and takes in what others tell of it. */
  async knowLog(name: string): Promise<void> {
    await this.#ctga(['logs', 'import', this.#files.logList, '--state-dir', this.state(name)]);
  }

  /** `ctga attach --publish` on the path's router. Resolves when both interfaces are watched. */
  async attach({ site, router }: Path): Promise<Member> {
    const interfaces = this.#network.interfacesOf(router);
    const args = ['attach', ...interfaces, ...this.#common(site), '--publish', this.#url];
    const member = this.#start(site, args, router);
    await member.reports.until(
      'that it is attached',
      ({ event }) => event === 'attached',
      interfaces.length,
    );
    return member;
  }

  challenge({ name, role, proxyAddress }: LabChallenger): Member {
    const proxy = `socks5h://${proxyAddress}:${PROXY_PORT}`;
    const args = [
      ...['challenge', '--subscribe', this.#url, ...this.#common(name)],
      ...['--proxy', proxy, '--every', String(EVERY)],
    ];
    return this.#start(name, args, role, { NODE_EXTRA_CA_CERTS: this.#files.certificate });
  }

  #start(
    name: string,
    args: readonly string[],
    role: Role,
    env: Readonly<Record<string, string>> = {},
  ): Member {
    const { command, surroundings } = ctgaCommand(args, this.#network, { role, env });
    const logPath = join(this.#files.services, `${name}.log`);
    const service = start(name, command, surroundings, { logPath, pipeOutput: true });
    if (service.child.stdout === null) throw new Error('its output is not a pipe');
    return { service, reports: new JsonLines(service.child.stdout, logPath) };
  }

  #common(name: string): string[] {
    return [
      ...['--fleet', join(this.#directory, 'members', name), '--state-dir', this.state(name)],
      ...['--log-list', this.#files.logList, '--json'],
    ];
  }

  get #url(): string {
    return `tls://${BUS_SERVERS.map(({ address }) => `${address}:${BUS_PORT}`).join(',')}`;
  }

  #serverDirectory(name: BusServerName): string {
    return join(this.#directory, 'nodes', name);
  }

  async #join(name: string, role: string): Promise<void> {
    await this.#ctga(['fleet', 'join', name, '--role', role, '--dir', this.#directory]);
  }

  async #ctga(args: readonly string[]): Promise<void> {
    const { command, surroundings } = ctgaCommand(args, this.#network);
    await must(command[0], command.slice(1), surroundings);
  }
}

/** As a power cut does. Resolves when the process is gone. */
export async function kill({ child }: Service): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

/** Runs `ctga ARGS` to its end, in a namespace of the lab or outside. */
export async function runCtga(
  network: LabNetwork,
  args: readonly string[],
  role?: Role,
): Promise<Finished> {
  const { command, surroundings } = ctgaCommand(args, network, role === undefined ? {} : { role });
  return run(command[0], command.slice(1), surroundings);
}

const rosterSchema = z.looseObject({});
