// SPDX-License-Identifier: Apache-2.0
/**
 * Writing to the chain: one transaction a packet, of which each spends the change of the one before.
 * Its first output is the change, which makes the packet its owner's, and its second has the packet.
 */
import { Transaction, p2pkh, WIF } from '@scure/btc-signer';
import { hash160, pubECDSA } from '@scure/btc-signer/utils.js';
import { badInput, CtgaError } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { fromHex, showHash, toHex } from './bytes.ts';
import { NETWORKS, type Network } from './header.ts';
import { NodeError, type BitcoinNode } from './node.ts';
import { packetsOf, keyHashOf, scriptFor } from './packet.ts';
import type { ChainStore, Coin } from './store.ts';
import { parseTransaction } from './transaction.ts';

/** A key whose coins pay for what is written. */
export interface Purse {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  /** The hash of the public key, in hexadecimal. */
  readonly owner: string;
  readonly address: string;
}

/** What the original pays for each transaction unless told otherwise, in satoshi: 0.00002 BTC. */
export const USUAL_FEE = 2_000n;
/** The original leaves smaller change to the miners; and without change a packet has no owner. */
const DUST = 1_000n;
/** How many blocks new coins have to wait for. */
const MATURITY = 100;

/** The key in wallet import format, of this network. Throws CtgaError `bad-input`, which calls it by `name`. */
export function purseOf(wif: string, network: Network, name = 'that'): Purse {
  try {
    return purse(WIF(network.address).decode(wif), network);
  } catch (cause) {
    const other = Object.values(NETWORKS).find(({ address }) => {
      try {
        return WIF(address).decode(wif).length === 32;
      } catch {
        return false;
      }
    });
    const hint = other === undefined ? '' : `; it is one of ${other.name}`;
    throw new CtgaError(
      'bad-input',
      `${name} is no key in wallet import format of ${network.name}${hint}`,
      { cause },
    );
  }
}

export function purse(privateKey: Uint8Array, network: Network): Purse {
  const publicKey = pubECDSA(privateKey, true);
  const { address } = p2pkh(publicKey, network.address);
  return { privateKey, publicKey, owner: toHex(hash160(publicKey)), address: address };
}

export function wifOf({ privateKey }: Purse, network: Network): string {
  return WIF(network.address).encode(privateKey);
}

export interface Signed {
  /** As Bitcoin shows it. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

export interface Payment {
  readonly purse: Purse;
  readonly coins: readonly Coin[];
  /** For each transaction, in satoshi. */
  readonly fee: bigint;
  readonly network: Network;
}

/**
 * The transactions that write `data`, in their order, paid with these coins. Pure.
 *
 * @throws CtgaError `bad-input` if the coins do not suffice
 */
export function transactionsFor(
  data: Uint8Array,
  { id, version = 0 }: { readonly id: number; readonly version?: number },
  payment: Payment,
): Signed[] {
  return transactionsWith(packetsOf(data, { id, version }).map(scriptFor), payment);
}

/**
 * One transaction for each script, which spends the change of the one before. Pure.
 *
 * @throws CtgaError `bad-input` if the coins do not suffice
 */
export function transactionsWith(
  scripts: readonly Uint8Array[],
  { purse: from, coins, fee, network }: Payment,
): Signed[] {
  const needed = fee * BigInt(scripts.length) + DUST;
  const inputs: Coin[] = [];
  let amount = 0n;
  for (const coin of coins) {
    if (amount >= needed) break;
    inputs.push(coin);
    amount += coin.value;
  }
  if (amount < needed)
    throw badInput(
      `${from.address} has ${amount} satoshi to spend, and ${plural(scripts.length, 'transaction')} cost${scripts.length === 1 ? 's' : ''} ${needed}`,
      'Send coins to this address, and wait for a block.',
    );
  const script = p2pkh(from.publicKey, network.address).script;
  const signed: Signed[] = [];
  let spends: readonly Pick<Coin, 'transaction' | 'output' | 'value'>[] = inputs;
  for (const carried of scripts) {
    const transaction = new Transaction({
      allowUnknownOutputs: true,
      disableScriptCheck: true,
      allowLegacyWitnessUtxo: true,
    });
    for (const { transaction: txid, output, value } of spends) {
      // A legacy input signs the output's script alone; what the rest of its transaction is does not matter.
      transaction.addInput({
        txid,
        index: output,
        witnessUtxo: { script, amount: value },
        sighashType: 1,
      });
    }
    amount -= fee;
    transaction.addOutput({ script, amount });
    transaction.addOutput({ script: carried, amount: 0n });
    transaction.sign(from.privateKey);
    transaction.finalize();
    const bytes = transaction.extract();
    signed.push({ id: transaction.id, bytes });
    spends = [{ transaction: transaction.id, output: 0, value: amount }];
  }
  return signed;
}

