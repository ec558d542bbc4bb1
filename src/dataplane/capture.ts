// SPDX-License-Identifier: Apache-2.0
/**
 * A capture file as a data plane: it delivers the packets that match once, in their own time, and
 * then is finished.
 */
import { basename } from 'node:path';
import { CtgaError } from '../base/errors.ts';
import type { MatchRules } from '../sources/match-rules.ts';
import type { CaptureSummary } from './capture/delivery.ts';
import { compileFilter } from './capture/filter.ts';
import { FileInput } from '../base/file-input.ts';
import { MessageFilter } from './capture/message-filter.ts';
import type { CapturePacket } from './capture/packet.ts';
import { CaptureReader } from './capture/reader.ts';
import { Verdict } from './capture/verdict.ts';
import { MALFORMED } from './dnstap/message.ts';
import type { PlaneKind } from './kind.ts';
import type {
  CopiedPacket,
  DataPlane,
  DataPlaneCounters,
  PacketHandler,
  SeenEntry,
} from './types.ts';

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

/** How far a capture has been read. */
export interface CaptureProgress {
  readonly packets: number;
  /** Of the file, compressed as it is. */
  readonly bytesRead: number;
  /** The size of the file; undefined if it cannot be known. */
  readonly bytes: number | undefined;
}

export class CapturePlane implements DataPlane {
  readonly interfaceName: string;
  readonly mode = 'replay';
  readonly tookOver = false;
  readonly keepsSeenEntries = false;
  /**
   * Rejects with CtgaError `bad-input` for a file that is not there, is no capture, or is damaged;
   * all packets before the damage are delivered first. Rejects with `not-set-up` if the program
   * that decompresses the file is missing, and with what a handler throws.
   */
  readonly finished: Promise<void>;
  readonly #input: FileInput;
  readonly #reader: CaptureReader;
  #filter = compileFilter({ udpSourcePorts: [], dnsNames: [] });
  #messages = new MessageFilter([]);
  /** By Verdict. */
  readonly #counts = new Float64Array(Object.keys(Verdict).length);
  #onPacket: PacketHandler = () => undefined;
  #onBatchEnd: (now: number) => void = () => undefined;
  #delivered = 0;
  #finish: (delivery: Promise<void>) => void = () => undefined;
  #isStarted = false;
  #isStopped = false;

  /** `path` may be that of a compressed file, or `-` for standard input. */
  constructor(path: string) {
    this.#input = new FileInput(path);
    this.#reader = new CaptureReader(this.#input.name, (packet) => this.#receive(packet), {
      response: (packet, start, end) => this.#receiveMessage(packet, start, end),
      other: (kind) => this.#count(kind === MALFORMED ? Verdict.malformed : Verdict.notTreeHead),
    });
    this.interfaceName = `replay:${basename(path)}`;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    // Whoever waits for the end is told of a failure; nobody has to wait.
    this.finished.catch(() => undefined);
  }

  /** What was in the capture beside the packets that were delivered. */
  get summary(): CaptureSummary {
    return this.#reader.summary;
  }

  get progress(): CaptureProgress {
    const { bytesRead, size } = this.#input;
    return { packets: this.#reader.packet.index, bytesRead, bytes: size };
  }

  setMatchRules(rules: MatchRules): void {
    this.#filter = compileFilter(rules);
    this.#messages = new MessageFilter(rules.dnsNames);
  }

  /** Packets whose link type is not read are none of them: see `summary`. */
  counters(): DataPlaneCounters {
    const count = (verdict: Verdict): bigint => BigInt(this.#counts[verdict] ?? 0);
    return {
      packets: BigInt(this.#counts.reduce((sum, each) => sum + each, 0)),
      notIp: count(Verdict.notIp),
      encapsulatedTags: count(Verdict.encapsulatedTags),
      encapsulatedMpls: count(Verdict.encapsulatedMpls),
      encapsulatedIp: count(Verdict.encapsulatedIp),
      encapsulatedGre: count(Verdict.encapsulatedGre),
      encapsulatedUdp: count(Verdict.encapsulatedUdp),
      encapsulatedIpsec: count(Verdict.encapsulatedIpsec),
      notUdp: count(Verdict.notUdp),
      otherPort: count(Verdict.otherPort),
      malformed: count(Verdict.malformed),
      notTreeHead: count(Verdict.notTreeHead),
      unknownName: count(Verdict.unknownName),
      answersTooLarge: 0n,
      fragmentsTooLarge: 0n,
      answers: count(Verdict.answer),
      answersCopied: count(Verdict.answer),
      answersSampledOut: 0n,
      answersOverBudget: 0n,
      answersSeen: 0n,
      answersRingFull: 0n,
      fragments: count(Verdict.fragment),
      fragmentsCopied: count(Verdict.fragment),
      fragmentsSampledOut: 0n,
      fragmentsOverBudget: 0n,
      fragmentsSeen: 0n,
      fragmentsRingFull: 0n,
    };
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
    this.#onPacket = onPacket;
    this.#onBatchEnd = onBatchEnd;
    this.#finish(this.#read());
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

  async #read(): Promise<void> {
    try {
      for await (const chunk of this.#input.chunks()) {
        if (this.#isStopped) return;
        this.#reader.push(chunk);
      }
      this.#reader.end();
    } finally {
      this.#onBatchEnd(this.#reader.packet.timestamp);
    }
  }

  #receive(packet: CapturePacket): void {
    const verdict = this.#filter(packet);
    this.#count(verdict);
    if (verdict !== Verdict.answer && verdict !== Verdict.fragment) return;
    this.#deliver({
      kind: verdict === Verdict.answer ? 'answer' : 'fragment',
      frame: packet.frame(),
      frameLength: packet.frameLength,
      timestamp: packet.timestamp,
      interfaceName: this.interfaceName,
    });
  }

  #receiveMessage({ bytes, timestamp }: CapturePacket, start: number, end: number): void {
    const verdict = this.#messages.judge(bytes, start, end);
    this.#count(verdict);
    if (verdict !== Verdict.answer) return;
    this.#deliver({
      kind: 'answer',
      isMessage: true,
      frame: bytes.subarray(start, end),
      frameLength: end - start,
      timestamp,
      interfaceName: this.interfaceName,
    });
  }

  #count(verdict: Verdict): void {
    this.#counts[verdict] = (this.#counts[verdict] as number) + 1;
  }

  #deliver(packet: CopiedPacket): void {
    this.#onPacket(packet);
    this.#delivered += 1;
    if (this.#delivered % BATCH === 0) this.#onBatchEnd(packet.timestamp);
  }
}
