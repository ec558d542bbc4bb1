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

export class DnstapPlane implements DataPlane {
  readonly interfaceName: string;
  readonly mode = 'dnstap';
  readonly tookOver = false;
  readonly keepsSeenEntries = false;
  readonly endsWithProcess = true as const;
  readonly #thread: Worker;
  readonly #data: ThreadData;
  #onPacket: PacketHandler = () => undefined;
  #onBatchEnd: (now: number) => void = () => undefined;
  #ended: () => void = () => undefined;
  /** Why the thread ended by itself. */
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
    this.#tell({ do: 'begin' });
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = new Promise<void>((resolve) => (this.#ended = resolve));
    this.#tell({ do: 'end' });
    await ended;
  }

  /** A plane to which no resolver is connected sees nothing, and resolvers try again by themselves. */
  supervise(onEvent: (event: SupervisionEvent) => void): Supervision {
    const sight = new Sight(this.interfaceName);
    const timer = setInterval(() => {
      const isOpen = (this.#data.counts[Count.open] ?? 0) > 0;
      const why = this.#failure ?? 'no resolver is connected to it';
      const events = isOpen ? sight.seeing('dnstap') : sight.blind(this.#failure, why);
      events.forEach(onEvent);
    }, CHECK_MS);
    return {
      stop: () => {
        clearInterval(timer);
        return Promise.resolve();
      },
    };
  }

  close(): void {
    this.#hasEnded = true;
    void this.#thread.terminate();
  }

  detach(): void {
    this.close();
  }

  #tell(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#thread.on('message', (message: FromThread) => {
        if (message.did === 'listen') resolve();
        else if (message.did === 'copied') this.#deliver(message);
        else if (message.did === 'fail')
          reject(new CtgaError(message.code, message.message, { remedy: message.remedy }));
        else this.#end();
      });
      this.#thread.on('error', (error) => {
        this.#failure = `the thread that reads it failed: ${error.message}`;
        reject(error);
      });
      this.#thread.on('exit', () => this.#end());
    });
  }

  #deliver({ messages, at }: Extract<FromThread, { did: 'copied' }>): void {
    const { interfaceName } = this;
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

  #end(): void {
    this.#hasEnded = true;
    this.#data.counts[Count.open] = 0;
    this.#ended();
  }
}
