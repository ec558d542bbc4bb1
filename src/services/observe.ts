// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga attach` as a service: attaches data planes, gives up root, and observes what they copy
 * until it is stopped. It knows no process: the caller gives it the planes, and may give it a
 * keeper, a verifier, an account and a clock of its own.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { spawnBeside } from './spawn.ts';
import { badInput } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { StoreError } from '../disk/error.ts';
import { Keeper } from '../dataplane/keeper.ts';
import type { PlaneOptions, PlaneTarget } from '../dataplane/kind.ts';
import type { SupervisionEvent } from '../dataplane/sight.ts';
import type { DataPlane, Supervision } from '../dataplane/types.ts';
import type { AttachedLink } from '../dataplane/xdp.ts';
import { parseEvidence } from '../evidence/bundle.ts';
import { textsIn } from '../evidence/directory.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { Log } from '../logs/log.ts';
import type { ZoneOptions } from '../logs/zones.ts';
import { Backlog } from '../observer/backlog.ts';
import { defaultSecondPlace, isUsable } from '../observer/second-place.ts';
import { Observer, type ObserverEvent } from '../observer/observer.ts';
import { VerifierPool } from '../observer/verifier-pool.ts';
import type { Verifier } from '../observer/verifier.ts';
import { watch } from '../observer/watch.ts';
import { sourcesOf } from '../sources/registry.ts';
import { knownLogs } from '../store/known-logs.ts';
import { BLIND, LOST_AT_END } from '../store/counters.ts';
import type { Store } from '../store/store.ts';
import type { State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { ServiceNotice } from './notice.ts';
import { logsInForce } from './log-lists.ts';
import { becomeObserver, checkAccount } from './privileges.ts';

export type ObservationEvent =
  | ObserverEvent
  | SupervisionEvent
  | {
      readonly event: 'attached';
      readonly interface: string;
      readonly mode: string;
      /** Why it is in this mode, as far as is known. */
      readonly why: string | undefined;
      readonly tookOver: boolean;
      /** How many logs, and how many DNS names of theirs, are looked for. */
      readonly logs: number;
      readonly names: number;
    }
  /** All planes are attached. `account`: what this process has become; undefined if it has not. */
  | { readonly event: 'observing'; readonly names: number; readonly account: string | undefined }
  /**
   * At the end, the store did not take all: `left` tree heads wait for the next observer, in
   * `secondPlace` if not in the state directory; `lost` messages could be left nowhere.
   */
  | {
      readonly event: 'not-stored';
      readonly left: number;
      readonly lost: number;
      readonly secondPlace: string | undefined;
    }
  /**
   * `stillAttached`: planes that go on copying; `blind`: those that are on record and see nothing.
   * `isKnown`: false if the keeper ended before it could look.
   */
  | {
      readonly event: 'stopped';
      readonly stillAttached: readonly string[];
      readonly blind: readonly string[];
      readonly isKnown: boolean;
    };

export interface ObserveOptions {
  readonly state: State;
  readonly planes: readonly PlaneTarget[];
  readonly planeOptions: PlaneOptions;
  /** The logs of a list that was given for this run; undefined: those in force in the store. */
  readonly logs: readonly Log[] | undefined;
  readonly zones: ZoneOptions;
  /** UDP source ports of answers; 53 unless given. */
  readonly ports: readonly number[] | undefined;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  /** Sightings older than that are rolled up; none if undefined. */
  readonly keepMilliseconds: number | undefined;
  /** For what the state directory does not take; undefined for the account's own: see defaultSecondPlace. */
  readonly secondPlace: string | undefined;
  /** Arguments for a challenger that is started beside; undefined: none is started. */
  readonly challenger: readonly string[] | undefined;
  /** Arguments for what tells a fleet, started beside; undefined: none is started. */
  readonly publisher?: readonly string[] | undefined;
  readonly onEvent: (event: ObservationEvent) => void;
  /** Called with a sentence for what the operator should know. */
  readonly warn: (message: string) => void;
}

/** What a test puts in the place of processes and privileges. */
export interface ObserveDependencies {
  readonly startKeeper: (
    links: readonly AttachedLink[],
    made: readonly string[],
  ) => ObservationKeeper;
  readonly startBeside: (args: readonly string[]) => Pick<ChildProcess, 'once' | 'stdin'>;
  readonly becomeAccount: typeof becomeObserver;
  readonly startVerifier: (onSettled: () => void) => ObservationVerifier;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Ms by the monotonic clock. */
  readonly elapsed: () => number;
}

export type ObservationKeeper = Pick<Keeper, 'listen' | 'parsing' | 'stop'>;
export type ObservationVerifier = Verifier & Pick<VerifierPool, 'close' | 'idle'>;

const OF_THIS_MACHINE: ObserveDependencies = {
  startKeeper: (links, made) => Keeper.start(links, made),
  startBeside: spawnBeside,
  becomeAccount: becomeObserver,
  startVerifier: (onSettled) => new VerifierPool(onSettled),
  now: Date.now,
  elapsed: () => Math.round(performance.now()),
};

/**
 * While the store makes the observer wait, copies gather in a ring of limited size. What could not
 * be written is written with the next batch.
 */
const PATIENCE_MS = 250;
const MOST_BROUGHT_BACK = 1000;

/**
 * Observes until `signal` is aborted, or until every plane was detached by somebody else; the
 * planes that are left stay attached. Resolves to whether it ended well: false if the keeper did
 * not last, or if something that was copied is lost. Rejects with CtgaError if it cannot start; nothing stays attached then that was not
 * before.
 */
export async function observe(
  options: ObserveOptions,
  signal: AbortSignal,
  dependencies: ObserveDependencies = OF_THIS_MACHINE,
): Promise<boolean> {
  checkOptions(options);
  const planes = await attachAll(options.planes, options.planeOptions);
  let keeper: ObservationKeeper | undefined;
  const beside: Pick<ChildProcess, 'once' | 'stdin'>[] = [];
  const end = new AbortController();
  const ended = AbortSignal.any([signal, end.signal]);
  try {
    // They are started before root is given up: the keeper keeps it, and the others become other
    // accounts.
    const made = planes.filter(({ tookOver, link }) => !tookOver && link !== undefined);
    keeper = dependencies.startKeeper(
      planes.flatMap(({ link }) => link ?? []),
      made.map(({ interfaceName }) => interfaceName),
    );
    for (const [what, args] of [
      ['the challenger', options.challenger],
      ['what tells the fleet', options.publisher],
    ] as const) {
      if (args === undefined) continue;
      const started = dependencies.startBeside(args);
      beside.push(started);
      started.once('exit', (code: number | null) => {
        if (ended.aborted) return;
        const how = code === null ? 'by a signal' : `with exit code ${code}`;
        const command = ['ctga', ...args].map(shellWord).join(' ');
        options.warn(
          `${what} ended ${how}; watching goes on without it. To start it again: ${command}`,
        );
      });
    }
    // A P4 switch is asked over the network, and resolvers connect to this process.
    const isLocal = planes.every(
      (plane) => plane.link !== undefined && plane.supervise === undefined,
    );
    const account = dependencies.becomeAccount(options.state, options.user, isLocal);
    return await new Observation(options, dependencies, planes, end).run(ended, keeper, account);
  } catch (error) {
    await takeBack(planes, keeper);
    throw error;
  } finally {
    end.abort();
    for (const { stdin } of beside) stdin?.end();
    await keeper?.stop();
  }
}

/** Throws CtgaError `bad-input` for what is wrong with the options, before anything is touched. */
function checkOptions({ state, logs, zones, ports, user }: ObserveOptions): void {
  if (user !== undefined) checkAccount(user);
  if (zones.zones.length === 0 && zones.zoneSuffix === undefined) return;
  let known: readonly Log[];
  try {
    known = logs ?? logsInForce(state, undefined, () => undefined);
  } catch (error) {
    // A store that is damaged, or cannot be read for now, is a matter for later.
    if (error instanceof StoreError) return;
    throw error;
  }
  sourcesOf(known, zones, ports);
}

/** Whether the store took it: one whose disk is full must not end what watches. */
function succeeds(write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    return false;
  }
}

