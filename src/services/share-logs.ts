// SPDX-License-Identifier: Apache-2.0
/**
 * A challenger's share of the logs, by leases on the bus of its fleet, as a service: `ctga challenge
 * --subscribe`. Its connection is its own; what is heard and told goes over that of `ctga collect`.
 */
import { randomBytes } from 'node:crypto';
import { uniform } from '../base/chance.ts';
import { realSleep, systemClock, type Clock, type Sleep } from '../base/clock.ts';
import type { Share } from '../challenger/share.ts';
import { Bus, BusError, readCredentials, type BusCredentials } from '../fleet/bus.ts';
import type { BusServer } from '../fleet/bus-address.ts';
import { FollowedRoster } from '../fleet/followed-roster.ts';
import { Leases, type LeaseStore, type PickTrial } from '../fleet/leases.ts';
import { readMembership, type Membership } from '../fleet/roster.ts';
import { WayOut } from '../fleet/way-out.ts';
import { blockOf } from '../follow/block.ts';
import type { HashStore } from '../follow/hash-store.ts';
import type { Log } from '../logs/log.ts';

export type ShareEvent =
  | { readonly event: 'lease'; readonly log: string; readonly isHeld: boolean }
  /** Told once until it is up again. While it is down, no log is asked. */
  | { readonly event: 'bus-down'; readonly message: string; readonly remedy: string | undefined }
  | { readonly event: 'bus-up' }
  /** No proxy answers: its logs are left to the other challengers, until one does. */
  | { readonly event: 'no-way-out' }
  /** Through the proxies no log answers: as before, but one log at a time is tried. */
  | { readonly event: 'leads-nowhere' };

export interface ShareMember {
  /** The member's directory. */
  readonly directory: string;
  readonly membership: Membership;
  readonly credentials: BusCredentials;
}

/**
 * Reads what a challenger needs to take its share, as root, where this is root. Throws CtgaError
 * `bad-input` if the member's directory is not whole or it is no challenger.
 */
export function readShareMember(directory: string): ShareMember {
  const membership = readMembership(directory, 'challenger');
  return { directory, membership, credentials: readCredentials(directory, membership.member) };
}

export interface ShareOptions extends ShareMember {
  readonly servers: readonly BusServer[];
  /** All that may be asked. */
  readonly logs: () => readonly Log[];
  readonly hashes: HashStore;
  /** Whether there is a way to the logs, which is known within so many ms. */
  readonly canAsk: (patience: number) => Promise<boolean>;
  readonly onEvent: (event: ShareEvent) => void;
}

/** What a test puts in the place of a bus. */
export interface ShareDependencies extends Clock {
  /** 0 <= x < 1; the system's generator unless given. */
  readonly chance?: () => number;
  readonly openBus: (
    options: ConstructorParameters<typeof Bus>[0],
  ) => Pick<Bus, 'isUp' | 'connect' | 'leases' | 'close'>;
  readonly sleep: Sleep;
}

const OF_THIS_MACHINE: ShareDependencies = {
  ...systemClock,
  openBus: (options) => new Bus(options),
  sleep: realSleep,
};

/** An answer of the bus that takes longer comes too late to be of use: of the time between two looks. */
const PATIENCE = 0.8;
/** So much of that time may be spent on looking for a proxy. */
const PATIENCE_FOR_PROXY = 0.2;
/** So many times in a row no proxy answers before the leases are given back. */
const LOOKS_FOR_PROXY = 2;
/** The roster is read anew so often. */
const ROSTER_MS = 60_000;

export class LogShare implements Share {
  readonly #options: ShareOptions;
  readonly #dependencies: ShareDependencies;
  readonly #leases: Leases;
  readonly #way: WayOut;
  #isLost = false;
  /** `ctga collect`, which follows it too, tells of faults. */
  readonly #roster: FollowedRoster;
  #logs = new Map<string, Log>();
  #wanted: (log: Log) => readonly bigint[] = () => [];
  #isDown = false;
  /** How often in a row no proxy was there. */
  #withoutProxy = 0;

