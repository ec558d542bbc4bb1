// SPDX-License-Identifier: Apache-2.0
/**
 * From a copied packet to a verified statement in the store.
 *
 * The order of the work is the defence: what is cheap and refuses much comes first (a tag met
 * before, a source that finds no claim, a form that does not parse). A signature is checked once
 * for each distinct claim. What fails is counted, by reason, and never stored. Writes are gathered
 * for a batch and committed together.
 */
import { createHash } from 'node:crypto';
import { NOT_SIGNED, verifyStored } from '../evidence/stored.ts';
import { encodeBase64 } from '../base/base64.ts';
import {
  recordHeads,
  settleContradictions,
  type Fork,
  type RecordContext,
  type Settled,
  type Recorded,
} from '../evidence/record.ts';
import { UnrecordedHeads } from '../evidence/unrecorded.ts';
import { messageOf } from '../base/errors.ts';
import { isStoreFailure } from '../disk/error.ts';
import type { AnswerPlace, CopiedPacket, SeenEntry } from '../dataplane/types.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { DatagramDecoder, type UdpDatagram } from '../packet/decode.ts';
import { combineRules, type MatchRules } from '../sources/match-rules.ts';
import type { Refusal, Source, SourceClaim } from '../sources/source.ts';
import { BAD_SIGNATURE, parseClaim } from '../statements/claim.ts';
import { formatTreeHeadText } from '../statements/text.ts';
import { isDamage } from '../store/state.ts';
import type { StoreInUse } from '../upkeep/in-use.ts';
import type { SeenEntryChanges } from '../store/heads.ts';
import { NO_ROOM, NOT_STORED, UNREADABLE } from '../store/counters.ts';
import type { Store } from '../store/store.ts';
import { isMalformed, type VerifiedStatement } from '../statements/statement.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import type { Backlog } from './backlog.ts';
import { Candidate } from './candidate.ts';
import { isWithin, Tagged } from './tagged.ts';
import { SeenEntries, type Credit } from './seen-entries.ts';
import { SightingBatch, type GatheredSighting, type Seen } from './sightings.ts';
import { immediately, type Verifier } from './verifier.ts';

export type ObserverEvent =
  | {
      readonly event: 'tree-head';
      readonly head: VerifiedStatement;
      readonly log: Log;
      readonly source: string;
      /** Sightings in this batch. */
      readonly count: number;
      /** Of those, how many came as IP fragments. */
      readonly reassembled: number;
      /** First time that this tree head is stored. */
      readonly isNew: boolean;
    }
  | {
      readonly event: 'fork-proven';
      readonly log: Log;
      readonly treeSize: bigint;
      readonly evidence: string;
    }
  /** A tree head that is well signed and cannot be: see isMalformed. Once for each tree. */
  | {
      readonly event: 'malformed-head';
      readonly log: Log;
      readonly head: VerifiedStatement;
      readonly source: string;
    }
  | { readonly event: 'store-failed'; readonly message: string };

export interface ObserverOptions {
  /** What claims are read from. */
  readonly sources: readonly Source[];
  readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
  readonly evidenceDirectory: string;
  readonly onEvent: (event: ObserverEvent) => void;
  /**
   * The file of a store that others use too, or that may turn out to be damaged: a batch is written
   * again where another file has taken its place.
   */
  readonly storeFile?: StoreInUse;
  /** Accepts packets from captures that were made on their sender: see DecoderOptions. */
  readonly acceptsNoIpv4Checksum?: boolean;
  /** Checks signatures; unless given, they are checked at once and on this thread. */
  readonly verifier?: Verifier;
  /**
   * Where claims wait that the verifier has no room for; they are lost, and counted, unless given.
   */
  readonly backlog?: Backlog;
  /**
   * Where what could not be stored is left, and is taken up from: see `leave`. Nowhere unless
   * given.
   */
  readonly secondPlace?: string | undefined;
  /**
   * Whether planes may be read again, as captures are: then what one shows of a tree head is
   * counted once. Its batches end with `passBatch`, and its last one with `endBatch`.
   */
  readonly replays?: boolean;
  /** How many tree heads may wait in memory for the store; see SightingBatch. */
  readonly mostGathered?: number;
}