/** All or none: where one cannot be attached, those before it are taken back. */
async function attachAll(
  targets: readonly PlaneTarget[],
  options: PlaneOptions,
): Promise<DataPlane[]> {
  const planes: DataPlane[] = [];
  try {
    for (const target of targets) {
      const plane = await target.attach(options);
      planes.push(plane);
      if (plane.finished !== undefined)
        throw badInput(
          `${plane.interfaceName} comes to an end, and cannot be watched`,
          'Read a capture with: ctga replay FILE',
        );
    }
    return planes;
  } catch (error) {
    for (const plane of planes) {
      if (plane.tookOver) plane.close();
      else plane.detach();
    }
    throw error;
  }
}

/**
 * Planes that were attached in vain are removed; those that were taken over go on. This process may
 * have given up the rights that it takes: the keeper, which has them still, takes off what it keeps
 * when it is stopped.
 */
async function takeBack(
  planes: readonly DataPlane[],
  keeper: ObservationKeeper | undefined,
): Promise<void> {
  for (const plane of planes) {
    const isKept = keeper !== undefined && plane.link !== undefined;
    if (plane.tookOver || isKept) plane.close();
    else plane.detach();
  }
  await keeper?.stop();
}

/** Whoever finds out whether a plane sees: the keeper its link, and the plane itself what is behind. */
type LooksAfter = 'keeper' | 'plane';

