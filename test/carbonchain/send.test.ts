// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { NodeError } from '../../src/carbonchain/node.ts';
import { decodePacket, payloadOf } from '../../src/carbonchain/packet.ts';
import {
  passOn,
  purseOf,
  readPurse,
  spendable,
  transactionsFor,
  wifOf,
} from '../../src/carbonchain/send.ts';
import { ChainStore } from '../../src/carbonchain/store.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';
import { showHash, toHex } from '../../src/carbonchain/bytes.ts';
import { FakeNode, idOf } from './blocks.ts';

const network = NETWORKS.regtest;
const own = readPurse('01'.repeat(32), network);
const coin = (value: bigint, transaction = '11'.repeat(32)) => ({
  transaction,
  output: 0,
  value,
  owner: own.owner,
  height: 1,
  isCoinbase: false,
});

test('426 bytes are 8 transactions, each of which spends the change of the one before', () => {
  const data = Buffer.alloc(426, 1);
  const coins = [coin(20_000n)];
  const signed = transactionsFor(data, { id: 0xdf }, { purse: own, coins, fee: 2000n, network });
  assert.equal(signed.length, 8);
  let before = '11'.repeat(32);
  let left = 20_000n;
  const parts: Uint8Array[] = [];
  for (const { id, bytes } of signed) {
    const { inputs, outputs, id: hash } = parseTransaction(bytes);
    assert.deepEqual(
      inputs.map((each) => `${showHash(each.id)}:${each.index}`),
      [`${before}:0`],
    );
    assert.equal(showHash(hash), id);
    left -= 2000n;
    assert.deepEqual(
      outputs.map(({ value }) => value),
      [left, 0n],
    );
    assert.equal(toHex((outputs[0] as { script: Uint8Array }).script).slice(6, 46), own.owner);
    const payload = payloadOf((outputs[1] as { script: Uint8Array }).script);
    parts.push((decodePacket(payload as Uint8Array) as { data: Uint8Array }).data);
    before = id;
  }
  assert.deepEqual(Buffer.concat(parts), data);
});

test('too few coins are said, in satoshi, and the last change is no dust', () => {
  const pay = (value: bigint): unknown =>
    transactionsFor(
      Buffer.alloc(61),
      { id: 1 },
      { purse: own, coins: [coin(value)], fee: 2000n, network },
    );
  assert.throws(() => pay(4_999n), /has 4999 satoshi to spend, and 2 transactions cost 5000/);
  pay(5_000n);
});

test('a key is of one network', () => {
  const wif = wifOf(own, network);
  assert.equal(purseOf(wif, network).address, own.address);
  assert.throws(() => purseOf(wif, NETWORKS.mainnet), /of mainnet; it is one of/);
  assert.throws(() => purseOf('x', network), /no key in wallet import format/);
  assert.throws(() => readPurse('00'.repeat(32), network), /no private key/);
});

test('what is on its way is not spent twice, and its change can be spent', () => {
  const store = ChainStore.inMemory();
  const header = network.genesis.bytes;
  const none = { packets: [], spends: [], transactions: [] };
  store.add({ height: 0, header, coins: [coin(20_000n)], ...none });
  store.add({
    height: 1,
    header,
    coins: [{ ...coin(50n, '22'.repeat(32)), isCoinbase: true }],
    ...none,
  });
  assert.deepEqual(
    spendable(own, store, 99).map(({ value }) => value),
    [20_000n],
  );
  assert.deepEqual(
    spendable(own, store, 100).map(({ value }) => value),
    [20_000n, 50n],
  );
  const [first] = transactionsFor(
    Buffer.from('x'),
    { id: 1 },
    { purse: own, coins: spendable(own, store, 1), fee: 2000n, network },
  );
  const { id, bytes } = first as { id: string; bytes: Uint8Array };
  store.addSent([{ id, bytes }]);
  assert.deepEqual(
    spendable(own, store, 1).map(({ value, transaction }) => [value, transaction]),
    [[18_000n, id]],
  );
  // It is in a block, and then that block leaves the chain.
  store.add({
    height: 2,
    header,
    packets: [],
    coins: [{ ...coin(18_000n, id) }],
    spends: [`${'11'.repeat(32)}:0`],
    transactions: [id],
  });
  assert.deepEqual(store.sent(), []);
  assert.deepEqual(
    spendable(own, store, 2).map(({ value }) => value),
    [18_000n],
  );
  store.cut(1);
  assert.deepEqual(store.sent(), [{ id, bytes: Buffer.from(bytes) }]);
  assert.deepEqual(
    spendable(own, store, 1).map(({ value, transaction }) => [value, transaction]),
    [[18_000n, id]],
  );
});

