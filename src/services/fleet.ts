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
import { MOST_EVIDENCE } from '../fleet/batch.ts';
import { Bus, BusError, readCredentials, type BusCredentials } from '../fleet/bus.ts';
import type { BusServer } from '../fleet/bus-address.ts';
import { Collector, type CollectorEvent, type Message } from '../fleet/collector.ts';
import { Failures } from '../fleet/failures.ts';
import { FollowedRoster } from '../fleet/followed-roster.ts';
import { MemberStore } from '../fleet/members.ts';
import { Outbox, type ReadyBatch } from '../fleet/outbox.ts';
import { longestSilence } from '../fleet/overview.ts';
import {
  readMembership,
  ROLES,
  tells,
  type Membership,
  type MemberRole,
  type Roster,
} from '../fleet/roster.ts';
import { MOMENTS_AN_INTERVAL, nextStep, stepsOf } from '../fleet/steps.ts';
import { knownLogs } from '../store/known-logs.ts';
import type { State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { ServiceNotice } from './notice.ts';
import { becomeFleetMember, type BecomeAccount } from './privileges.ts';

export type FleetEvent =
  /** What failed is told once until it does not fail any more. */
  | CollectorEvent
  /** What was told to have failed has not for a minute, and works. */
  | { readonly event: 'mended'; readonly message: string }
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
  | { readonly event: 'bus-down'; readonly message: string; readonly remedy: string | undefined }
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
/** After so many intervals it is tried again whether there is something to hear. */
const DEAF_INTERVALS = 3;
/** Of what was given up, and of members that are silent, it is told so often. */
const LOOK_EVERY_MS = 60_000;
/** After which a collector has the sum of a source's sightings alone, as observers do. */
const KEPT_MS = 90 * 86_400_000;

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
  const credentials = readCredentials(directory, membership.member);
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
  readonly #failures: Failures;
  readonly #followed: FollowedRoster;
  #roster: Roster;
  /** Those for whose members there is all on the bus, and of which others here may read. */
  #prepared: Roster | undefined;
  #noted: Roster | undefined;
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
    membership: Membership,
    storeFile: StoreInUse,
    members: MemberStore,
    bus: MemberBus,
  ) {
    const { state, directory, onEvent } = options;
    const { store } = storeFile;
    const { roster, member, key } = membership;
    this.#failures = new Failures(onEvent, dependencies.elapsed);
    this.#followed = new FollowedRoster(directory, membership, (message) =>
      onEvent({ event: 'failed', message }),
    );
    this.#role = member.role;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#storeFile = storeFile;
    this.#bus = bus;
    this.#members = members;
    this.#roster = roster;
    this.#member = member.name;
    this.#attempt('members', () => this.#noteFleet());
    this.#outbox = new Outbox({
      store,
      what: tells(member.role) === 'sightings' ? 'sightings' : 'verdicts',
      member: member.name,
      key,
      size: roster.batchBytes,
      now: dependencies.now,
      onTooLong: (path) => {
        const message = `${path} is longer than ${MOST_EVIDENCE} bytes, so the fleet is not told of it: bring it into the directory of evidence of each member yourself`;
        if (this.#failures.isNews(message)) onEvent({ event: 'failed', message });
      },
    });
    this.#givenUp = store.publishing.state()?.givenUp ?? 0;
    this.#collector = new Collector(
      {
        store,
        members,
        evidenceDirectory: state.evidence,
        logs: () => knownLogs(store, undefined, () => undefined),
        self: member,
        onEvent: (event) => this.#onCollected(event),
        now: dependencies.now,
      },
      roster,
    );
  }

  async run(stop: AbortSignal): Promise<void> {
    await Promise.all([this.#publish(stop), this.#look(stop), this.#rollUp(stop)]);
  }

  #onCollected(event: CollectorEvent): void {
    if (event.event === 'failed') this.#failures.failed('evidence', event.message);
    else if (event.event !== 'refused' || this.#failures.isNews(`${event.member} ${event.reason}`))
      this.#options.onEvent(event);
  }

  /** The page, the metrics and the alerts read it from there. */
  #noteFleet(): void {
    if (this.#noted === this.#roster) return;
    const { name, intervalSeconds, members } = this.#roster;
    this.#members.putFleet({
      fleet: name,
      self: this.#member,
      intervalSeconds,
      members: members.map(({ name: member, role }) => ({ name: member, role })),
    });
    this.#noted = this.#roster;
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
          this.#attempt('store', ready.arrived);
        }
      } catch (error) {
        this.#tellDown(error);
      }
    }
    this.#hearing?.end.abort();
    await this.#hearing?.ended;
  }

  #next(): ReadyBatch {
    const batch = this.#attempt('store', () => this.#storeFile.use(() => this.#outbox.next()));
    const { givenUp } = this.#outbox.counts;
    if (givenUp > this.#givenUp && this.#failures.isNews('gave-up'))
      this.#options.onEvent({ event: 'gave-up', heads: givenUp });
    this.#givenUp = givenUp;
    return batch ?? this.#outbox.empty();
  }

  /** A store that takes nothing now keeps nothing from being sent. */
  #attempt<T>(what: string, work: () => T): T | undefined {
    try {
      const done = work();
      this.#failures.works(what);
      return done;
    } catch (error) {
      this.#failures.failed(what, messageOf(error));
      return undefined;
    }
  }

  /** Once for each connection. */
  async #startHearing(stop: AbortSignal): Promise<void> {
    if (this.#hearing?.isOver === false) return;
    await this.#prepareBus();
    const end = new AbortController();
    const hearing = { end, isOver: false, ended: Promise.resolve() };
    hearing.ended = this.#hear(AbortSignal.any([stop, end.signal])).finally(
      () => (hearing.isOver = true),
    );
    this.#hearing = hearing;
  }

  /** By the roster as it is now. A site may not. */
  async #prepareBus(): Promise<void> {
    if (this.#role === 'site') return;
    const roster = this.#roster;
    await this.#bus.prepare(roster);
    this.#prepared = roster;
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
      this.#failures.works('taking');
      this.#failures.works('evidence');
    } catch (error) {
      this.#failures.failed('taking', messageOf(error));
      throw error;
    }
  }

  #isUp(): void {
    if (this.#isDown) this.#options.onEvent({ event: 'bus-up' });
    this.#isDown = false;
  }

  #tellDown(error: unknown): void {
    if (!(error instanceof BusError)) throw error;
    const { message, remedy } = error;
    if (!this.#isDown) this.#options.onEvent({ event: 'bus-down', message, remedy });
    this.#isDown = true;
  }

  /** What is old becomes sums. Where nothing is left to be done it is seen to again a minute later. */
  async #rollUp(stop: AbortSignal): Promise<void> {
    // At a site its observer does that.
    if (this.#role === 'site') return;
    const { elapsed, now, sleep } = this.#dependencies;
    const steps = stepsOf(this.#roster.intervalSeconds * 1000);
    for (;;) {
      const next = this.#began + nextStep(steps, elapsed() - this.#began);
      await sleep(next - elapsed(), stop).catch(() => undefined);
      if (stop.aborted) return;
      const { heads } = this.#storeFile.store;
      const done = this.#attempt('sums', () => heads.rollUp(now() - KEPT_MS, steps.rows)) ?? 0;
      if (done < steps.rows) await sleep(LOOK_EVERY_MS, stop).catch(() => undefined);
    }
  }

  /** Follows the roster's file, and says which members are silent. */
  async #look(stop: AbortSignal): Promise<void> {
    const { sleep, now } = this.#dependencies;
    const silent = new Set<string>();
    for (;;) {
      await sleep(LOOK_EVERY_MS, stop).catch(() => undefined);
      if (stop.aborted) return;
      this.#failures.look();
      await this.#followRoster();
      const longest = longestSilence(this.#roster.intervalSeconds);
      const roles = new Map(this.#roster.members.map(({ name, role }) => [name, role]));
      const behind = new Map(ROLES.map((role) => [role, this.#members.busBehind(role)]));
      for (const { member, lastHeard } of this.#members.members()) {
        const role = roles.get(member);
        // Of one that was taken out, or was never let say anything, nobody waits to hear.
        if (role === undefined || lastHeard === 0) {
          silent.delete(member);
          continue;
        }
        const isSilent = now() - (behind.get(role) ?? 0) - lastHeard > longest;
        if (isSilent && !silent.has(member))
          this.#options.onEvent({ event: 'silent', member, since: lastHeard });
        if (isSilent) silent.add(member);
        else silent.delete(member);
      }
    }
  }

  /** What the roster's file has now; what of that failed is tried again each time. */
  async #followRoster(): Promise<void> {
    if (this.#followed.look()) {
      this.#roster = this.#followed.current;
      this.#collector.follow(this.#roster);
    }
    this.#attempt('members', () => this.#noteFleet());
    // With the next connection that is done anyway.
    if (this.#prepared === this.#roster || !this.#bus.isUp) return;
    try {
      await this.#prepareBus();
      this.#failures.works('consumers');
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      this.#failures.failed('consumers', error.message);
    }
  }
}

/** It may have been since the last look at it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
