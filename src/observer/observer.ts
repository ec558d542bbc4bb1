/**
 * From a copied packet to a verified tree head in the store.
 *
 * The order of work is the defence: what is cheap and refuses much comes first (a tag met before, a
 * name we watch, a form that parses), a signature is checked once for each distinct text, and
 * nothing that fails is stored, only counted. Writes are gathered for a batch and committed
 * together.
 */
import { judgeWithoutProof } from '../evidence/judge.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { messageOf } from '../base/errors.ts';
import { encodeName, foldName, readName } from '../dns/name.ts';
import { parseTreeHeadAnswer, readTreeHeadText } from '../sources/ct-over-dns/answer.ts';
import type { AnswerPlace, CopiedPacket, SeenEntry } from '../dataplane/types.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { DatagramDecoder } from '../packet/decode.ts';
import type { StoreInUse } from '../upkeep/in-use.ts';
import type { SeenEntryChanges, Store } from '../store/sqlite/store.ts';
import { parseTreeHeadText } from '../statements/text.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import { wait, type Candidate } from './candidate.ts';
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
  | { readonly event: 'store-failed'; readonly message: string };

export interface ObserverOptions {
  /** Zone to log, as zonesOf returns it. */
  readonly zones: ReadonlyMap<string, Log>;
  readonly store: Store;
  readonly evidenceDirectory: string;
  readonly onEvent: (event: ObserverEvent) => void;
  /**
   * Of a store that others use too, or that may be damaged: what was not written yet is written
   * into the file that takes its place.
   */
  readonly storeFile?: StoreInUse;
  /** UDP source ports of answers; 53 unless told. */
  readonly ports?: readonly number[];
  /** Checks signatures; at once and on this thread unless told. */
  readonly verifier?: Verifier;
}

const DNS_PORT = 53;
/** RFC 1035, Section 4.1.1. */
const DNS_HEADER = 12;
/** Distinct texts whose verification is remembered, good and bad: some 2 MB at most for each. */
const MAX_REMEMBERED = 4096;
/** Decided again when the answer comes again, so it is the one decision that is not remembered. */
const NO_ROOM = 'tree head: not verified, too many wait';

/** A decision by tag: the candidate that the answer carries, or why it carries none. */
type Decision = Candidate | string;

