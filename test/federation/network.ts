// SPDX-License-Identifier: Apache-2.0
/**
 * Members of a federation in one process, over a network that a test rules: what is delayed, lost,
 * doubled, and by whom lies are told. Time is the test's.
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { aggregate, publicKeyOf, sign as signBls } from '../../src/bls/signatures.ts';
import {
  decodeSignature,
  drawSecret,
  encodePublicKey,
  encodeSignature,
  proofOfPossession,
  secretOf,
  standard,
} from '../../src/bls/standard.ts';
import { Bits, hex } from '../../src/federation/bytes.ts';
import {
  Member,
  type Input,
  type MemberOptions,
  type Output,
  type Peer,
} from '../../src/federation/member.ts';
import {
  Roster,
  rosterBytes,
  type MultiSignature,
  type RosterBody,
} from '../../src/federation/roster.ts';
import type { Judgement, Observer, Signer } from '../../src/federation/round.ts';
import { MemoryStore } from '../../src/federation/store.ts';
import { digestOf, slotOf, type Proposed } from '../../src/federation/statement.ts';
import { random, SEED } from '../support/random.ts';

export interface Keys {
  readonly key: Uint8Array;
  readonly privateKey: KeyObject;
  readonly secret: bigint;
  readonly signer: Signer;
}

export function drawKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const secret = secretOf(drawSecret());
  const signer: Signer = {
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
    signBls: (bytes) => encodeSignature(signBls(standard, secret, bytes)),
  };
  return { key, privateKey, secret, signer };
}

const known: Keys[] = [];
/** Keys take long to make, so tests share them. */
export function keysOf(count: number): Keys[] {
  while (known.length < count) known.push(drawKeys());
  return known.slice(0, count);
}

export function rosterBody(keys: readonly Keys[], changes: Partial<RosterBody> = {}): RosterBody {
  return {
    name: 'test',
    epoch: 0,
    previous: new Uint8Array(32),
    start: 0,
    threshold: keys.length - Math.floor((keys.length - 1) / 3),
    period: 60,
    patience: 1000,
    members: keys.map(({ key, secret }, i) => ({
      name: `m${i}`,
      url: `https://m${i}.example/`,
      key,
      bls: encodePublicKey(publicKeyOf(standard, secret)),
      proof: proofOfPossession(secret),
      vkeys: [],
    })),
    ...changes,
  };
}

const rosters = new Map<string, Roster>();
/** The same for the same: its proofs take long to check. */
export function rosterOf(count: number, changes: Partial<RosterBody> = {}): Roster {
  const name = `${count} ${JSON.stringify(changes)}`;
  const roster = rosters.get(name) ?? Roster.of(rosterBody(keysOf(count), changes));
  rosters.set(name, roster);
  return roster;
}

export function signedBy(
  keys: readonly Keys[],
  members: readonly number[],
  bytes: Uint8Array,
): MultiSignature {
  const parts = members.map((i) => decodeSignature(keys[i]?.signer.signBls(bytes) ?? bytes));
  return { signers: Bits.of(keys.length, members), signature: encodeSignature(aggregate(parts)) };
}

export function signRoster(
  keys: readonly Keys[],
  members: readonly number[],
  body: RosterBody,
): { body: RosterBody; signature: MultiSignature } {
  return { body, signature: signedBy(keys, members, rosterBytes(body)) };
}

export const idOfLog = (log: number): Uint8Array => new Uint8Array(32).fill(log + 1);

/** The head that log number `log` signs at a size, in branch `branch` of its history. */
export function head(log: number, size: number, branch = 0): Proposed {
  const rootHash = new Uint8Array(32).fill(size % 251);
  rootHash[0] = branch;
  rootHash[1] = size >> 8;
  return {
    statement: { kind: 'head', id: idOfLog(log), treeSize: BigInt(size), rootHash },
    attachment: new Uint8Array(Buffer.from(`signed by log ${log}`)),
  };
}

export const accusation = (log: number): Proposed => ({
  statement: { kind: 'accusation', id: idOfLog(log) },
  attachment: new Uint8Array(),
});

/** What a challenger found: of each log the largest proven size, or that it does not answer. */
export class FoundByChallenger implements Observer {
  readonly logs = new Map<number, number | 'silent'>();
  /** The branch that a log shows here. */
  branch = 0;

  candidates(): Proposed[] {
    return [...this.logs].map(([log, size]) =>
      size === 'silent' ? accusation(log) : head(log, size, this.branch),
    );
  }

  judge({ statement, attachment }: Proposed): Judgement {
    const log = (statement.id[0] ?? 0) - 1;
    const size = this.logs.get(log);
    if (statement.kind !== 'head') return size === 'silent' ? 'stated' : 'unknown';
    if (!Buffer.from(attachment).equals(Buffer.from(`signed by log ${log}`))) return 'refused';
    if (typeof size !== 'number' || statement.treeSize > BigInt(size)) return 'unknown';
    const mine = head(log, Number(statement.treeSize), this.branch);
    return Buffer.compare(digestOf(mine.statement), digestOf(statement)) === 0
      ? 'stated'
      : 'unknown';
  }
}

