// SPDX-License-Identifier: Apache-2.0
/** Proofs from a chain that is followed: the commands that matter, with the blocks they are in. */
import { checkedBlock, type Follower } from '../carbonchain/follow.ts';
import { branchOf } from '../carbonchain/merkle.ts';
import { NodeError, type BitcoinNode } from '../carbonchain/node.ts';
import type { Datapack } from '../carbonchain/reader.ts';
import type { Block, Transaction } from '../carbonchain/transaction.ts';
import { DDT_ID, Ledger } from '../ddt/ledger.ts';
import type { TrustName } from '../trust/names.ts';
import { writeProof, type Proven } from '../trust/proof.ts';
import { ChainService, type ChainOptions } from './ddt.ts';

/**
 * A proof of what the chain says of a name, as text: of its keys all, and of its signatures the last one. Rejects
 * with NodeError if no node gives a block that is needed.
 *
 * @param published the name as it is in the chain
 */
export async function prove(
  options: ChainOptions,
  published: TrustName,
  salt: Uint8Array | undefined,
  stop: AbortSignal,
): Promise<string> {
  let matters: Datapack[] = [];
  let last: Datapack | undefined;
  const ledger = new Ledger(options.network.genesis.hash, ({ set, command, datapack, refusal }) => {
    if (set !== 'version 1' || command === undefined || refusal !== undefined) return;
    if (command.user !== published.user) return;
    if ('image' in command && command.image !== published.image) return;
    // What was signed before under the tag is nothing any more, and a tag may be signed every day.
    if (!('tag' in command)) matters.push(datapack);
    else if (command.tag === published.tag) last = datapack;
  });
  const service = await ChainService.open(options, {
    connect: (...block) => ledger.connect(...block),
    rebuild: (follower) => {
      [matters, last] = [[], undefined];
      ledger.rebuild(follower);
    },
  });
  try {
    await service.catchUp(stop);
    const { follower } = service;
    const transactions = await proven(follower, last ? [...matters, last] : matters, options);
    const { start } = follower.chain;
    const headers = follower.store.headers();
    return writeProof(options.network.name, { start, headers, transactions, salt });
  } finally {
    await service.close();
  }
}

/**
 * The transactions of what matters, each with the proof that a block has it. Every block with a command of DDT is
 * asked for, whosever it is: a node does not learn from that which name somebody proves.
 */
async function proven(
  { chain, store }: Follower,
  matters: readonly Datapack[],
  { nodes }: ChainOptions,
): Promise<Proven[]> {
  const wanted = new Set(matters.flatMap(({ transactions }) => transactions));
  const found: Proven[] = [];
  for (const height of store.heightsWithPackets()) {
    const places = store.packets(height).filter(({ packet }) => packet.id === DDT_ID);
    const header = chain.at(height);
    if (places.length === 0 || header === undefined) continue;
    const block = await blockFrom(nodes, header.hash, header.bytes);
    const ids = block.transactions.map(({ id }) => id);
    const bytesAt = (index: number): Uint8Array =>
      Buffer.concat((block.transactions[index] as Transaction).stripped);
    const those = places.filter(({ transaction }) => wanted.has(transaction));
    for (const index of new Set(those.map(({ place }) => place)))
      found.push({
        height,
        index,
        transaction: bytesAt(index),
        branch: branchOf(ids, index),
        coinbase: bytesAt(0),
        coinbaseBranch: branchOf(ids, 0),
      });
  }
  return found;
}

/** The block of this header, from the first node that has it. Rejects with NodeError or a lie. */
export async function blockFrom(
  nodes: readonly BitcoinNode[],
  hash: string,
  header: Uint8Array,
): Promise<Block> {
  let failure: unknown = new NodeError('node-no-answer', `no node has the block ${hash}`);
  for (const node of nodes)
    try {
      return checkedBlock(await node.block(hash), header);
    } catch (error) {
      failure = error;
    }
  throw failure;
}