test('what a block had that left the chain is passed on again, in its order, until it is deep', () => {
  const store = ChainStore.inMemory();
  const header = network.genesis.bytes;
  const none = { header, packets: [], coins: [], spends: [] };
  const signed = transactionsFor(
    Buffer.alloc(130),
    { id: 1 },
    { purse: own, coins: [coin(20_000n)], fee: 2000n, network },
  );
  const ids = signed.map(({ id }) => id);
  const waiting = (): string[] => store.sent().map(({ id }) => id);
  store.addSent(signed);
  store.add({ height: 0, ...none, transactions: [] });
  store.add({ height: 1, ...none, transactions: ids.slice(0, 2) });
  assert.deepEqual(waiting(), ids.slice(2));
  store.add({ height: 2, ...none, transactions: ids.slice(2) });
  assert.deepEqual(waiting(), []);
  store.cut(1);
  assert.deepEqual(waiting(), ids.slice(2));
  store.cut(0);
  assert.deepEqual(waiting(), ids);
  for (let height = 1; height <= 145; height++)
    store.add({ height, ...none, transactions: height === 1 ? ids : [] });
  store.cut(0);
  assert.deepEqual(waiting(), [], 'a day of blocks is above it');
});

test('what is written next spends what was written before, however many coins there are', () => {
  const store = ChainStore.inMemory();
  const coins = [coin(90_000n), coin(80_000n, '22'.repeat(32)), coin(70_000n, '33'.repeat(32))];
  const { bytes: header } = network.genesis;
  store.add({ height: 0, header, coins, packets: [], spends: [], transactions: [] });
  let before: string | undefined;
  for (let i = 0; i < 4; i++) {
    const signed = transactionsFor(
      Buffer.alloc(61, i),
      { id: 1 },
      { purse: own, coins: spendable(own, store, 1), fee: 20_000n, network },
    );
    store.addSent(signed);
    const spent = parseTransaction(signed[0]?.bytes ?? assert.fail()).inputs;
    const ids = spent.map(({ id }) => showHash(id));
    assert(before === undefined || ids.includes(before), `the ${i}th spends ${ids.join(', ')}`);
    before = signed.at(-1)?.id;
  }
  // What no node takes any more keeps nothing else back, as long as there is another coin.
  const waiting = store.sent().map(({ id }) => id);
  const [next, ...more] = spendable(own, store, 1, waiting);
  assert.equal(next?.transaction, '33'.repeat(32));
  assert.equal(more.at(-1)?.transaction, before);
});

test('what a node refuses keeps nothing else back', async () => {
  const store = ChainStore.inMemory();
  const [dead, alive] = [2n, 3n].map((n) =>
    transactionsFor(
      Buffer.from('x'),
      { id: 1 },
      { purse: own, coins: [coin(20_000n * n)], fee: 2000n, network },
    ),
  );
  store.addSent([...(dead ?? []), ...(alive ?? [])]);
  const node = new FakeNode('node');
  const took: Uint8Array[] = [];
  node.send = (bytes) => {
    if (took.length === 0 && Buffer.compare(bytes, dead?.[0]?.bytes as Uint8Array) === 0)
      return Promise.reject(new NodeError('node-refused', 'missing inputs'));
    took.push(bytes);
    return Promise.resolve('00'.repeat(32));
  };
  await passOn(store, [node]);
  assert.deepEqual(took.map(toHex), [toHex(alive?.[0]?.bytes as Uint8Array)]);
  assert.equal(store.sent().length, 2, 'until a block has them');
});

test('a node that keeps to itself what it takes keeps it from no other', async () => {
  const store = ChainStore.inMemory();
  const payment = { purse: own, coins: [coin(20_000n)], fee: 2000n, network };
  const signed = transactionsFor(Buffer.alloc(61), { id: 1 }, payment);
  store.addSent(signed);
  const [liar, honest] = [new FakeNode('liar'), new FakeNode('honest')];
  assert.deepEqual(await passOn(store, [liar, honest]), []);
  assert.deepEqual(
    honest.sent.map(idOf),
    signed.map(({ id }) => id),
  );
});

test('what a node has already is told from what it has another one for', async () => {
  for (const [message, isKnown] of [
    ['TX rejected: already have transaction in mempool 00', true],
    ['TX rejected: transaction already exists in blockchain', true],
    ['txn-already-in-mempool', true],
    ['txn-already-known', true],
    ['Transaction already in block chain', true],
    ['Transaction outputs already in utxo set', true],
    ['TX rejected: output 00:0 already spent by transaction 11 in the memory pool', false],
    ['TX rejected: orphan transaction 00 references outputs of unknown or fully-spent 11', false],
    ['txn-mempool-conflict', false],
    ['bad-txns-inputs-missingorspent', false],
    ['min relay fee not met', false],
  ] as const) {
    const store = ChainStore.inMemory();
    const payment = { purse: own, coins: [coin(20_000n)], fee: 2000n, network };
    const signed = transactionsFor(Buffer.from('x'), { id: 1 }, payment);
    store.addSent(signed);
    const node = new FakeNode('node');
    node.send = () => Promise.reject(new NodeError('node-refused', message));
    const waiting = await passOn(store, [node]);
    assert.deepEqual(waiting, isKnown ? [] : signed.map(({ id }) => id), message);
  }
});
