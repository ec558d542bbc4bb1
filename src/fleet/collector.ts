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
import { StoreError } from '../disk/error.ts';
import { CHROME_LIST_KEY } from '../logs/signed-list.ts';
import { logIdText, type Log } from '../logs/log.ts';
import {
  evidenceFileName,
  foundAt,
  isIntact,
  parseEvidence,
  type Evidence,
} from '../evidence/bundle.ts';
import { recordHeads, type RecordedFork } from '../evidence/record.ts';
import { verifyStored } from '../evidence/stored.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { sourceOf, type Origin, type ToldVerdict } from '../store/exchange.ts';
import { ROLLED_UP, type Sighting } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { recordFile } from '../upkeep/found-evidence.ts';
import {
  envelopeOf,
  MOST_SOURCES,
  openBatch,
  type Batch,
  type Chunk,
  type PublishedHead,
  type PublishedSighting,
} from './batch.ts';
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
  tooMuch: 'it sent more than one batch in each interval, of intervalSeconds in fleet.json here',
  subject: 'it was sent as another member',
  log: 'a head or evidence of a log that is not known here',
  signature: 'a head that its log did not sign',
  evidence: 'evidence that shows nothing',
  stores: 'it has more stores than a member may have',
} as const;

const DAY_MS = 86_400_000;
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
  /** What is missing since what is being taken in now came, by member: told when it is on the disk. */
  #missing = new Map<string, number>();
  /** Of each stream, the number of the newest of what it has brought, and when the bus had that. */
  readonly #newest = new Map<Told, Pick<Message, 'number' | 'storedAt'>>();

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
      // As the bus had them: what it brings once more comes behind what is new.
      const inOrder = [...messages].sort((a, b) => a.number - b.number);
      const batches = inOrder.flatMap((message) => this.#admit(message) ?? []);
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
      for (const [member, batches] of this.#missing)
        if (batches > 0) this.#options.onEvent({ event: 'missing', member, batches });
    } catch (error) {
      this.#states = before;
      throw error;
    } finally {
      this.#refused = new Map();
      this.#missing = new Map();
    }
  }

  /**
   * By how much the clock of each stream is behind, as its newest message shows it: each is another
   * server's. Of those alone that have brought a newer one.
   */
  #busBehind(messages: readonly Message[]): ReadonlyMap<Told, number> {
    const now = (this.#options.now ?? Date.now)();
    const behind = new Map<Told, number>();
    for (const { member, number, storedAt } of messages) {
      const role = this.#roster.members.find(({ name }) => name === member)?.role;
      if (role === undefined) continue;
      const newest = this.#newest.get(tells(role));
      // A stream that was made anew has smaller numbers and later times.
      if (newest && number <= newest.number && storedAt <= newest.storedAt) continue;
      this.#newest.set(tells(role), { number, storedAt });
      behind.set(tells(role), now - storedAt);
    }
    return behind;
  }

  /** Undefined, and counted, where it is none or its member may not send it. */
  #admit({ member, bytes, storedAt, number }: Message): Admitted | undefined {
    const { batchBytes, intervalSeconds } = this.#roster;
    // Its own findings come back to whoever hears findings.
    if (member === this.#options.self.name) return undefined;
    if (!this.#keys.has(member))
      return this.#refuse(UNKNOWN, 'nobody of this name is in the fleet');
    const known = this.#states.get(member) ?? { ...UNHEARD, member };
    // What nobody can have sent as a batch of this member takes nothing from what it may send: whoever
    // has a key of the bus may have the bus itself put its answers under another's subject.
    const said = envelopeOf(bytes, batchBytes);
    if (typeof said === 'string') return this.#refuse(member, said);
    if (said.member !== member) return this.#refuse(member, REFUSED.subject);
    // Nor does what was taken in before. It is no sign of life either: it may be all that somebody lets
    // through.
    if (place(known.heard, said).isRepeated) return undefined;
    // Before anything is computed: what is too much costs next to nothing.
    const allowance = spend(known.allowance, { at: storedAt, number }, intervalSeconds * 1000);
    if (allowance === undefined) return this.#refuse(member, REFUSED.tooMuch);
    this.#states.set(member, { ...known, allowance });
    const batch = openBatch(bytes, batchBytes, (name) => this.#keys.get(name));
    if (typeof batch === 'string') return this.#refuse(member, batch);
    const { envelope } = batch;
    const { heard, missing } = place(known.heard, envelope);
    const isLast = allowance.number === number;
    const { waiting, givenUp } = isLast ? envelope : known;
    this.#states.set(member, {
      member,
      heard,
      allowance,
      lastHeard: isLast ? storedAt : known.lastHeard,
      clockOff: isLast ? envelope.clock - storedAt : known.clockOff,
      batches: known.batches + 1,
      missing: Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, known.missing + Number(missing))),
      waiting,
      givenUp,
    });
    this.#missing.set(member, (this.#missing.get(member) ?? 0) + Number(missing));
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
    const sightings = new Map<string, Seen>();
    const words: ToldVerdict[] = [];
    for (const { batch, storedAt } of batches) {
      const { member, store: told, epoch, sequence } = batch.envelope;
      const own = store.exchange.identity();
      const draw = (): string => randomBytes(4).toString('hex');
      const id = this.#options.members.originOf(member, told, own, draw, Math.floor(now / DAY_MS));
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
        sightings.set(`${id} ${nameOf(head)}`, { head, origin, item, storedAt });
      }
    }
    const context = { store, evidenceDirectory, logs: [...logs.values()], now };
    const { forks, failure } = recordHeads(context, toldApart(store, [...sightings.values()]));
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
    for (const [name, { member, evidence }] of this.#unwritten) {
      try {
        if (!store.evidence.has(join(evidenceDirectory, name))) {
          const path = writeEvidence(evidenceDirectory, evidence);
          recordFile(store, evidenceDirectory, path);
          // The room that is reserved for evidence is not the store's.
          if (!store.evidence.has(path))
            throw new StoreError(
              'store-failed',
              `${path} is kept, and cannot be put on record yet`,
            );
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
    const found = foundAt(evidence, (this.#options.now ?? Date.now)());
    // What the file calls the log is its writer's word, and so is when it was found.
    return {
      ...evidence,
      created: new Date(found).toISOString(),
      log: { ...evidence.log, description: log.description, url: log.url },
    };
  }
}

/** Files are small, and whoever makes one needs a log's signature. */
const MOST_UNWRITTEN = 256;
/**
 * Of one member, so many sources of a head have a row each, and there is one more for the sum of the
 * others: whoever makes names up adds no more than that to what a head costs.
 */
const MOST_OF_MEMBER = MOST_SOURCES;
/** Rows that are looked at: an earlier ctga, or a file that was imported, may have made more. */
const LOOKED_AT = 4 * MOST_OF_MEMBER;
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

/** What one store says of one head. */
interface Seen {
  readonly head: VerifiedStatement;
  readonly origin: Origin;
  readonly item: PublishedHead;
  readonly storedAt: number;
}

function toldApart(store: Pick<Store, 'heads'>, all: readonly Seen[]): Sighting[] {
  const known = new Map<string, Set<string>>();
  return all.flatMap(({ head, origin, item, storedAt }) => {
    const key = `${origin.host} ${nameOf(head)}`;
    const rows =
      known.get(key) ?? new Set(store.heads.sourcesUnder(head, `${origin.host}/`, LOOKED_AT));
    known.set(key, rows);
    return bounded(item.sightings, origin, rows).map(({ source, firstSeen, lastSeen, count }) => ({
      head,
      source,
      origin: origin.store,
      // A clock that is ahead would keep the sighting for ever.
      firstSeen: Math.min(firstSeen, storedAt),
      lastSeen: Math.min(lastSeen, storedAt),
      count,
    }));
  });
}

/**
 * Names the sources of a store, and adds up those for which its member has no row left of `rows`. What
 * a store says of a head is always all that it ever counted there, so sums lose and double nothing,
 * whatever becomes part of them. Last comes what cannot be told apart any more.
 */
function bounded(
  all: readonly PublishedSighting[],
  origin: Origin,
  rows: Set<string>,
): PublishedSighting[] {
  const sum = sourceOf(origin, ROLLED_UP);
  const named: PublishedSighting[] = [];
  const rest: PublishedSighting[] = [];
  for (const sighting of all) {
    const source = sourceOf(origin, sighting.source);
    const hasRow = source !== sum && (rows.has(source) || rows.size < MOST_OF_MEMBER);
    if (hasRow) rows.add(source);
    (hasRow ? named : rest).push({ ...sighting, source });
  }
  if (rest.length === 0) return named;
  const hasSum = rows.has(sum) || rows.size <= MOST_OF_MEMBER;
  if (hasSum) rows.add(sum);
  return [
    ...named,
    {
      // Of a member with one store more than there is room for it is part of what is old.
      source: hasSum ? sum : ROLLED_UP,
      firstSeen: Math.min(...rest.map(({ firstSeen }) => firstSeen)),
      lastSeen: Math.max(...rest.map(({ lastSeen }) => lastSeen)),
      count: rest.reduce((total, { count }) => total + count, 0),
    },
  ];
}
