// SPDX-License-Identifier: Apache-2.0
/**
 * A chain that is followed, what DDT's commands in it have left, and writing to it: what `ctga ddt`
 * and `ctga carbonchain` have in common.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError, messageOf } from '../base/errors.ts';
import { Follower, type FollowEvent, type Start } from '../carbonchain/follow.ts';
import type { Network } from '../carbonchain/header.ts';
import { NodeError, type BitcoinNode } from '../carbonchain/node.ts';
import { CONFIRMATIONS, type PlacedPacket } from '../carbonchain/reader.ts';
import { scriptFor } from '../carbonchain/packet.ts';
import {
  overtaken,
  passOn,
  spendable,
  transactionsFor,
  transactionsWith,
  USUAL_FEE,
  type Payment,
  type Purse,
  type Signed,
} from '../carbonchain/send.ts';
import { ChainStore } from '../carbonchain/store.ts';
import { DDT_ID, Ledger, type Executed } from '../ddt/ledger.ts';
import { DdtServer } from '../ddt/server.ts';
import { makeDirectory } from '../disk/directory.ts';
import { hold, type Held } from '../disk/lock.ts';
import { whileWhole } from '../disk/sqlite-file.ts';

export interface ChainOptions {
  readonly network: Network;
  readonly nodes: readonly BitcoinNode[];
  readonly start?: Start | undefined;
  /** Where the state lies; undefined for memory alone. */
  readonly directory: string | undefined;
  /** Whose coins pay for what is written. */
  readonly purse?: Purse | undefined;
  readonly onEvent: (event: ChainEvent) => void;
}

export type ChainEvent =
  | FollowEvent
  | { readonly event: 'executed'; readonly executed: Executed }
  | { readonly event: 'written'; readonly transactions: readonly string[] }
  /** What was written and comes no more, since other transactions have spent its coins. */
  | { readonly event: 'overtaken'; readonly transactions: readonly string[] }
  | { readonly event: 'listening'; readonly url: string };

/** Who reads the blocks. */
export interface BlockReader {
  connect(height: number, time: number, packets: readonly PlacedPacket[]): void;
  /** Begins anew with all that the follower has read. */
  rebuild(follower: Follower): void;
}

/** Between two rounds. */
const EVERY_MS = 10_000;
/** Between two rounds in which what was just written is passed on, and how many there are. */
const SETTLE_MS = 250;
const SETTLE_ROUNDS = 40;
/** How long to wait for another process that follows the chain, and between two looks. */
const PATIENCE_MS = 10_000;
const HELD_MS = 50;

export class ChainService {
  readonly follower: Follower;
  readonly #options: ChainOptions;
  readonly #reader: BlockReader;
  readonly #store: ChainStore;
  readonly #held: Held | undefined;
  /** What is done to the chain and its store is done one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** What no node took in the last round. */
  #waiting: readonly string[] = [];
  /** Of what it was told that it comes no more. */
  readonly #overtaken = new Set<string>();

  private constructor(
    options: ChainOptions,
    reader: BlockReader,
    follower: Follower,
    held: Held | undefined,
  ) {
    this.#options = options;
    this.#reader = reader;
    this.follower = follower;
    this.#store = follower.store;
    this.#held = held;
    reader.rebuild(follower);
  }

  /**
   * Opens what was read before. Rejects with CtgaError `busy` if another process goes on following the chain
   * with this directory, or with what Follower.open rejects with.
   */
  static async open(options: ChainOptions, reader: BlockReader): Promise<ChainService> {
    const { directory, network, nodes, start, purse, onEvent } = options;
    const path = directory === undefined ? undefined : join(directory, `chain-${network.name}.db`);
    if (directory !== undefined) makeDirectory(directory);
    const held = path === undefined ? undefined : await holdSoon(`${path}-held`);
    if (path !== undefined && held === undefined)
      throw new CtgaError('busy', `another ctga follows ${network.name} with ${path}`, {
        remedy: 'Ask that one over its REST API, or use another directory with --state-dir.',
      });
    const store = path === undefined ? ChainStore.inMemory() : ChainStore.open(path);
    try {
      const watch = purse?.owner;
      const follower = await Follower.open({ network, nodes, store, start, watch, onEvent });
      return new ChainService(options, reader, follower, held);
    } catch (error) {
      store.close();
      held?.release();
      throw error;
    }
  }

