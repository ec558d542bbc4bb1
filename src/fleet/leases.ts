// SPDX-License-Identifier: Apache-2.0
/**
 * The leases of one challenger; lease.ts says what one is. It knows no bus: whoever calls `tick`
 * gives it the store. What may be sent to a log is asked here right before it is sent (`mayAsk`), by
 * this process's own clocks, so a process that was stopped for a while, or is cut off from the bus,
 * asks nothing that another might be asking too.
 *
 * Nothing here depends on what was seen, but the blocks that are claimed: one of them at a time, in
 * an entry that is written anyway and is as long as without. A block that one challenger was to ask
 * for because a tree waits for it, no other asks for because of that: a log that is asked twice for
 * one block knows that it is no chance.
 */
import { uniform } from '../base/chance.ts';
import type { Clock } from '../base/clock.ts';
import { leaseKey, presenceKey } from './bus-subjects.ts';
import {
  allClaims,
  formatLease,
  formatPresence,
  knows,
  parseLease,
  parsePresence,
  preferred,
  termsOf,
  type Claim,
  type Entry,
  type LeaseValue,
  type Presence,
  type Terms,
} from './lease.ts';

export interface LeaseStore {
  /** Undefined if there is none. Rejects where nothing can be read. */
  get(key: string): Promise<Entry | undefined>;
  /**
   * Writes an entry in place of the one of this revision, 0 where there is none. Resolves to its own
   * revision, or to undefined if there is another by now. Where it rejects, it may be written or not,
   * now or later.
   */
  put(key: string, text: string, revision: number): Promise<number | undefined>;
}

export interface LeasesOptions {
  /** The name of this challenger. */
  readonly me: string;
  /** Drawn anew for each process. */
  readonly run: string;
  /** As all challengers have it. */
  readonly seconds: number;
  readonly clock: Clock;
  /** All challengers of the fleet. */
  readonly challengers: () => readonly string[];
  /**
   * Blocks of a log for which a tree waits and for which this challenger never asked, the one that is
   * wanted most first.
   */
  readonly waiting: (log: string) => readonly bigint[];
  readonly onEvent: (event: LeaseEvent) => void;
  /** 0 <= x < 1; the system's generator unless given. */
  readonly chance?: () => number;
}

/** Picks one of the logs that a challenger would ask, or none. */
export type PickTrial = (logs: readonly string[]) => string | undefined;

/** A lease that was taken, given up, or lost. */
export interface LeaseEvent {
  readonly event: 'lease';
  /** Its ID in hexadecimal digits. */
  readonly log: string;
  readonly isHeld: boolean;
}

interface Lease {
  /** Of the entry as it was last known; undefined: it was never read. */
  revision: number | undefined;
  value: LeaseValue | undefined;
  /** When this state was first seen, by the monotonic clock. */
  since: number;
  /** When that was sent by which this challenger holds it. */
  sent: { readonly now: number; readonly elapsed: number } | undefined;
  /** Those that the store has. */
  claims: readonly Claim[];
  /** Whether it is another's turn, as soon as nobody here asks the log. */
  isDue: boolean;
  busy: number;
  wasHeld: boolean;
}

interface Peer {
  readonly revision: number;
  readonly since: number;
  readonly presence: Presence | undefined;
}

/** Who has shown itself within so many looks is there, and not only not known to be gone. */
const LATELY = 3;
/** Leases that are looked at at the same time. */
const AT_ONCE = 32;

