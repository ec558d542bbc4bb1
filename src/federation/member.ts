// SPDX-License-Identifier: Apache-2.0
/**
 * A member of a federation as a state machine: messages, time and what its own challenger found come
 * in; messages and news go out. There is no clock and no network in it, and its store is handed to
 * it, so a simulation of many members in one process runs the very code.
 *
 *   member.handle(input, now) → outputs;  member.wakeAt: when to hand it { kind: 'time' }
 *
 * What is kept is in the store before `handle` returns, so before anything that follows is sent.
 * Nothing that a peer sends makes it throw, wait or grow without bound.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import { FormatError } from '../base/cursor.ts';
import {
  concat,
  hex,
  isSame,
  list,
  long,
  readAll,
  readList,
  readLong,
  sha256,
  u64,
  u8,
} from './bytes.ts';
import {
  encodeCertificate,
  faultOf,
  readCertificate,
  signersOf,
  statedOf,
  type Certificate,
} from './certificate.ts';
import { encodeFault, isProven, readFault, type Fault, type Said } from './fault.ts';
import {
  decodeMessage,
  encodeMessage,
  isOfRoster,
  ID_BYTES,
  MAX_IDS,
  MAX_MESSAGE,
  MAX_ROUND_MESSAGE,
  type Message,
  type RoundMessage,
  type SetMessage,
  type SetObject,
} from './messages.ts';
import { IdSet } from './reconcile.ts';
import {
  formatSignedRoster,
  parseSignedRoster,
  rosterHash,
  successor,
  type MemberIndex,
  type Roster,
  type SignedRoster,
} from './roster.ts';
import { Round, type KeptRound, type Observer, type RoundOutput, type Signer } from './round.ts';
import { digestOf, MAX_STATEMENTS, slotOf, type Proposed } from './statement.ts';

/** A peer, by its key (Member.key) in hexadecimal. */
export type Peer = string;

export type Input =
  /** `peer` is whoever the transport knows to have sent it. */
  | { readonly kind: 'message'; readonly peer: Peer; readonly bytes: Uint8Array }
  | { readonly kind: 'time' }
  /** Evidence against a log, of this member's own. */
  | { readonly kind: 'evidence'; readonly bytes: Uint8Array }
  /** This member's cosignatures of the heads of a period, as `goodCosignatures` takes them. */
  | { readonly kind: 'cosigned'; readonly period: number; readonly bytes: Uint8Array }
  | { readonly kind: 'roster'; readonly signed: SignedRoster };

export type Output =
  | { readonly kind: 'send'; readonly peer: Peer; readonly bytes: Uint8Array }
  /** Agreed on, verified and stored; `stated` is what was not agreed on in this period before. */
  | {
      readonly kind: 'certified';
      readonly certificate: Certificate;
      readonly stated: readonly Proposed[];
    }
  /** Evidence that convicts the log with this ID. */
  | { readonly kind: 'convicted'; readonly id: Uint8Array; readonly bytes: Uint8Array }
  /** A member contradicted itself. */
  | { readonly kind: 'fault'; readonly member: Peer; readonly fault: Fault }
  | { readonly kind: 'roster'; readonly roster: Roster }
  /** Two certificates that cannot both be: more members lie than the threshold allows for. */
  | { readonly kind: 'disagreement'; readonly certificates: readonly [Certificate, Certificate] };

export type Forgotten = 'rounds' | 'certificates' | 'cosignatures';

/** What a member keeps. Each call is durable when it returns, and may throw if the disk fails. */
export interface MemberStore {
  keptRound(period: number): KeptRound | undefined;
  keepRound(kept: KeptRound, roster: Roster): void;
  /** Of the rosters, in order of epochs, as text (formatSignedRoster). */
  rosters(): readonly string[];
  addRoster(epoch: number, text: string): void;
  /** All periods that have a certificate. */
  periods(): readonly number[];
  /** As bytes (encodeCertificate), in the order in which they came. */
  certificates(period: number): readonly Uint8Array[];
  addCertificate(period: number, bytes: Uint8Array): void;
  /** Forgets what is of periods before this one. */
  forgetBefore(period: number, kind: Forgotten): void;
  /** Evidence by log ID, faults by member, cosignatures by period and member. */
  objects(): readonly Uint8Array[];
  object(id: Uint8Array): Uint8Array | undefined;
  putObject(id: Uint8Array, bytes: Uint8Array): void;
}

