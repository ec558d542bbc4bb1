// SPDX-License-Identifier: Apache-2.0
/**
 * A federation in one process: the real members, whose messages go over a wire that counts their
 * real bytes, by a clock of its own. Each member can have a CPU of its own, which is charged for what
 * handling takes on this machine. Chance is decided by a seed, but for keys.
 */
import { hex, isSame } from '../../src/federation/bytes.ts';
import {
  Member,
  type Input,
  type MemberOptions,
  type MemberStore,
  type Output,
  type Peer,
} from '../../src/federation/member.ts';
import type { Observer } from '../../src/federation/round.ts';
import { digestOf, type Proposed } from '../../src/federation/statement.ts';
import { MemoryStore } from '../../src/federation/store.ts';
import { head, keysOf, rosterOf, type Keys } from '../federation/network.ts';
import { random } from './random.ts';

export const PERIOD_MS = 60_000;
export const FIRST_PERIOD = 1000;

/** The least threshold with which so many liars of so many members cannot have two agreements. */
export function thresholdFor(size: number, liars: number): number {
  return Math.floor((size + liars) / 2) + 1;
}

/** Of `attachmentOf` a head that a log signed by ECDSA over P-256, as CT logs do. */
const ATTACHMENT_BYTES = 8 + 4 + 72;

/** The head of log number `log` at a size. */
function headOf(log: number, size: number): Proposed {
  return { ...head(log, size), attachment: new Uint8Array(ATTACHMENT_BYTES).fill(log) };
}

/** Who sees so many logs grow by a hundred entries a period, `behind` periods late. */
export function observerOf(logs: number, behind = 0): Observer {
  const sizeIn = (period: number): number => 100 * (period - behind);
  let newest = 0;
  return {
    candidates: (period) => {
      newest = Math.max(newest, period);
      return Array.from({ length: logs }, (_, log) => headOf(log, sizeIn(period)));
    },
    judge: ({ statement }) => {
      if (statement.kind !== 'head') return 'unknown';
      const size = Number(statement.treeSize);
      const { statement: tree } = headOf((statement.id[0] ?? 0) - 1, size);
      const isTree = isSame(digestOf(tree), digestOf(statement));
      return isTree && size <= sizeIn(newest) ? 'stated' : 'unknown';
    },
  };
}

export interface NetworkOptions {
  readonly size: number;
  readonly threshold: number;
  readonly patience?: number;
  /** Of a message on its way, in ms. */
  readonly latency?: number;
  /** Whether what handling takes is charged to the member's own CPU. */
  readonly isCharged?: boolean;
  readonly observer?: (member: number) => Observer;
  readonly seed?: number;
  /** Bytes of a member's cosignatures of what is agreed on in a period, if it makes them. */
  readonly cosignatures?: number;
}

/** What one member sent, and what it cost it. */
export interface Account {
  messages: number;
  bytes: number;
  received: number;
  /** In ms. */
  cpu: number;
}

export interface Happened {
  /** In ms. */
  readonly at: number;
  readonly member: number;
  readonly output: Exclude<Output, { readonly kind: 'send' }>;
}

/** What becomes of a message: it takes so many ms more, or is lost. */
export type Fate = number | 'lost';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
}

export class TimedNetwork {
  readonly keys: readonly Keys[];
  readonly roster: ReturnType<typeof rosterOf>;
  readonly stores: readonly MemoryStore[];
  /** By member; one that is silent is not there. */
  readonly members = new Map<number, Member>();
  readonly accounts: Account[];
  readonly happened: Happened[] = [];
  now = FIRST_PERIOD * PERIOD_MS - 1000;
  /** What becomes of a message between two. */
  fate: (from: number, to: number, bytes: Uint8Array) => Fate = () => 0;
  /** What a liar does with what it is sent; whoever is in here is no member otherwise. */
  readonly liars = new Map<number, (from: number, bytes: Uint8Array) => void>();
  readonly #options: NetworkOptions;
  readonly #due: Due[] = [];
  readonly #busy: number[];
  readonly #wakes = new Map<Member, number>();
  readonly #draw: (below: number) => number;
  #order = 0;

  constructor(options: NetworkOptions) {
    const { size, threshold, patience = 1000, seed = 1 } = options;
    this.#options = options;
    this.#draw = random(seed);
    this.keys = keysOf(size);
    this.roster = rosterOf(size, { threshold, patience, period: PERIOD_MS / 1000 });
    this.stores = this.keys.map(() => new MemoryStore());
    this.#busy = this.keys.map(() => 0);
    this.accounts = this.keys.map(() => ({ messages: 0, bytes: 0, received: 0, cpu: 0 }));
  }

  /** Starts members, all unless told; what they keep is in `stores`. */
  start(which: readonly number[] = this.keys.map((_, i) => i)): void {
    for (const i of which) {
      const observer = this.#options.observer?.(i) ?? observerOf(8);
      const member = new Member(this.optionsOf(i, observer));
      this.members.set(i, member);
      this.hand(i, { kind: 'time' });
    }
  }

  optionsOf(i: number, observer: Observer, store: MemberStore = this.#storeOf(i)): MemberOptions {
    const { key, signer } = this.#keysOf(i);
    return {
      rosters: [this.roster],
      key,
      signer,
      observer,
      convicts: () => undefined,
      goodCosignatures: (_, __, bytes) => bytes,
      store,
      random: () => this.#draw(2 ** 30) / 2 ** 30,
    };
  }