export class Observer {
  readonly #options: ObserverOptions;
  readonly #verifier: Verifier;
  readonly #ports: ReadonlySet<number>;
  // Part of the reassembly budget is kept for datagrams that begin as an answer to a name we watch.
  readonly #decoder = new DatagramDecoder({}, (start) => this.#names.has(questionName(start)));
  /** Folded wire-format name, as a latin1 string, to the log whose tree heads it carries. */
  readonly #names = new Map<string, Log>();
  readonly #tags = new BoundedMap<number, Decision>(MAX_REMEMBERED);
  /**
   * By name and text. Apart from each other, so that forgeries cannot push out what was verified.
   */
  readonly #genuine = new BoundedMap<string, Candidate>(MAX_REMEMBERED);
  readonly #forged = new BoundedMap<string, Candidate>(MAX_REMEMBERED);
  /** No more than the verifier lets wait. */
  readonly #pending = new Map<string, Candidate>();
  readonly #sightings = new SightingBatch();
  readonly #seenEntries = new SeenEntries();
  readonly #counts = new Map<string, number>();
  #storeFailed = false;
  #owesEvidence = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#verifier = options.verifier ?? immediately;
    this.#ports = new Set(options.ports ?? [DNS_PORT]);
    for (const [zone, log] of options.zones) this.#names.set(nameKey(sthName(zone)), log);
    this.#writeMissingEvidence();
  }

  /** The names that a data plane has to copy answers for: DNS wire format, lower case. */
  knownNames(): Uint8Array[] {
    return [...this.#options.zones.keys()].map(sthName);
  }

  /**
   * Takes up a data plane's cache of seen answers where an earlier process left it, or begins with
   * an empty one.
   */
  takeUp(source: string, keepsSeenEntries: boolean): void {
    const { store, zones } = this.#options;
    if (!keepsSeenEntries) return store.forgetSeenEntries(source);
    const logs = new Map([...zones.values()].map((log) => [logIdText(log.key.logId), log]));
    for (const { entry, head, credited } of store.seenEntries(source)) {
      const log = logs.get(logIdText(head.logId));
      if (log !== undefined)
        this.#seenEntries.resume(entry, source, { log, state: head, waiting: [] }, credited);
    }
  }

  /**
   * Never throws for what is in the packet; every packet ends in exactly one count or in a tree
   * head.
   */
  receive(packet: CopiedPacket): void {
    const { answer } = packet;
    if (answer !== undefined) return this.#receiveTagged(packet, answer);
    const datagram = this.#decoder.push(packet.frame, packet.timestamp, packet.interfaceName);
    if (datagram === undefined) return;
    if (!this.#ports.has(datagram.sourcePort)) return this.#count('datagram: not from a DNS port');
    const parsed = parseTreeHeadAnswer(datagram.payload);
    if (parsed.kind === 'refused') return this.#count(`answer: ${parsed.reason}`);
    const decision = this.#decide(nameKey(parsed.name), parsed.text);
    const reassembled = datagram.fragments > 1 ? 1 : 0;
    this.#act(decision, {
      source: packet.interfaceName,
      at: packet.timestamp,
      count: 1,
      reassembled,
    });
  }

  /**
   * What a data plane counted instead of copying: see DataPlane.seen. `now` in ms since the epoch.
   */
  repeats(source: string, entries: readonly SeenEntry[], now: number): void {
    for (const entry of entries) this.#credit(source, this.#seenEntries.credit(source, entry), now);
  }

  /**
   * Commits what the batch brought, then reports it; evidence of a fork is on disk before it is
   * reported. `now` is in the packets' time (ms since the epoch): what waits for fragments too long
   * is given up.
   */
  endBatch(now: number): void {
    this.#decoder.expire(now);
    const changes = this.#seenEntries.changes();
    if (this.#sightings.isEmpty && changes.put.length === 0 && changes.over.length === 0) return;
    const sightings = this.#sightings.sightings();
    let newHeads: ReadonlySet<GatheredSighting>;
    try {
      newHeads = this.#record(sightings, changes);
    } catch (error) {
      // Kept and tried again with the next batch: what was seen is not lost to a disk that is full
      // for a while.
      if (!this.#storeFailed)
        this.#options.onEvent({ event: 'store-failed', message: messageOf(error) });
      this.#storeFailed = true;
      return;
    }
    this.#storeFailed = false;
    this.#sightings.clear();
    this.#seenEntries.written();
    if (newHeads.size > 0 || this.#owesEvidence) this.#writeMissingEvidence();
    for (const sighting of sightings) {
      const { head, log, source, count, reassembled } = sighting;
      const isNew = newHeads.has(sighting);
      this.#options.onEvent({ event: 'tree-head', head, log, source, count, reassembled, isNew });
    }
  }

  /** Everything counted so far, by reason; reassembly's counters included. */
  counts(): Record<string, number> {
    const decoded = Object.entries(this.#decoder.counters).map(
      ([name, count]) => [`packet: ${name}`, count] as const,
    );
    return Object.fromEntries([...decoded, ...this.#counts].filter(([, count]) => count > 0));
  }

  /**
   * An answer that the data plane found in the packet. Nothing but what its tag covers is looked
   * at: see AnswerPlace. A tag that was met before needs not even that.
   */
  #receiveTagged(packet: CopiedPacket, answer: AnswerPlace): void {
    const { tag } = answer;
    let decision = this.#tags.get(tag);
    if (decision === undefined) {
      decision = this.#read(packet.frame, answer);
      if (decision !== NO_ROOM) this.#tags.set(tag, decision);
    }
    const { interfaceName: source, timestamp: at } = packet;
    this.#act(decision, { source, at, count: 1, reassembled: 0 });
    if (answer.entry === undefined) return;
    const candidate = typeof decision === 'string' ? undefined : decision;
    this.#credit(source, this.#seenEntries.begin(source, answer, candidate), at);
  }

  #read(frame: Uint8Array, answer: AnswerPlace): Decision {
    const { nameOffset, nameLength, rdataOffset, rdataLength } = answer;
    const name = foldName(frame.subarray(nameOffset, nameOffset + nameLength));
    const text = readTreeHeadText(frame.subarray(rdataOffset, rdataOffset + rdataLength));
    return text.kind === 'refused'
      ? `answer: ${text.reason}`
      : this.#decide(nameKey(name), text.text);
  }

  #decide(name: string, text: string): Decision {
    const log = this.#names.get(name);
    if (log === undefined) return 'answer: unknown name';
    const memory = `${name}\n${text}`;
    const known =
      this.#genuine.get(memory) ?? this.#pending.get(memory) ?? this.#forged.get(memory);
    if (known !== undefined) return known;
    const parsed = parseTreeHeadText(text);
    if (parsed.kind === 'refused') return `tree head: ${parsed.reason}`;
    const candidate: Candidate = { log, state: 'pending', waiting: [] };
    this.#pending.set(memory, candidate);
    const taken = this.#verifier.submit(log, parsed.head, (head) => {
      this.#pending.delete(memory);
      candidate.state = head ?? 'forged';
      (head === undefined ? this.#forged : this.#genuine).set(memory, candidate);
      for (const seen of candidate.waiting.splice(0)) this.#act(candidate, seen);
    });
    if (taken) return candidate;
    this.#pending.delete(memory);
    return NO_ROOM;
  }

  #act(decision: Decision, seen: Seen): void {
    if (typeof decision === 'string') return this.#count(decision, seen.count);
    const { state, log } = decision;
    if (state === 'pending') return wait(decision, seen);
    if (state === 'forged') return this.#count('tree head: bad signature', seen.count);
    if (!this.#sightings.add(log, state, seen))
      return this.#count('tree heads: lost, the store does not keep up', seen.count);
    this.#count('tree heads', seen.count);
    if (seen.reassembled > 0) this.#count('tree heads: reassembled', seen.reassembled);
  }

  #credit(source: string, credit: Credit | undefined, at: number): void {
    if (credit !== undefined)
      this.#act(credit.candidate, { source, at, count: credit.count, reassembled: 0 });
  }

  /** Into the database that is there when it is over; one that turns out damaged is replaced. */
  #record(
    sightings: readonly GatheredSighting[],
    changes: SeenEntryChanges,
  ): ReadonlySet<GatheredSighting> {
    const { store, storeFile } = this.#options;
    const record = (): ReadonlySet<GatheredSighting> =>
      store.recordSightings(sightings, changes).newHeads;
    if (storeFile === undefined) return record();
    return storeFile.use(() => {
      const newHeads = record();
      return storeFile.follow() ? record() : newHeads;
    });
  }

  /**
   * Two roots for one size are evidence at once; also picks up what a crash left between commit and
   * file.
   */
  #writeMissingEvidence(): void {
    const { store, evidenceDirectory, onEvent, zones } = this.#options;
    const now = Date.now();
    this.#owesEvidence = false;
    try {
      for (const [first, second] of store.sameSizeForksWithoutEvidence()) {
        const log = [...zones.values()].find(
          (each) => logIdText(each.key.logId) === logIdText(first.logId),
        );
        const judgement = judgeWithoutProof(first, second);
        if (log === undefined || judgement?.verdict !== 'fork-proven') continue;
        const path = keepEvidence(store, evidenceDirectory, log, [first, second], judgement, now);
        store.setVerdict(second, now, { verdict: 'fork-proven', provenAgainst: first.id });
        onEvent({ event: 'fork-proven', log, treeSize: first.treeSize, evidence: path });
      }
    } catch (error) {
      // Tried again when something is seen again: a disk may have room by then.
      this.#owesEvidence = true;
      onEvent({ event: 'store-failed', message: messageOf(error) });
    }
  }

  #count(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }
}

function sthName(zone: string): Uint8Array {
  return encodeName(`sth.${zone}`);
}

/**
 * The question's name in the first bytes of a DNS message, as nameKey has it; '' where there is
 * none whole.
 */
function questionName(message: Uint8Array): string {
  if (message.length < DNS_HEADER) return '';
  try {
    const cursor = new ByteCursor(message);
    cursor.skip(DNS_HEADER);
    return nameKey(foldName(readName(cursor)));
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}

function nameKey(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
