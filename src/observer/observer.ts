/**
 * From a copied packet to a verified tree head in the store.
 *
 * The order of work is the defence: what is cheap and refuses much comes first (a name we watch, a form
 * that parses), a signature is checked once for each distinct text, and nothing that fails is stored, only
 * counted. Writes are gathered for a batch and committed together.
 */
import { encodeBase64 } from '../base64.ts';
import { judgeWithoutProof } from '../evidence/judge.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { messageOf } from '../errors.ts';
import { encodeName, foldName, readName } from '../dns/name.ts';
import { parseTreeHeadAnswer } from '../dns/sth-answer.ts';
import type { CopiedPacket } from '../dataplane/types.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { ByteCursor, FormatError } from '../packet/cursor.ts';
import { DatagramDecoder, type UdpDatagram } from '../packet/decode.ts';
import type { Store } from '../store/store.ts';
import { parseTreeHeadText } from '../treehead/text.ts';
import type { VerifiedTreeHead } from '../treehead/treehead.ts';
import { verifyTreeHead } from '../treehead/verify.ts';
import { BoundedMap } from './bounded-map.ts';

export type ObserverEvent =
  | {
      readonly event: 'tree-head';
      readonly head: VerifiedTreeHead;
      readonly log: Log;
      readonly source: string;
      /** Sightings in this batch. */
      readonly count: number;
      /** Of those, how many came as IP fragments. */
      readonly reassembled: number;
      /** First time that this tree head is stored. */
      readonly isNew: boolean;
    }
  | { readonly event: 'fork-proven'; readonly log: Log; readonly treeSize: bigint; readonly evidence: string }
  | { readonly event: 'store-failed'; readonly message: string };

export interface ObserverOptions {
  /** Zone to log, as zonesOf returns it. */
  readonly zones: ReadonlyMap<string, Log>;
  readonly store: Store;
  readonly evidenceDirectory: string;
  readonly onEvent: (event: ObserverEvent) => void;
}

const DNS_PORT = 53;
/** RFC 1035, Section 4.1.1. */
const DNS_HEADER = 12;
/** Distinct texts whose verification is remembered, good or bad: some 2 MB at most. */
const MAX_REMEMBERED = 4096;
/** Distinct heads waiting for the store; only heads that a log signed wait, so a log would have to flood us. */
const MAX_WAITING = 65_536;

interface WaitingSighting {
  head: VerifiedTreeHead;
  log: Log;
  source: string;
  firstSeen: number;
  lastSeen: number;
  count: number;
  reassembled: number;
}

