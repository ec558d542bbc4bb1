// SPDX-License-Identifier: Apache-2.0
/**
 * A fleet whose sites are all in one process, over a bus of three real servers (nats-server), with a
 * collector in a process of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nkeys } from '@nats-io/transport-node';
import { realSleep, systemClock } from '../src/base/clock.ts';
import { Bus } from '../src/fleet/bus.ts';
import type { BusServer } from '../src/fleet/bus-address.ts';
import { usersConfig } from '../src/fleet/bus-config.ts';
import {
  formatRoster,
  publicBytes,
  readRoster,
  type MemberRole,
  type Roster,
} from '../src/fleet/roster.ts';
import type { Log } from '../src/logs/log.ts';
import { runMember, type FleetEvent, type MemberBus } from '../src/services/fleet.ts';
import type { VerifiedStatement } from '../src/statements/statement.ts';
import { openForWriting, stateAt, type State } from '../src/store/state.ts';
import { openDatabase } from '../src/store/sqlite/open.ts';
import { TestFleet } from '../test/support/bus.ts';
import { CTGA } from '../test/support/ctga.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';

export interface FleetCount {
  readonly sites: number;
  readonly logs: number;
  /** The logs themselves, where they are the caller's. */
  readonly signers?: readonly SigningLog[];
  /** With one, whose name is "east". */
  readonly withChallenger?: boolean;
}

export interface SiteOptions {
  readonly onEvent: (event: FleetEvent) => void;
  readonly openBus: (options: ConstructorParameters<typeof Bus>[0]) => MemberBus;
  readonly servers: readonly BusServer[];
}

/** An account without rights. */
const NOBODY = 65534;
/** A thousand consumers have to find leaders, on a machine that has two cores. */
const STREAMS_MS = 400_000;

export interface MadeMember {
  readonly name: string;
  readonly directory: string;
  readonly state: State;
}

/** A fleet whose members are made all at once: `ctga fleet join` writes all files for each. */
export class BenchFleet {
  readonly bus: TestFleet;
  readonly hub: MadeMember;
  readonly challenger: MadeMember | undefined;
  readonly sites: readonly MadeMember[];
  readonly signers: readonly SigningLog[];
  readonly logs: readonly Log[];
  readonly #cleanups: (() => unknown)[] = [];
  readonly #processes = new Map<string, ChildProcess>();
  #first: State | undefined;

  static async found(
    count: FleetCount,
    roster: Pick<Roster, 'intervalSeconds' | 'batchBytes'>,
    backlog = 0,
  ): Promise<BenchFleet> {
    const cleanups: (() => unknown)[] = [];
    const context = { after: (work: () => unknown) => cleanups.push(work) };
    const bus = await TestFleet.found(context as unknown as TestContext, 3, roster.intervalSeconds);
    return new BenchFleet(bus, count, roster.batchBytes, backlog, cleanups);
  }