/** From when root is given up to the end. */
class Observation {
  readonly #options: ObserveOptions;
  readonly #dependencies: ObserveDependencies;
  readonly #planes: readonly DataPlane[];
  readonly #end: AbortController;
  /** Since when, in ms since the epoch and by the monotonic clock, and by whose account, by plane. */
  readonly #blind = new Map<
    string,
    { readonly since: number; readonly elapsed: number; readonly by: Set<LooksAfter> }
  >();
  /** Present names of interfaces that were renamed, by plane. */
  readonly #renamed = new Map<string, string>();
  /** For how many ms which plane was blind, as far as the store does not have it yet. */
  #wasBlind: (readonly [plane: string, milliseconds: number])[] = [];
  /** Planes that somebody else detached: nobody is to miss them. */
  readonly #detached = new Set<string>();

  constructor(
    options: ObserveOptions,
    dependencies: ObserveDependencies,
    planes: readonly DataPlane[],
    end: AbortController,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#planes = planes;
    this.#end = end;
  }

  async run(
    ended: AbortSignal,
    keeper: ObservationKeeper,
    account: string | undefined,
  ): Promise<boolean> {
    const storeFile = this.#openStore();
    try {
      return await this.#observe(storeFile, ended, keeper, account);
    } finally {
      storeFile.store.close();
    }
  }