export interface MemberOptions {
  /** All in force so far, in order of epochs: one at least. */
  readonly rosters: readonly Roster[];
  /** This member's key. */
  readonly key: Uint8Array;
  readonly signer: Signer;
  readonly observer: Observer;
  /** The ID of the known log that a bundle convicts; undefined if it convicts none. */
  readonly convicts: (bundle: Uint8Array) => Uint8Array | undefined;
  /** Of the member's cosignatures those of what was stated in a period, which is all that is kept. */
  readonly goodCosignatures: (
    member: Roster['body']['members'][number],
    stated: readonly Proposed[],
    bytes: Uint8Array,
  ) => Uint8Array | 'false' | 'unknown';
  readonly store: MemberStore;
  /** 0 <= x < 1. */
  readonly random: () => number;
}

/** Certificates of as many periods are kept: of a minute each, two weeks. */
export const KEPT_PERIODS = 20_160;
const COSIGNED_PERIODS = 3;
/** What a peer may cost in a period. */
const MAX_PEER_MESSAGES = 5000;
const MAX_PEER_BYTES = 64 * 2 ** 20;
/** Objects of a peer that were not what they should be, after which no more are taken from it. */
const MAX_STRIKES = 3;
/** What is sent at once to a peer that lacks it, in bytes. */
const MAX_SENT = 256 * 2 ** 10;
const MAX_PENDING = 1024;
const MAX_UNREADY = 256;
/** A signature takes some 20 ms: in between, others get their turn. */
const OBJECTS_AT_ONCE = 4;
/** News goes to so many peers at once, and from these on. */
const FAN_OUT = 3;

const KIND = { roster: 1, evidence: 2, fault: 3, period: 4, cosignatures: 5 } as const;

interface Account {
  messages: number;
  bytes: number;
  strikes: number;
}

interface Pending {
  readonly peer: Peer;
  readonly object: SetObject;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #rosters: Roster[];
  readonly #ids = new IdSet();
  readonly #rounds = new Map<number, Round>();
  readonly #accounts = new Map<Peer, Account>();
  readonly #pending: Pending[] = [];
  /** Cosignatures of what is not known to be stated yet. */
  readonly #unready: SetObject[] = [];
  /** Peers of whom something was taken since they were last compared with. */
  readonly #fruitful = new Set<Peer>();
  /** Of what was last stated in each slot. */
  readonly #latest = new Map<string, { readonly period: number; readonly item: Proposed }>();
  readonly #convicted = new Set<string>();
  readonly #faulty = new Set<Peer>();
  readonly #doubted = new Set<Peer>();
  /** Of the periods that are asked for again and again. */
  readonly #read = new BoundedMap<number, readonly Certificate[]>(16);
  #period = -1;
  #version = 0;
  #compareAt: number | undefined;
  #output: Output[] = [];