  /** As a liar with two faces: two members of one key, of which some are told by the one. */
  startTwins(i: number, observers: readonly [Observer, Observer]): void {
    const twins = observers.map((each) => new Member(this.optionsOf(i, each, new MemoryStore())));
    const handAll = (input: Input): void => {
      for (const [face, twin] of twins.entries())
        this.#run(i, twin, input, (to) => to % 2 === face);
    };
    this.liars.set(i, (from, bytes) =>
      handAll({ kind: 'message', peer: this.#peerOf(from), bytes }),
    );
    handAll({ kind: 'time' });
  }

  stop(i: number): void {
    this.members.delete(i);
    this.liars.delete(i);
  }

  /** Hands something to a member, now. */
  hand(i: number, input: Input): void {
    const member = this.members.get(i);
    if (member !== undefined) this.#run(i, member, input, () => true);
  }

  /** Has the bytes come from a member, whoever made them. */
  say(from: number, to: number, bytes: Uint8Array): void {
    const account = this.#accountOf(from);
    account.messages += 1;
    account.bytes += bytes.length;
    const fate = this.fate(from, to, bytes);
    if (fate === 'lost') return;
    this.after((this.#options.latency ?? 0) + fate, () => {
      this.#accountOf(to).received += bytes.length;
      const liar = this.liars.get(to);
      if (liar !== undefined) liar(from, bytes);
      else this.hand(to, { kind: 'message', peer: this.#peerOf(from), bytes });
    });
  }

  /** Does the work in so many ms. */
  after(milliseconds: number, work: () => void): void {
    this.#push({ at: this.now + milliseconds, order: this.#order++, work });
  }

  /** Until the clock is there. */
  runUntil(end: number): void {
    for (;;) {
      const [next] = this.#due;
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.now = Math.max(this.now, next.at);
      next.work();
    }
    this.now = end;
  }

  /** Until a period is over. */
  runPeriod(period: number): void {
    this.runUntil((period + 1) * PERIOD_MS - 1);
  }

  forgetAccounts(): void {
    for (const account of this.accounts)
      Object.assign(account, { messages: 0, bytes: 0, received: 0, cpu: 0 });
  }

  /** When each of these had agreed on so many logs in a period; Infinity: it never had. */
  agreedAt(period: number, logs: number, who: Iterable<number> = this.members.keys()): number {
    const times = [...who].map((member) => {
      let count = 0;
      for (const { at, member: of, output } of this.happened) {
        if (of !== member || output.kind !== 'certified') continue;
        if (output.certificate.period === period) count += output.stated.length;
        if (count >= logs) return at;
      }
      return Infinity;
    });
    return Math.max(...times);
  }

  #run(i: number, member: Member, input: Input, tells: (to: number) => boolean): void {
    const isCharged = this.#options.isCharged === true;
    const start = isCharged ? Math.max(this.now, this.#busy[i] ?? 0) : this.now;
    if (start > this.now) {
      // Its CPU is busy until then.
      this.#push({
        at: start,
        order: this.#order++,
        work: () => this.#run(i, member, input, tells),
      });
      return;
    }
    const before = process.cpuUsage();
    const outputs = member.handle(input, this.now);
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1000;
    this.#accountOf(i).cpu += cpu;
    const took = isCharged ? cpu : 0;
    this.#busy[i] = start + took;
    for (const output of outputs)
      if (output.kind === 'send') {
        const to = this.keys.findIndex(({ key }) => hex(key) === output.peer);
        if (tells(to)) this.after(took, () => this.say(i, to, output.bytes));
      } else {
        this.happened.push({ at: start + took, member: i, output });
        const { cosignatures } = this.#options;
        if (output.kind !== 'certified' || cosignatures === undefined) continue;
        const { period } = output.certificate;
        const bytes = new Uint8Array(cosignatures);
        this.after(took, () => this.hand(i, { kind: 'cosigned', period, bytes }));
      }
    this.#wake(i, member, took, tells);
  }

  #wake(i: number, member: Member, took: number, tells: (to: number) => boolean): void {
    const at = Math.max(this.now + took, member.wakeAt);
    if (!Number.isFinite(at)) return;
    const known = this.#wakes.get(member);
    if (known !== undefined && known > this.now && known <= at) return;
    this.#wakes.set(member, at);
    const work = (): void => {
      if (this.#wakes.get(member) !== at) return;
      this.#wakes.delete(member);
      if (this.members.get(i) === member || this.liars.has(i))
        this.#run(i, member, { kind: 'time' }, tells);
    };
    this.#push({ at, order: this.#order++, work });
  }

  #accountOf(i: number): Account {
    const account = this.accounts[i];
    if (account === undefined) throw new RangeError(`there is no member ${i}`);
    return account;
  }

  #peerOf(i: number): Peer {
    return hex(this.#keysOf(i).key);
  }

  #keysOf(i: number): Keys {
    const keys = this.keys[i];
    if (keys === undefined) throw new RangeError(`there is no member ${i}`);
    return keys;
  }

  #storeOf(i: number): MemoryStore {
    const store = this.stores[i];
    if (store === undefined) throw new RangeError(`there is no member ${i}`);
    return store;
  }

  // A heap, the earliest first.
  #push(due: Due): void {
    const heap = this.#due;
    heap.push(due);
    let i = heap.length - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (isBefore(heap[up], heap[i])) break;
      [heap[up], heap[i]] = [heap[i] as Due, heap[up] as Due];
      i = up;
    }
  }

  #pop(): void {
    const heap = this.#due;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let i = 0;
    for (;;) {
      let least = i;
      for (const down of [2 * i + 1, 2 * i + 2])
        if (down < heap.length && isBefore(heap[down], heap[least])) least = down;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least] as Due, heap[i] as Due];
      i = least;
    }
  }
}

function isBefore(a: Due | undefined, b: Due | undefined): boolean {
  if (a === undefined || b === undefined) return b === undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