  constructor(options: ShareOptions, dependencies: ShareDependencies = OF_THIS_MACHINE) {
    const { membership, onEvent } = options;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#roster = new FollowedRoster(options.directory, membership);
    const { chance = uniform } = dependencies;
    this.#way = new WayOut({ lease: membership.roster.leaseSeconds * 1000, chance });
    this.#leases = new Leases({
      me: membership.member.name,
      run: randomBytes(8).toString('hex'),
      seconds: membership.roster.leaseSeconds,
      clock: dependencies,
      chance,
      challengers: () => challengersIn(this.#roster.current),
      waiting: (id) => this.#waiting(id),
      onEvent: ({ log, isHeld }) =>
        onEvent({ event: 'lease', log: this.#logs.get(log)?.description ?? log, isHeld }),
    });
  }

  mayAsk = (log: Log): boolean => this.#leases.mayAsk(nameOf(log));

  asking = (log: Log, ask: () => Promise<void>): Promise<void> => {
    const name = nameOf(log);
    return this.#leases.mayBegin(name) ? this.#leases.during(name, ask) : Promise.resolve();
  };

  ours = (log: Log, sizes: readonly bigint[]): readonly bigint[] =>
    sizes.filter((size) => this.#leases.isOurs(nameOf(log), blockOf(size, log)));

  asks = (log: Log): ((isAnswer: boolean) => void) => {
    const { elapsed } = this.#dependencies;
    const asked = elapsed();
    return (isAnswer) => this.#way.heard(nameOf(log), isAnswer, asked, elapsed());
  };

  /** `wanted`: the sizes of a log that wait for a block. */
  follow(wanted: (log: Log) => readonly bigint[]): void {
    this.#wanted = wanted;
  }

  /**
   * Keeps the leases until `stop` is aborted, whatever becomes of the bus. To be left when nothing is
   * asked any more: then others may take over at once.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { membership, servers, credentials } = this.#options;
    const { elapsed, sleep, openBus } = this.#dependencies;
    const { roster, member } = membership;
    const { poll } = this.#leases;
    const bus = openBus({ servers, credentials, member: member.name, role: member.role });
    let store: LeaseStore | undefined;
    let due = elapsed();
    let rosterRead = due;
    try {
      while (!stop.aborted) {
        try {
          if (!bus.isUp) {
            store = undefined;
            await bus.connect();
          }
          store ??= await bus.leases(roster, poll * PATIENCE);
          if (elapsed() - rosterRead > ROSTER_MS) {
            rosterRead = elapsed();
            this.#roster.look();
          }
          // What it cannot ask it leaves to others, by the proxy alone, and nothing that was seen.
          await this.#lookForProxy(poll * PATIENCE_FOR_PROXY);
          const canAsk = this.#withoutProxy < LOOKS_FOR_PROXY;
          await this.#leases.tick(store, canAsk ? this.#names() : [], this.#pickTrial());
          if (this.#isDown) this.#options.onEvent({ event: 'bus-up' });
          this.#isDown = false;
        } catch (error) {
          this.#tellDown(error);
        }
        do due += poll;
        while (due < elapsed());
        await sleep(due - elapsed(), stop).catch(() => undefined);
      }
      if (bus.isUp && store !== undefined) await this.#leases.end(store);
    } catch (error) {
      // Then others wait until the leases are over.
      if (!(error instanceof BusError)) throw error;
    } finally {
      await bus.close();
    }
  }

  async #lookForProxy(patience: number): Promise<void> {
    const { canAsk, onEvent } = this.#options;
    this.#withoutProxy = (await canAsk(patience)) ? 0 : this.#withoutProxy + 1;
    if (this.#withoutProxy === LOOKS_FOR_PROXY) onEvent({ event: 'no-way-out' });
  }

  /** Undefined: as far as is known the way leads to the logs. */
  #pickTrial(): PickTrial | undefined {
    const at = this.#dependencies.elapsed();
    const wasLost = this.#isLost;
    this.#isLost = this.#way.isLost(this.#leases.held().length, at);
    if (this.#isLost && !wasLost) this.#options.onEvent({ event: 'leads-nowhere' });
    return this.#isLost ? (logs) => this.#way.trial(logs, at) : undefined;
  }

  #names(): string[] {
    this.#logs = new Map(this.#options.logs().map((log) => [nameOf(log), log]));
    return [...this.#logs.keys()];
  }

  #waiting(name: string): bigint[] {
    const log = this.#logs.get(name);
    if (log === undefined) return [];
    const blocks = new Set(this.#wanted(log).map((size) => blockOf(size, log)));
    const rows = this.#options.hashes.rows(log);
    return [...blocks].filter((start) => rows.block(start) === undefined);
  }

  #tellDown(error: unknown): void {
    if (!(error instanceof BusError)) throw error;
    const { message, remedy } = error;
    if (!this.#isDown) this.#options.onEvent({ event: 'bus-down', message, remedy });
    this.#isDown = true;
  }
}

function challengersIn({ members }: Membership['roster']): string[] {
  return members.filter(({ role }) => role === 'challenger').map(({ name }) => name);
}

function nameOf({ key }: Log): string {
  return Buffer.from(key.logId).toString('hex');
}
