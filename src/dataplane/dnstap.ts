// SPDX-License-Identifier: Apache-2.0
/**
 * Resolvers as a data plane: they write what they answer, and were answered, to a socket as dnstap
 * (https://dnstap.info). So answers are seen that no packet shows, over TCP, DoT and DoH, and
 * neither root nor a kernel is needed.
 *
 * The streams are read by a thread (dnstap/thread.ts), which hands over DNS messages that answer for
 * the names that are looked for, and counts all others.
 */
import type { Worker } from 'node:worker_threads';
import { CtgaError, type GeneralErrorCode } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { startThread } from '../base/thread.ts';
import type { MatchRules } from '../sources/match-rules.ts';
import { makeCounts, Count, otherCounts, toCounters } from './dnstap/counts.ts';
import { DNSTAP_SYNTAX, parseDnstapPlace, type DnstapPlace } from './dnstap/place.ts';
import { makeSlots, seenEntries } from './dnstap/seen-answers.ts';
import type { TappedMessage } from './dnstap/tap.ts';
import type { PlaneKind, PlaneOptions } from './kind.ts';
import { Sight, type SupervisionEvent } from './sight.ts';
import type {
  CopySettings,
  DataPlane,
  DataPlaneCounters,
  PacketHandler,
  SeenEntry,
  Supervision,
} from './types.ts';

/** Planes named dnstap:PATH or dnstap:tcp:HOST:PORT. */
export const dnstapKind: PlaneKind = {
  syntax: DNSTAP_SYNTAX,
  modes: { dnstap: "a resolver's dnstap" },
  parse(name) {
    const place = parseDnstapPlace(name);
    if (place === undefined) return undefined;
    return {
      attach: (options) => DnstapPlane.listen(name, place, options),
      detach: () => {
        throw new CtgaError('not-attached', `${name} is a socket of "ctga attach"`, {
          remedy: 'End that command, and the socket ends with it.',
        });
      },
    };
  },
  list: () => [],
  describe: () => undefined,
  check: () => [],
};

/** What the thread is given at its start. */
export interface ThreadData {
  readonly place: DnstapPlace;
  readonly tee: string | undefined;
  readonly everyNth: number;
  readonly seenMilliseconds: number;
  readonly counts: Float64Array;
  readonly slots: ReturnType<typeof makeSlots>;
}

export type ToThread =
  | { readonly do: 'look-for'; readonly names: readonly Uint8Array[] }
  | { readonly do: 'begin' | 'was-read' | 'renew' | 'end' };

export type FromThread =
  | { readonly did: 'listen' }
  | {
      readonly did: 'fail';
      readonly code: GeneralErrorCode;
      readonly message: string;
      readonly remedy: string | undefined;
    }
  | {
      readonly did: 'copied';
      /** Milliseconds since the epoch. */
      readonly at: number;
      readonly messages: readonly TappedMessage[];
    }
  | { readonly did: 'ended' };

/** As of the other planes: see xdp.ts. */
const DEFAULT_SEEN_MS = 10_000;
/** Whether a resolver is connected is looked at this often. */
const CHECK_MS = 1000;
/** A thread that ended by itself is started again after so long, then twice as long, up to MAX. */
const RESTART_MS = 100;
const MAX_RESTART_MS = 60_000;

export class DnstapPlane implements DataPlane {
  readonly interfaceName: string;
  readonly mode = 'dnstap';
  readonly tookOver = false;
  readonly keepsSeenEntries = false;
  readonly endsWithProcess = true as const;
  readonly #data: ThreadData;
  #thread: Worker;
  /** Whether the thread listens, so that it can be told to end. */
  #isListening = false;
  /** What a thread that is started again must be told too. */
  #names: readonly Uint8Array[] = [];
  #hasBegun = false;
  /** Messages that the threads handed over. */
  #delivered = 0;
  #restart: NodeJS.Timeout | undefined;
  #restartDelay = RESTART_MS;
  #startedAt = systemClock.elapsed();
  #onFailure: () => void = () => undefined;
  #onPacket: PacketHandler = () => undefined;
  #onBatchEnd: (now: number) => void = () => undefined;
  #ended: () => void = () => undefined;
  /** Why the thread ended by itself, until another listens. */
  #failure: string | undefined;
  #hasEnded = false;

  /**
   * Opens the socket. Rejects with CtgaError: `busy`, `not-permitted`, `bad-input`; see listenAt.
   */
  static async listen(
    name: string,
    place: DnstapPlace,
    options: PlaneOptions,
  ): Promise<DnstapPlane> {
    const data: ThreadData = {
      place,
      tee: options.tee,
      everyNth: options.everyNth ?? 1,
      seenMilliseconds: options.seenMilliseconds ?? DEFAULT_SEEN_MS,
      counts: makeCounts(),
      slots: makeSlots(),
    };
    const plane = new DnstapPlane(name, data);
    await plane.#listening();
    return plane;
  }

  private constructor(name: string, data: ThreadData) {
    this.interfaceName = name;
    this.#data = data;
    this.#thread = startThread('dataplane/dnstap/thread', data);
  }

