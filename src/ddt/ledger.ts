// SPDX-License-Identifier: Apache-2.0
/**
 * What the chain says about keys and images: both sets of commands, executed in the chain's order. It is
 * a function of the chain, so blocks that leave the chain take their commands with them.
 */
import { toHex } from '../carbonchain/bytes.ts';
import { packetsIn, type Follower } from '../carbonchain/follow.ts';
import { MAX_AHEAD, type HeaderChain } from '../carbonchain/header-chain.ts';
import {
  CONFIRMATIONS,
  PacketReader,
  type Datapack,
  type PlacedPacket,
} from '../carbonchain/reader.ts';
import { parseTransaction } from '../carbonchain/transaction.ts';
import { decodeOriginal, OriginalState, type OriginalCommand } from './original.ts';
import { decodeCommand, State, type Command } from './version1.ts';

/** The packet identifier of DDT. */
export const DDT_ID = 0xdf;

/** What became of a command, or of data that is none. */
export interface Executed {
  readonly set: 'original' | 'version 1';
  readonly datapack: Datapack;
  /** The block from which on it counts. */
  readonly height: number;
  /** Undefined for data that is no command of its set. */
  readonly command: OriginalCommand | Command | undefined;
  /** Why it was not executed. */
  readonly refusal: string | undefined;
}

/** The state after the blocks that were connected. */
export class Ledger {
  readonly #network: string;
  readonly #onExecuted: ((executed: Executed) => void) | undefined;
  #reader = new PacketReader(DDT_ID);
  #original = new OriginalState();
  #state: State;
  #height = 0;
  #time = 0;

  /** `network` is the hash of its first block, as Bitcoin shows it. */
  constructor(network: string, onExecuted?: (executed: Executed) => void) {
    this.#network = network;
    this.#state = new State(network);
    this.#onExecuted = onExecuted;
  }

  get original(): OriginalState {
    return this.#original;
  }

  get state(): State {
    return this.#state;
  }

  get height(): number {
    return this.#height;
  }

  /** The chain's own clock: the median time of the last block, in Unix seconds. */
  get time(): number {
    return this.#time;
  }

  /** Data that is complete and has too few confirmations. */
  get unconfirmed(): readonly Datapack[] {
    return this.#reader.unconfirmed;
  }

  connect(height: number, time: number, packets: readonly PlacedPacket[]): void {
    this.#height = height;
    this.#time = time;
    for (const datapack of this.#reader.connect(height, time, packets)) {
      const executed = this.#execute(datapack, height);
      if (executed !== undefined) this.#onExecuted?.(executed);
    }
  }

  /** Begins anew below the first block of a chain. What was written before a later one is not known. */
  begin(chain: HeaderChain): void {
    const { start } = chain;
    const first = chain.at(start);
    // A block may be of a later time than the one that it says, by as much as another of an earlier one.
    const after = start === 0 || first === undefined ? -1 : (first.time + MAX_AHEAD) * 1000;
    this.#reader = new PacketReader(DDT_ID);
    this.#original = new OriginalState();
    this.#state = new State(this.#network, after);
  }

  /** Begins anew with all that the follower has read: after a start, or when blocks have left. */
  rebuild({ chain, store, height }: Follower): void {
    this.begin(chain);
    for (let at = chain.start; at <= height; at++)
      this.connect(at, chain.medianTime(at), store.packets(at));
  }

  /**
   * What the follower has read, and then what will count if the next block has these transactions, in their order,
   * and enough blocks come above it.
   */
  static ahead(follower: Follower, transactions: readonly Uint8Array[]): Ledger {
    const { network } = follower.chain;
    const ledger = new Ledger(network.genesis.hash);
    ledger.rebuild(follower);
    const { height, time } = ledger;
    const coming = transactions.map((bytes, i) => packetsIn(parseTransaction(bytes), i));
    ledger.connect(height + 1, time, coming.flat());
    for (let i = 2; i <= CONFIRMATIONS; i++) ledger.connect(height + i, time, []);
    return ledger;
  }

  #execute(datapack: Datapack, height: number): Executed | undefined {
    if (datapack.rules === 'linked') {
      const command = decodeCommand(datapack.data);
      const refusal =
        command === undefined ? 'it is malformed' : this.#state.apply(command, this.#time);
      return { set: 'version 1', datapack, height, command, refusal };
    }
    const command = decodeOriginal(datapack.data);
    // The original sees the packets of version 1 too, and recognises no command in them.
    if (command === undefined && datapack.version === 1) return undefined;
    const refusal = command === undefined ? 'it is malformed' : this.#original.apply(command);
    return { set: 'original', datapack, height, command, refusal };
  }
}

/** Why a command is refused: by what counts already, or else by what is to count before it, as a clause. */
export function firstRefusal(
  counts: string | undefined,
  coming: string | undefined,
): string | undefined {
  return counts ?? (coming && `what was written before it counts first, and then ${coming}`);
}

/** A command's key in hexadecimal, for those that have one. */
export function keyIn(command: OriginalCommand | Command): string | undefined {
  return 'publicKey' in command ? toHex(command.publicKey) : undefined;
}
