// SPDX-License-Identifier: Apache-2.0
/**
 * Follows a chain through nodes that may lie. Headers are checked and the most work wins, whoever
 * brings it; a block is believed if its transactions lead to its header's root. So a node can
 * withhold, which another node makes up for and a person is told of, and invent nothing.
 */
import { FormatError } from '../base/cursor.ts';
import { badInput, CtgaError } from '../base/errors.ts';
import { doubleSha256, readHash, sameBytes, showHash, toHex } from './bytes.ts';
import { parseHeader, type Network } from './header.ts';
import { HeaderChain } from './header-chain.ts';
import { merkleRoot } from './merkle.ts';
import { NodeError, type BitcoinNode } from './node.ts';
import { decodePacket, isSpendable, keyHashOf, payloadOf } from './packet.ts';
import type { PlacedPacket } from './reader.ts';
import type { BlockContent, ChainStore } from './store.ts';
import {
  HEADER_LENGTH,
  isCoinbase,
  parseBlock,
  type Block,
  type Transaction,
} from './transaction.ts';

/** A block that is trusted, in place of the first one. */
export interface Start {
  readonly height: number;
  /** As Bitcoin shows it. */
  readonly hash: string;
}

export interface FollowOptions {
  readonly network: Network;
  readonly nodes: readonly BitcoinNode[];
  readonly store: ChainStore;
  /** Where reading begins, above this block. */
  readonly start?: Start | undefined;
  /**
   * The key hash, in hexadecimal, whose coins are followed, beside those that the store follows already. The
   * first time that one is named, the chain is read once more.
   */
  readonly watch?: string | undefined;
  readonly onEvent: (event: FollowEvent) => void;
}

/** Who is told of what is read. */
interface Reading {
  readonly onCut: (height: number) => void;
  readonly onBlock: (height: number, time: number, packets: readonly PlacedPacket[]) => void;
  readonly signal?: AbortSignal | undefined;
}

export type FollowEvent =
  /** Blocks left the chain; those above `fork` are others now. */
  | { readonly event: 'reorganised'; readonly fork: number; readonly depth: number }
  /** What a node said is not true, as a clause. */
  | { readonly event: 'lied'; readonly node: string; readonly why: string }
  /** A node does not answer, or has not what it should. */
  | { readonly event: 'failed'; readonly node: string; readonly message: string };

/** Headers asked for at the same time; btcd accepts ten connections. */
const AT_ONCE = 6;
/** Headers that are taken together if they follow the last one. */
const BATCH = 480;
/** The longest branch that is looked at beside the chain. */
const MAX_BRANCH = 20_000;

/** What a node said is not true; the message is a clause. */
class Lie extends Error {}
/** A node's chain changed while it was asked. */
class Moved extends Error {}

export class Follower {
  readonly chain: HeaderChain;
  readonly store: ChainStore;
  readonly #options: FollowOptions;
  readonly #watched: ReadonlySet<string>;
  /** The height of the last block whose packets were read. */
  #read: number;
  #isHeard = false;
  #isUpToDate = false;
  #isOfLeastWork = false;

  private constructor(
    options: FollowOptions,
    { chain, watched, read }: { chain: HeaderChain; watched: ReadonlySet<string>; read: number },
  ) {
    this.#watched = watched;
    this.chain = chain;
    this.store = options.store;
    this.#options = options;
    this.#read = read;
  }

  /**
   * Goes on with what the store has, if it is of the same beginning; else from the beginning. Rejects
   * with NodeError if the trusted block is not the first one and no node has it.
   */
  static async open(options: FollowOptions): Promise<Follower> {
    const { network, store, start = { height: 0, hash: network.genesis.hash }, watch } = options;
    const beginning = JSON.stringify([network.name, start.height, start.hash]);
    const known = (store.meta('watched') ?? '').split(' ').filter((each) => each !== '');
    const watched = new Set(watch === undefined ? known : [...known, watch]);
    if (store.meta('beginning') !== beginning || watched.size > known.length) {
      store.clear();
      const header = await firstHeader(start, options);
      const content = {
        height: start.height,
        header,
        packets: [],
        coins: [],
        spends: [],
        transactions: [],
      };
      store.add(content);
      store.setMeta('watched', [...watched].join(' '));
      store.setMeta('beginning', beginning);
    }
    const [first, ...rest] = store.headers();
    const chain = new HeaderChain(network, { header: first as Uint8Array, height: start.height });
    // They were checked when they were written, and a damaged file must not pass either.
    const offered = chain.extend(rest, Infinity);
    if (offered.is === 'invalid') store.cut(chain.height);
    return new Follower(options, { chain, watched, read: chain.height });
  }

  get height(): number {
    return this.#read;
  }