  setMatchRules({ dnsNames }: MatchRules): void {
    this.#names = dnsNames;
    this.#tell({ do: 'look-for', names: dnsNames });
  }

  redrawKeys(): void {
    this.#tell({ do: 'renew' });
  }

  counters(): DataPlaneCounters {
    return toCounters(this.#data.counts);
  }

  otherCounts(): Record<string, number> {
    return otherCounts(this.#data.counts);
  }

  seen(): SeenEntry[] {
    return seenEntries(this.#data.slots);
  }

  copyBudget(): undefined {
    return undefined;
  }

  setCopyBudget(): void {
    // There is none: what finds no room is dropped.
  }

  settings(): CopySettings {
    const { everyNth } = this.#data;
    return {
      everyNth,
      threshold: 0,
      answersPerSecond: 0,
      fragmentsPerSecond: 0,
      answersShare: 1,
      fragmentsShare: 1,
    };
  }

  start(onPacket: PacketHandler, onBatchEnd: (now: number) => void): void {
    this.#onPacket = onPacket;
    this.#onBatchEnd = onBatchEnd;
    this.#hasBegun = true;
    this.#tell({ do: 'begin' });
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    if (!this.#isListening) return this.close();
    const ended = new Promise<void>((resolve) => (this.#ended = resolve));
    this.#hasEnded = true;
    this.#tell({ do: 'end' });
    await ended;
  }

  /** A plane to which no resolver is connected sees nothing, and resolvers try again by themselves. */
  supervise(onEvent: (event: SupervisionEvent) => void): Supervision {
    const sight = new Sight(this.interfaceName);
    const look = (): void => {
      const isOpen = (this.#data.counts[Count.open] ?? 0) > 0;
      const why = this.#failure ?? 'no resolver is connected to it';
      const events = isOpen ? sight.seeing('dnstap') : sight.blind(this.#failure, why);
      events.forEach(onEvent);
    };
    const timer = setInterval(look, CHECK_MS);
    this.#onFailure = look;
    return {
      stop: () => {
        clearInterval(timer);
        this.#onFailure = () => undefined;
        return Promise.resolve();
      },
    };
  }

  close(): void {
    this.#hasEnded = true;
    clearTimeout(this.#restart);
    void this.#thread.terminate();
  }

  detach(): void {
    this.close();
  }

  #tell(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  /** Resolves when the thread listens; rejects with why it does not. Once it did, it is kept up. */
  #listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure = 'the thread that reads it ended';
      this.#thread.on('message', (message: FromThread) => {
        if (message.did === 'listen') {
          this.#isListening = true;
          this.#failure = undefined;
          resolve();
        } else if (message.did === 'copied') this.#deliver(message);
        else if (message.did === 'fail') {
          failure = message.message;
          reject(new CtgaError(message.code, message.message, { remedy: message.remedy }));
        } else this.#ended();
      });
      this.#thread.on('error', (error) => {
        failure = `the thread that reads it failed: ${error.message}`;
        reject(error);
      });
      // What the thread had handed over was delivered before.
      this.#thread.on('exit', () => {
        reject(new Error(failure));
        this.#exited(failure);
      });
    });
  }

  #exited(failure: string): void {
    const { counts } = this.#data;
    const lost = (counts[Count.copied] ?? 0) - this.#delivered;
    // It had copied these and not handed them over yet.
    counts[Count.copied] = this.#delivered;
    counts[Count.noRoom] = (counts[Count.noRoom] ?? 0) + lost;
    counts[Count.open] = 0;
    const wasUp = this.#isListening;
    this.#isListening = false;
    this.#ended();
    if (this.#hasEnded || !(wasUp || this.#failure !== undefined)) return;
    this.#failure = failure;
    this.#onFailure();
    if (systemClock.elapsed() - this.#startedAt > MAX_RESTART_MS) this.#restartDelay = RESTART_MS;
    this.#restart = setTimeout(() => this.#startAgain(), this.#restartDelay);
    this.#restartDelay = Math.min(2 * this.#restartDelay, MAX_RESTART_MS);
  }

  /** Counts and slots are shared memory, and stay; all else is told again. */
  #startAgain(): void {
    this.#startedAt = systemClock.elapsed();
    this.#thread = startThread('dataplane/dnstap/thread', this.#data);
    this.#listening().catch(() => undefined); // #exited says why, and tries again
    this.#tell({ do: 'look-for', names: this.#names });
    if (this.#hasBegun) this.#tell({ do: 'begin' });
  }

  #deliver({ messages, at }: Extract<FromThread, { did: 'copied' }>): void {
    const { interfaceName } = this;
    this.#delivered += messages.length;
    for (const { message, answer } of messages)
      this.#onPacket({
        kind: 'answer',
        isMessage: true,
        frame: message,
        frameLength: message.length,
        interfaceName,
        timestamp: at,
        answer,
      });
    this.#onBatchEnd(at);
    this.#tell({ do: 'was-read' });
  }
}