  get nodes(): readonly BitcoinNode[] {
    return this.#options.nodes;
  }

  /** What was written, is in no block yet, and some node has: the transactions in their order. */
  get coming(): Uint8Array[] {
    const sent = this.#store.sent().filter(({ id }) => !this.#waiting.includes(id));
    return sent.map(({ bytes }) => bytes);
  }

  /**
   * Reads what is new, and passes on again what is in no block yet. Resolves to the IDs of what was written
   * and no node has.
   */
  round(signal?: AbortSignal): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      await this.follower.round(Date.now() / 1000, {
        onCut: () => this.#reader.rebuild(this.follower),
        onBlock: (height, time, packets) => this.#reader.connect(height, time, packets),
        signal,
      });
      this.#dropOvertaken();
      this.#waiting = await passOn(this.#store, this.#options.nodes);
      return this.#waiting;
    });
  }

  #dropOvertaken(): void {
    const found = overtaken(this.#store, this.follower.height - CONFIRMATIONS + 1);
    const transactions = [...found].filter((id) => !this.#overtaken.has(id));
    if (transactions.length === 0) return;
    for (const id of transactions) this.#overtaken.add(id);
    this.#store.removeSent(transactions);
    this.#options.onEvent({ event: 'overtaken', transactions });
  }

  /**
   * As `round`, for whoever then says what the chain has. Rejects with NodeError if no node told its chain,
   * and with CtgaError `interrupted` if `stop` is aborted: what was read before may have been revoked since.
   */
  async catchUp(stop: AbortSignal): Promise<void> {
    await this.round(stop);
    if (stop.aborted)
      throw new CtgaError('interrupted', 'interrupted, so nobody knows what the chain has now', {
        remedy: 'Run it again: it goes on where it was.',
      });
    if (!this.follower.isHeard)
      throw new NodeError(
        'node-no-answer',
        'no node told its chain, so nobody knows what it has now',
        { remedy: 'Start the node, or name another one with --node.' },
      );
  }

  /**
   * For whoever ends after having written: passes these on until a node has all of them, which may take a
   * moment (btcd refuses what spends a transaction that it is just moving into a block). Resolves to the IDs
   * of those that no node has after ten seconds.
   */
  async settle(ids: readonly string[], stop: AbortSignal): Promise<readonly string[]> {
    for (let left = SETTLE_ROUNDS; ; left--) {
      const none = new Set(await this.round(stop));
      const waiting = ids.filter((id) => none.has(id));
      if (waiting.length === 0 || left === 0 || stop.aborted) return waiting;
      await sleep(SETTLE_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Reads on and on until `stop` is aborted. */
  async run(stop: AbortSignal, every = EVERY_MS): Promise<void> {
    await whileWhole(this.#store, stop, async (end) => {
      while (!end.aborted) {
        await this.round(end);
        await sleep(every, undefined, { signal: end }).catch(() => undefined);
      }
    });
  }

  /**
   * Writes data to the chain, and resolves to the IDs of its transactions, in their order, when a node
   * has the first, or may have it, since it did not answer. With each round they are passed on until they are
   * in a block: who makes no more rounds settles them. Rejects with CtgaError if there are too few coins, or
   * every node refuses it; then nothing was written.
   */
  write(
    data: Uint8Array,
    {
      id,
      version = 0,
      fee = USUAL_FEE,
    }: { id: number; version?: number; fee?: bigint | undefined },
  ): Promise<string[]> {
    return this.#send(fee, (payment) => transactionsFor(data, { id, version }, payment));
  }

  /**
   * Writes a hash of 32 bytes to the chain, as `write` does. `keep` is called with its transaction
   * before it is sent.
   */
  async commit(
    hash: Uint8Array,
    { fee = USUAL_FEE, keep }: { fee?: bigint | undefined; keep: (transaction: Signed) => void },
  ): Promise<Signed> {
    let signed: Signed | undefined;
    await this.#send(fee, (payment) => {
      const transactions = transactionsWith([scriptFor(hash)], payment);
      [signed] = transactions;
      keep(signed as Signed);
      return transactions;
    });
    return signed as Signed;
  }

  /** Passes on from now on, with each round, a transaction that left the chain with its block. */
  sendAgain(transaction: Signed): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#store.sent().some(({ id }) => id === transaction.id)) return;
      this.#store.addSent([transaction]);
      await passOn(this.#store, this.#options.nodes);
    });
  }

  #send(fee: bigint, transactions: (payment: Payment) => readonly Signed[]): Promise<string[]> {
    const { purse, nodes, network, onEvent } = this.#options;
    if (purse === undefined)
      return Promise.reject(new CtgaError('bad-input', 'there are no coins to pay with'));
    return this.#inTurn(async () => {
      const coins = spendable(purse, this.#store, this.follower.height, this.#waiting);
      const signed = transactions({ purse, coins, fee, network });
      const [first] = signed;
      if (first === undefined) return [];
      const ids = signed.map((each) => each.id);
      // Before a node has the first: whoever is interrupted has not written half of it.
      this.#store.addSent(signed);
      try {
        await sendFirst(first.bytes, nodes);
      } catch (error) {
        this.#store.removeSent(ids);
        throw error;
      }
      await passOn(this.#store, nodes);
      onEvent({ event: 'written', transactions: ids });
      return ids;
    });
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#store.close();
    this.#held?.release();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Waits for others that only look something up, such as when Podman starts several containers at once. */
