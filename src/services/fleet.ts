// SPDX-License-Identifier: Apache-2.0
/**
 * A member of a fleet as a service: what it tells the others, in a batch of one size in each
 * interval, and what it hears of them. `ctga fleet publish` is a site, `ctga collect` a collector,
 * and a challenger's half that hears and tells.
 */
import { createHash } from 'node:crypto';
import { realSleep, systemClock, type Clock, type Sleep } from '../base/clock.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { exclusively } from '../base/exclusive.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import { Bus, BusError, readCredentials, type BusCredentials } from '../fleet/bus.ts';
import type { BusServer } from '../fleet/bus-address.ts';
import { Collector, type CollectorEvent, type Message } from '../fleet/collector.ts';
import { MemberStore } from '../fleet/members.ts';
import { Outbox, type ReadyBatch } from '../fleet/outbox.ts';
import { longestSilence } from '../fleet/overview.ts';
import {
  readMembership,
  readRoster,
  tells,
  type Membership,
  type MemberRole,
  type Roster,
} from '../fleet/roster.ts';
import { knownLogs } from '../store/known-logs.ts';
import type { State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { ServiceNotice } from './notice.ts';
import { becomeFleetMember, type BecomeAccount } from './privileges.ts';

export type FleetEvent =
  | CollectorEvent
  | {
      readonly event: 'started';
      readonly fleet: string;
      readonly member: string;
      readonly role: MemberRole;
      readonly interval: number;
      readonly batch: number;
    }
  | { readonly event: 'bus-up' }
  /** Told once until it is up again. */
  | { readonly event: 'bus-down'; readonly message: string }
  /** Heads that had to be dropped, in all, because too many wait for the bus. */
  | { readonly event: 'gave-up'; readonly heads: number }
  | { readonly event: 'silent'; readonly member: string; readonly since: number };

export interface FleetServiceOptions {
  readonly state: State;
  /** Which it may be: what it is then is in the roster. */
  readonly roles: readonly [MemberRole, ...MemberRole[]];
  readonly servers: readonly BusServer[];
  /** The member's directory; see FILES in fleet/roster.ts. */
  readonly directory: string;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  readonly onEvent: (event: FleetEvent) => void;
  readonly warn: (message: string) => void;
}

/** What a test puts in the place of a bus and of privileges. */
export interface FleetDependencies extends Clock {
  readonly becomeAccount: BecomeAccount;
  readonly openBus: (options: ConstructorParameters<typeof Bus>[0]) => MemberBus;
  readonly sleep: Sleep;
}
export type MemberBus = Pick<Bus, 'isUp' | 'connect' | 'publish' | 'prepare' | 'consume' | 'close'>;

const OF_THIS_MACHINE: FleetDependencies = {
  ...systemClock,
  becomeAccount: becomeFleetMember,
  openBus: (options) => new Bus(options),
  sleep: realSleep,
};

const PATIENCE_MS = 250;
/** Of an interval: for so long a batch waits for its time, however slow the disk is. */
const MADE_BEFORE = 0.25;
/** So often in an interval what was heard is taken in. */
const MOMENTS_AN_INTERVAL = 20;
/** After so many intervals it is tried again whether there is something to hear. */
const DEAF_INTERVALS = 3;
/** Of what was given up, and of members that are silent, it is told so often. */
const LOOK_EVERY_MS = 60_000;
/** After which a collector has the sum of a source's sightings alone, as observers do. */
const KEPT_MS = 90 * 86_400_000;
/** In each look: more than a thousand sites tell of sixteen logs meanwhile, or the store would grow for ever. */
const ROLLED_UP_AT_ONCE = 20_000;

/**
 * Takes part in the fleet until `stop` is aborted, whatever becomes of the bus. Rejects with CtgaError
 * if the member's directory is not whole, it cannot become the account, or its store cannot be opened.
 */
export async function runMember(
  options: FleetServiceOptions,
  stop: AbortSignal,
  dependencies: FleetDependencies = OF_THIS_MACHINE,
): Promise<void> {
  const { state, roles, directory, user } = options;
  // As root, where this is root: they are for nobody else to read.
  const membership = readMembership(directory, ...roles);
  const credentials = readCredentials(directory);
  dependencies.becomeAccount(state, user);
  const busy = new CtgaError('busy', `the store in ${state.directory} is told to a fleet already`, {
    remedy:
      'One process does that: "ctga fleet publish", or "ctga attach --publish", or "ctga collect".',
  });
  // Two would send twice as much as a member may, and what is too much is refused.
  const lock = `ctga-fleet:${createHash('sha256').update(state.directory).digest('hex')}`;
  await exclusively(lock, busy, () =>
    takePart(options, dependencies, membership, credentials, stop),
  );
}

async function takePart(
  { state, servers, onEvent, warn, ...options }: FleetServiceOptions,
  dependencies: FleetDependencies,
  membership: Membership,
  credentials: BusCredentials,
  stop: AbortSignal,
): Promise<void> {
  const storeFile = new StoreInUse({
    state,
    onSetAside: warn,
    onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
    patience: PATIENCE_MS,
  });
  const members = MemberStore.open(state.directory);
  const { name, role } = membership.member;
  const bus = dependencies.openBus({ servers, credentials, member: name, role });
  try {
    const member = new Member(
      { ...options, state, servers, onEvent, warn },
      dependencies,
      membership,
      storeFile,
      members,
      bus,
    );
    onEvent({
      event: 'started',
      fleet: membership.roster.name,
      member: name,
      role,
      interval: membership.roster.intervalSeconds,
      batch: membership.roster.batchBytes,
    });
    const notice = new ServiceNotice(`${name} of the fleet ${membership.roster.name}`);
    stop.addEventListener('abort', () => notice.stopping(), { once: true });
    await whileWhole(members, stop, (end) => member.run(end));
  } finally {
    await bus.close();
    members.close();
    storeFile.store.close();
  }
}

class Member {
  readonly #options: FleetServiceOptions;
  readonly #dependencies: FleetDependencies;
  readonly #storeFile: StoreInUse;
  readonly #bus: MemberBus;
  readonly #members: MemberStore;
  readonly #outbox: Outbox;
  readonly #collector: Collector;
  readonly #role: MemberRole;
  readonly #member: string;
  #roster: Roster;
  /** By the monotonic clock: a batch's time is a number of intervals later. */
  #began = 0;
  #moments = -1;
  #isDown = false;
  #isDeaf = false;
  #givenUp = 0;
  #hearing:
    | { readonly end: AbortController; readonly isOver: boolean; readonly ended: Promise<void> }
    | undefined;

  constructor(
    options: FleetServiceOptions,
    dependencies: FleetDependencies,
    { roster, member, key }: Membership,
    storeFile: StoreInUse,
    members: MemberStore,
    bus: MemberBus,
  ) {
    const { state, onEvent } = options;
    const { store } = storeFile;
    this.#role = member.role;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#storeFile = storeFile;
    this.#bus = bus;
    this.#members = members;
    this.#roster = roster;
    this.#member = member.name;
    this.#noteFleet();
    this.#outbox = new Outbox({
      store,
      what: tells(member.role) === 'sightings' ? 'sightings' : 'verdicts',
      member: member.name,
      key,
      size: roster.batchBytes,
      now: dependencies.now,
    });
    this.#givenUp = store.publishing.state()?.givenUp ?? 0;
    this.#collector = new Collector(
      {
        store,
        members,
        evidenceDirectory: state.evidence,
        logs: () => knownLogs(store, undefined, () => undefined),
        self: member,
        onEvent,
        now: dependencies.now,
      },
      roster,
    );
  }

  async run(stop: AbortSignal): Promise<void> {
    await Promise.all([this.#publish(stop), this.#look(stop)]);
  }

  /** The page, the metrics and the alerts read it from there. */
  #noteFleet(): void {
    const { name, intervalSeconds, members } = this.#roster;
    this.#members.putFleet({
      fleet: name,
      self: this.#member,
      intervalSeconds,
      members: members.map(({ name: member, role }) => ({ name: member, role })),
    });
  }

  /**
   * In each interval one batch, at its time, whatever is in it: it is made some time before, so that
   * nobody waits for it then. With no bus, each interval has one attempt to find it.
   */
  async #publish(stop: AbortSignal): Promise<void> {
    const { elapsed, sleep } = this.#dependencies;
    const interval = this.#roster.intervalSeconds * 1000;
    const until = (time: number): Promise<void> =>
      sleep(time - elapsed(), stop).catch(() => undefined);
    this.#began = elapsed();
    let due = this.#began;
    let ready: ReadyBatch | undefined;
    let isSent = false;
    for (;;) {
      // What takes longer than an interval costs whole ones: the times stay what they are.
      do due += interval;
      while (due < elapsed());
      await until(due - interval * MADE_BEFORE);
      if (isAborted(stop)) break;
      // One that may have arrived is sent again as it is.
      if (ready === undefined || !isSent) ready = this.#next();
      await until(due);
      if (isAborted(stop)) break;
      try {
        const wasUp = this.#bus.isUp;
        if (!wasUp) await this.#bus.connect();
        // A collector makes the streams first.
        await this.#startHearing(stop);
        if (wasUp) {
          if (!isSent) ready.sent();
          isSent = true;
          await this.#bus.publish(ready.id, ready.bytes, interval * 0.8);
          isSent = false;
          this.#isUp();
          this.#attempt(ready.arrived);
        }
      } catch (error) {
        this.#tellDown(error);
      }
    }
    this.#hearing?.end.abort();
    await this.#hearing?.ended;
  }

  #next(): ReadyBatch {
    const batch = this.#attempt(() => this.#storeFile.use(() => this.#outbox.next()));
    const { givenUp } = this.#outbox.counts;
    if (givenUp > this.#givenUp) this.#options.onEvent({ event: 'gave-up', heads: givenUp });
    this.#givenUp = givenUp;
    return batch ?? this.#outbox.empty();
  }

  /** A store that takes nothing now keeps nothing from being sent. */
  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#options.onEvent({ event: 'failed', message: messageOf(error) });
      return undefined;
    }
  }

  /** Once for each connection. */
  async #startHearing(stop: AbortSignal): Promise<void> {
    if (this.#hearing?.isOver === false) return;
    if (this.#role !== 'site') await this.#bus.prepare(this.#roster);
    const end = new AbortController();
    const hearing = { end, isOver: false, ended: Promise.resolve() };
    hearing.ended = this.#hear(AbortSignal.any([stop, end.signal])).finally(
      () => (hearing.isOver = true),
    );
    this.#hearing = hearing;
  }

  /** For as long as the connection lasts. */
  async #hear(stop: AbortSignal): Promise<void> {
    try {
      await this.#bus.consume(
        (messages) => this.#take(messages),
        stop,
        (signal) => this.#moment(signal),
      );
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      // Until a collector has made it there is no consumer.
      if (!this.#isDeaf && this.#bus.isUp && !stop.aborted)
        this.#options.onEvent({ event: 'failed', message: `nothing is heard: ${error.message}` });
      this.#isDeaf = true;
      const { sleep } = this.#dependencies;
      await sleep(this.#roster.intervalSeconds * DEAF_INTERVALS * 1000, stop).catch(
        () => undefined,
      );
    }
  }

  /**
   * What is heard is taken in, and answered, at moments that depend on nothing that was seen, and none
   * of which is near the time of a batch: the work of one keeps the other from nothing.
   */
  async #moment(stop: AbortSignal): Promise<void> {
    const { elapsed, sleep } = this.#dependencies;
    const pace = (this.#roster.intervalSeconds * 1000) / MOMENTS_AN_INTERVAL;
    // A timer may be early, and the same moment does not come twice.
    const passed = Math.floor((elapsed() - this.#began) / pace - 0.5);
    this.#moments = Math.max(this.#moments, passed) + 1;
    const next = this.#began + (this.#moments + 0.5) * pace;
    await sleep(next - elapsed(), stop).catch(() => undefined);
  }

  #take(messages: readonly Message[]): void {
    this.#isDeaf = false;
    try {
      this.#storeFile.use(() => this.#collector.take(messages));
    } catch (error) {
      this.#options.onEvent({ event: 'failed', message: messageOf(error) });
      throw error;
    }
  }

  #isUp(): void {
    if (this.#isDown) this.#options.onEvent({ event: 'bus-up' });
    this.#isDown = false;
  }

  #tellDown(error: unknown): void {
    if (!(error instanceof BusError)) throw error;
    if (!this.#isDown) this.#options.onEvent({ event: 'bus-down', message: error.message });
    this.#isDown = true;
  }

  /** Follows the roster's file, and says which members are silent. */
  async #look(stop: AbortSignal): Promise<void> {
    const { sleep, now } = this.#dependencies;
    const silent = new Set<string>();
    for (;;) {
      await sleep(LOOK_EVERY_MS, stop).catch(() => undefined);
      if (stop.aborted) return;
      try {
        const roster = readRoster(this.#options.directory);
        if (JSON.stringify(roster.members) !== JSON.stringify(this.#roster.members)) {
          this.#roster = { ...this.#roster, members: roster.members };
          this.#collector.follow(this.#roster);
          this.#noteFleet();
          if (this.#role !== 'site' && this.#bus.isUp) await this.#bus.prepare(this.#roster);
        }
      } catch (error) {
        this.#options.onEvent({ event: 'failed', message: messageOf(error) });
      }
      // At a site its observer does that.
      if (this.#role !== 'site')
        this.#attempt(() => this.#storeFile.store.heads.rollUp(now() - KEPT_MS, ROLLED_UP_AT_ONCE));
      const longest = longestSilence(this.#roster.intervalSeconds);
      const busNow = now() - this.#members.busBehind();
      for (const { member, lastHeard } of this.#members.members()) {
        const isSilent = busNow - lastHeard > longest;
        if (isSilent && !silent.has(member))
          this.#options.onEvent({ event: 'silent', member, since: lastHeard });
        if (isSilent) silent.add(member);
        else silent.delete(member);
      }
    }
  }
}

/** It may have been since the last look at it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