  /** Whether blocks are known that could not be read. */
  get isBehind(): boolean {
    return this.#read < this.chain.height;
  }

  /** Whether in the last round a node told its chain, with the network's least work: if not, this one may be as old as it likes. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /**
   * Whether a node told its chain in the last round that came to its end, and all of it was read. Until then what
   * was read may have been revoked since.
   */
  get isUpToDate(): boolean {
    return this.#isUpToDate;
  }

  /**
   * Asks every node for what is new, and reads it. `onBlock` is told of each block, `onCut` before
   * that of the height above which all blocks have left the chain. `now` is in Unix seconds.
   */
  async round(now: number, reading: Reading): Promise<void> {
    await this.#readOn(now, reading);
    this.#isUpToDate = this.#isHeard && !this.isBehind;
  }

  async #readOn(now: number, { onCut, onBlock, signal }: Reading): Promise<void> {
    this.#isHeard = false;
    const answering = new Set<BitcoinNode>();
    for (const node of this.#options.nodes) {
      if (signal?.aborted === true) return;
      if (await this.#try(node, () => this.#headers(node, now, onCut))) answering.add(node);
    }
    if (!this.#hasLeastWork()) {
      // Nothing is read of it. A later block that is trusted stands for the work before it.
      this.#isHeard = false;
      const message = `its chain has less work than ${this.chain.network.name} has: it is made up, or the node is not there yet`;
      for (const { name } of answering)
        this.#options.onEvent({ event: 'failed', node: name, message });
      return;
    }
    if (answering.size > 0) this.#isHeard = true;
    while (this.isBehind && signal?.aborted !== true) {
      const content = await this.#nextBlock(answering);
      if (content === undefined) return;
      this.store.add(content);
      this.#read = content.height;
      onBlock(content.height, this.chain.medianTime(content.height), content.packets);
    }
  }

  /** A chain only ever gives way to one of more work, so this is found out once. */
  #hasLeastWork(): boolean {
    const { chain } = this;
    const { network } = chain;
    this.#isOfLeastWork ||= chain.start > 0 || chain.work >= network.leastWork;
    return this.#isOfLeastWork;
  }

  /** Whether it succeeded; if not, whoever listens is told. */
  async #try(node: BitcoinNode, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof Moved) {
        this.#isHeard = true;
        return false;
      }
      if (error instanceof Lie)
        this.#options.onEvent({ event: 'lied', node: node.name, why: error.message });
      else if (error instanceof NodeError)
        this.#options.onEvent({ event: 'failed', node: node.name, message: error.message });
      else throw error;
      return false;
    }
  }

  async #headers(node: BitcoinNode, now: number, onCut: (height: number) => void): Promise<void> {
    const { chain } = this;
    const height = await node.height();
    if (height < chain.start)
      throw new NodeError(
        'node-no-answer',
        `the node ${node.name} has no block ${chain.start} yet`,
      );
    let common = await this.#commonHeight(node, height);
    let branch: Uint8Array[] = [];
    for (let from = common + 1; from <= height;) {
      const before = branch.at(-1) ?? chain.at(common)?.bytes;
      const batch = await headersOf(node, from, Math.min(from + BATCH - 1, height), before);
      from += batch.length;
      branch.push(...batch);
      const offered = chain.offer(branch, common, now);
      if (offered.is === 'invalid') throw new Lie(`block ${offered.height} ${offered.why}`);
      if (offered.is === 'lighter') {
        if (branch.length > MAX_BRANCH)
          throw new Lie(`its chain of less work goes on for more than ${MAX_BRANCH} blocks`);
        continue;
      }
      if (offered.fork < this.#read) this.#cut(offered.fork, onCut);
      common = from - 1;
      branch = [];
    }
  }

  #cut(fork: number, onCut: (height: number) => void): void {
    const depth = this.#read - fork;
    this.store.cut(fork);
    this.#read = fork;
    onCut(fork);
    this.#options.onEvent({ event: 'reorganised', fork, depth });
  }

  /** A height at which the node has the same block, which is not far below the last such one. */
  async #commonHeight(node: BitcoinNode, height: number): Promise<number> {
    const { chain } = this;
    for (
      let at = Math.min(height, chain.height), step = 1;
      ;
      at = Math.max(at - step, chain.start), step *= 2
    ) {
      if ((await node.hashAt(at)) === chain.at(at)?.hash) return at;
      if (at === chain.start)
        throw new Lie(
          `its block ${at} is not that of ${chain.network.name}, or not the trusted one`,
        );
    }
  }

  /** From the first node that has it; the others are asked no more. Undefined if none does. */
  async #nextBlock(answering: Set<BitcoinNode>): Promise<BlockContent | undefined> {
    const height = this.#read + 1;
    const header = this.chain.at(height);
    if (header === undefined) return undefined;
    let content: BlockContent | undefined;
    for (const node of answering) {
      const work = async (): Promise<void> => {
        const block = checkedBlock(await node.block(header.hash), header.bytes);
        content = contentOf(block, height, this.#watched);
      };
      if (await this.#try(node, work)) return content;
      answering.delete(node);
    }
    return undefined;
  }
}