  constructor(options: MemberOptions) {
    this.#options = options;
    this.#rosters = [...options.rosters];
    if (this.#rosters.length === 0) throw new RangeError('no roster');
    const { store } = options;
    for (const { body, hash } of this.#rosters) this.#ids.add(idOf('roster', body.epoch, hash));
    for (const id of store.objects()) {
      this.#ids.add(id);
      this.#note(id);
    }
    this.#rememberAll();
  }

  /** The roster in force in a period; the first for all periods before it. */
  rosterAt(period: number): Roster {
    const found = this.#rosters.findLast(({ body }) => body.start <= period) ?? this.#rosters[0];
    if (found === undefined) throw new RangeError('no roster');
    return found;
  }

  /** The last one, whether or not it is in force yet. */
  get newestRoster(): Roster {
    return this.#rosters.at(-1) ?? this.rosterAt(0);
  }

  /** What was last stated of each log and certificate authority, and when. */
  latest(): { readonly period: number; readonly item: Proposed }[] {
    return [...this.#latest.values()];
  }

  /** Another number whenever something else may be stated, proven, cosigned or in force. */
  get version(): number {
    return this.#version;
  }

  isConvicted(logId: Uint8Array): boolean {
    return this.#convicted.has(hex(logId));
  }

  get faulty(): ReadonlySet<Peer> {
    return this.#faulty;
  }

  /** When `{ kind: 'time' }` is to be handed in again, in ms; 0: at once. */
  get wakeAt(): number {
    if (this.#pending.length > 0) return 0;
    const times = [...this.#rounds.values()].flatMap(({ wakeAt }) => wakeAt ?? []);
    return Math.min(this.#startOf(this.#period + 1), this.#compareAt ?? Infinity, ...times);
  }

  /** `now` is the wall clock, in ms since the epoch. */
  handle(input: Input, now: number): Output[] {
    this.#turn(now);
    switch (input.kind) {
      case 'message':
        this.#takeMessage(input.peer, input.bytes, now);
        break;
      case 'evidence':
        this.#takeEvidence(input.bytes);
        break;
      case 'cosigned':
        this.#takeOwnCosignatures(input.period, input.bytes);
        break;
      case 'roster':
        this.#takeRoster(input.signed);
        break;
      case 'time':
        break;
    }
    this.#work(now);
    const output = this.#output;
    this.#output = [];
    return output;
  }

  certificates(period: number): readonly Certificate[] {
    let found = this.#read.get(period);
    if (found === undefined) {
      found = this.#options.store.certificates(period).flatMap((bytes) => {
        const certificate = this.#readCertificate(bytes);
        return certificate === undefined ? [] : [certificate];
      });
      this.#read.set(period, found);
    }
    return found;
  }

  /** What was stated in a period. */
  stated(period: number): Proposed[] {
    const roster = this.rosterAt(period);
    const bySlot = new Map<string, Proposed>();
    for (const certificate of this.certificates(period))
      for (const item of statedOf(certificate, roster))
        if (!bySlot.has(slotOf(item.statement))) bySlot.set(slotOf(item.statement), item);
    return [...bySlot.values()];
  }

  // --- time ---

  #startOf(period: number): number {
    return period * this.newestRoster.body.period * 1000;
  }

  #turn(now: number): void {
    const period = Math.floor(now / (this.newestRoster.body.period * 1000));
    if (period <= this.#period) return;
    this.#period = period;
    this.#version += 1;
    for (const each of this.#rounds.keys()) if (each < period - 1) this.#rounds.delete(each);
    this.#accounts.clear();
    const { store } = this.#options;
    store.forgetBefore(period - 1, 'rounds');
    store.forgetBefore(period - KEPT_PERIODS, 'certificates');
    store.forgetBefore(period - COSIGNED_PERIODS, 'cosignatures');
    this.#dropBefore('period', period - KEPT_PERIODS);
    this.#dropBefore('cosignatures', period - COSIGNED_PERIODS);
    this.#round(period, now);
    const length = this.newestRoster.body.period * 1000;
    this.#compareAt =
      Math.max(now, this.#startOf(period)) + length * (0.3 + 0.4 * this.#options.random());
  }

  #dropBefore(kind: keyof typeof KIND, period: number): void {
    for (const id of this.#ids.between(idOf(kind, 0), idOf(kind, Math.max(0, period))))
      this.#ids.delete(id);
  }

  /** Undefined where this member has no part in it. */
  #round(period: number, now: number): Round | undefined {
    const known = this.#rounds.get(period);
    if (known !== undefined) return known;
    const roster = this.rosterAt(period);
    const me = roster.indexOf(this.#options.key);
    const start = this.#startOf(period);
    const isNear = period >= this.#period - 1 && start - now <= roster.body.patience;
    if (me < 0 || !isNear) return undefined;
    const { signer, observer, store } = this.#options;
    const round = new Round({
      roster,
      me,
      signer,
      observer: {
        candidates: (of) =>
          observer.candidates(of).filter((item) => this.#judge(item) !== 'refused'),
        judge: (item) => (this.#judge(item) === 'refused' ? 'refused' : observer.judge(item)),
      },
      period,
      leaders: this.#leaders(roster, period),
      start,
      kept: store.keptRound(period),
      doubted: this.#doubted,
    });
    for (const certificate of this.certificates(period)) round.learn(certificate);
    this.#rounds.set(period, round);
    return round;
  }

  /** What no member states, whatever its challenger saw: of a convicted log, or what is long past. */
  #judge({ statement }: Proposed): 'refused' | undefined {
    if (this.isConvicted(statement.id)) return 'refused';
    const before = this.#latest.get(slotOf(statement))?.item.statement;
    if (statement.kind === 'head' && before?.kind === 'head')
      return statement.treeSize < before.treeSize ? 'refused' : undefined;
    return undefined;
  }

  /**
   * In an order that nobody chooses. Those who signed nothing in the last period that all know of, and
   * those who are proven false, come last; whoever thinks otherwise loses a view by it and no more.
   */
  #leaders(roster: Roster, period: number): MemberIndex[] {
    const recent = new Set<MemberIndex>();
    for (let each = period - 2; each >= period - 4 && recent.size === 0; each--)
      for (const certificate of this.certificates(each))
        if (isSame(certificate.roster, roster.hash))
          certificate.items.forEach((_, i) => {
            for (const signer of signersOf(certificate, i)) recent.add(signer);
          });
    const rank = (member: MemberIndex): string => {
      const key = hex(roster.body.members[member]?.key ?? new Uint8Array(0));
      const last = this.#faulty.has(key) ? 2 : recent.size > 0 && !recent.has(member) ? 1 : 0;
      return `${last} ${hex(sha256(roster.hash, u64(period), u64(member)))}`;
    };
    return roster.body.members
      .map((_, member) => ({ member, by: rank(member) }))
      .sort((a, b) => (a.by < b.by ? -1 : 1))
      .map(({ member }) => member);
  }

  #work(now: number): void {
    for (const [period, round] of this.#rounds) this.#follow(period, round.time(now));
    for (let i = 0; i < OBJECTS_AT_ONCE; i++) {
      const next = this.#pending.shift();
      if (next === undefined) break;
      this.#takeObject(next);
    }
    if (this.#pending.length === 0)
      for (const peer of this.#fruitful) {
        this.#fruitful.delete(peer);
        this.#compareWith(peer);
      }
    if (this.#compareAt !== undefined && now >= this.#compareAt) {
      this.#compareAt = undefined;
      this.#compareWithSome(1);
    }
  }

  // --- what comes from peers ---

  #takeMessage(peer: Peer, bytes: Uint8Array, now: number): void {
    const roster = this.#rosters.findLast((each) => isOfRoster(bytes, each)) ?? this.newestRoster;
    const isKnown = this.#peers().includes(peer);
    if (!isKnown || bytes.length > MAX_MESSAGE || !this.#mayCost(peer, bytes.length)) return;
    let message: Message;
    try {
      message = decodeMessage(bytes, roster);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#account(peer).strikes += 1;
      return;
    }
    if (!('period' in message)) return this.#takeSetMessage(peer, message);
    if (bytes.length > MAX_ROUND_MESSAGE || !isOfRoster(bytes, this.rosterAt(message.period)))
      return;
    const from = roster.body.members.findIndex(({ key }) => hex(key) === peer);
    const round = this.#round(message.period, now);
    if (round !== undefined && from >= 0)
      this.#follow(message.period, round.take(from, message, now));
  }

  #account(peer: Peer): Account {
    const account = this.#accounts.get(peer) ?? { messages: 0, bytes: 0, strikes: 0 };
    this.#accounts.set(peer, account);
    return account;
  }

  #mayCost(peer: Peer, bytes: number): boolean {
    const account = this.#account(peer);
    account.messages += 1;
    account.bytes += bytes;
    return account.messages <= MAX_PEER_MESSAGES && account.bytes <= MAX_PEER_BYTES;
  }

  #follow(period: number, outputs: readonly RoundOutput[]): void {
    const roster = this.rosterAt(period);
    for (const output of outputs)
      switch (output.kind) {
        case 'keep-round':
          try {
            this.#options.store.keepRound(output.kept, roster);
          } catch (error) {
            // As after a crash: what the round knows of itself and the store does not was not said.
            this.#rounds.delete(period);
            throw error;
          }
          break;
        case 'tell':
          this.#tell(roster, output.to, output.message);
          break;
        case 'certified':
          this.#takeCertificate(output.certificate);
          break;
        case 'fault':
          this.#takeFault(output.fault);
          break;
        case 'late':
          this.#compareWithSome(1);
          break;
      }
  }

  #tell(roster: Roster, to: MemberIndex, message: RoundMessage): void {
    const key = roster.body.members[to]?.key;
    if (key !== undefined) this.#send(hex(key), encodeMessage(message, roster));
  }

  #send(peer: Peer, bytes: Uint8Array): void {
    this.#output.push({ kind: 'send', peer, bytes });
  }

  #sendSet(peer: Peer, message: SetMessage): void {
    this.#send(peer, encodeMessage(message, this.newestRoster));
  }

