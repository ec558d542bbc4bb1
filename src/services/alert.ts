// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga alert run` as a service: looks at the store again and again, sends what there is to send,
 * and a heartbeat while no interface is blind and the store can be written. It knows no process: the caller gives it clocks,
 * channels and what stops it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Alerter } from '../alert/alerter.ts';
import {
  evidenceFault,
  provenCondition,
  STORE_FAILED,
  storeFailed,
  type Condition,
} from '../alert/conditions.ts';
import { FleetConditions, fleetUnreadable } from '../alert/fleet-conditions.ts';
import type { EvidenceReport } from '../evidence/directory.ts';
import { EvidenceWatch } from '../evidence/watch.ts';
import type { Evidence } from '../evidence/bundle.ts';
import { StoreError } from '../disk/error.ts';
import { writeProbe } from '../disk/probe.ts';
import { MemberStore } from '../fleet/members.ts';
import { FleetWatch } from '../fleet/overview.ts';
import type { BusServer } from '../fleet/bus-address.ts';
import type { Tellers } from '../fleet/tellers.ts';
import { alertNow, type Channel } from '../alert/channels.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { federationEvidenceIn, federationIn } from '../federation/directory.ts';
import { federationFaults } from '../federation/faults.ts';
import { healthOf, type FederationHealth } from '../federation/health.ts';
import { FederationStore } from '../federation/store.ts';
import { poolEvidenceIn } from '../pool/directory.ts';
import { isDamage, type State } from '../store/state.ts';
import { recordFoundEvidence, UnrecordedEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { toLogId } from '../statements/statement.ts';
import { logDescriptions } from '../store/known-logs.ts';
import type { AlertAgreement } from './alert-agreement.ts';
import { ServiceNotice } from './notice.ts';
import { becomeAlerter, type BecomeAccount } from './privileges.ts';

type EvidenceChain = Pick<EvidenceReport, 'length' | 'head'>;

export interface AlertServiceOptions {
  readonly state: State;
  readonly channels: readonly Channel[];
  readonly heartbeat: {
    /** With the chain of evidence as it is, to be noted by whoever listens. */
    readonly send: (chain: EvidenceChain | undefined) => Promise<void>;
    /** Milliseconds between two. */
    readonly every: number;
    /** Gives up what is being sent. */
    readonly close?: () => void;
  };
  readonly clock: Clock;
  /** Where the alerters of a fleet agree who of them tells; undefined: this one is alone. */
  readonly fleet?: AlertFleet | undefined;
  /** A remedy with the commands in it as they have to be typed to find this store. */
  readonly asTyped?: (remedy: string) => string;
  /** Called with a sentence for everything that fails. */
  readonly warn: (message: string) => void;
}

export interface AlertFleet {
  readonly servers: readonly BusServer[];
  /** The directory of a collector or a challenger; see FILES in fleet/roster.ts. */
  readonly directory: string;
}

export interface AlertRunOptions extends AlertServiceOptions {
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  /** Called when the store is open. */
  readonly onStarted: () => void;
}

const LOOK_MS = 2000;
/** How often a member of a federation is looked at. */
const FEDERATION_MS = 30_000;
/** What the store does not take meanwhile is kept in memory. */
const PATIENCE_MS = 1000;
/** So long what is being sent may take when the service is to end. It is sent again at the next start. */
const LAST_MS = 2000;

/**
 * Gives up root, and sends alerts until `stop` is aborted. Rejects with CtgaError if it cannot
 * become the account, or if no store can be opened or made.
 */
export async function sendAlerts(
  options: AlertRunOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomeAlerter,
): Promise<void> {
  // As root, where this is root: keys are for nobody else to read.
  const agreement = options.fleet && (await agreementOf(options, options.fleet));
  becomeAccount(options.state, options.user);
  const service = new AlertService(options, agreement?.tellers);
  try {
    options.onStarted();
    await Promise.all([service.run(stop), agreement?.run(stop)]);
  } finally {
    service.close();
  }
}

/** Without a fleet, the packages of its bus are not loaded. */
async function agreementOf(
  { clock, warn }: AlertRunOptions,
  fleet: AlertFleet,
): Promise<AlertAgreement> {
  const { AlertAgreement: Agreement } = await import('./alert-agreement.ts');
  return new Agreement(fleet, clock, warn);
}

export class AlertService {
  readonly #options: AlertServiceOptions;
  readonly #storeFile: StoreInUse;
  readonly #alerter: Alerter;
  readonly #evidence = new UnrecordedEvidence();
  readonly #pooled = new UnrecordedEvidence();
  readonly #federated = new UnrecordedEvidence();
  readonly #kept: EvidenceWatch;
  #federation: { readonly health: FederationHealth | undefined; readonly at: number } | undefined;
  readonly #fleet = new FleetWatch();
  #fleetConditions: FleetConditions | undefined;
  #chain: EvidenceChain | undefined;
  #nextBeat = -Infinity;
  #hasGivenUp = false;

  /** Opens the store. Throws CtgaError `store-failed` if it cannot. */
  constructor(options: AlertServiceOptions, tellers?: Tellers) {
    const { state, channels, asTyped, warn } = options;
    this.#options = options;
    this.#kept = new EvidenceWatch(state.evidence);
    this.#storeFile = new StoreInUse({
      state,
      onSetAside: warn,
      patience: PATIENCE_MS,
      onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
    });
    this.#alerter = new Alerter({
      store: this.#storeFile.store,
      channels,
      asTyped,
      tellers,
      onFailure: (message) => this.#warnOfSending(message),
    });
  }

  /** Tells the service manager that it is ready, and looks every two seconds until `stop`. */
  async run(stop: AbortSignal): Promise<void> {
    const names = this.#options.channels.map(({ name }) => name).join(', ');
    const notice = new ServiceNotice(`sending alerts by ${names}`);
    const looks = new Set<Promise<void>>();
    while (!stop.aborted) {
      // A channel that is slow holds up neither the others nor the next look.
      const look = this.look().then(() => void looks.delete(look));
      looks.add(look);
      const next = sleep(LOOK_MS, undefined, { signal: stop }).catch(() => undefined);
      await Promise.race([next, rejectionOf(looks)]);
    }
    notice.stopping();
    const late = setTimeout(() => this.#giveUp(), LAST_MS);
    await Promise.all(looks).finally(() => clearTimeout(late));
  }

  /**
   * Looks once, and sends what is due and the heartbeat, if it is due. What cannot be read or sent
   * now is still there the next time. Rejects only if a damaged store cannot be replaced.
   */
  async look(): Promise<void> {
    const { clock, warn } = this.#options;
    try {
      const others = this.#lookAtDisk();
      const counts = this.#fleetConditions?.counts();
      const sending = this.#alerter.tick(clock.now(), clock.elapsed(), others, counts);
      await Promise.all([sending, this.#beat()]);
    } catch (error) {
      if (isDamage(error)) this.#storeFile.replaceDamaged();
      warn(`the store cannot be read or written: ${messageOf(error)}`);
    }
  }

  async #beat(): Promise<void> {
    const { clock, heartbeat } = this.#options;
    if (clock.elapsed() < this.#nextBeat) return;
    this.#nextBeat = clock.elapsed() + heartbeat.every;
    if (this.#alerter.isRaised(stopsHeartbeat)) return;
    try {
      await heartbeat.send(this.#chain);
    } catch (error) {
      this.#warnOfSending(`the heartbeat failed: ${messageOf(error)}`);
    }
  }

  /** That something was given up is no failure of who was to take it. */
  #warnOfSending(message: string): void {
    if (!this.#hasGivenUp) this.#options.warn(message);
  }

  #giveUp(): void {
    this.#hasGivenUp = true;
    const { channels, heartbeat } = this.#options;
    for (const { close } of [...channels, heartbeat]) close?.();
  }

  close(): void {
    this.#giveUp();
    this.#storeFile.store.close();
  }

  /**
   * What no store need tell: that it cannot be written, and evidence that it does not know, a pool's
   * and a federation's too.
   */
  #lookAtDisk(): Condition[] {
    const { state } = this.#options;
    let failure = writeProbe(state.directory);
    let found: (readonly [path: string, evidence: Evidence])[] = [];
    try {
      this.#storeFile.follow();
      const { store } = this.#storeFile;
      found = [
        ...this.#evidence.in(store, state.evidence),
        ...this.#pooled.in(store, poolEvidenceIn(state.directory)),
        ...this.#federated.in(store, federationEvidenceIn(state.directory)),
      ];
    } catch (error) {
      if (isDamage(error)) throw error;
      failure ??= error;
    }
    const proven = found.map(([path, evidence]) =>
      evidence.kind === 'fork'
        ? provenCondition({
            kind: evidence.kind,
            path,
            log: evidence.log.description,
            firstSize: evidence.first.treeSize,
            secondSize: evidence.second.treeSize,
          })
        : provenCondition({
            kind: evidence.kind,
            path,
            log: evidence.log.description,
            firstSize: evidence.derivation.leafIndex,
            secondSize: evidence.head.treeSize,
          }),
    );
    const conditions = [
      ...proven,
      ...this.#lookAtEvidence(),
      ...this.#lookAtFederation(),
      ...this.#lookAtFleet(),
    ];
    return failure === undefined
      ? conditions
      : [...conditions, storeFailed(state.directory, messageOf(failure))];
  }

  /** Of a member of a federation in the state directory, if there is one. */
  #lookAtFederation(): Condition[] {
    const { state, clock, warn } = this.#options;
    const elapsed = clock.elapsed();
    if (this.#federation === undefined || elapsed - this.#federation.at >= FEDERATION_MS)
      try {
        const store = FederationStore.openForReading(federationIn(state.directory));
        try {
          this.#federation = { health: store && healthOf(store), at: elapsed };
        } finally {
          store?.close();
        }
      } catch (error) {
        // What was known of it before stays so.
        this.#federation = { health: this.#federation?.health, at: elapsed };
        warn(`the member of a federation cannot be looked at: ${messageOf(error)}`);
      }
    const { health } = this.#federation;
    if (health === undefined) return [];
    const describe =
      health.accused.length === 0 ? undefined : logDescriptions(this.#storeFile.store);
    const named = describe && ((id: Uint8Array) => describe(toLogId(id)));
    return federationFaults(health, clock.now(), named).map(
      ({ key, isCritical, message, remedy }) => ({
        key: `federation-${key}`,
        severity: isCritical ? 'critical' : 'warning',
        message,
        remedy,
      }),
    );
  }

  /** None where the store is of no fleet. */
  #lookAtFleet(): Condition[] {
    const { clock, state } = this.#options;
    const elapsed = clock.elapsed();
    let members: MemberStore | undefined;
    try {
      members = MemberStore.openForReading(state.directory);
      const fleet = members && this.#fleet.look(members, clock.now(), elapsed);
      if (fleet === undefined) return [];
      const { alerts } = this.#storeFile.store;
      this.#fleetConditions ??= new FleetConditions(alerts.lastCounts());
      return this.#fleetConditions.present(fleet, elapsed);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return [fleetUnreadable(messageOf(error), error.remedy)];
    } finally {
      members?.close();
    }
  }

  #lookAtEvidence(): Condition[] {
    const { report, faults } = this.#kept.look();
    if (report !== undefined) this.#chain = { length: report.length, head: report.head };
    return faults.map(evidenceFault);
  }
}

/** Never resolves; rejects as the first of them that does. */
function rejectionOf(all: Iterable<Promise<void>>): Promise<never> {
  return new Promise((_, reject) => {
    for (const each of all) each.catch(reject);
  });
}

/** Whoever listens is to notice that ctga sees, or keeps, nothing. */
function stopsHeartbeat(key: string): boolean {
  return key.startsWith('blind:') || key === STORE_FAILED;
}

export interface ChannelTest {
  readonly channel: string;
  /** Why the channel failed; null if it delivered. */
  readonly error: string | null;
}

/** Sends a test alert over every channel at once. */
export function testChannels(channels: readonly Channel[], now: number): Promise<ChannelTest[]> {
  const alert = alertNow(
    'test',
    {
      key: 'test',
      severity: 'warning',
      message: 'This is a test of ctga’s alerts.',
      remedy: 'You need not do anything.',
    },
    now,
  );
  return Promise.all(
    channels.map(({ name: channel, send }) =>
      send(alert).then(
        () => ({ channel, error: null }),
        (error: unknown) => ({ channel, error: messageOf(error) }),
      ),
    ),
  );
}