async function firstHeader(
  { height, hash }: Start,
  { network, nodes }: FollowOptions,
): Promise<Uint8Array> {
  if (hash === network.genesis.hash) return network.genesis.bytes;
  if (readHash(hash) === undefined) throw badInput(`'${hash}' is no hash of a block`);
  let failure: CtgaError<string> = badInput('name a node with --node URL');
  for (const node of nodes)
    try {
      const header = await node.header(hash);
      if (header.length === HEADER_LENGTH && parseHeader(header).hash === hash) return header;
      failure = badInput(`the node ${node.name} has another header for block ${height}`);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      failure = error;
    }
  throw failure;
}

/** The headers from one height to another, each behind the other. `before` precedes them. */
async function headersOf(
  node: BitcoinNode,
  from: number,
  to: number,
  before: Uint8Array | undefined,
): Promise<Uint8Array[]> {
  const headers: Uint8Array[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next <= to) {
      const height = next++;
      const hash = await node.hashAt(height);
      const header = await node.header(hash);
      if (header.length !== HEADER_LENGTH || showHash(doubleSha256(header)) !== hash)
        throw new Lie(`the header of block ${height} has not the hash that the node says`);
      headers[height - from] = header;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  let last = before;
  for (const header of headers) {
    if (last !== undefined && !sameBytes(header.subarray(4, 36), doubleSha256(last)))
      throw new Moved();
    last = header;
  }
  return headers;
}

/** The block, if it is the one of this header. Throws Lie. */
export function checkedBlock(bytes: Uint8Array, header: Uint8Array): Block {
  let block: Block;
  try {
    block = parseBlock(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new Lie(`a block is malformed: ${error.message}`);
    throw error;
  }
  if (!sameBytes(block.header, header)) throw new Lie('a block has another header than its own');
  const [first] = block.transactions;
  // Otherwise two nodes of the tree could pass for a transaction of 64 bytes, and hide those below them.
  if (first === undefined || !isCoinbase(first))
    throw new Lie('a block has a first transaction that makes no coins');
  const root = merkleRoot(block.transactions.map(({ id }) => id));
  if (root === undefined || !sameBytes(root, header.subarray(36, 68)))
    throw new Lie("a block's transactions do not lead to its header's root");
  return block;
}

/** What is kept of a block: its packets, and what the watched keys get and spend. */
function contentOf(
  { header, transactions }: Block,
  height: number,
  watched: ReadonlySet<string>,
): BlockContent {
  const packets: BlockContent['packets'][number][] = [];
  const coins: BlockContent['coins'][number][] = [];
  const spends: string[] = [];
  const ids: string[] = [];
  for (const [place, transaction] of transactions.entries()) {
    const { inputs, outputs } = transaction;
    const id = showHash(transaction.id);
    const isNew = isCoinbase(transaction);
    const spent = isNew ? [] : inputs.map((each) => `${showHash(each.id)}:${each.index}`);
    if (watched.size > 0) {
      spends.push(...spent);
      ids.push(id);
    }
    for (const [output, { script, value }] of outputs.entries()) {
      const key = keyHashOf(script);
      const owner = key === undefined ? '' : toHex(key);
      if (watched.has(owner) && isSpendable(script))
        coins.push({ transaction: id, output, value, owner, isCoinbase: isNew });
    }
    packets.push(...packetsIn(transaction, place));
  }
  return { height, header, packets, coins, spends, transactions: ids };
}

/** The packets of a transaction, which is at this place in its block. */
export function packetsIn(transaction: Transaction, place: number): BlockContent['packets'] {
  const { inputs, outputs } = transaction;
  const keys = outputs.map(({ script }) => keyHashOf(script));
  const ownerOutput = keys.findIndex((key) => key !== undefined);
  const owner = keys[ownerOutput];
  if (owner === undefined) return [];
  const common = {
    place,
    owner: toHex(owner),
    transaction: showHash(transaction.id),
    ownerOutput,
    spends: inputs.map((each) => `${showHash(each.id)}:${each.index}`),
  };
  return outputs.flatMap(({ script }, output) => {
    const bytes = payloadOf(script);
    const packet = bytes === undefined ? undefined : decodePacket(bytes);
    return bytes === undefined || packet === undefined
      ? []
      : [{ ...common, packet, bytes, output }];
  });
}
