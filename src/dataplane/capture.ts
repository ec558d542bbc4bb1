/**
 * A capture file as a data plane: it delivers all of its packets once, in their own time, and then
 * is finished.
 */
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CtgaError } from '../base/errors.ts';
import type { PlaneKind } from './kind.ts';
import { readCapture } from './pcap.ts';
import type { DataPlane, PacketHandler, SeenEntry } from './types.ts';

/** Planes named replay:FILE. */
export const captureKind: PlaneKind = {
  syntax: 'replay:FILE for a capture',
  modes: { replay: 'a capture' },
  parse(name) {
    const [, path] = /^replay:(.*)$/s.exec(name) ?? [];
    if (path === undefined) return undefined;
    return {
      attach: () => new CapturePlane(path),
      detach: () => {
        throw new CtgaError('not-attached', `${path} is a file: nothing was attached`);
      },
    };
  },
  list: () => [],
  describe: () => undefined,
  check: () => [],
};

/** Packets between two commits. */
const BATCH = 1000;

export class CapturePlane implements DataPlane {
  readonly interfaceName: string;
  readonly mode = 'replay';
  readonly tookOver = false;
  readonly keepsSeenEntries = false;
  /**
   * Rejects with CtgaError `bad-input` for a file that is not there, is no capture, or is damaged;
   * all packets before the damage are delivered first. Rejects with what a handler throws.
   */
  readonly finished: Promise<void>;
  readonly #path: string;
  #finish: (delivery: Promise<void>) => void = () => undefined;
  #isStarted = false;
  #isStopped = false;

  constructor(path: string) {
    this.#path = path;
    this.interfaceName = `replay:${basename(path)}`;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    // Whoever waits for the end is told of a failure; nobody has to wait.
    this.finished.catch(() => undefined);
  }

  /** Every packet is delivered, whatever the rules. */
  setMatchRules(): void {
    // Nothing is selected here.
  }

  counters(): undefined {
    return undefined;
  }

  seen(): SeenEntry[] {
    return [];
  }

  copyBudget(): undefined {
    return undefined;
  }

  setCopyBudget(): void {
    // There is none.
  }

  settings(): undefined {
    return undefined;
  }

  start(onPacket: PacketHandler, onBatchEnd: (now: number) => void): void {
    this.#isStarted = true;
    this.#finish(this.#deliver(onPacket, onBatchEnd));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#isStarted) await this.finished.catch(() => undefined);
  }

  close(): void {
    this.#isStopped = true;
  }

  detach(): void {
    this.close();
  }

  async #deliver(onPacket: PacketHandler, onBatchEnd: (now: number) => void): Promise<void> {
    const { interfaceName } = this;
    let packets = 0;
    let now = 0;
    try {
      for (const { frame, frameLength, timestamp } of readCapture(this.#path)) {
        if (this.#isStopped) return;
        onPacket({ kind: 'unknown', frame, frameLength, timestamp, interfaceName });
        now = timestamp;
        packets += 1;
        if (packets % BATCH > 0) continue;
        onBatchEnd(now);
        await nextTurn();
      }
    } finally {
      onBatchEnd(now);
    }
  }
}