async function holdSoon(path: string): Promise<Held | undefined> {
  for (const begun = performance.now(); ; await sleep(HELD_MS)) {
    const held = hold(path);
    if (held !== undefined || performance.now() - begun > PATIENCE_MS) return held;
  }
}

/**
 * To the first node that takes it; one that does not answer may have it all the same. Rejects with what the last
 * one said if all refuse it.
 */
async function sendFirst(bytes: Uint8Array, nodes: readonly BitcoinNode[]): Promise<void> {
  let failure: unknown = new CtgaError('bad-input', 'name a node with --node URL');
  let isUnknown = false;
  for (const node of nodes)
    try {
      await node.send(bytes);
      return;
    } catch (error) {
      failure = error;
      isUnknown ||= error instanceof NodeError && error.code === 'node-no-answer';
    }
  if (!isUnknown) throw failure;
}

/** Opens a chain with the state of DDT's commands, and with what that will be when what was written counts. */
export async function openDdt(
  options: ChainOptions,
): Promise<{
  readonly chain: ChainService;
  readonly ledger: Ledger;
  readonly ahead: () => Ledger;
}> {
  let isNew = false;
  const ledger = new Ledger(options.network.genesis.hash, (executed) => {
    // What was executed before is executed again at every start, and whenever blocks have left.
    if (isNew) options.onEvent({ event: 'executed', executed });
  });
  const reader: BlockReader = {
    connect: (...block) => ledger.connect(...block),
    rebuild: (follower) => {
      isNew = false;
      ledger.rebuild(follower);
      isNew = true;
    },
  };
  const chain = await ChainService.open(options, reader);
  return { chain, ledger, ahead: () => Ledger.ahead(chain.follower, chain.coming) };
}

/**
 * `ctga ddt serve`: follows the chain and answers over REST until `stop` is aborted. Rejects with
 * CtgaError if it cannot listen.
 */
export async function serveDdt(
  options: ChainOptions & {
    readonly address: string;
    readonly port: number;
    readonly every?: number;
  },
  stop: AbortSignal,
): Promise<void> {
  const { purse, onEvent, address, port, every } = options;
  const { chain, ledger } = await openDdt(options);
  try {
    const write =
      purse === undefined
        ? undefined
        : async (command: Uint8Array, version: 0 | 1, fee: bigint | undefined) =>
            chain.write(command, { id: DDT_ID, version, fee });
    const onError = (error: unknown): void =>
      onEvent({ event: 'failed', node: 'REST', message: messageOf(error) });
    const isUpToDate = (): boolean => chain.follower.isUpToDate;
    const server = await DdtServer.start({ address, port, ledger, isUpToDate, write, onError });
    try {
      onEvent({ event: 'listening', url: server.at.url });
      await chain.run(stop, every);
    } finally {
      await server.stop();
    }
  } finally {
    await chain.close();
  }
}