  /** Those that are in the last roster or in the one that is in force, but oneself. */
  #peers(): Peer[] {
    const rosters = new Set([this.newestRoster, this.rosterAt(Math.max(0, this.#period))]);
    const keys = [...rosters].flatMap(({ body }) => body.members.map(({ key }) => hex(key)));
    return [...new Set(keys)].filter((key) => key !== hex(this.#options.key));
  }

  // --- sets ---

  #compareWith(peer: Peer): void {
    this.#sendSet(peer, { kind: 'compare', ranges: [this.#ids.whole()] });
  }

  #compareWithSome(count: number): void {
    const peers = this.#peers();
    for (let i = 0; i < count && peers.length > 0; i++) {
      const [peer] = peers.splice(Math.floor(this.#options.random() * peers.length), 1);
      if (peer !== undefined) this.#compareWith(peer);
    }
  }

  #takeSetMessage(peer: Peer, message: SetMessage): void {
    switch (message.kind) {
      case 'compare': {
        // It takes a look at each ID that is here.
        if (!this.#mayCost(peer, (this.#ids.size * ID_BYTES) / 4)) return;
        const differences = message.ranges.map((range) => this.#ids.compare(range));
        const ranges = differences.flatMap((each) => each.ranges).slice(0, 256);
        if (ranges.length > 0) this.#sendSet(peer, { kind: 'compare', ranges });
        const missing = differences.flatMap((each) => each.missing);
        const ids = missing.slice(0, MAX_IDS);
        if (ids.length > 0 && this.#account(peer).strikes < MAX_STRIKES)
          this.#sendSet(peer, { kind: 'want', ids });
        return this.#give(
          peer,
          differences.flatMap((each) => each.surplus),
        );
      }
      case 'want':
        return this.#give(peer, message.ids);
      case 'objects':
        for (const object of message.objects)
          if (this.#pending.length < MAX_PENDING && !this.#ids.has(object.id))
            this.#pending.push({ peer, object });
    }
  }

  /** Sends what fits; who lacks more asks again. The newest periods first. */
  #give(peer: Peer, ids: readonly Uint8Array[]): void {
    const objects: SetObject[] = [];
    let left = MAX_SENT;
    for (const id of ids.toSorted((a, b) => Buffer.compare(b, a))) {
      const bytes = this.#ids.has(id) ? this.#objectOf(id) : undefined;
      if (bytes === undefined || !this.#mayCost(peer, bytes.length)) continue;
      if ((left < bytes.length && objects.length > 0) || objects.length === 256) break;
      left -= bytes.length;
      objects.push({ id, bytes });
    }
    if (objects.length > 0) this.#sendSet(peer, { kind: 'objects', objects });
  }

  #objectOf(id: Uint8Array): Uint8Array | undefined {
    const { store } = this.#options;
    switch (id[0]) {
      case KIND.roster: {
        const epoch = Number(Buffer.from(id).readBigUInt64BE(1));
        const text = store.rosters()[epoch];
        return text === undefined ? undefined : new Uint8Array(Buffer.from(text));
      }
      case KIND.period: {
        const period = Number(Buffer.from(id).readBigUInt64BE(1));
        return list(store.certificates(period).map(long));
      }
      default:
        return store.object(id);
    }
  }

  #takeObject({ peer, object }: Pending): void {
    // Of nobody: what came before its time, and was nobody's fault.
    const account = peer === '' ? { strikes: 0 } : this.#account(peer);
    if (this.#ids.has(object.id) || account.strikes >= MAX_STRIKES) return;
    const outcome = this.#judgeObject(object, peer === '');
    if (outcome === 'false') account.strikes += 1;
    // Cosignatures come by themselves: what is on its way to here would be sent twice.
    if (outcome === 'taken' && peer !== '' && object.id[0] !== KIND.cosignatures)
      this.#fruitful.add(peer);
  }

  #judgeObject({ id, bytes }: SetObject, isAgain: boolean): 'taken' | 'useless' | 'false' {
    try {
      switch (id[0]) {
        case KIND.roster:
          return this.#takeRoster(
            parseSignedRoster(Buffer.from(bytes).toString('utf8'), 'a roster'),
          );
        case KIND.evidence:
          return this.#takeEvidence(bytes);
        case KIND.fault:
          return this.#takeFault(readAll(bytes, readFault));
        case KIND.period:
          return this.#takePeriod(bytes);
        case KIND.cosignatures:
          return this.#takeCosignatures(id, bytes, isAgain);
        default:
          return 'false';
      }
    } catch (error) {
      // What a peer sends is no reason to fail; what our own disk does is.
      if (error instanceof FormatError || (error as { code?: unknown }).code === 'bad-input')
        return 'false';
      throw error;
    }
  }

  #takePeriod(bytes: Uint8Array): 'taken' | 'useless' | 'false' {
    const all = readAll(bytes, (cursor) =>
      readList(cursor, MAX_STATEMENTS, () => readLong(cursor)),
    );
    let outcome: 'taken' | 'useless' | 'false' = 'useless';
    for (const each of all) {
      const certificate = this.#readCertificate(each);
      if (certificate === undefined) return 'useless';
      const { period } = certificate;
      if (period > this.#period + 1 || period < this.#period - KEPT_PERIODS) return 'useless';
      if (!this.#isNews(certificate)) continue;
      if (faultOf(certificate, this.rosterAt(period)) !== undefined) return 'false';
      this.#takeCertificate(this.#withoutFalseProofs(certificate));
      const round = this.#rounds.get(period);
      round?.learn(certificate);
      // Whoever still waits for it is not to wait for a view that those who have it take no part in.
      if (round !== undefined) this.#compareWithSome(FAN_OUT);
      outcome = 'taken';
    }
    return outcome;
  }

  /** What comes with a statement is signed by nobody here: whoever passed it on may have changed it. */
  #withoutFalseProofs(certificate: Certificate): Certificate {
    const { observer } = this.#options;
    const items = certificate.items.map((item): Proposed => {
      if (observer.judge(item) !== 'refused') return item;
      const digest = digestOf(item.statement);
      const own = observer
        .candidates(certificate.period)
        .find(({ statement }) => isSame(digestOf(statement), digest));
      return own ?? { ...item, attachment: new Uint8Array(0) };
    });
    return { ...certificate, items };
  }

  /** Undefined where it is of a roster that is unknown, or not the one for its period. */
  #readCertificate(bytes: Uint8Array): Certificate | undefined {
    const roster = this.#rosters.find(({ hash }) => isSame(hash, bytes.subarray(0, 32)));
    if (roster === undefined) return undefined;
    const certificate = readAll(bytes, (cursor) => readCertificate(cursor, roster.size));
    return this.rosterAt(certificate.period) === roster ? certificate : undefined;
  }

  #isNews(certificate: Certificate): boolean {
    const known = new Set(
      this.stated(certificate.period).map(({ statement }) => hex(digestOf(statement))),
    );
    const stated = statedOf(certificate, this.rosterAt(certificate.period));
    return (
      stated.length === 0 || stated.some(({ statement }) => !known.has(hex(digestOf(statement))))
    );
  }

  /** One that holds. */
  #takeCertificate(certificate: Certificate): void {
    const { period } = certificate;
    if (!this.#isNews(certificate)) return;
    const roster = this.rosterAt(period);
    const before = new Map(
      this.stated(period).map(({ statement }) => [slotOf(statement), digestOf(statement)]),
    );
    const stated = statedOf(certificate, roster);
    for (const { statement } of stated) {
      const known = before.get(slotOf(statement));
      if (known === undefined || isSame(known, digestOf(statement))) continue;
      const other = this.certificates(period).find((each) =>
        statedOf(each, roster).some((item) => isSame(digestOf(item.statement), known)),
      );
      if (other !== undefined)
        this.#output.push({ kind: 'disagreement', certificates: [other, certificate] });
    }
    this.#options.store.addCertificate(period, encodeCertificate(certificate));
    this.#version += 1;
    this.#read.delete(period);
    this.#remember(period);
    this.#noteLatest(certificate);
    for (const object of this.#unready.splice(0)) this.#pending.push({ peer: '', object });
    const news = stated.filter(({ statement }) => !before.has(slotOf(statement)));
    this.#output.push({ kind: 'certified', certificate, stated: news });
  }

  #rememberAll(): void {
    this.#latest.clear();
    this.#read.clear();
    for (const period of this.#options.store.periods()) {
      this.#remember(period);
      for (const certificate of this.certificates(period)) this.#noteLatest(certificate);
    }
  }

  /** Of a period there is one ID, which says what was stated in it. */
  #remember(period: number): void {
    for (const id of this.#ids.between(idOf('period', period), idOf('period', period + 1)))
      this.#ids.delete(id);
    const digests = this.stated(period).map(({ statement }) => hex(digestOf(statement)));
    if (digests.length > 0)
      this.#ids.add(idOf('period', period, sha256(digests.sort().join('\n'))));
  }

  #noteLatest(certificate: Certificate): void {
    const { period } = certificate;
    for (const item of statedOf(certificate, this.rosterAt(period))) {
      const slot = slotOf(item.statement);
      const known = this.#latest.get(slot);
      if (known === undefined || known.period < period) this.#latest.set(slot, { period, item });
    }
  }

  #note(id: Uint8Array): void {
    if (id[0] === KIND.evidence) this.#convicted.add(hex(id.subarray(9)));
    if (id[0] === KIND.fault)
      for (const roster of this.#rosters)
        for (const { key } of roster.body.members)
          if (isSame(sha256(key), id.subarray(9))) this.#faulty.add(hex(key));
  }

  #keep(id: Uint8Array, bytes: Uint8Array): void {
    this.#options.store.putObject(id, bytes);
    this.#version += 1;
    this.#ids.add(id);
    this.#note(id);
  }

