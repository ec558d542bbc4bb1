// SPDX-License-Identifier: Apache-2.0
/**
 * The heads that a client has of one log: what it fetched by DNS and what pools gave it. Each is held
 * against all others of its size as it comes, and by a proof against the largest tree that is known to
 * be of one append-only log. Two signed heads and arithmetic convict a log; an answer of the DNS,
 * which nobody signs, never does.
 */
import { isRefusal, LogError, type Asker } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import { drawn, shuffled, uniform } from '../base/chance.ts';
import { messageOf } from '../base/errors.ts';
import { claimOf, makeEvidence, type Evidence } from '../evidence/bundle.ts';
import { judgeWithoutProof, type Finding } from '../evidence/judge.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import { isMalformed, type VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { CLIENT_LIMITS, type ClientStore, type HeadSource } from './store.ts';

/** "Fresh iff its timestamp is less than 14 days in the past" (draft, Section 5.2). */
export const FRESH_MS = 14 * 86_400_000;
/** A head from later than that is of a clock that is wrong, the log's or this machine's. */
const AHEAD_MS = 86_400_000;
/** Proofs that are asked for in one turn, beside that of the head that it brought. */
const PROOFS_A_TURN = 3;
/** Of one log. The first convicts it; a log that goes on must not fill the disk. */
const MAX_FINDINGS = 4;

export interface KnownHead {
  readonly head: VerifiedStatement;
  readonly source: HeadSource;
  isConsistent: boolean;
  /** Undefined while the disk did not take it. */
  id: number | undefined;
}

/** Two heads that contradict each other, in the order of their sizes, and why. */
export interface ProvenFork {
  readonly first: VerifiedStatement;
  readonly second: VerifiedStatement;
  readonly finding: Finding;
}

export interface HeadEvents {
  /** Told once the evidence is on the disk. */
  readonly onFinding: (log: Log, what: string, evidence: string, fork: ProvenFork) => void;
  /** Told what the disk did not take; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export class LogHeads {
  readonly log: Log;
  readonly #store: ClientStore;
  readonly #evidence: string;
  readonly #events: HeadEvents;
  readonly #now: () => number;
  readonly #chance: () => number;
  #heads: KnownHead[] = [];
  /** Paths of evidence. */
  readonly #findings: Set<string>;
  /** Proven, and of which no evidence could be written yet. */
  #owed: (readonly [VerifiedStatement, VerifiedStatement, Finding])[] = [];
  /** Of which there is evidence, and that the store did not take yet. */
  #unrecorded: { readonly what: string; readonly path: string }[] = [];

