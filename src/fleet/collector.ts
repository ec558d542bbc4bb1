// SPDX-License-Identifier: Apache-2.0
/**
 * Taking in what other members tell: everything is verified once more. A head counts if its log
 * signed it, evidence if it shows what it says, and the rest is that member's word: how often it saw
 * a head, and what it concluded. It knows no bus.
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BoundedMap } from '../base/bounded-map.ts';
import { messageOf } from '../base/errors.ts';
import { CHROME_LIST_KEY } from '../logs/signed-list.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { evidenceFileName, isIntact, parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { recordHeads, type RecordedFork } from '../evidence/record.ts';
import { verifyStored } from '../evidence/stored.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { sourceOf, type ToldVerdict } from '../store/exchange.ts';
import { ROLLED_UP, type Sighting } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { openBatch, type Batch, type Chunk, type PublishedHead } from './batch.ts';
import { EvidenceParts } from './evidence-parts.ts';
import type { MemberState, MemberStore } from './members.ts';
import { hears, keysOf, tells, type Roster, type RosterMember, type Told } from './roster.ts';
import { place, spend } from './sequence.ts';

export interface CollectorOptions {
  readonly store: Store;
  readonly members: MemberStore;
  readonly evidenceDirectory: string;
  /** The logs in force. Called for each round of messages. */
  readonly logs: () => readonly Log[];
  /** The member that hears all this; which others it hears is by its role. */
  readonly self: Pick<RosterMember, 'name' | 'role'>;
  readonly onEvent: (event: CollectorEvent) => void;
  /** Ms since the epoch; the clock of this machine by default. */
  readonly now?: () => number;
}

export type CollectorEvent =
  | {
      readonly event: 'fork-proven';
      readonly log: string;
      readonly treeSize: bigint;
      readonly evidence: string;
    }
  /** Evidence that another member sent, and that holds. */
  | {
      readonly event: 'evidence';
      readonly member: string;
      readonly log: string;
      readonly evidence: string;
    }
  | { readonly event: 'missing'; readonly member: string; readonly batches: number }
  | { readonly event: 'refused'; readonly member: string; readonly reason: string }
  /** Evidence could not be written: it is tried again. */
  | { readonly event: 'failed'; readonly message: string };

/** What the bus brings. */
export interface Message {
  /** Whose subject it came under. */
  readonly member: string;
  readonly bytes: Uint8Array;
  /** When the bus had it, in ms since the epoch. */
  readonly storedAt: number;
  /** Its number there, which a later one has larger. */
  readonly number: number;
}

/** Why something of a member was refused, beside what openBatch says. */
export const REFUSED = {
  tooMuch: 'it sent more than one batch in each interval',
  subject: 'it was sent as another member',
  log: 'a head or evidence of a log that is not known here',
  signature: 'a head that its log did not sign',
  evidence: 'evidence that shows nothing',
  stores: 'it has more stores than a member may have',
} as const;

/** Hashes of evidence that was believed, since each file goes round. */
const EVIDENCE_REMEMBERED = 4096;

export class Collector {
  readonly #options: CollectorOptions;
  #roster: Roster;
  #keys: ReturnType<typeof keysOf>;
  #states: Map<string, MemberState>;
  readonly #parts = new Map<string, EvidenceParts>();
  readonly #believed = new BoundedMap<string, boolean>(EVIDENCE_REMEMBERED);
  /** Evidence that holds and could not be written yet, by its file's name. */
  readonly #unwritten = new Map<string, { readonly member: string; readonly evidence: Evidence }>();
  #refused = new Map<string, Map<string, number>>();
  /** When the bus had the newest of what it has brought. */
  #newest = 0;

  /** Throws StoreError. */
  constructor(options: CollectorOptions, roster: Roster) {
    this.#options = options;
    this.#roster = roster;
    this.#keys = keysOf(this.#heard(roster));
    this.#states = new Map(options.members.members().map((state) => [state.member, state]));
  }

  /** Goes on with another roster. */
  follow(roster: Roster): void {
    this.#roster = roster;
    this.#keys = keysOf(this.#heard(roster));
  }