/**
 * The IDs of what was sent and comes no more, in its order: blocks up to this height have spent its coins in another
 * transaction, such as one of another wallet with the same key, or the same with another signature, which
 * whoever mines can give it.
 */
export function overtaken(store: ChainStore, height: number): Set<string> {
  const found = new Set<string>();
  for (const { id, bytes } of store.sent()) {
    const isOvertaken = parseTransaction(bytes).inputs.some((each) => {
      const from = showHash(each.id);
      return found.has(from) || store.isSpent(from, each.index, height);
    });
    if (isOvertaken) found.add(id);
  }
  return found;
}

/**
 * What can be spent now: change that is on its way, and then coins in blocks, of each the largest first. So what
 * is written next spends what was written before, and no block has it in another order: a command that comes
 * behind a later one of its signer is refused. What is overtaken comes no more, and neither does its change.
 * Change of what is `waiting`, since no node takes it, is the last that is tried.
 */
export function spendable(
  { owner }: Purse,
  store: ChainStore,
  height: number,
  waiting: readonly string[] = [],
): Coin[] {
  const spent = new Set<string>();
  const lost = overtaken(store, height);
  const coming: Coin[] = [];
  for (const { id, bytes } of store.sent()) {
    if (lost.has(id)) continue;
    const { inputs, outputs } = parseTransaction(bytes);
    for (const each of inputs) spent.add(`${showHash(each.id)}:${each.index}`);
    for (const [output, { value, script }] of outputs.entries()) {
      const key = keyHashOf(script);
      if (key !== undefined && toHex(key) === owner)
        coming.push({ transaction: id, output, value, owner, height, isCoinbase: false });
    }
  }
  const ripe = store
    .coins(owner)
    .filter((coin) => !coin.isCoinbase || height - coin.height + 1 >= MATURITY);
  const free = (coin: Coin): boolean => !spent.has(`${coin.transaction}:${coin.output}`);
  const largestFirst = (coins: readonly Coin[]): Coin[] =>
    coins.filter(free).toSorted((a, b) => (a.value < b.value ? 1 : -1));
  const isWaiting = (coin: Coin): boolean => waiting.includes(coin.transaction);
  return [
    ...largestFirst(coming.filter((coin) => !isWaiting(coin))),
    ...largestFirst(ripe),
    ...largestFirst(coming.filter(isWaiting)),
  ];
}

/**
 * What bitcoind and btcd say of a transaction that is in the chain or the mempool already. Of one whose coins are
 * "already spent" by another, they say that too.
 */
const KNOWN = /\balready (?:have|exists|in)\b|txn-already/i;

/**
 * Passes on to every node, in their order, what was written and is in no block yet: one that takes a transaction
 * may keep it to itself. What every node refuses stays for the next time: it may only have to wait for a block.
 * Resolves to the IDs of what no node has.
 */
export async function passOn(
  store: ChainStore,
  nodes: readonly BitcoinNode[],
): Promise<readonly string[]> {
  const waiting: string[] = [];
  for (const { id, bytes } of store.sent()) if (!(await isTaken(bytes, nodes))) waiting.push(id);
  return waiting;
}

async function isTaken(bytes: Uint8Array, nodes: readonly BitcoinNode[]): Promise<boolean> {
  let isTaken = false;
  for (const node of nodes)
    try {
      await node.send(bytes);
      isTaken = true;
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      isTaken ||= KNOWN.test(error.message);
    }
  return isTaken;
}

/**
 * A key file's text: wallet import format, or 32 bytes in hexadecimal. Throws CtgaError `bad-input`
 * for what is no key, and calls it by `name`.
 */
export function readPurse(text: string, network: Network, name = 'that'): Purse {
  const hex = /^[0-9a-f]{64}$/i.test(text.trim()) ? fromHex(text.trim()) : undefined;
  if (hex === undefined) return purseOf(text.trim(), network, name);
  try {
    return purse(hex, network);
  } catch (cause) {
    throw new CtgaError('bad-input', `the 32 bytes of ${name} are no private key`, { cause });
  }
}