  private constructor(
    bus: TestFleet,
    count: FleetCount,
    batchBytes: number,
    backlog: number,
    cleanups: (() => unknown)[],
  ) {
    this.bus = bus;
    this.#cleanups = cleanups;
    this.signers = count.signers ?? Array.from({ length: count.logs }, () => new SigningLog());
    this.logs = this.signers.map(({ key }, i) => ({
      key,
      description: `Log ${i}`,
      url: `https://log.test/${i}/`,
      api: 'rfc6962',
      mmd: 86_400,
    }));
    const before = { ...readRoster(bus.directory), batchBytes };
    const roles: (readonly [name: string, role: MemberRole])[] = [
      ['hub', 'collector'],
      ...(count.withChallenger === true ? [['east', 'challenger'] as const] : []),
      ...Array.from(
        { length: count.sites },
        (_, i) => [`site${(i + 1).toString().padStart(5, '0')}`, 'site'] as const,
      ),
    ];
    const made = roles.map(([name, role]) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const user = nkeys.createUser();
      const key = Buffer.from(publicBytes(privateKey));
      return { privateKey, user, member: { name, role, key, nkey: user.getPublicKey() } };
    });
    const roster: Roster = { ...before, members: made.map(({ member }) => member) };
    for (const { name } of roster.nodes) {
      writeFileSync(join(bus.directory, 'nodes', name, 'users.conf'), usersConfig(roster));
      const config = join(bus.directory, 'nodes', name, 'nats-server.conf');
      const text = readFileSync(config, 'utf8');
      writeFileSync(config, text.replace(/max_payload: \d+/, `max_payload: ${batchBytes + 4096}`));
    }
    const authority = readFileSync(join(bus.directory, 'ca.pem'));
    const members = made.map(({ privateKey, user, member }): MadeMember => {
      const directory = join(bus.directory, 'members', member.name);
      mkdirSync(directory, { recursive: true });
      // A site hears no other site.
      const known =
        member.role === 'site'
          ? roster.members.filter(({ name, role }) => role !== 'site' || name === member.name)
          : roster.members;
      writeFileSync(join(directory, 'fleet.json'), formatRoster({ ...roster, members: known }));
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      writeFileSync(join(directory, 'member.key'), pem);
      writeFileSync(join(directory, 'bus.nkey'), user.getSeed());
      writeFileSync(join(directory, 'ca.pem'), authority);
      const { name, role } = member;
      return {
        name,
        directory,
        state: this.#stateFor(name, role === 'site' ? backlog : undefined),
      };
    });
    const [hub, ...others] = members;
    if (hub === undefined) throw new Error('no collector');
    this.hub = hub;
    this.challenger = others.find(({ name }) => name === 'east');
    this.sites = others.filter((each) => each !== this.challenger);
  }

  /**
   * The store of a site with `backlog` heads to tell, or of another member, which has none. The first is made by
   * ctga, and the others are copies with identities of their own, which takes a tenth of the time.
   */
  #stateFor(name: string, backlog: number | undefined): State {
    const state = stateAt(join(this.bus.directory, 'states', name));
    if (backlog === undefined || this.#first === undefined) {
      mkdirSync(state.directory, { recursive: true });
      const store = openForWriting(state);
      store.logs.put(this.logs);
      if (backlog !== undefined) {
        this.#first = state;
        store.publishing.begin('sightings', 0);
        const times = { source: 'eth0', firstSeen: Date.now(), lastSeen: Date.now(), count: 1 };
        store.heads.record(this.headsFrom(1, backlog).map((head) => ({ head, ...times })));
      }
      store.close();
      return state;
    }
    cpSync(this.#first.directory, state.directory, { recursive: true });
    const db = openDatabase(state.database);
    db.pragma('synchronous = OFF');
    db.prepare('UPDATE identity SET id = ?').run(randomBytes(4).toString('hex'));
    db.close();
    return state;
  }

  /** Heads of all logs in turn, each of a size of its own, that no site has seen. */
  headsFrom(first: number, count: number): VerifiedStatement[] {
    const now = BigInt(Date.now());
    const root = treeOf(1).root();
    return Array.from({ length: count }, (_, i) => {
      const signer = this.signers[i % this.signers.length];
      if (signer === undefined) throw new RangeError('want a log');
      return signer.verified(first + i, root, now);
    });
  }

  /** Runs a site in this process, with the code of `ctga fleet publish`, until `signal` is aborted. */
  runSite(
    { name, directory, state }: MadeMember,
    signal: AbortSignal,
    {
      onEvent = () => undefined,
      openBus = (options) => new Bus(options),
      servers = this.bus.servers,
    }: Partial<SiteOptions> = {},
  ): Promise<void> {
    return runMember(
      {
        state,
        roles: ['site'],
        servers,
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent,
        warn: (message) => console.error(`bench: ${name}: ${message}`),
      },
      signal,
      { ...systemClock, sleep: realSleep, becomeAccount: () => undefined, openBus },
    );
  }

  /** Resolves when the streams are there, and a consumer of the findings for each site. */
  async untilStreams(): Promise<void> {
    const streams = 'store/jetstream/FLEET/streams/FINDINGS/obs';
    const consumers = (node: string): number =>
      readable(() => readdirSync(join(this.bus.directory, 'nodes', node, streams)).length) ?? 0;
    const deadline = performance.now() + STREAMS_MS;
    while (Math.max(...this.bus.nodes.map(consumers)) < this.sites.length) {
      if (performance.now() > deadline) throw new Error('the collector made no streams');
      await sleep(200);
    }
  }

  startCollector(): number {
    return this.start(this.hub, ['collect', '--bus', this.bus.url]);
  }

  /** Runs ctga as this member, in a process of its own, as root where this is root. Returns its ID. */
  start(member: MadeMember, command: readonly string[]): number {
    const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    return this.#spawn(member, [...command, ...stay]);
  }

  /** The same as an account without rights, where this is root: what it starts is of that too. */
  startWithoutRights(member: MadeMember, command: readonly string[]): number {
    if (process.geteuid?.() !== 0) return this.#spawn(member, command);
    for (const part of ['.', 'members', 'states']) chmodSync(join(this.bus.directory, part), 0o711);
    for (const own of [member.directory, member.state.directory])
      for (const path of ['.', ...readdirSync(own, { recursive: true, encoding: 'utf8' })])
        chownSync(join(own, path), NOBODY, NOBODY);
    return this.#spawn(member, command, { uid: NOBODY, gid: NOBODY });
  }

  #spawn(
    { name, directory, state }: MadeMember,
    command: readonly string[],
    account: { readonly uid?: number; readonly gid?: number } = {},
  ): number {
    const own = ['--fleet', directory, '--state-dir', state.directory, '--json'];
    const child = spawn(CTGA, [...command, ...own], {
      env: { ...process.env, CTGA_NODE: process.execPath },
      stdio: ['ignore', 'ignore', 'inherit'],
      ...account,
    });
    if (child.pid === undefined) throw new Error(`ctga ${command.join(' ')} does not start`);
    this.#processes.set(name, child);
    return child.pid;
  }

  get collectorPid(): number {
    return this.#processes.get('hub')?.pid ?? 0;
  }

  async end(): Promise<void> {
    for (const child of this.#processes.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    for (const work of this.#cleanups) await work();
  }
}

/** Undefined where it throws: what is read goes away meanwhile. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