  #heard({ members }: Roster): Roster['members'] {
    const { name, role } = this.#options.self;
    const heard = hears(role);
    return members.filter((each) => each.name !== name && heard.includes(tells(each.role)));
  }

  /** What a member that is not in the roster any more told counts for nothing here. */
  #mayTell(member: string, told: Told): boolean {
    const role = this.#roster.members.find(({ name }) => name === member)?.role;
    return role !== undefined && tells(role) === told;
  }

  /**
   * Takes in what the bus brought. When it returns, all of it is on the disk, or refused for good, and
   * the bus may forget it. Throws StoreError where something could not be written: then the same
   * messages, given once more, count once.
   */
  take(messages: readonly Message[]): void {
    const before = new Map(this.#states);
    try {
      const batches = messages.flatMap((message) => this.#admit(message) ?? []);
      const logs = new Map(this.#options.logs().map((log) => [logIdText(log.key.logId), log]));
      this.#record(batches, logs);
      for (const { batch } of batches)
        for (const item of batch.items)
          if (item.kind === 'chunk') this.#takeChunk(batch.envelope.member, item, logs);
      this.#writeEvidence();
      const changed = new Set(messages.map(({ member }) => member));
      this.#options.members.put(
        [...changed].flatMap((member) => this.#states.get(member) ?? []),
        this.#refused,
        this.#busBehind(messages),
      );
    } catch (error) {
      this.#states = before;
      throw error;
    } finally {
      this.#refused = new Map();
    }
  }

  /** As the newest message shows it; undefined where a newer one has. */
  #busBehind(messages: readonly Message[]): number | undefined {
    const newest = Math.max(...messages.map(({ storedAt }) => storedAt));
    if (newest < this.#newest) return undefined;
    this.#newest = newest;
    return (this.#options.now ?? Date.now)() - newest;
  }

  /** Undefined, and counted, where it is none or its member may not send it. */
  #admit({ member, bytes, storedAt, number }: Message): Admitted | undefined {
    const { batchBytes, intervalSeconds } = this.#roster;
    // Its own findings come back to whoever hears findings.
    if (member === this.#options.self.name) return undefined;
    if (!this.#keys.has(member))
      return this.#refuse(UNKNOWN, 'nobody of this name is in the fleet');
    const known = this.#states.get(member) ?? { ...UNHEARD, member };
    // Before anything is computed, and whatever it is: what is too much costs next to nothing.
    const allowance = spend(known.allowance, { at: storedAt, number }, intervalSeconds * 1000);
    if (allowance === undefined) return this.#refuse(member, REFUSED.tooMuch);
    this.#states.set(member, { ...known, allowance });
    const batch = openBatch(bytes, batchBytes, (name) => this.#keys.get(name));
    if (typeof batch === 'string') return this.#refuse(member, batch);
    const { envelope } = batch;
    if (envelope.member !== member) return this.#refuse(member, REFUSED.subject);
    const { heard, isRepeated, missing } = place(known.heard, envelope);
    const { waiting, givenUp } = allowance.number === number ? envelope : known;
    this.#states.set(member, {
      member,
      heard,
      allowance,
      lastHeard: Math.max(known.lastHeard, storedAt),
      clockOff: allowance.number === number ? envelope.clock - storedAt : known.clockOff,
      batches: known.batches + (isRepeated ? 0 : 1),
      missing: Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, known.missing + Number(missing))),
      waiting,
      givenUp,
    });
    if (missing > 0n) this.#options.onEvent({ event: 'missing', member, batches: Number(missing) });
    return { batch, storedAt };
  }

  #refuse(member: string, reason: string): undefined {
    const reasons = this.#refused.get(member) ?? new Map<string, number>();
    const count = (reasons.get(reason) ?? 0) + 1;
    this.#refused.set(member, reasons.set(reason, count));
    if (count === 1) this.#options.onEvent({ event: 'refused', member, reason });
    return undefined;
  }

  #record(batches: readonly Admitted[], logs: ReadonlyMap<string, Log>): void {
    const { store, evidenceDirectory, onEvent } = this.#options;
    const now = (this.#options.now ?? Date.now)();
    // Of two batches that tell of one head, the later has all that the earlier has.
    const sightings = new Map<string, Sighting[]>();
    const words: ToldVerdict[] = [];
    for (const { batch, storedAt } of batches) {
      const { member, store: told, epoch, sequence } = batch.envelope;
      const own = store.exchange.identity();
      const draw = (): string => randomBytes(4).toString('hex');
      const id = this.#options.members.originOf(member, told, own, draw);
      if (id === undefined) {
        this.#refuse(member, REFUSED.stores);
        continue;
      }
      const origin = { host: member, store: id };
      const isSite = this.#mayTell(member, 'sightings');
      for (const item of batch.items) {
        const head = item.kind === 'head' ? this.#verified(member, item, logs) : undefined;
        if (item.kind !== 'head' || head === undefined) continue;
        const word = { head, origin, place: { epoch, sequence } };
        // That a log forked is nobody's word: evidence says it, and is on its own way here. But what
        // was said before does not stand any more.
        if (item.verdict === 'fork-proven')
          words.push({ ...word, verdict: undefined, reason: undefined });
        else if (item.verdict !== 'pending')
          words.push({ ...word, verdict: item.verdict, reason: item.reason });
        if (!isSite || item.sightings.length === 0) continue;
        sightings.set(
          `${id} ${nameOf(head)}`,
          item.sightings
            .map(({ source, firstSeen, lastSeen, count }) => ({
              head,
              source: sourceOf(origin, source),
              origin: id,
              // A clock that is ahead would keep the sighting for ever.
              firstSeen: Math.min(firstSeen, storedAt),
              lastSeen: Math.min(lastSeen, storedAt),
              count,
            }))
            // Last comes what cannot be told apart any more.
            .sort((a, b) => Number(a.source.endsWith(SUM)) - Number(b.source.endsWith(SUM))),
        );
      }
    }
    const context = { store, evidenceDirectory, logs: [...logs.values()], now };
    const { forks, failure } = recordHeads(context, [...sightings.values()].flat());
    for (const fork of forks) this.#tell(fork);
    if (failure !== undefined) onEvent({ event: 'failed', message: messageOf(failure) });
    if (words.length > 0) store.exchange.putVerdicts(words);
  }

  #tell({ log, treeSize, evidence }: RecordedFork): void {
    const { description } = log;
    this.#options.onEvent({ event: 'fork-proven', log: description, treeSize, evidence });
  }

  #verified(
    member: string,
    { logId, statement }: PublishedHead,
    logs: ReadonlyMap<string, Log>,
  ): VerifiedStatement | undefined {
    const log = logs.get(logIdText(logId));
    if (log === undefined) return this.#refuse(member, REFUSED.log);
    return verifyStored(statement, log) ?? this.#refuse(member, REFUSED.signature);
  }

  #takeChunk(member: string, chunk: Chunk, logs: ReadonlyMap<string, Log>): void {
    const parts = this.#parts.get(member) ?? new EvidenceParts();
    this.#parts.set(member, parts);
    const text = parts.add(chunk);
    if (text === undefined) return;
    const digest = createHash('sha256').update(text).digest('hex');
    if (this.#believed.get(digest) !== undefined) return;
    const evidence = this.#evidenceIn(member, text, logs);
    // It may be believed the next time that it goes round: the log or the list may be known by then.
    if (evidence === undefined) return;
    if (this.#unwritten.size >= MOST_UNWRITTEN) return;
    this.#unwritten.set(evidenceFileName(evidence), { member, evidence });
    this.#believed.set(digest, true);
  }

  /** A disk that takes no evidence keeps nothing else from being taken in: it is tried each time. */
  #writeEvidence(): void {
    if (this.#unwritten.size === 0) return;
    const { store, evidenceDirectory, onEvent } = this.#options;
    const known = new Set(store.evidence.all().map(({ path }) => path));
    for (const [name, { member, evidence }] of this.#unwritten) {
      try {
        if (!known.has(join(evidenceDirectory, name))) {
          const path = writeEvidence(evidenceDirectory, evidence);
          recordFoundEvidence(store, evidenceDirectory);
          // Everybody hears findings. What a site tells, others have yet to be told.
          if (this.#mayTell(member, 'findings')) store.publishing.evidenceArrived(path);
          onEvent({ event: 'evidence', member, log: evidence.log.description, evidence: path });
        }
        this.#unwritten.delete(name);
      } catch (error) {
        onEvent({ event: 'failed', message: messageOf(error) });
      }
    }
  }

  /** Undefined, and counted, where it is none. */
  #evidenceIn(member: string, text: string, logs: ReadonlyMap<string, Log>): Evidence | undefined {
    let evidence: Evidence;
    try {
      evidence = parseEvidence(text, 'it');
    } catch {
      return this.#refuse(member, REFUSED.evidence);
    }
    const log = [...logs.values()].find(
      ({ key }) => Buffer.compare(key.logId, evidence.log.logId) === 0,
    );
    if (log === undefined) return this.#refuse(member, REFUSED.log);
    // Of lists, only the word of those that the operator took in counts.
    const lists = this.#options.store.logs.lists().flatMap(({ signed }) => signed?.key ?? []);
    const checks = verifyEvidence(evidence, [CHROME_LIST_KEY, ...lists]);
    if (!checks.every(({ holds }) => holds) || !isIntact(text, evidence))
      return this.#refuse(member, REFUSED.evidence);
    // What the file calls the log is its writer's word.
    const named = {
      ...evidence,
      log: { ...evidence.log, description: log.description, url: log.url },
    };
    return named;
  }
}

/** Files are small, and whoever makes one needs a log's signature. */
const MOST_UNWRITTEN = 256;
const SUM = `:${ROLLED_UP}`;
/** Whom messages are counted for that nobody in the fleet sent. */
const UNKNOWN = '(nobody)';

const UNHEARD: Omit<MemberState, 'member' | 'allowance'> & { readonly allowance: undefined } = {
  heard: [],
  allowance: undefined,
  lastHeard: 0,
  clockOff: 0,
  batches: 0,
  missing: 0,
  waiting: 0,
  givenUp: 0,
};

interface Admitted {
  readonly batch: Batch;
  readonly storedAt: number;
}

function nameOf({ logId, treeSize, timestamp, rootHash }: VerifiedStatement): string {
  return `${treeSize} ${timestamp} ${Buffer.concat([logId, rootHash]).toString('latin1')}`;
}