  #takeEvidence(bytes: Uint8Array): 'taken' | 'useless' | 'false' {
    const logId = this.#options.convicts(bytes);
    if (logId === undefined) return 'false';
    const id = idOf('evidence', 0, logId);
    if (this.#ids.has(id)) return 'useless';
    this.#keep(id, bytes);
    this.#output.push({ kind: 'convicted', id: logId, bytes });
    this.#compareWithSome(FAN_OUT);
    return 'taken';
  }

  #takeFault(fault: Fault): 'taken' | 'useless' | 'false' {
    const roster = this.#rosters.find(({ hash }) => isSame(hash, fault.roster));
    const key = roster?.body.members[fault.member]?.key;
    if (roster === undefined || key === undefined) return 'useless';
    const id = idOf('fault', 0, sha256(key));
    if (this.#ids.has(id)) return 'useless';
    if (!isProven(fault, roster)) return 'false';
    this.#keep(id, encodeFault(fault));
    this.#output.push({ kind: 'fault', member: hex(key), fault });
    this.#compareWithSome(FAN_OUT);
    return 'taken';
  }

  /** One of an epoch of which there is another here: whoever signed both is proven false. */
  #takeOtherRoster({ body, signature }: SignedRoster): 'taken' | 'useless' | 'false' {
    const before = this.#rosters.find(({ hash }) => isSame(hash, body.previous));
    const text = this.#options.store.rosters()[body.epoch];
    if (before === undefined || text === undefined) return 'useless';
    const known = parseSignedRoster(text, 'a roster');
    const said = [known, { body, signature }].map((each): Said => ({
      body: rosterHash(each.body),
      ...each.signature,
    })) as [Said, Said];
    if (!isSame(known.body.previous, body.previous) || isSame(said[0].body, said[1].body))
      return 'useless';
    const liars = known.signature.signers.members().filter((each) => signature.signers.has(each));
    const place = { purpose: 'roster', roster: before.hash, period: 0, view: 0 } as const;
    let outcome: 'taken' | 'useless' | 'false' = 'useless';
    for (const member of liars) {
      const found = this.#takeFault({ ...place, member, said });
      if (found === 'false') return found;
      if (found === 'taken') outcome = found;
    }
    return outcome;
  }

  #takeRoster(signed: SignedRoster): 'taken' | 'useless' | 'false' {
    const { epoch } = signed.body;
    if (epoch !== this.newestRoster.body.epoch + 1) return this.#takeOtherRoster(signed);
    const roster = successor(this.newestRoster, signed);
    this.#options.store.addRoster(epoch, formatSignedRoster(signed));
    this.#version += 1;
    this.#rosters.push(roster);
    this.#ids.add(idOf('roster', epoch, roster.hash));
    // Rounds that are to be by the new roster begin anew.
    for (const period of this.#rounds.keys())
      if (period >= roster.body.start) this.#rounds.delete(period);
    // What was agreed on by the old one for its periods is void.
    const periods = this.#options.store.periods();
    if (periods.some((period) => period >= roster.body.start)) this.#rememberAll();
    this.#output.push({ kind: 'roster', roster });
    this.#compareWithSome(FAN_OUT);
    return 'taken';
  }

  // --- cosignatures ---

  #takeOwnCosignatures(period: number, bytes: Uint8Array): void {
    const { key } = this.#options;
    if (period < this.#period - COSIGNED_PERIODS) return;
    const id = idOf('cosignatures', period, sha256(key));
    if (this.#ids.has(id)) return;
    this.#keep(id, bytes);
    const objects = [{ id, bytes }];
    // Each goes once to each: nobody else has it yet.
    for (const peer of this.#peers()) this.#sendSet(peer, { kind: 'objects', objects });
  }

  #takeCosignatures(
    id: Uint8Array,
    bytes: Uint8Array,
    isAgain: boolean,
  ): 'taken' | 'useless' | 'false' {
    const period = Number(Buffer.from(id).readBigUInt64BE(1));
    if (period < this.#period - COSIGNED_PERIODS || period > this.#period + 1) return 'useless';
    const { members } = this.rosterAt(period).body;
    const member = members.find(({ key }) => isSame(sha256(key), id.subarray(9)));
    if (member === undefined) return 'false';
    const stated = this.stated(period);
    const good =
      stated.length === 0 ? 'unknown' : this.#options.goodCosignatures(member, stated, bytes);
    if (good === 'false') return 'false';
    if (good === 'unknown') {
      // What they are of is still to come. They wait once: a comparison brings them again.
      if (!isAgain && this.#unready.length < MAX_UNREADY) this.#unready.push({ id, bytes });
      return 'useless';
    }
    this.#keep(id, good);
    return 'taken';
  }

  /** By member (Peer): the cosignatures of a period that are here. */
  cosignatures(period: number): Map<Peer, Uint8Array> {
    const found = new Map<Peer, Uint8Array>();
    for (const { key } of this.rosterAt(period).body.members) {
      const bytes = this.#options.store.object(idOf('cosignatures', period, sha256(key)));
      if (bytes !== undefined) found.set(hex(key), bytes);
    }
    return found;
  }

  /** Proofs of misbehaviour of logs, by log ID in hexadecimal. */
  evidence(): Map<string, Uint8Array> {
    return this.#objectsOf('evidence');
  }

  /** Proofs that members contradicted themselves (encodeFault). */
  faults(): Uint8Array[] {
    return [...this.#objectsOf('fault').values()];
  }

  #objectsOf(kind: 'evidence' | 'fault'): Map<string, Uint8Array> {
    const end = u8(KIND[kind] + 1);
    const found = new Map<string, Uint8Array>();
    for (const id of this.#ids.between(u8(KIND[kind]), end)) {
      const bytes = this.#options.store.object(id);
      if (bytes !== undefined) found.set(hex(id.subarray(9)), bytes);
    }
    return found;
  }
}

/** A kind, a number and a hash; without a hash, the bound below all of that number. */
export function idOf(
  kind: keyof typeof KIND,
  order: number,
  hash: Uint8Array = new Uint8Array(32),
): Uint8Array {
  return concat([u8(KIND[kind]), u64(order), hash]);
}