  /** `evidence` is the directory of evidence. Reads what the store has, and verifies it again. */
  constructor(
    log: Log,
    store: ClientStore,
    evidence: string,
    events: HeadEvents,
    now: () => number,
    chance: () => number = uniform,
  ) {
    this.log = log;
    this.#store = store;
    this.#evidence = evidence;
    this.#events = events;
    this.#now = now;
    this.#chance = chance;
    const { logId } = log.key;
    this.#findings = new Set(
      store.findings().flatMap((each) => (equalHash(each.logId, logId) ? each.evidence : [])),
    );
    for (const row of store.heads(logId)) {
      const head = verifyStatement(row, log.key);
      if (head === undefined) continue;
      const { id, source, isConsistent } = row;
      this.#holdAgainstOthers(head);
      this.#heads.push({ head, source, isConsistent, id });
    }
    this.#settle();
  }

  get all(): readonly KnownHead[] {
    return this.#heads;
  }

  /** Whether the log is convicted: of what contradicts itself nothing more can be proven. */
  get isConvicted(): boolean {
    return this.#findings.size > 0 || this.#owed.length > 0;
  }

  /** The largest tree that is known to be of one log with all smaller ones that are. */
  get anchor(): KnownHead | undefined {
    return largest(this.#heads.filter(({ isConsistent }) => isConsistent));
  }

  /** The newest that came by DNS. */
  get newest(): KnownHead | undefined {
    return newest(this.#heads.filter(({ source }) => source === 'dns'));
  }

  /** The newest by which an inclusion can be judged: fresh, from DNS, and consistent if one is. */
  get fresh(): VerifiedStatement | undefined {
    const fresh = this.#heads.filter(
      ({ head, source }) => source === 'dns' && this.isFresh(head) && !isMalformed(head),
    );
    const consistent = fresh.filter(({ isConsistent }) => isConsistent);
    return newest(consistent.length > 0 ? consistent : fresh)?.head;
  }

  isFresh({ timestamp }: Pick<VerifiedStatement, 'timestamp'>): boolean {
    const age = this.#now() - Number(timestamp);
    return age < FRESH_MS && age >= -AHEAD_MS;
  }

  /**
   * Takes a head that the log signed, and writes evidence of what it contradicts. Returns undefined
   * if it was known.
   */
  take(head: VerifiedStatement, source: HeadSource): KnownHead | undefined {
    this.#keepWhatWaits();
    const known = this.#heads.find(
      (other) => sameTree(other.head, head) && other.head.timestamp === head.timestamp,
    );
    if (known !== undefined) {
      this.#settle();
      return undefined;
    }
    this.#holdAgainstOthers(head);
    // The first that a client fetches is what all others are held against.
    const isFirst = source === 'dns' && this.anchor === undefined && !isMalformed(head);
    const sameAsAnchor = this.anchor !== undefined && sameTree(this.anchor.head, head);
    const taken: KnownHead = { head, source, isConsistent: isFirst || sameAsAnchor, id: undefined };
    this.#heads.push(taken);
    this.#settle();
    this.#keepWhatWaits();
    this.#makeRoom();
    return this.#heads.includes(taken) ? taken : undefined;
  }

  /**
   * Takes evidence against this log that holds, whoever found it. Returns where it is, or undefined
   * if it was known or there is enough of it. Throws what writing it throws.
   */
  takeEvidence(evidence: Evidence): { readonly what: string; readonly path: string } | undefined {
    if (this.#findings.size >= MAX_FINDINGS) return undefined;
    const path = writeEvidence(this.#evidence, evidence);
    if (this.#findings.has(path)) return undefined;
    this.#findings.add(path);
    const found = { what: claimOf(evidence), path };
    this.#unrecorded.push(found);
    this.#recordFindings();
    return found;
  }

  /**
   * Has DNS prove that the newest head and a few of those that wait are of one log with the
   * others. Resolves to what stands in the way, in words; undefined: nothing. Never rejects.
   */
  async connect(
    asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>,
  ): Promise<string | undefined> {
    const { newest: last } = this;
    const others = this.#heads.filter((each) => !each.isConsistent && each !== last);
    const chosen: KnownHead[] = last === undefined || last.isConsistent ? [] : [last];
    chosen.push(...shuffled(others, this.#chance).slice(0, PROOFS_A_TURN));
    let why: string | undefined;
    for (const each of chosen) {
      if (this.isConvicted) break;
      const fault = await this.#connectOne(asker, each);
      if (each === last) why = fault;
    }
    return why;
  }

  /** With the anchor, or, where no proof comes, with the newest head before it. */
  async #connectOne(
    asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>,
    each: KnownHead,
  ): Promise<string | undefined> {
    const { anchor } = this;
    if (anchor === undefined) return undefined;
    const before = newest(
      this.#heads.filter(
        ({ head, source }) => source === 'dns' && head.timestamp < each.head.timestamp,
      ),
    );
    const fault = await this.#proveFrom(asker, anchor, each);
    if (fault === undefined || before === undefined || before === anchor) return fault;
    // A server may know the last tree and none before it. This connects nothing, and may convict.
    await this.#proveFrom(asker, before, each);
    return fault;
  }

  async #proveFrom(
    asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>,
    one: KnownHead,
    other: KnownHead,
  ): Promise<string | undefined> {
    const [first, second] =
      one.head.treeSize <= other.head.treeSize ? [one.head, other.head] : [other.head, one.head];
    try {
      const found = await prove(asker, first, second);
      switch (found.verdict) {
        case 'consistent':
          if (one.isConsistent) this.#setConsistent(other);
          return undefined;
        case 'fork-proven':
          this.#convict(first, second, found);
          return undefined;
        case 'malformed-head':
          return found.reason;
        case 'bad-proof':
          return `what the DNS gave is no proof (${found.reason}); it accuses nobody, since nobody signs it`;
      }
    } catch (error) {
      if (isRefusal(error)) return `its zone gives no proof of these trees: ${error.message}`;
      if (error instanceof LogError) return `no proof came: ${error.message}`;
      return `no proof came: ${messageOf(error)}`;
    }
  }

  #setConsistent(known: KnownHead): void {
    known.isConsistent = true;
    if (known.id === undefined) return;
    try {
      this.#store.setConsistent(known.id);
    } catch (error) {
      // It is proven again after the next start.
      this.#events.onFailure(error);
    }
  }

  #holdAgainstOthers(head: VerifiedStatement): void {
    for (const { head: other } of this.#heads) {
      if (other.treeSize !== head.treeSize || sameTree(other, head)) continue;
      const found = judgeWithoutProof(other, head);
      if (found?.verdict === 'fork-proven') this.#convict(other, head, found);
    }
  }

  #convict(first: VerifiedStatement, second: VerifiedStatement, finding: Finding): void {
    if (this.#findings.size + this.#owed.length >= MAX_FINDINGS) return;
    this.#owed.push([first, second, finding]);
    this.#settle();
  }

  /** Writes evidence. What could not be written is tried again when the next head comes. */
  #settle(): void {
    this.#owed = this.#owed.filter(([first, second, finding]) => {
      try {
        const bundle = makeEvidence(this.log, first, second, finding, this.#now());
        const path = writeEvidence(this.#evidence, bundle);
        const what = claimOf(bundle);
        // As at the first start after it was found.
        if (this.#findings.has(path)) return false;
        this.#findings.add(path);
        this.#unrecorded.push({ what, path });
        this.#recordFindings();
        this.#events.onFinding(this.log, what, path, { first, second, finding });
        return false;
      } catch (error) {
        this.#events.onFailure(error);
        return true;
      }
    });
  }

  #recordFindings(): void {
    this.#unrecorded = this.#unrecorded.filter(({ what, path }) => {
      try {
        this.#store.addFinding(this.log.key.logId, what, path);
        return false;
      } catch (error) {
        this.#events.onFailure(error);
        return true;
      }
    });
  }

  #keepWhatWaits(): void {
    this.#recordFindings();
    for (const each of this.#heads) {
      if (each.id !== undefined) continue;
      try {
        const { head, source, isConsistent } = each;
        each.id = this.#store.addHead(this.log.key.logId, { ...head, source, isConsistent });
      } catch (error) {
        return this.#events.onFailure(error);
      }
    }
  }

  /**
   * The anchor stands for the smaller trees that it extends, so these go first, and then what pools
   * gave: of that chance picks.
   */
  #makeRoom(): void {
    while (this.#heads.length > CLIENT_LIMITS.headsOfALog) {
      const { anchor, newest: last } = this;
      const spare = this.#heads.filter((each) => each !== anchor && each !== last);
      const covered = spare.filter(({ isConsistent }) => isConsistent);
      const pooled = spare.filter(({ source }) => source === 'pool');
      const [oldest] = covered.toSorted((a, b) => (a.head.timestamp < b.head.timestamp ? -1 : 1));
      const from = pooled.length > 0 ? pooled : spare;
      const gone = oldest ?? from[drawn(from.length, this.#chance)];
      if (gone === undefined) return;
      this.#heads = this.#heads.filter((each) => each !== gone);
      if (gone.id !== undefined) {
        try {
          this.#store.dropHead(gone.id);
        } catch (error) {
          this.#events.onFailure(error);
        }
      }
    }
  }
}

function largest(heads: readonly KnownHead[]): KnownHead | undefined {
  return heads.reduce<KnownHead | undefined>(
    (most, each) => (most === undefined || each.head.treeSize > most.head.treeSize ? each : most),
    undefined,
  );
}

function newest(heads: readonly KnownHead[]): KnownHead | undefined {
  return heads.reduce<KnownHead | undefined>(
    (last, each) => (last === undefined || each.head.timestamp > last.head.timestamp ? each : last),
    undefined,
  );
}

function sameTree(one: VerifiedStatement, other: VerifiedStatement): boolean {
  return one.treeSize === other.treeSize && equalHash(one.rootHash, other.rootHash);
}