export class Leases {
  readonly #options: LeasesOptions;
  readonly #terms: Terms;
  readonly #leases = new Map<string, Lease>();
  readonly #peers = new Map<string, Peer>();
  #presence: number | undefined;
  /** The logs that it said it asks. */
  #offered: ReadonlySet<string> = new Set();

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#terms = termsOf(options.seconds);
  }

  /** Milliseconds between two ticks. */
  get poll(): number {
    return this.#terms.poll;
  }

  /** Whether something may be sent to the log at this moment. */
  mayAsk(log: string): boolean {
    const sent = this.#leases.get(log)?.sent;
    if (sent === undefined) return false;
    const { now, elapsed } = this.#options.clock;
    // One of the clocks stands still while the machine sleeps, and anybody may set the other.
    return elapsed() - sent.elapsed < this.#terms.hold && now() - sent.now < this.#terms.hold;
  }

  /** Whether a visit of the log may begin. */
  mayBegin(log: string): boolean {
    return this.mayAsk(log) && this.#leases.get(log)?.isDue === false;
  }

  /** Keeps the lease for as long as `work` asks the log, if the bus lets it. */
  async during<T>(log: string, work: () => Promise<T>): Promise<T> {
    const lease = this.#lease(log);
    lease.busy += 1;
    try {
      return await work();
    } finally {
      lease.busy -= 1;
    }
  }

  /** Whether the block is this challenger's to ask for. */
  isOurs(log: string, block: bigint): boolean {
    const claim = this.#leases.get(log)?.claims.find(({ start }) => start === block);
    return claim?.by === this.#options.me;
  }

  /** The logs that are held. */
  held(): string[] {
    return [...this.#leases.keys()].filter((log) => this.mayAsk(log));
  }

  /**
   * Looks at all leases once, and keeps, takes or gives up each. With `pickTrial` the way to the logs
   * leads nowhere: what another challenger asks is left to it, but for the log that is picked. Rejects
   * as the store does, when all were looked at that could be.
   */
  async tick(store: LeaseStore, logs: readonly string[], pickTrial?: PickTrial): Promise<void> {
    const failures: unknown[] = [];
    const attempt = (work: Promise<void>): Promise<void> =>
      work.catch((error: unknown) => void failures.push(error));
    const { me } = this.#options;
    const others = this.#options.challengers().filter((name) => name !== me);
    await atMost(AT_ONCE, others, (name) => attempt(this.#lookFor(store, name)));
    // By what the others have just said: who is left with a log must not leave it as well.
    const offered = pickTrial === undefined ? logs : this.#unlessLeft(logs, pickTrial);
    this.#offered = new Set(offered);
    await attempt(
      this.#show(store, formatPresence(this.#options.run, this.#options.seconds, offered)),
    );
    const isListed = new Set(logs);
    const unlisted = [...this.#leases.keys()].filter((log) => !isListed.has(log));
    await atMost(AT_ONCE, [...logs, ...unlisted], (log) =>
      attempt(this.#look(store, log, isListed.has(log)).finally(() => this.#tell(log))),
    );
    for (const failure of failures) throw failure;
  }

  /**
   * Those that no other challenger asks which has shown itself just now, and the one that is picked of
   * those that would be this one's. Of two that leave their logs to each other at the same moment
   * chance has one go first.
   */
  #unlessLeft(logs: readonly string[], pickTrial: PickTrial): string[] {
    const { chance = uniform } = this.#options;
    const at = this.#options.clock.elapsed();
    const there = this.#othersThere().filter(({ since }) => at - since < LATELY * this.poll);
    const isOthers = (log: string): boolean =>
      there.some(({ presence }) => presence !== undefined && knows(presence, log));
    const goes = chance() < 0.5;
    const trial = pickTrial(logs.filter((log) => this.#isPreferred(log)));
    return logs.filter(
      (log) => log === trial || !isOthers(log) || (this.#offered.has(log) && !goes),
    );
  }

  /**
   * Gives up all leases of logs that are not being asked, so that another may take them at once.
   * Nothing may be asked any more. Rejects as the store does.
   */
  async end(store: LeaseStore): Promise<void> {
    const { seconds } = this.#options;
    this.#offered = new Set();
    await this.#show(store, formatPresence('', seconds, []));
    await atMost(AT_ONCE, [...this.#leases.keys()], (log) => this.#look(store, log, false));
  }

  #lease(log: string): Lease {
    let lease = this.#leases.get(log);
    if (lease === undefined) {
      lease = {
        revision: undefined,
        value: undefined,
        since: 0,
        sent: undefined,
        claims: [],
        isDue: false,
        busy: 0,
        wasHeld: false,
      };
      this.#leases.set(log, lease);
    }
    return lease;
  }

  async #show(store: LeaseStore, text: string): Promise<void> {
    const key = presenceKey(this.#options.me);
    this.#presence ??= (await store.get(key))?.revision ?? 0;
    const known = this.#presence;
    this.#presence = undefined;
    this.#presence = await store.put(key, text, known);
  }

  async #lookFor(store: LeaseStore, name: string): Promise<void> {
    const { revision = 0, text = '' } = (await store.get(presenceKey(name))) ?? {};
    if (this.#peers.get(name)?.revision === revision) return;
    const since = this.#options.clock.elapsed();
    this.#peers.set(name, { revision, since, presence: parsePresence(text) });
  }

  /** The others that are there. */
  #othersThere(): (Peer & { readonly name: string })[] {
    const { me, clock, challengers } = this.#options;
    const at = clock.elapsed();
    return challengers().flatMap((name) => {
      const peer = name === me ? undefined : this.#peers.get(name);
      if (peer?.presence === undefined || peer.presence.run === '') return [];
      return at - peer.since < this.#waitFor(peer.presence.seconds) ? [{ ...peer, name }] : [];
    });
  }

  /** Whether it is this challenger that is to ask the log. */
  #isPreferred(log: string): boolean {
    const { me } = this.#options;
    const others = this.#othersThere().flatMap(({ name, presence }) =>
      presence !== undefined && knows(presence, log) ? name : [],
    );
    return preferred(log, [me, ...others]) === me;
  }

  #waitFor(seconds: number): number {
    return Math.max(this.#terms.wait, termsOf(seconds).wait);
  }

  async #look(store: LeaseStore, log: string, isListed: boolean): Promise<void> {
    const { me, run, clock } = this.#options;
    const lease = this.#lease(log);
    const { revision = 0, text } = (await store.get(leaseKey(log))) ?? {};
    const at = clock.elapsed();
    if (revision !== lease.revision) {
      lease.value = text === undefined ? undefined : parseLease(text);
      lease.claims = allClaims(lease.value?.claims ?? [], lease.claims);
      lease.revision = revision;
      lease.since = at;
    }
    const { value, since } = lease;
    const isMine = value?.holder === me && value.run === run;
    const isOver = at - since >= this.#waitFor(value?.seconds ?? 0);
    // What is left to another and nobody has taken in its time is taken, to be left anew: the other may
    // have to wait for longer.
    const isAsked = this.#offered.has(log) || (isOver && !isMine);
    const isWanted = isListed && isAsked && this.#isPreferred(log);
    lease.isDue = !isWanted;
    if (isMine) {
      const isKept = isWanted || lease.busy > 0;
      // From here on nothing is asked, whatever becomes of what is sent.
      if (!isKept) lease.sent = undefined;
      await this.#put(store, log, lease, isKept);
      return;
    }
    lease.sent = undefined;
    const isFree = value !== undefined && value.holder === undefined;
    if (isWanted && (isFree || isOver)) await this.#put(store, log, lease, true);
    else if (!isListed && lease.busy === 0) this.#leases.delete(log);
  }

  async #put(store: LeaseStore, log: string, lease: Lease, isHeld: boolean): Promise<void> {
    const { me, run, seconds, clock } = this.#options;
    const { revision = 0 } = lease;
    const claims = this.#claims(log, lease, isHeld);
    const sent = { now: clock.now(), elapsed: clock.elapsed() };
    const value = { holder: isHeld ? me : undefined, run, seconds, claims };
    const written = await store.put(leaseKey(log), formatLease(value), revision);
    if (written === undefined) {
      lease.sent = undefined;
      return;
    }
    lease.revision = written;
    lease.value = value;
    lease.since = clock.elapsed();
    lease.claims = claims;
    if (isHeld) lease.sent = sent;
  }

  /** With one more, unless one of this challenger's waits to be asked for; without that at the end. */
  #claims(log: string, { claims }: Lease, isHeld: boolean): readonly Claim[] {
    const { me } = this.#options;
    const waiting = this.#options.waiting(log);
    const isWaiting = new Set(waiting);
    const isOpen = ({ by, start }: Claim): boolean => by === me && isWaiting.has(start);
    if (!isHeld) return claims.filter((claim) => !isOpen(claim));
    if (claims.some(isOpen)) return claims;
    const next = waiting.find((block) => !claims.some(({ start }) => start === block));
    return next === undefined ? claims : allClaims(claims, [{ by: me, start: next }]);
  }

  #tell(log: string): void {
    const lease = this.#leases.get(log);
    const isHeld = this.mayAsk(log);
    if (lease === undefined || lease.wasHeld === isHeld) return;
    lease.wasHeld = isHeld;
    this.#options.onEvent({ event: 'lease', log, isHeld });
  }
}

async function atMost<T>(
  count: number,
  all: readonly T[],
  work: (each: T) => Promise<void>,
): Promise<void> {
  const waiting = all.values();
  const one = async (): Promise<void> => {
    for (const each of waiting) await work(each);
  };
  await Promise.all(Array.from({ length: count }, one));
}