/** Distinct claims that are remembered with their outcome, genuine and forged ones apart. */
const MAX_REMEMBERED = 4096;
/**
 * In bytes. With MAX_REMEMBERED it bounds the memory, whatever a source lets through: usual claims
 * take 2 MB in all, the longest 32 MB of each kind.
 */
const MAX_CLAIM = 8192;
/** Sightings that an earlier replay of the same capture has counted. */
export const COUNTED_BEFORE = 'tree heads: counted by an earlier replay';
/** Evidence that could not be written is tried again after so long. */
const OWED_MS = 1000;
/**
 * While a store that somebody holds is waited for, nothing is read, and the rings fill up. So it is
 * waited for a fifth of the time at most, once that took longer than SHORT_MS.
 */
const STORE_REST = 4;
const SHORT_MS = 50;

/**
 * What a message carries: a candidate, or else the counter that says why there is none. NO_ROOM
 * alone is not remembered: when the claim comes again, it is decided again.
 */
type Decision = Candidate | string;

export class Observer {
  readonly matchRules: MatchRules;
  readonly #options: ObserverOptions;
  readonly #verifier: Verifier;
  readonly #logs: ReadonlyMap<string, Log>;
  /** In base64, encoded once for each log: the key of every claim has it. */
  readonly #logIds = new Map<Log, string>();
  readonly #sourcesByPort = new Map<number, Source[]>();
  readonly #decoder: DatagramDecoder;
  /** By tag, the answer that had it last. */
  readonly #tags = new BoundedMap<number, Tagged<Decision>>(MAX_REMEMBERED);
  /** By claim (see #memoryKey). Two maps, so that forgeries cannot push out what was verified. */
  readonly #genuine = new BoundedMap<string, Candidate>(MAX_REMEMBERED);
  readonly #forged = new BoundedMap<string, Candidate>(MAX_REMEMBERED);
  /** By claim; bounded by what the verifier lets wait. */
  readonly #pending = new Map<string, Candidate>();
  /** Malformed trees that were reported; a log can sign many. */
  readonly #warnedOf = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #sightings: SightingBatch;
  readonly #seenEntries = new SeenEntries();
  readonly #unrecorded: UnrecordedHeads;
  /** Data planes whose earlier seen entries the store could not forget yet. */
  #toForget: string[] = [];
  /** The evidence that was reported: what is found without the store is found again with it. */
  readonly #toldOf = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #counts = new Map<string, number>();
  #storeFailed = false;
  /** By the monotonic clock, when a store that failed is tried again. */
  #storeNotBefore = 0;
  #owesEvidence = false;
  /** By the monotonic clock, when it is tried again though no batch brings anything. */
  #owedUntil = 0;
  #takesFromBacklog = true;
  #backlogFailed = false;

