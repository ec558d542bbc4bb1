// SPDX-License-Identifier: Apache-2.0
/** Writing to a chain whose nodes refuse, are late, or do not answer: nothing stays half written in silence. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { showHash } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { NodeError } from '../../src/carbonchain/node.ts';
import { readPurse, spendable, transactionsFor } from '../../src/carbonchain/send.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';
import { ChainService } from '../../src/services/ddt.ts';
import { FakeNode, idOf, payTo, transaction } from '../carbonchain/blocks.ts';

const network = NETWORKS.regtest;
const own = readPurse('01'.repeat(32), network);
/** Three packets. */
const DATA = Buffer.alloc(170, 7);
const how = { id: 0xdf, version: 1, fee: 10n };
const going = new AbortController().signal;

/** A node with some coins of ours. */
function funded(): FakeNode {
  const node = new FakeNode('node');
  for (let i = 0; i < 4; i++)
    node.mine([transaction([{ id: `${i}${i}`.repeat(32) }], [payTo(own.owner)])]);
  return node;
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-ddt-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const none = { connect: () => undefined, rebuild: () => undefined };

function open(node: FakeNode, directory?: string, purse: typeof own | undefined = own) {
  const onEvent = (): void => undefined;
  return ChainService.open({ network, nodes: [node], directory, purse, onEvent }, none);
}

/** Refuses each transaction so many times before it takes it. */
function hesitant(node: FakeNode, times: number): Set<string> {
  const taken = new Set<string>();
  const refused = new Map<string, number>();
  node.send = (bytes) => {
    const id = idOf(bytes);
    if (taken.has(id)) return Promise.reject(new NodeError('node-refused', 'already in mempool'));
    const spends = parseTransaction(bytes).inputs.map((each) => showHash(each.id));
    const count = refused.get(id) ?? 0;
    // The first one spends coins of the chain; what spends another's change is refused for a moment.
    const isLater = spends.some((each) => taken.has(each) || refused.has(each));
    if (isLater && (count < times || !spends.every((each) => taken.has(each)))) {
      refused.set(id, count + 1);
      return Promise.reject(new NodeError('node-refused', 'orphan transaction'));
    }
    taken.add(id);
    return Promise.resolve(id);
  };
  return taken;
}

test('what a node refuses for a moment is passed on until it has all of it', async () => {
  const node = funded();
  const taken = hesitant(node, 3);
  const chain = await open(node);
  await chain.round();
  const ids = await chain.write(DATA, how);
  assert.equal(ids.length, 3);
  assert.equal(taken.size, 1, 'the others are refused at first');
  assert.deepEqual(await chain.settle(ids, going), []);
  assert.deepEqual([...taken], ids);
  await chain.close();
});

test('what no node takes is said, and whoever comes next with this state passes it on', async (t) => {
  const directory = temporary(t);
  const node = funded();
  const taken = hesitant(node, Infinity);
  let chain = await open(node, directory);
  await chain.round();
  const ids = await chain.write(DATA, how);
  assert.deepEqual(await chain.settle(ids, AbortSignal.abort()), ids.slice(1));
  await chain.close();
  // Nobody names the coins this time, and another beginning is read.
  const late = hesitant(node, 0);
  for (const id of taken) late.add(id);
  chain = await open(node, directory, undefined);
  assert.deepEqual(await chain.round(), []);
  assert.deepEqual([...late], ids);
  await chain.close();
});

test('what every node refuses was not written, and a node that does not answer may have it', async () => {
  const node = funded();
  const chain = await open(node);
  await chain.round();
  node.send = () => Promise.reject(new NodeError('node-refused', 'min relay fee not met'));
  await assert.rejects(chain.write(DATA, how), /min relay fee/);
  assert.deepEqual(chain.follower.store.sent(), []);
  let heard = 0;
  node.send = () => {
    heard++;
    return Promise.reject(new NodeError('node-no-answer', 'timed out'));
  };
  const ids = await chain.write(DATA, how);
  assert(heard > 0);
  assert.deepEqual(
    chain.follower.store.sent().map(({ id }) => id),
    ids,
    'else the coins would be spent twice, and half a command hold up its owner',
  );
  const taken = hesitant(node, 0);
  assert.deepEqual(await chain.settle(ids, going), []);
  assert.deepEqual([...taken], ids);
  await chain.close();
});

test('what was read before is not what the chain has now, if no node tells that', async (t) => {
  const directory = temporary(t);
  const node = funded();
  let chain = await open(node, directory);
  await chain.catchUp(going);
  await chain.close();
  const deaf = new FakeNode('deaf');
  deaf.height = () => Promise.reject(new NodeError('node-no-answer', 'nothing listens there'));
  const liar = new FakeNode('liar');
  liar.hashAt = () => Promise.resolve('00'.repeat(32));
  for (const other of [deaf, liar]) {
    chain = await open(other, directory);
    assert.equal(chain.follower.height, 4);
    await assert.rejects(chain.catchUp(going), /no node told its chain/);
    await chain.close();
    const onEvent = (): void => undefined;
    const nodes = [other, node];
    chain = await ChainService.open({ network, nodes, directory, onEvent }, none);
    await chain.catchUp(going);
    await chain.close();
  }
});

test('whoever reads with coins and without by turns reads each block once', async (t) => {
  const directory = temporary(t);
  const node = funded();
  let read = 0;
  const block = node.block.bind(node);
  node.block = (hash) => {
    read++;
    return block(hash);
  };
  const other = readPurse('02'.repeat(32), network);
  const rounds: number[] = [];
  for (const purse of [own, undefined, own, other, own, undefined]) {
    const chain = await open(node, directory, purse);
    await chain.round();
    if (purse === own) assert.equal(chain.follower.store.coins(own.owner).length, 4);
    await chain.close();
    rounds.push(read);
    read = 0;
  }
  assert.deepEqual(rounds, [4, 0, 0, 4, 0, 0], 'only for a key that is new');
});

test('whoever comes while another looks something up waits for its turn', async (t) => {
  const directory = temporary(t);
  const node = funded();
  const first = await open(node, directory);
  const others = Array.from({ length: 3 }, () => open(node, directory));
  const heights = others.map(async (opening) => {
    const chain = await opening;
    await chain.catchUp(going);
    const { height } = chain.follower;
    await chain.close();
    return height;
  });
  await first.catchUp(going);
  await first.close();
  assert.deepEqual(await Promise.all(heights), [4, 4, 4]);
});

test('what only looks like a coin of ours is none', async () => {
  const node = funded();
  // Its third byte is not that of P2PKH, so it owns packets, and no key spends it. It is the largest.
  const trap = transaction([{}], [Buffer.from(`76a913${own.owner}88ac`, 'hex')]);
  const at = Buffer.from(trap).indexOf('e803000000000000', 'hex');
  Buffer.from(trap.buffer, trap.byteOffset).writeBigUInt64LE(100_000_000n, at);
  node.mine([trap]);
  const chain = await open(node);
  await chain.round();
  assert.deepEqual(
    chain.follower.store.coins(own.owner).map(({ value }) => value),
    [1000n, 1000n, 1000n, 1000n],
  );
  await chain.close();
});

test('what another wallet with the same key overtook pays for nothing', async () => {
  const node = funded();
  const chain = await open(node);
  await chain.round();
  const ids = await chain.write(DATA, how);
  const { store: kept } = chain.follower;
  const coins = kept.coins(own.owner);
  const first = kept.sent()[0] as { bytes: Uint8Array };
  const spent = parseTransaction(first.bytes).inputs.map((each) => ({
    id: showHash(each.id),
    index: each.index,
  }));
  assert.equal(spendable(own, kept, chain.follower.height).length, coins.length - spent.length + 1);
  node.mine([transaction(spent, [payTo('44'.repeat(20))])]);
  await chain.round();
  const left = spendable(own, kept, chain.follower.height);
  assert.equal(left.length, coins.length - spent.length);
  assert(left.every(({ transaction: id }) => !ids.includes(id)));
  const payment = { purse: own, coins: left, fee: 10n, network };
  assert.equal(transactionsFor(DATA, { id: 1 }, payment).length, 3);
  // Their block leaves the chain, and ours come again.
  node.cut(4);
  node.mine([], 1);
  node.mine([], 1);
  await chain.round();
  assert.equal(spendable(own, kept, chain.follower.height).length, coins.length - spent.length + 1);
  await chain.close();
});
