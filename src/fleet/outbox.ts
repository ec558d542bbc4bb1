// SPDX-License-Identifier: Apache-2.0
/**
 * What a member publishes next, from its store: evidence of logs of which none was told, then, in
 * turn, evidence that was never told and the heads that have waited longest, then evidence and verdicts
 * once more, in turn, for as long as there is room. Logs have their turns of evidence.
 * What goes round reaches whoever joins late, was away for longer than the bus keeps anything, or
 * lost its store, and takes room alone that would be padding. It knows no bus and no clock but the
 * one that it is given.
 */
import { createHash, createHmac, randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { LogId } from '../statements/statement.ts';
import { ROLLED_UP } from '../store/heads.ts';
import type { ExportedHead, ExportedSighting } from '../store/exchange.ts';
import type { Mark, Published } from '../store/publishing.ts';
import type { Store } from '../store/store.ts';
import { FOUND_IN_EVIDENCE } from '../upkeep/found-evidence.ts';
import {
  LONGEST_SOURCE,
  MOST_EVIDENCE,
  MOST_SOURCES,
  Packer,
  type Envelope,
  type PublishedHead,
  type PublishedSighting,
} from './batch.ts';

/** Of 200 bytes each in the store, with their index. More are given up. */
export const MOST_WAITING = 262_144;
/** Heads take more than that. */
const LEAST_HEAD = 128;
/** Batches without a head, between two of which the store hears how far the sequence is. */
const NOTE_EVERY = 64n;

export interface OutboxOptions {
  readonly store: Pick<Store, 'publishing' | 'exchange'>;
  readonly what: Published;
  readonly member: string;
  /** Ed25519. */
  readonly key: KeyObject;
  /** Of a batch, in bytes. */
  readonly size: number;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly mostWaiting?: number;
  /** Told of evidence that is longer than a member takes, each time that it would have its turn. */
  readonly onTooLong?: (path: string) => void;
}

export interface ReadyBatch {
  /** For the bus, which drops what it has had under the same ID, of whomever. Nobody else can know it before. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /**
   * To be called before it is sent for the first time. Until then the next batch is this one made
   * anew.
   */
  readonly sent: () => void;
  /**
   * To be called when the bus has it for good. Throws StoreError: then what is in it is told once
   * more.
   */
  readonly arrived: () => void;
}

interface File {
  readonly path: string;
  readonly sha256: Uint8Array;
  readonly bytes: Uint8Array;
  readonly logId: LogId;
  readonly rounds: number;
  readonly isFirst: boolean;
  readonly offset: number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #epoch: bigint;
  readonly #previous: Envelope['previous'];
  readonly #store: string;
  readonly #secret = randomBytes(32);
  #sequence = 0n;
  #file: File | undefined;
  /** The log of which evidence was told last. */
  #lastTold: LogId | undefined;
  /** The tree up to which verdicts have gone round. */
  #toldAgain: number;
  #counts: { readonly givenUp: number; readonly waiting: number } = { givenUp: 0, waiting: 0 };

  /** Begins a new epoch. Throws StoreError. */
  constructor(options: OutboxOptions) {
    this.#options = options;
    const { store, what, now, mostWaiting = MOST_WAITING } = options;
    store.publishing.begin(what, mostWaiting);
    const state = store.publishing.state();
    this.#previous = state === undefined || state.epoch === 0n ? undefined : state;
    this.#epoch = store.publishing.beginEpoch(now());
    this.#store = store.exchange.identity();
    this.#toldAgain = state?.toldAgain ?? 0;
  }

  /** Heads that wait, and that were given up in all, as of the last batch. */
  get counts(): { readonly givenUp: number; readonly waiting: number } {
    return this.#counts;
  }

  /** Throws StoreError where the store cannot be read; then send `empty()`. */
  next(): ReadyBatch {
    const { store, what, size, mostWaiting = MOST_WAITING } = this.#options;
    const { publishing } = store;
    // A store that took the place of a damaged one knows nothing of this.
    publishing.begin(what, mostWaiting);
    publishing.giveUp(mostWaiting);
    this.#counts = { givenUp: publishing.state()?.givenUp ?? 0, waiting: publishing.waiting() };
    const packer = new Packer(size);
    const file = this.#currentFile();
    // What more is proven of a log of which some is told shares the batches with what was seen.
    const isUrgent = file?.rounds === 0 && (file.isFirst || this.#sequence % 2n === 0n);
    let told = file !== undefined && isUrgent ? added(packer, file) : file;
    const marks: Mark[] = [];
    for (const { head, mark } of publishing.next(Math.ceil(size / LEAST_HEAD))) {
      const published = publishedHead(head, what);
      if (published !== undefined && !packer.addHead(published)) {
        if (new Packer(size).addHead(published)) break;
        // It would hold up all behind it for ever.
        publishing.dropOne(mark);
        continue;
      }
      marks.push(mark);
    }
    const isTurnOfVerdicts = this.#sequence % 2n === 1n;
    let toldAgain = isTurnOfVerdicts ? this.#addVerdicts(packer) : this.#toldAgain;
    if (told !== undefined && !isUrgent) told = added(packer, told);
    if (!isTurnOfVerdicts) toldAgain = this.#addVerdicts(packer);
    const isWhole = told !== undefined && told.offset === told.bytes.length;
    const batch = { epoch: this.#epoch, sequence: this.#sequence, toldAgain };
    return this.#sealed(packer, { file: isWhole ? undefined : told, toldAgain }, () => {
      if (isWhole && told !== undefined) {
        publishing.evidenceArrived(told.path);
        this.#lastTold = told.logId;
      }
      if (marks.length > 0 || batch.sequence % NOTE_EVERY === 0n) publishing.arrived(marks, batch);
    });
  }

  /** A batch with nothing in it, for which nothing is read. */
  empty(): ReadyBatch {
    const unchanged = { file: this.#file, toldAgain: this.#toldAgain };
    return this.#sealed(new Packer(this.#options.size), unchanged, () => undefined);
  }

  /** As many as there is room for. Returns the tree up to which that is. */
  #addVerdicts(packer: Packer): number {
    const { store, what, size } = this.#options;
    // A site's verdicts, if it has any, go with what it saw.
    if (what === 'sightings') return this.#toldAgain;
    const { heads, upTo } = store.publishing.again(this.#toldAgain, Math.ceil(size / LEAST_HEAD));
    let last = this.#toldAgain;
    for (const head of heads) {
      const published = publishedHead(head, what);
      const isTold = published === undefined || packer.addHead(published);
      // Where no batch has room for it, it would hold up all behind it for ever.
      if (!isTold && new Packer(size).addHead(published)) return last;
      last = head.id;
    }
    return upTo;
  }

  #sealed(
    packer: Packer,
    { file, toldAgain }: { readonly file: File | undefined; readonly toldAgain: number },
    arrived: () => void,
  ): ReadyBatch {
    const { member, key, now } = this.#options;
    const [epoch, sequence, previous, store] = [
      this.#epoch,
      this.#sequence,
      this.#previous,
      this.#store,
    ];
    const envelope = { member, epoch, sequence, previous, store, clock: now(), ...this.#counts };
    return {
      id: `${member}.${digits(epoch, 16)}.${digits(sequence, 12)}.${this.#unguessed(sequence)}`,
      bytes: packer.seal(envelope, key),
      sent: () => {
        this.#sequence = sequence + 1n;
        this.#file = file;
        this.#toldAgain = toldAgain;
      },
      arrived,
    };
  }

  #unguessed(sequence: bigint): string {
    return createHmac('sha256', this.#secret).update(`${sequence}`).digest('hex').slice(0, 32);
  }

  /** The file that is being told. What was told makes room for what was not. */
  #currentFile(): File | undefined {
    if (this.#file?.isFirst === true) return this.#file;
    const { publishing } = this.#options.store;
    const next = publishing.nextEvidence(this.#lastTold);
    if (next === undefined) return this.#file;
    if (this.#file !== undefined && urgency(next) <= urgency(this.#file)) return this.#file;
    const bytes = readEvidence(next.path);
    if (bytes === undefined || bytes.length > MOST_EVIDENCE) {
      if (bytes !== undefined) this.#options.onTooLong?.(next.path);
      // Or it is gone, which `ctga evidence list` tells: the others have their turn.
      publishing.evidenceArrived(next.path);
      return this.#file;
    }
    const sha256 = createHash('sha256').update(bytes).digest();
    return { ...next, sha256, bytes, offset: 0 };
  }
}

/** Of evidence: whatever is more urgent takes the place of what is being told. */
function urgency({ rounds, isFirst }: Pick<File, 'rounds' | 'isFirst'>): number {
  return rounds > 0 ? 0 : isFirst ? 2 : 1;
}

/** The file with as much more of it told as there is room for. */
function added(packer: Packer, file: File): File {
  return { ...file, offset: file.offset + packer.addChunk(file.sha256, file.bytes, file.offset) };
}

/** As many digits in every batch: its length says nothing. */
function digits(value: bigint, count: number): string {
  return value.toString().padStart(count, '0');
}

function readEvidence(path: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length > 0 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where there is nothing to tell of it. */
function publishedHead(head: ExportedHead, what: Published): PublishedHead | undefined {
  const { logId, verdict, reason, treeSize, timestamp, rootHash, signature } = head;
  // What other stores saw they tell themselves, and evidence tells itself: this store need not have
  // seen its heads.
  const isOwn = ({ origin, source }: ExportedSighting): boolean =>
    origin === undefined && source !== FOUND_IN_EVIDENCE;
  const own = what === 'verdicts' ? [] : head.sightings.filter(isOwn);
  if (own.length === 0 && verdict === 'pending') return undefined;
  return {
    kind: 'head',
    logId,
    statement: { treeSize, timestamp, rootHash, signature },
    verdict,
    reason,
    sightings: limited(own),
  };
}

/** The sources that saw it last, and the sum of the others, and of those whose names are too long. */
function limited(sightings: readonly ExportedSighting[]): PublishedSighting[] {
  const sorted = [...sightings].sort(
    (a, b) =>
      Number(a.source === ROLLED_UP) - Number(b.source === ROLLED_UP) || b.lastSeen - a.lastSeen,
  );
  const named = sorted.filter(({ source }) => Buffer.byteLength(source) <= LONGEST_SOURCE);
  const isTooMuch = named.length < sorted.length || named.length > MOST_SOURCES;
  const kept = isTooMuch ? named.slice(0, MOST_SOURCES - 1) : named;
  const rest = sorted.filter((each) => !kept.includes(each));
  const published = kept.map(({ source, firstSeen, lastSeen, count }) => {
    return { source, firstSeen, lastSeen, count };
  });
  if (rest.length === 0) return published;
  return [
    ...published,
    {
      source: ROLLED_UP,
      firstSeen: Math.min(...rest.map(({ firstSeen }) => firstSeen)),
      lastSeen: Math.max(...rest.map(({ lastSeen }) => lastSeen)),
      count: rest.reduce((sum, { count }) => sum + count, 0),
    },
  ];
}