export interface Node {
  readonly peer: Peer;
  readonly keys: Keys;
  readonly found: FoundByChallenger;
  readonly store: MemoryStore;
  member: Member;
  /** What it told of, but messages. */
  readonly news: Exclude<Output, { kind: 'send' }>[];
  isUp: boolean;
  sent: { messages: number; bytes: number };
}

export interface Delivery {
  readonly from: Node;
  readonly to: Node;
  readonly bytes: Uint8Array;
}

export interface NetworkOptions {
  readonly count: number;
  readonly logs?: number;
  readonly changes?: Partial<RosterBody>;
  readonly random?: () => number;
  readonly start?: number;
  readonly member?: Partial<MemberOptions>;
  /** Milliseconds until what is sent arrives, once for each copy; none: it is lost. */
  readonly delays?: (delivery: Delivery) => readonly number[];
}

interface Event {
  readonly at: number;
  readonly number: number;
  readonly delivery: Delivery;
}

export class Network {
  readonly roster: Roster;
  readonly nodes: Node[];
  readonly #options: NetworkOptions;
  #events: Event[] = [];
  #numbers = 0;
  readonly #draw = random(SEED);
  now: number;

  constructor(options: NetworkOptions) {
    const { count, logs = 2, changes = {}, start = 60_000 * 1000 } = options;
    this.#options = options;
    this.roster = rosterOf(count, changes);
    this.now = start;
    this.nodes = keysOf(count).map((keys) => {
      const found = new FoundByChallenger();
      for (let log = 0; log < logs; log++) found.logs.set(log, 100);
      const store = new MemoryStore();
      const node = {
        peer: hex(keys.key),
        keys,
        found,
        store,
        news: [],
        isUp: true,
        sent: { messages: 0, bytes: 0 },
      };
      return { ...node, member: this.#member({ keys, found, store }) };
    });
  }

  #member({ keys, found, store }: Pick<Node, 'keys' | 'found' | 'store'>): Member {
    return new Member({
      rosters: [this.roster],
      key: keys.key,
      signer: keys.signer,
      observer: found,
      convicts: (bundle) => (bundle[0] === 0xbb ? idOfLog(bundle[1] ?? 0) : undefined),
      goodCosignatures: (member, _, bytes) =>
        Buffer.from(bytes).toString() === `by ${member.name}` ? bytes : 'false',
      store,
      random: this.#options.random ?? (() => this.#draw(2 ** 20) / 2 ** 20),
      ...this.#options.member,
    });
  }

  node(index: number): Node {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  /** As after a crash: what is in the store is all that is left. */
  restart(index: number): void {
    const node = this.node(index);
    node.member = this.#member(node);
  }

  give(node: Node, input: Input): void {
    if (!node.isUp) return;
    for (const output of node.member.handle(input, this.now)) {
      if (output.kind === 'send') this.send(node, output.peer, output.bytes);
      else node.news.push(output);
    }
  }

  /**
   * Has a second process run with the keys of a member, that knows nothing of the first: between
   * them they say two things of everything. What is sent to the member reaches both.
   */
  twin(index: number, found: FoundByChallenger): Node {
    const { peer, keys } = this.node(index);
    const store = new MemoryStore();
    const member = this.#member({ keys, found, store });
    const sent = { messages: 0, bytes: 0 };
    const node: Node = { peer, keys, found, store, member, news: [], isUp: true, sent };
    this.nodes.push(node);
    return node;
  }

  send(from: Node, peer: Peer, bytes: Uint8Array): void {
    from.sent.messages += 1;
    from.sent.bytes += bytes.length;
    for (const to of this.nodes.filter((each) => each.peer === peer)) {
      const delivery = { from, to, bytes };
      for (const delay of this.#options.delays?.(delivery) ?? [1])
        this.#events.push({ at: this.now + delay, number: this.#numbers++, delivery });
    }
  }

  /** Goes on for so many milliseconds. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (const node of this.nodes) this.give(node, { kind: 'time' });
    for (;;) {
      const wakes = this.nodes.filter(({ isUp }) => isUp).map(({ member }) => member.wakeAt);
      const at = Math.min(...wakes, ...this.#events.map((event) => event.at));
      if (at > end) break;
      this.now = Math.max(this.now, at);
      const due = this.#events
        .filter((event) => event.at <= this.now)
        .sort((a, b) => a.at - b.at || a.number - b.number);
      this.#events = this.#events.filter((event) => event.at > this.now);
      for (const { delivery } of due)
        this.give(delivery.to, {
          kind: 'message',
          peer: delivery.from.peer,
          bytes: delivery.bytes,
        });
      for (const node of this.nodes)
        if (node.isUp && node.member.wakeAt <= this.now) this.give(node, { kind: 'time' });
    }
    this.now = end;
  }

  /** To the beginning of the next period. */
  runToNextPeriod(): void {
    const length = this.roster.body.period * 1000;
    this.run(length - (this.now % length));
  }
}

/** What a node holds for agreed in a period, as text. */
export function agreed(node: Node, period: number): string[] {
  return node.member
    .stated(period)
    .map(({ statement }) => {
      const size = statement.kind === 'head' ? ` ${statement.treeSize}` : '';
      return `${slotOf(statement).slice(0, 6)} ${statement.kind}${size} ${hex(digestOf(statement)).slice(0, 8)}`;
    })
    .sort();
}