  #openStore(): StoreInUse {
    const { state, logs = [], warn } = this.#options;
    return new StoreInUse({
      state,
      onSetAside: warn,
      patience: PATIENCE_MS,
      onOpened: (opened) => {
        recordFoundEvidence(opened, state.evidence);
        // The challenger and `ctga heads list` need the logs of a list of this run too, and a new
        // database has none.
        opened.logs.put(logs);
      },
    });
  }

  async #observe(
    storeFile: StoreInUse,
    ended: AbortSignal,
    keeper: ObservationKeeper,
    account: string | undefined,
  ): Promise<boolean> {
    const { state, ports, keepMilliseconds, onEvent, warn } = this.#options;
    const { now, startVerifier } = this.#dependencies;
    const { store } = storeFile;
    const logs = this.#options.logs ?? knownLogs(store, undefined, warn);
    const sources = sourcesOf(logs, this.#options.zones, ports);
    const verifier = startVerifier(() => observer.endBatch(now()));
    const { secondPlace: place = defaultSecondPlace() } = this.#options;
    const secondPlace = isUsable(place) ? place : undefined;
    if (secondPlace !== undefined) this.#bringBack(secondPlace, storeFile);
    const observer: Observer = new Observer({
      sources,
      store,
      storeFile,
      evidenceDirectory: state.evidence,
      onEvent,
      verifier,
      backlog: new Backlog(join(state.directory, 'backlog'), logs.length),
      secondPlace,
    });
    const names = observer.matchRules.dnsNames.length;
    // Under that name nobody watches any more.
    for (const { formerName } of this.#planes)
      if (formerName !== undefined) succeeds(() => store.planes.forget(formerName));
    const interfaces = this.#planes.map(({ interfaceName }) => interfaceName);
    let notice: ServiceNotice | undefined;
    let isKept = true;
    const superviseBy =
      (by: LooksAfter) =>
      (event: SupervisionEvent): void =>
        this.#supervise(event, by, store);
    keeper.listen(superviseBy('keeper'), (how) => {
      // What asked this process to end may have reached the keeper first, before it could mind.
      if (ended.aborted) return;
      warn(`what keeps the data planes attached ended by itself: ${how}`);
      isKept = false;
      this.#end.abort();
    });
    const supervisions: Supervision[] = [];
    try {
      const watching = watch(this.#planes, observer, store, ended, {
        settled: () => verifier.idle(),
        blindSince: (name) => this.#blind.get(name)?.since,
        isDetached: (name) => this.#detached.has(name),
        presentName: (name) => this.#presentName(name),
        storeFile,
        keepMilliseconds,
        now,
        // Whoever asks for an answer as soon as this is told must have it copied.
        onStarted: () => {
          keeper.parsing();
          const logCount = new Set(sources.flatMap((source) => source.logs)).size;
          for (const { interfaceName, mode, why, tookOver } of this.#planes)
            onEvent({
              event: 'attached',
              interface: interfaceName,
              mode,
              why,
              tookOver,
              logs: logCount,
              names,
            });
          notice = new ServiceNotice(`watching ${interfaces.join(', ')}`);
          onEvent({ event: 'observing', names, account });
        },
      });
      // After the planes were given their rules, which the supervision keeps in force.
      supervisions.push(
        ...this.#planes.flatMap((plane) => plane.supervise?.(superviseBy('plane')) ?? []),
      );
      await watching;
    } finally {
      notice?.stopping();
      this.#end.abort();
      await Promise.all(supervisions.map((supervision) => supervision.stop()));
      await verifier.close();
    }
    const { left, lost } = observer.leave();
    if (lost > 0) succeeds(() => store.counters.add('observer', { [LOST_AT_END]: lost }));
    if (left + lost > 0) onEvent({ event: 'not-stored', left, lost, secondPlace });
    // Somebody may have detached a plane since the keeper last looked.
    const isKnown = await keeper.stop();
    this.#writeBlindness(store);
    for (const name of this.#detached) succeeds(() => store.planes.forget(this.#presentName(name)));
    for (const plane of this.#planes) plane.close();
    const remaining = this.#planes.flatMap(({ interfaceName, endsWithProcess }) =>
      endsWithProcess === true || this.#detached.has(interfaceName) ? [] : [interfaceName],
    );
    const present = (names: readonly string[]): string[] =>
      names.map((name) => this.#presentName(name));
    onEvent({
      event: 'stopped',
      stillAttached: present(remaining.filter((name) => !this.#blind.has(name))),
      blind: present(remaining.filter((name) => this.#blind.has(name))),
      isKnown,
    });
    if (lost > 0) return false;
    return isKept;
  }

  /** Evidence that an earlier observer could write in the second place alone. */
  #bringBack(secondPlace: string, { store }: StoreInUse): void {
    const { evidence } = this.#options.state;
    for (const text of textsIn(secondPlace, MOST_BROUGHT_BACK))
      succeeds(() => writeEvidence(evidence, parseEvidence(text, secondPlace)));
    succeeds(() => recordFoundEvidence(store, evidence));
  }

  /** What cannot be written now is written when the next interface sees again, or at the end. */
  #writeBlindness({ counters }: Store): void {
    this.#wasBlind = this.#wasBlind.filter(
      ([plane, milliseconds]) => !succeeds(() => counters.add(plane, { [BLIND]: milliseconds })),
    );
  }

  #presentName(plane: string): string {
    return this.#renamed.get(plane) ?? plane;
  }

  /**
   * A P4 switch is looked after twice: its program, and the interface where its copies arrive. It is
   * blind when the first of them does not see, and sees again when both do. Undefined for an event
   * that changes nothing of that.
   */
  #ofWholePlane(event: SupervisionEvent, by: LooksAfter): SupervisionEvent | undefined {
    const blind = this.#blind.get(event.interface);
    const elapsed = this.#dependencies.elapsed();
    if (event.event === 'blind') {
      if (blind === undefined)
        this.#blind.set(event.interface, { since: event.since, elapsed, by: new Set([by]) });
      else blind.by.add(by);
      return blind === undefined ? event : undefined;
    }
    if (event.event !== 'seeing-again') return event;
    blind?.by.delete(by);
    if (blind !== undefined && blind.by.size > 0) return undefined;
    this.#blind.delete(event.interface);
    // The clock may have been set meanwhile.
    const whole = blind === undefined ? 0 : elapsed - blind.elapsed;
    return { ...event, blindMilliseconds: Math.max(event.blindMilliseconds, whole) };
  }

  /** When the last plane has been detached, there is nothing left to do. */
  #supervise(given: SupervisionEvent, by: LooksAfter, store: Store): void {
    const event = this.#ofWholePlane(given, by);
    if (event === undefined) return;
    this.#options.onEvent(event);
    if (event.event === 'renamed') this.#renamed.set(event.interface, event.to);
    if (event.event === 'seeing-again') {
      this.#wasBlind.push([event.interface, event.blindMilliseconds]);
      this.#writeBlindness(store);
    }
    if (event.event !== 'detached') return;
    this.#detached.add(event.interface);
    if (this.#detached.size === this.#planes.length) this.#end.abort();
  }
}
