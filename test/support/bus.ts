// SPDX-License-Identifier: Apache-2.0
/** A fleet in a temporary directory, and real servers of its bus (nats-server) on loopback. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseBus, type BusServer } from '../../src/fleet/bus-address.ts';
import { busOf, foundFleet, joinFleet } from '../../src/fleet/found.ts';
import { formatRoster, readRoster, type MemberRole, type Roster } from '../../src/fleet/roster.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';

/** `skip` value for node:test. */
export const noNats: false | string =
  spawnSync('nats-server', ['--version']).error === undefined
    ? false
    : 'nats-server is not installed: run npm run setup as root';

/** A tenth of a second between two batches. */
export const INTERVAL_SECONDS = 0.1;

export class TestFleet {
  readonly directory: string;
  readonly #servers = new Map<string, ChildProcess>();
  readonly #logs = new Map<string, string>();

  /** With `count` servers, none of which runs; removed with all that is started at the test's end. */
  static async found(
    t: TestContext,
    count: number,
    intervalSeconds = INTERVAL_SECONDS,
    host = '127.0.0.1',
  ): Promise<TestFleet> {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const fleet = new TestFleet(directory);
    t.after(async () => {
      await fleet.stopAll();
      rmSync(directory, { recursive: true, force: true });
    });
    const nodes = [];
    for (let i = 1; i <= count; i++)
      nodes.push({ name: `n${i}`, host, port: await freePort(), clusterPort: await freePort() });
    foundFleet(directory, 'test', nodes, Date.now());
    const roster = readRoster(directory);
    writeFileSync(join(directory, 'fleet.json'), formatRoster({ ...roster, intervalSeconds }));
    for (const { name } of nodes) {
      const config = join(fleet.#nodeDirectory(name), 'nats-server.conf');
      const text = readFileSync(config, 'utf8')
        .replaceAll('/etc/ctga-bus', fleet.#nodeDirectory(name))
        .replaceAll('/var/lib/ctga-bus', join(fleet.#nodeDirectory(name), 'store'));
      writeFileSync(config, text);
    }
    return fleet;
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  get roster(): Roster {
    return readRoster(this.directory);
  }

  get servers(): BusServer[] {
    return parseBus(this.url);
  }

  get url(): string {
    return busOf(readRoster(this.directory));
  }

  get nodes(): string[] {
    return readRoster(this.directory).nodes.map(({ name }) => name);
  }

  /** Returns the member's directory. Running servers read the new users. */
  join(name: string, role: MemberRole): string {
    const { directory } = joinFleet(this.directory, name, role);
    for (const server of this.#servers.values()) server.kill('SIGHUP');
    return directory;
  }

  /** Resolves when the servers answer; a bus of several has a leader some seconds later. */
  async start(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const directory = this.#nodeDirectory(name);
      mkdirSync(join(directory, 'store'), { recursive: true });
      const server = spawn('nats-server', ['-c', join(directory, 'nats-server.conf')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      server.stderr.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-20_000);
        this.#logs.set(name, said);
      });
      this.#servers.set(name, server);
    }
    for (const name of names)
      await eventually(
        () => {
          if (this.#servers.get(name)?.exitCode != null)
            throw new Error(`nats-server ended: ${this.log(name)}`);
          return this.log(name).includes('Server is ready');
        },
        () => `${name}, which says: ${this.log(name)}`,
      );
  }

  /** Of the servers that run. */
  get pids(): number[] {
    return [...this.#servers.values()].flatMap(({ pid }) => pid ?? []);
  }

  log(name: string): string {
    return this.#logs.get(name) ?? '';
  }

  /** As a power cut does. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const server = this.#servers.get(name);
    this.#servers.delete(name);
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#servers.keys()]) await this.kill(name);
  }

  #nodeDirectory(name: string): string {
    return join(this.directory, 'nodes', name);
  }
}