  constructor(options: ObserverOptions) {
    const { sources, verifier = immediately } = options;
    this.#options = options;
    this.#sightings = new SightingBatch(options.mostGathered);
    this.#unrecorded = new UnrecordedHeads(options.secondPlace);
    this.#verifier = verifier;
    this.#decoder = new DatagramDecoder({
      // A part of the reassembly budget is kept for datagrams that begin as a message of a source.
      tracked: (start) => sources.some((source) => source.recognises(start)),
      acceptsNoIpv4Checksum: options.acceptsNoIpv4Checksum,
    });
    this.matchRules = combineRules(sources.map((source) => source.matchRules));
    this.#logs = new Map(
      sources.flatMap(({ logs }) => logs.map((log) => [logIdText(log.key.logId), log])),
    );
    for (const source of sources)
      for (const port of source.matchRules.udpSourcePorts)
        this.#sourcesByPort.set(port, [...(this.#sourcesByPort.get(port) ?? []), source]);
    // A crash may have kept evidence from being written after its heads were committed.
    this.#report(settleContradictions(this.#recordContext()));
  }

  /**
   * Called before the first packet of a data plane. Goes on with the plane's cache of seen answers
   * where an earlier process left it, or, unless `keepsSeenEntries`, begins with an empty one.
   */
  beginPlane(plane: string, keepsSeenEntries: boolean): void {
    const { store, backlog, secondPlace } = this.#options;
    backlog?.resume(plane);
    if (secondPlace !== undefined) backlog?.resume(plane, secondPlace);
    if (!keepsSeenEntries) {
      try {
        store.heads.forgetSeenEntries(plane);
      } catch (error) {
        if (!isStoreFailure(error)) throw error;
        this.#toForget.push(plane);
      }
      return;
    }
    for (const { entry, head, credited } of store.heads.seenEntries(plane)) {
      const log = this.#logs.get(logIdText(head.logId));
      const signed = log && verifyStored(head, log);
      if (log === undefined) continue;
      // If the head was damaged, the plane copies its answer anew after a while.
      if (signed === undefined)
        store.heads.setAside({ kind: 'head', id: head.id }, NOT_SIGNED, Date.now());
      else this.#seenEntries.resume(entry, plane, new Candidate(log, signed), credited);
    }
  }

  /**
   * Never throws for what is in the packet. Every packet ends in exactly one counter: 'tree heads',
   * the one that says why there is none, or the one for fragments that wait for others. One that
   * carries several claims ends in one for each of these.
   */
  receive(packet: CopiedPacket): void {
    const { answer, interfaceName, timestamp: at } = packet;
    if (answer !== undefined) return this.#receiveTagged(packet, answer);
    const digest = this.#options.replays === true ? digestOf(packet) : undefined;
    const whole = { source: interfaceName, at, count: 1, reassembled: 0, digest };
    if (packet.isMessage) return this.#read(packet.frame, this.#options.sources, whole);
    const datagram = this.#decoder.push(packet.frame, at, interfaceName);
    if (datagram !== undefined) this.#readDatagram(datagram, whole);
    for (const other of this.#decoder.others) this.#readDatagram(other, whole);
  }

  #readDatagram(datagram: UdpDatagram, seen: Seen): void {
    const sources = this.#sourcesByPort.get(datagram.sourcePort);
    if (sources === undefined) return this.#count('datagram: from another port');
    const reassembled = datagram.fragments > 1 ? 1 : 0;
    this.#read(datagram.payload, sources, { ...seen, reassembled });
  }

  #read(message: Uint8Array, sources: readonly Source[], seen: Seen): void {
    const found = firstFound(sources, (each) => each.read(message));
    for (const claim of isRefusal(found) ? [found] : found) this.#take(claim, seen);
  }

  /**
   * Credits what a data plane counted instead of copying it: see DataPlane.seen. `now` is in
   * milliseconds since the epoch.
   */
  repeats(plane: string, entries: readonly SeenEntry[], now: number): void {
    for (const entry of entries) this.#credit(plane, this.#seenEntries.credit(plane, entry), now);
  }

  /**
   * Commits what the batch brought, then reports it. Evidence of a fork is on disk before the fork
   * is reported. `now` is the packets' time, in milliseconds since the epoch: datagrams that have
   * waited too long for their fragments are given up.
   */
  endBatch(now: number): void {
    if (this.storeWaits) return this.#waitForStore(now);
    const { backlog } = this.#options;
    this.#decoder.expire(now);
    this.#flushBacklog();
    this.#submitWaiting();
    const changes = this.#seenEntries.changes();
    if (this.#sightings.isEmpty && changes.put.length === 0 && changes.over.length === 0) {
      this.#writeOwedEvidence();
      return backlog?.stored();
    }
    const begin = performance.now();
    const sightings = this.#gathered();
    let recorded: Recorded<GatheredSighting>;
    try {
      recorded = this.#record(sightings, changes);
    } catch (error) {
      // What was seen stays gathered and is written with the next batch: a disk that is full for a
      // while loses nothing. What it proves does not wait.
      if (!this.#storeFailed)
        this.#options.onEvent({ event: 'store-failed', message: messageOf(error) });
      this.#storeFailed = true;
      const took = performance.now() - begin;
      this.#storeNotBefore = took > SHORT_MS ? begin + (1 + STORE_REST) * took : 0;
      return this.#settleUnrecorded();
    }
    this.#storeFailed = false;
    this.#unrecorded.recorded();
    this.#sightings.clear();
    this.#seenEntries.written();
    this.#toForget = [];
    backlog?.stored();
    this.#report(recorded);
    const seen = sightings.reduce((sum, { count }) => sum + count, 0);
    if (seen > recorded.counted) this.#count(COUNTED_BEFORE, seen - recorded.counted);
    for (const sighting of sightings) {
      const { head, log, source, count, reassembled } = sighting;
      const isNew = recorded.newHeads.has(sighting);
      this.#options.onEvent({ event: 'tree-head', head, log, source, count, reassembled, isNew });
      if (isNew && isMalformed(head)) this.#warnOf(head, log, source);
    }
  }

  /**
   * Ends a batch of a plane that may be read again. What it brought is recorded when the plane ends,
   * unless it is more than memory holds: its sightings of a tree head are known again by the packets
   * and their times, whatever else is in the capture.
   */
  passBatch(now: number): void {
    this.#decoder.expire(now);
    if (this.#sightings.isFull) this.endBatch(now);
  }

  #gathered(): GatheredSighting[] {
    const sightings = this.#sightings.sightings();
    if (this.#options.replays !== true) return sightings;
    return sightings.map((each) => ({
      ...each,
      origin: `replay ${each.digest.toString(16).padStart(16, '0')}`,
    }));
  }

  /** Whether the store has just failed, and is left alone for a moment. */
  get storeWaits(): boolean {
    return this.#storeFailed && performance.now() < this.#storeNotBefore;
  }

  #waitForStore(now: number): void {
    this.#decoder.expire(now);
    this.#flushBacklog();
    this.#submitWaiting();
    this.#settleUnrecorded();
  }

  /** Holds what has come since the last time against all that is known. */
  #settleUnrecorded(): void {
    const heads = this.#sightings.takeFresh();
    this.#report(this.#unrecorded.settle(this.#recordContext(), heads));
  }

  #flushBacklog(): void {
    const { backlog, onEvent } = this.#options;
    backlog?.flush();
    const failure = backlog?.failure;
    const isNew = failure !== undefined && !this.#backlogFailed;
    this.#backlogFailed = failure !== undefined;
    if (isNew) onEvent({ event: 'store-failed', message: `the backlog: ${messageOf(failure)}` });
  }

  /** From now on the backlog is left to the next process, and the store is tried at once. */
  leaveBacklog(): void {
    this.#takesFromBacklog = false;
    this.#storeNotBefore = 0;
  }

  /**
   * Called at the end: puts what the store has not taken where the next process finds it, in the
   * backlog or else in the second place. Returns how many tree heads these are, and how many
   * messages are lost because neither takes them.
   */
  leave(): { readonly left: number; readonly lost: number } {
    const { backlog, secondPlace } = this.#options;
    const sightings = this.#sightings.sightings();
    let lost = 0;
    for (const { head, log, lastSeen: at, ...each } of sightings)
      if (!this.#putBack(log, head, { ...each, at })) lost += 1;
    backlog?.flush();
    if (backlog?.failure !== undefined)
      lost += secondPlace === undefined ? backlog.unwritten : backlog.flushTo(secondPlace);
    return { left: sightings.length, lost };
  }

  /** Everything counted so far, by reason, with the counters of decoding and reassembly. */
  counts(): Record<string, number> {
    const decoded = Object.entries(this.#decoder.counters).map(
      ([name, count]) => [`packet: ${name}`, count] as const,
    );
    return Object.fromEntries([...decoded, ...this.#counts].filter(([, count]) => count > 0));
  }

  /**
   * Receives a message whose place in the frame the data plane has found. Nothing is read but what
   * the tag covers (see AnswerPlace); of an answer that was met before, nothing is decided anew.
   */
  #receiveTagged(packet: CopiedPacket, answer: AnswerPlace): void {
    const { interfaceName: plane, timestamp: at, frame } = packet;
    const known = this.#tags.get(answer.tag);
    const seen = { source: plane, at, count: 1, reassembled: 0 };
    let decision: Decision;
    if (known?.isOf(frame, answer) === true) this.#act((decision = known.decision), seen);
    else {
      const { sources } = this.#options;
      const claim = firstFound(sources, (each) => each.readPlaced?.(frame, answer));
      decision = this.#take(claim, seen);
      if (decision !== NO_ROOM && isWithin(frame, answer))
        this.#tags.set(answer.tag, new Tagged(frame, answer, decision));
    }
    if (answer.entry === undefined) return;
    const candidate = typeof decision === 'string' ? undefined : decision;
    this.#credit(plane, this.#seenEntries.begin(plane, answer, candidate), at);
  }

  /** Decides, and acts on it or, if there is no room to verify it now, has the claim wait. */
  #take(claim: SourceClaim | Refusal, seen: Seen): Decision {
    const decision = this.#decide(claim);
    const waits =
      decision === NO_ROOM &&
      claim.kind === 'claim' &&
      this.#options.backlog?.put(this.#logIdOf(claim.log), { ...claim, seen }) === true;
    if (!waits) this.#act(decision, seen);
    return decision;
  }

  /** Submits what waits, the oldest first, as far as the verifier has room. */
  #submitWaiting(): void {
    if (!this.#takesFromBacklog) return;
    this.#takeWaiting();
    const unreadable = this.#options.backlog?.takeUnreadable() ?? 0;
    if (unreadable > 0) this.#count(UNREADABLE, unreadable);
  }

  #takeWaiting(): void {
    for (const queue of this.#options.backlog?.waiting() ?? []) {
      const log = this.#logs.get(queue.logId);
      // It goes on waiting until its log is watched again.
      if (log === undefined) continue;
      for (let waiting = queue.next(); waiting !== undefined; waiting = queue.next()) {
        // What memory has no room for would come back at once.
        if (this.#sightings.isFull) return;
        const decision = this.#decide({ kind: 'claim', log, ...waiting });
        if (decision === NO_ROOM) break;
        const settled = queue.take();
        if (typeof decision === 'string') settled();
        else decision.whenSettled(settled);
        this.#act(decision, waiting.seen);
      }
    }
  }

  #decide(claim: SourceClaim | Refusal): Decision {
    if (claim.kind === 'refused') return claim.reason;
    if (claim.bytes.length > MAX_CLAIM) return 'tree head: too long';
    const key = this.#memoryKey(claim);
    const known = this.#genuine.get(key) ?? this.#pending.get(key) ?? this.#forged.get(key);
    if (known !== undefined) return known;
    const parsed = parseClaim(claim);
    if (parsed.kind === 'refused') return `tree head: ${parsed.reason}`;
    const candidate = new Candidate(claim.log);
    this.#pending.set(key, candidate);
    const accepted = this.#verifier.submit(claim.log, parsed.statement, (verified) => {
      this.#pending.delete(key);
      (verified === undefined ? this.#forged : this.#genuine).set(key, candidate);
      for (const seen of candidate.settle(verified)) this.#act(candidate, seen);
    });
    if (accepted) return candidate;
    this.#pending.delete(key);
    return NO_ROOM;
  }

  #logIdOf(log: Log): string {
    let logId = this.#logIds.get(log);
    if (logId === undefined) this.#logIds.set(log, (logId = logIdText(log.key.logId)));
    return logId;
  }

  /** Equal for claims of one log that are the same to the last byte. */
  #memoryKey({ log, form, bytes }: SourceClaim): string {
    const logId = this.#logIdOf(log);
    const text = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
    return `${form} ${logId} ${text.toString('latin1')}`;
  }

  #act(decision: Decision, seen: Seen): void {
    if (typeof decision === 'string') return this.#count(decision, seen.count);
    const { state, log } = decision;
    if (state === 'pending') return decision.defer(seen);
    if (state === 'forged') return this.#count(`tree head: ${BAD_SIGNATURE}`, seen.count);
    if (!this.#sightings.add(log, state, seen)) {
      if (!this.#putBack(log, state, seen)) this.#count(NOT_STORED, seen.count);
      return;
    }
    this.#count('tree heads', seen.count);
    if (seen.reassembled > 0) this.#count('tree heads: reassembled', seen.reassembled);
  }

  /** Puts what was verified into the backlog; false if there is no room. */
  #putBack(log: Log, head: VerifiedStatement, { source, at, count, reassembled }: Seen): boolean {
    const bytes = Buffer.from(formatTreeHeadText(head));
    const seen = { source, at, count, reassembled };
    const claim = { form: 'ct-over-dns', bytes, seen } as const;
    return this.#options.backlog?.put(this.#logIdOf(log), claim) === true;
  }

  #credit(plane: string, credit: Credit | undefined, at: number): void {
    if (credit !== undefined)
      this.#act(credit.candidate, { source: plane, at, count: credit.count, reassembled: 0 });
  }

  /**
   * Writes the batch into the database that is in force when the write is over: one that turns out
   * to be damaged is replaced meanwhile.
   */
  #record(
    sightings: readonly GatheredSighting[],
    changes: SeenEntryChanges,
  ): Recorded<GatheredSighting> {
    const { storeFile } = this.#options;
    const record = (): Recorded<GatheredSighting> => {
      for (const plane of this.#toForget) this.#options.store.heads.forgetSeenEntries(plane);
      return recordHeads(this.#recordContext(), sightings, { changes });
    };
    if (storeFile === undefined) return record();
    return storeFile.use(() => {
      const recorded = record();
      // A database that turned out damaged now is replaced, as if writing into it had failed.
      if (isDamage(recorded.failure)) throw recorded.failure;
      return storeFile.follow() ? record() : recorded;
    });
  }

  #recordContext(): RecordContext {
    const { store, evidenceDirectory } = this.#options;
    return { store, evidenceDirectory, logs: [...this.#logs.values()], now: Date.now() };
  }

  /** The next batch tries again too, but there may be none for long. */
  #writeOwedEvidence(): void {
    if (!this.#owesEvidence || performance.now() < this.#owedUntil) return;
    this.#report(settleContradictions(this.#recordContext()));
  }

  /** What could not be written is tried again: the disk may have room by then. It is said once. */
  #report({ forks, failure }: Settled<Fork>): void {
    const { onEvent } = this.#options;
    for (const { log, treeSize, evidence } of forks) {
      if (this.#toldOf.get(evidence) === true) continue;
      this.#toldOf.set(evidence, true);
      onEvent({ event: 'fork-proven', log, treeSize, evidence });
    }
    if (failure !== undefined && !this.#owesEvidence)
      onEvent({ event: 'store-failed', message: messageOf(failure) });
    this.#owesEvidence = failure !== undefined;
    this.#owedUntil = performance.now() + OWED_MS;
  }

  #warnOf(head: VerifiedStatement, log: Log, source: string): void {
    const tree = `${logIdText(head.logId)} ${encodeBase64(head.rootHash)}`;
    if (this.#warnedOf.get(tree) === true) return;
    this.#warnedOf.set(tree, true);
    this.#options.onEvent({ event: 'malformed-head', log, head, source });
  }

  #count(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }
}

function digestOf({ frame, timestamp }: CopiedPacket): bigint {
  return createHash('sha256').update(`${timestamp} `).update(frame).digest().readBigUInt64BE();
}

/**
 * What the first source that finds something finds; else why the first that it was for did not, or
 * the first at all.
 */
function firstFound<Found extends object>(
  sources: readonly Source[],
  read: (source: Source) => Found | Refusal | undefined,
): Found | Refusal {
  let refusal: Refusal | undefined;
  for (const source of sources) {
    const result = read(source);
    if (result === undefined) continue;
    if (!isRefusal(result)) return result;
    if (refusal === undefined || refusal.isOfOthers === true) refusal = result;
  }
  return refusal ?? { kind: 'refused', reason: 'answer: no source reads it' };
}

function isRefusal(found: object): found is Refusal {
  return 'kind' in found && found.kind === 'refused';
}