export class Observer {
  readonly #options: ObserverOptions;
  // Part of the reassembly budget is kept for datagrams that begin as an answer to a name we watch.
  readonly #decoder = new DatagramDecoder({}, (start) => this.#names.has(questionName(start)));
  /** Folded wire-format name, as a latin1 string, to the log whose tree heads it carries. */
  readonly #names = new Map<string, Log>();
  readonly #remembered = new BoundedMap<VerifiedTreeHead | 'bad signature'>(MAX_REMEMBERED);
  #waiting = new Map<string, WaitingSighting>();
  readonly #counts = new Map<string, number>();
  #storeFailed = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
    for (const [zone, log] of options.zones) this.#names.set(nameKey(sthName(zone)), log);
    this.#writeMissingEvidence();
  }

  /** The names that a data plane has to copy answers for: DNS wire format, lower case. */
  knownNames(): Uint8Array[] {
    return [...this.#options.zones.keys()].map(sthName);
  }

  /** Never throws for what is in the packet; every packet ends in exactly one count or in a tree head. */
  receive(packet: CopiedPacket): void {
    const datagram = this.#decoder.push(packet.frame, packet.timestamp, packet.interfaceName);
    if (datagram === undefined) return;
    if (datagram.sourcePort !== DNS_PORT) return this.#count('datagram: not from port 53');
    const answer = parseTreeHeadAnswer(datagram.payload);
    if (answer.kind === 'refused') return this.#count(`answer: ${answer.reason}`);
    const key = nameKey(answer.name);
    const log = this.#names.get(key);
    if (log === undefined) return this.#count('answer: unknown name');
    const head = this.#verify(log, key, answer.text);
    if (head !== undefined) this.#sight(head, log, packet, datagram);
  }

  /**
   * Commits what the batch brought, then reports it; evidence of a fork is on disk before it is reported.
   * `now` is in the packets' time (ms since the epoch): what waits for fragments too long is given up.
   */
  endBatch(now: number): void {
    this.#decoder.expire(now);
    if (this.#waiting.size === 0) return;
    const sightings = [...this.#waiting.values()];
    let newHeads: ReadonlySet<WaitingSighting>;
    try {
      newHeads = this.#options.store.recordSightings(sightings).newHeads;
    } catch (error) {
      // Kept and tried again with the next batch: what was seen is not lost to a disk that is full for a while.
      if (!this.#storeFailed) this.#options.onEvent({ event: 'store-failed', message: messageOf(error) });
      this.#storeFailed = true;
      return;
    }
    this.#storeFailed = false;
    this.#waiting = new Map();
    if (newHeads.size > 0) this.#writeMissingEvidence();
    for (const sighting of sightings) {
      const { head, log, source, count, reassembled } = sighting;
      this.#options.onEvent({
        event: 'tree-head',
        head,
        log,
        source,
        count,
        reassembled,
        isNew: newHeads.has(sighting),
      });
    }
  }

  /** Everything counted so far, by reason; reassembly's counters included. */
  counts(): Record<string, number> {
    const decoded = Object.entries(this.#decoder.counters).map(
      ([name, count]) => [`packet: ${name}`, count] as const,
    );
    return Object.fromEntries([...decoded, ...this.#counts].filter(([, count]) => count > 0));
  }

  #verify(log: Log, key: string, text: string): VerifiedTreeHead | undefined {
    const memory = `${key}\n${text}`;
    let result = this.#remembered.get(memory);
    if (result === undefined) {
      const parsed = parseTreeHeadText(text);
      if (parsed.kind === 'refused') {
        this.#count(`tree head: ${parsed.reason}`);
        return undefined;
      }
      result = verifyTreeHead(parsed.head, log.key) ?? 'bad signature';
      this.#remembered.set(memory, result);
    }
    if (result !== 'bad signature') return result;
    this.#count('tree head: bad signature');
    return undefined;
  }

  #sight(head: VerifiedTreeHead, log: Log, packet: CopiedPacket, datagram: UdpDatagram): void {
    this.#count('tree heads');
    if (datagram.fragments > 1) this.#count('tree heads: reassembled');
    const key = [
      packet.interfaceName,
      logIdText(head.logId),
      head.treeSize,
      head.timestamp,
      encodeBase64(head.rootHash),
    ].join(' ');
    const reassembled = datagram.fragments > 1 ? 1 : 0;
    // Captures have times in fractions of a millisecond; the store counts whole ones.
    const timestamp = Math.round(packet.timestamp);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.lastSeen = Math.max(waiting.lastSeen, timestamp);
      waiting.firstSeen = Math.min(waiting.firstSeen, timestamp);
      waiting.count += 1;
      waiting.reassembled += reassembled;
    } else if (this.#waiting.size < MAX_WAITING) {
      const { interfaceName: source } = packet;
      this.#waiting.set(key, {
        head,
        log,
        source,
        firstSeen: timestamp,
        lastSeen: timestamp,
        count: 1,
        reassembled,
      });
    } else {
      this.#count('tree heads: lost, the store does not keep up');
    }
  }

  /** Two roots for one size are evidence at once; also picks up what a crash left between commit and file. */
  #writeMissingEvidence(): void {
    const { store, evidenceDirectory, onEvent, zones } = this.#options;
    const now = Date.now();
    for (const [first, second] of store.sameSizeForksWithoutEvidence()) {
      const log = [...zones.values()].find((each) => logIdText(each.key.logId) === logIdText(first.logId));
      const judgement = judgeWithoutProof(first, second);
      if (log === undefined || judgement?.verdict !== 'fork-proven') continue;
      try {
        const path = keepEvidence(store, evidenceDirectory, log, [first, second], judgement, now);
        store.setVerdict(second, now, { verdict: 'fork-proven', provenAgainst: first.id });
        onEvent({ event: 'fork-proven', log, treeSize: first.treeSize, evidence: path });
      } catch (error) {
        onEvent({ event: 'store-failed', message: messageOf(error) });
      }
    }
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

function sthName(zone: string): Uint8Array {
  return encodeName(`sth.${zone}`);
}

/** The question's name in the first bytes of a DNS message, as nameKey has it; '' where there is none whole. */
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
