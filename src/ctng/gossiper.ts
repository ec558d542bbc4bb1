// SPDX-License-Identifier: Apache-2.0
/**
 * What a gossiper makes of objects (gossip/gossiper.go, gossip/types.go): it keeps each that is new,
 * tells it to its peers, signs after a while what nothing contradicts, and puts a threshold of parts
 * together. Its stores come out the same in whichever order objects come: of several statements of
 * one signer, the two whose hashes are smallest count. No network, no clock of its own.
 */
import { createHash } from 'node:crypto';
import type { Signatures } from './crypto.ts';
import {
  counterIdOf,
  FOR_EVER,
  fragmentText,
  fullText,
  idOf,
  isConflict,
  messageOf,
  readSignature,
  statementOf,
  subjectOf,
  type GossipObject,
  type Signature,
  type TypeName,
} from './object.ts';
import { PERIODS, type Periods } from './periods.ts';

export interface GossiperParts {
  readonly signatures: Signatures;
  readonly periods: Periods;
  /** Does the work when the time to wait for other gossip is over. */
  readonly later: (work: () => void) => void;
  /** Tells its peers. */
  readonly gossip: (object: GossipObject) => void;
  /** Tells its monitor. */
  readonly toOwner: (object: GossipObject) => void;
}

/** What became of an object: `known` and `late` ones are no fault of whoever sent them. */
export type Outcome =
  | { readonly kind: 'new' }
  | { readonly kind: 'known' }
  /** Nobody needs it: its entity is convicted, or accused by a threshold. */
  | { readonly kind: 'late' }
  | { readonly kind: 'refused'; readonly reason: string };

const NEW: Outcome = { kind: 'new' };
const KNOWN: Outcome = { kind: 'known' };
const LATE: Outcome = { kind: 'late' };

/** Two statements that contradict each other. */
interface Conflict {
  /** The same for both orders in which they can be written down. */
  readonly pair: string;
  /** As this gossiper writes them down. */
  readonly own: GossipObject;
  /** By message: those that a gossiper has told, this one among them. */
  readonly orders: Map<string, GossipObject>;
}

/** One signer's parts about one entity in a period: a conflict has two orders, others one. */
const MAX_PARTS = 4;

/** A line of the programs' GossipStorage.Json. */
export interface Counters {
  readonly Gossiper_URL: string;
  readonly Period: string;
  readonly Num_sth: number;
  readonly Num_rev: number;
  readonly Num_acc: number;
  readonly Num_con: number;
  readonly Num_sth_frag: number;
  readonly Num_rev_frag: number;
  readonly Num_acc_frag: number;
  readonly Num_con_frag: number;
  readonly Num_STH_FULL: number;
  readonly Num_REV_FULL: number;
  readonly Num_ACC_FULL: number;
  readonly Num_CON_FULL: number;
}

export class Gossiper {
  readonly #parts: GossiperParts;
  /** STH, REV, ACC and CON by counterIdOf; wiped. */
  readonly #raw = new Map<string, GossipObject>();
  /** STH_FRAG, REV_FRAG, ACC_FRAG and CON_FRAG by counterIdOf; wiped. */
  readonly #frag = new Map<string, GossipObject>();
  /** STH_FULL and REV_FULL by idOf, with when they came. */
  readonly #full = new Map<string, { readonly object: GossipObject; readonly since: number }>();
  /** CON and ACC_FULL by idOf; wiped. */
  readonly #pomTemp = new Map<string, GossipObject>();
  /** CON_FULL by idOf. */
  readonly #pom = new Map<string, GossipObject>();

  /** One statement of each signer, or two that contradict each other; by counterIdOf. */
  readonly #statements = new Map<string, readonly GossipObject[]>();
  /** What is known of the best two statements; by idOf. */
  readonly #conflicts = new Map<string, Conflict>();
  /** Parts of threshold signatures: by idOf, message and signer. */
  readonly #signed = new Map<string, Map<string, Map<string, Signature>>>();

  constructor(parts: GossiperParts) {
    this.#parts = parts;
  }

  /** Takes one object, whoever brings it. */
  take(object: GossipObject): Outcome {
    const { type, period, payload } = object;
    if (type !== 'CON_FULL' && !this.#parts.periods.isNear(period))
      return refused(`is of period ${period}, and now is ${this.#parts.periods.current}`);
    if (!this.#parts.signatures.knows(payload[0]))
      return refused(`is about ${payload[0]}, which is not known here`);
    switch (type) {
      case 'STH':
      case 'REV':
        return this.#takeStatement(object);
      case 'ACC':
        return this.#takeAccusation(object);
      case 'CON':
        return this.#takeConflict(object);
      case 'STH_FRAG':
      case 'REV_FRAG':
      case 'ACC_FRAG':
      case 'CON_FRAG':
        return this.#takePart(object);
      case 'STH_FULL':
      case 'REV_FULL':
      case 'ACC_FULL':
      case 'CON_FULL':
        return this.#takeFull(object);
    }
  }

  /** Of all stores, as they are now. */
  counters(): Counters {
    const stores = [this.#raw, this.#frag, this.#pomTemp, this.#pom];
    const types = stores.flatMap((store) => [...store.values()].map(({ type }) => type));
    types.push(...[...this.#full.values()].map(({ object }) => object.type));
    const count = (type: TypeName): number => types.filter((each) => each === type).length;
    return {
      Gossiper_URL: this.#parts.signatures.self,
      Period: String(this.#parts.periods.current),
      Num_sth: count('STH'),
      Num_rev: count('REV'),
      Num_acc: count('ACC'),
      Num_con: count('CON'),
      Num_sth_frag: count('STH_FRAG'),
      Num_rev_frag: count('REV_FRAG'),
      Num_acc_frag: count('ACC_FRAG'),
      Num_con_frag: count('CON_FRAG'),
      Num_STH_FULL: count('STH_FULL'),
      Num_REV_FULL: count('REV_FULL'),
      Num_ACC_FULL: count('ACC_FULL'),
      Num_CON_FULL: count('CON_FULL'),
    };
  }

  /** Forgets what is of other periods, and what was signed when this period's number was last. */
  wipe(): void {
    const { current, now, length } = this.#parts.periods;
    const isOld = (key: string): boolean => {
      const [period] = JSON.parse(key) as [string];
      return period !== String(current);
    };
    for (const store of [
      this.#raw,
      this.#frag,
      this.#pomTemp,
      this.#statements,
      this.#conflicts,
      this.#signed,
    ])
      for (const key of store.keys()) if (isOld(key)) store.delete(key);
    for (const [key, { since }] of this.#full)
      if (now - since > (PERIODS - 1) * length) this.#full.delete(key);
  }

  /** Proofs of misbehaviour that a threshold has signed: they are for ever. */
  convictions(): GossipObject[] {
    return [...this.#pom.values()];
  }

  /** Takes up what `convictions` gave before. Returns why it does not count, or undefined. */
  restore(conviction: GossipObject): string | undefined {
    const fault =
      conviction.type === 'CON_FULL'
        ? this.#parts.signatures.fault(conviction)
        : `is ${conviction.type}, want CON_FULL`;
    if (fault === undefined) this.#pom.set(idOf(conviction), conviction);
    return fault;
  }

  /** All that is kept, by store and key: for tests. What is signed by chance, such as by whom, is left out. */
  contents(): Record<string, readonly string[]> {
    const list = (store: ReadonlyMap<string, GossipObject>): string[] =>
      [...store].map(([key, object]) => `${key} ${hashOf(messageOf(object))}`).sort();
    return {
      raw: list(this.#raw),
      frag: list(this.#frag),
      full: list(new Map([...this.#full].map(([key, { object }]) => [key, object]))),
      pomTemp: list(this.#pomTemp),
      pom: list(this.#pom),
    };
  }

  #takeStatement(object: GossipObject): Outcome {
    const [entity] = object.payload;
    if (this.#isConvicted(entity)) return LATE;
    const key = counterIdOf(object);
    const known = this.#statements.get(key) ?? [];
    if (known.some((each) => isSame(each, object))) return KNOWN;
    const fault = this.#parts.signatures.fault(object);
    if (fault !== undefined) return refused(fault);
    const kept = bestOf([...known, object]);
    if (!kept.includes(object)) return KNOWN;
    this.#keepStatements(key, kept, known);
    return NEW;
  }

  /** Keeps the best statements of one signer in a period, and tells of those that were not `known`. */
  #keepStatements(
    key: string,
    kept: readonly GossipObject[],
    known: readonly GossipObject[],
  ): void {
    const [first, second] = kept;
    if (first === undefined) return;
    this.#statements.set(key, kept);
    this.#raw.set(key, first);
    for (const each of kept) if (!known.includes(each)) this.#parts.gossip(each);
    if (second !== undefined) this.#detect(first, second);
    else if (known.length === 0) this.#parts.later(() => this.#signStatement(key));
  }

  #signStatement(key: string): void {
    const [statement, other] = this.#statements.get(key) ?? [];
    if (statement === undefined || other !== undefined) return;
    if (!this.#hasPom(statement.payload[0], statement.period)) this.#signPart(statement);
  }

  /**
   * Two statements of one signer in one period that cannot both be true. Peers find that out by
   * themselves, and tell how they have written them down. The Go programs end when they have to sign
   * that in a second order: so this gossiper waits whether a peer does it, and else does it itself.
   */
  #detect(first: GossipObject, second: GossipObject): void {
    const { periods, later, gossip } = this.#parts;
    const conflict = conflictOf(first, second, periods.timestamp);
    const id = idOf(conflict);
    const known = this.#conflicts.get(id);
    if (known !== undefined && known.pair <= pairOf(conflict)) return;
    const found: Conflict = { pair: pairOf(conflict), own: conflict, orders: new Map() };
    this.#setConflict(id, found);
    later(() => {
      if (this.#conflicts.get(id) !== found) return;
      if (found.orders.size === 0) {
        found.orders.set(messageOf(conflict), conflict);
        gossip(conflict);
      }
      for (const each of found.orders.values()) this.#signPart(each);
    });
  }

  #takeConflict(conflict: GossipObject): Outcome {
    const [entity] = conflict.payload;
    const id = idOf(conflict);
    if (this.#isConvicted(entity)) return LATE;
    if (this.#conflicts.get(id)?.orders.has(messageOf(conflict)) === true) return KNOWN;
    const fault = this.#parts.signatures.fault(conflict);
    if (fault !== undefined) return refused(fault);
    const statements = statementsIn(conflict);
    const isOfThen = statements[0].period !== conflict.period;
    if (isOfThen) return this.#takeEarlierConflict(conflict, id);
    const key = counterIdOf(statements[0]);
    const known = this.#statements.get(key) ?? [];
    const fresh = statements.filter((each) => !known.some((other) => isSame(each, other)));
    const kept = bestOf([...known, ...fresh]);
    if (fresh.some((each) => kept.includes(each))) this.#keepStatements(key, kept, known);
    const found = this.#conflicts.get(id);
    if (found === undefined || found.pair !== pairOf(conflict)) return KNOWN;
    this.#addOrder(found, conflict, id);
    return NEW;
  }

  /** One that comes when this gossiper has signed is signed too: a threshold may wait for it. */
  #addOrder(found: Conflict, conflict: GossipObject, id: string): void {
    const { period, payload } = conflict;
    const isSigned = [...found.orders.keys()].some((message) =>
      this.#signed
        .get(idFor(period, 'CON_FRAG', payload[0]))
        ?.get(message)
        ?.has(this.#parts.signatures.self),
    );
    found.orders.set(messageOf(conflict), conflict);
    this.#setConflict(id, found);
    if (isSigned) this.#signPart(conflict);
  }

  /**
   * Found when the period of the statements was over, as by a peer at its end, or told by somebody
   * who kept it: they contradict each other for ever.
   */
  #takeEarlierConflict(conflict: GossipObject, id: string): Outcome {
    const pair = pairOf(conflict);
    const known = this.#conflicts.get(id);
    if (known !== undefined && known.pair <= pair) {
      // A peer's other order; a threshold may wait for it.
      if (known.pair === pair) this.#addOrder(known, conflict, id);
      return known.pair === pair ? NEW : KNOWN;
    }
    const found: Conflict = { pair, own: conflict, orders: new Map() };
    this.#addOrder(found, conflict, id);
    this.#parts.later(() => {
      if (this.#conflicts.get(id) !== found) return;
      for (const each of found.orders.values()) this.#signPart(each);
    });
    return NEW;
  }

  /** Keeps it as the programs' stores have it. */
  #setConflict(id: string, found: Conflict): void {
    const [best = found.own] = [...found.orders.values()].sort(byHash).reverse();
    this.#conflicts.set(id, found);
    this.#raw.set(counterIdOf(best), best);
    this.#pomTemp.set(id, best);
  }

  #takeAccusation(accusation: GossipObject): Outcome {
    const key = counterIdOf(accusation);
    if (this.#raw.has(key)) return KNOWN;
    if (this.#isConvicted(accusation.payload[0])) return LATE;
    const fault = this.#parts.signatures.fault(accusation);
    if (fault !== undefined) return refused(fault);
    this.#raw.set(key, accusation);
    this.#parts.gossip(accusation);
    const id = idOf(accusation);
    const accusers = [...this.#raw.values()].filter((each) => idOf(each) === id);
    if (accusers.length === this.#parts.signatures.threshold) this.#signPart(accusation);
    return NEW;
  }

  /** Signs what an object says, as this gossiper's part. */
  #signPart(object: GossipObject): void {
    const { signatures, periods } = this.#parts;
    const subject = subjectOf(object.type);
    const part: GossipObject = {
      ...object,
      type: `${subject}_FRAG`,
      signer: signatures.self,
      signature: [fragmentText(signatures.signPart(messageOf(object))), object.signature[1]],
      // As the Go programs have it: the others keep the time of what is signed.
      timestamp: subject === 'ACC' ? periods.timestamp : object.timestamp,
      cryptoScheme: subject === 'ACC' ? 'BLS' : 'bls',
    };
    this.#addPart(part);
  }

  #takePart(part: GossipObject): Outcome {
    const [entity] = part.payload;
    const subject = subjectOf(part.type);
    const messages = this.#signed.get(idOf(part)) ?? new Map<string, Map<string, Signature>>();
    if (messages.get(messageOf(part))?.has(part.signer) === true) return KNOWN;
    if (subject === 'STH' || subject === 'REV' ? this.#hasPom(entity, part.period) : false)
      return LATE;
    if (subject === 'ACC' && this.#isConvicted(entity)) return LATE;
    const before = [...messages.values()].filter((signers) => signers.has(part.signer)).length;
    if (before >= MAX_PARTS) return refused(`is one of too many of ${part.signer}`);
    const fault = this.#parts.signatures.fault(part);
    if (fault !== undefined) return refused(fault);
    this.#addPart(part);
    return NEW;
  }

  #addPart(part: GossipObject): void {
    const key = counterIdOf(part);
    const id = idOf(part);
    const message = messageOf(part);
    const messages = this.#signed.get(id) ?? new Map<string, Map<string, Signature>>();
    const signers = messages.get(message) ?? new Map<string, Signature>();
    if (signers.has(part.signer)) return;
    this.#signed.set(id, messages.set(message, signers));
    signers.set(part.signer, readSignature(part.signature[0]));
    const other = this.#frag.get(key);
    if (other === undefined || byHash(part, other) < 0) this.#frag.set(key, part);
    this.#parts.gossip(part);
    const { signatures, periods } = this.#parts;
    if (signers.size < signatures.threshold) return;
    const subject = subjectOf(part.type);
    const period = subject === 'CON' ? FOR_EVER : part.period;
    const full = { ...part, type: `${subject}_FULL` as const, signer: '', period };
    if (this.#hasFull(full)) return;
    const chosen = [...signers].slice(0, signatures.threshold);
    this.#addFull({
      ...full,
      signers: chosen.map(([signer]) => signer),
      signature: [fullText(signatures.combine(chosen.map(([, each]) => each))), ''],
      timestamp: periods.timestamp,
      cryptoScheme: 'BLS',
    });
  }

  #takeFull(full: GossipObject): Outcome {
    const [entity] = full.payload;
    if (this.#hasFull(full)) return KNOWN;
    if (full.type !== 'CON_FULL' && this.#isConvicted(entity)) return LATE;
    const fault = this.#parts.signatures.fault(full);
    if (fault !== undefined) return refused(fault);
    this.#addFull(full);
    return NEW;
  }

  #addFull(full: GossipObject): void {
    const id = idOf(full);
    if (full.type === 'CON_FULL') this.#pom.set(id, full);
    else if (full.type === 'ACC_FULL') this.#pomTemp.set(id, full);
    else this.#full.set(id, { object: full, since: this.#parts.periods.now });
    this.#parts.gossip(full);
    this.#parts.toOwner(full);
  }

  #hasFull(full: GossipObject): boolean {
    const id = idOf(full);
    return this.#full.has(id) || this.#pomTemp.has(id) || this.#pom.has(id);
  }

  #isConvicted(entity: string): boolean {
    return this.#pom.has(idFor(FOR_EVER, 'CON_FULL', entity));
  }

  /** Whether anything speaks against the entity in this period. */
  #hasPom(entity: string, period: string): boolean {
    return (
      this.#isConvicted(entity) ||
      this.#pomTemp.has(idFor(period, 'ACC_FULL', entity)) ||
      this.#pomTemp.has(idFor(period, 'CON', entity))
    );
  }
}

function refused(reason: string): Outcome {
  return { kind: 'refused', reason };
}

function idFor(period: string, type: TypeName, entity: string): string {
  return JSON.stringify([period, type, entity]);
}

function hashOf(message: string): string {
  return createHash('sha256').update(message).digest('hex');
}

function byHash(a: GossipObject, b: GossipObject): number {
  return hashOf(messageOf(a)) < hashOf(messageOf(b)) ? -1 : 1;
}

function isSame(a: GossipObject, b: GossipObject): boolean {
  return messageOf(a) === messageOf(b);
}

/** The one whose hash is smallest, and the next that contradicts it. */
function bestOf(statements: readonly GossipObject[]): readonly GossipObject[] {
  const [first, ...others] = [...statements].sort(byHash);
  if (first === undefined) return [];
  const second = others.find((each) => contradict(first, each));
  return second === undefined ? [first] : [first, second];
}

/** The two objects of which a conflict was made. */
function statementsIn({ payload, signature, period }: GossipObject): [GossipObject, GossipObject] {
  const [entity, ...messages] = payload;
  return messages.map((message, i): GossipObject => {
    const statement = statementOf(entity, message);
    const rest = message.slice(entity.length);
    const isRev = statement?.subject === 'REV';
    return {
      type: isRev ? 'REV' : 'STH',
      period: isRev ? period : (statement?.period ?? period),
      signer: entity,
      signers: undefined,
      signature: [signature[i] ?? '', ''],
      timestamp: isRev ? '' : (statement?.period ?? ''),
      cryptoScheme: 'RSA',
      payload: isRev ? [entity, 'CRV', rest.slice(3)] : [entity, rest, ''],
    };
  }) as [GossipObject, GossipObject];
}

function contradict(first: GossipObject, second: GossipObject): boolean {
  const [a, b] = [first, second].map((each) => statementOf(each.payload[0], messageOf(each)));
  return a !== undefined && b !== undefined && isConflict(a, b);
}

/** What two conflicts have in common that are about the same two statements. */
function pairOf({ payload: [, first, second] }: GossipObject): string {
  return [first, second].map(hashOf).sort().join();
}

/** In the order of which the hash is larger, as the Go programs prefer it. */
function conflictOf(first: GossipObject, second: GossipObject, timestamp: string): GossipObject {
  const [one, other] = [
    [first, second],
    [second, first],
  ].map(([a, b]): GossipObject => ({
    type: 'CON',
    period: first.period,
    signer: '',
    signers: undefined,
    signature: [a?.signature[0] ?? '', b?.signature[0] ?? ''],
    timestamp,
    cryptoScheme: '',
    payload: [
      first.payload[0],
      a === undefined ? '' : messageOf(a),
      b === undefined ? '' : messageOf(b),
    ],
  })) as [GossipObject, GossipObject];
  return byHash(one, other) > 0 ? one : other;
}
