// SPDX-License-Identifier: Apache-2.0
/** Following a chain through nodes that fail, fork and lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedBlock, Follower, type FollowEvent } from '../../src/carbonchain/follow.ts';
import { NETWORKS, workOf, type Network } from '../../src/carbonchain/header.ts';
import { NodeError } from '../../src/carbonchain/node.ts';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import { ChainStore } from '../../src/carbonchain/store.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';
import {
  FakeNode,
  blockOf,
  coinbase,
  headerAfter,
  idOf,
  transaction,
  withPacket,
} from './blocks.ts';

const NOW = 2_000_000_000;
const OWNER = '33'.repeat(20);
const network = NETWORKS.regtest;
const packet = (text: string): Uint8Array =>
  withPacket(packetsOf(Buffer.from(text), { id: 0xdf })[0] as Uint8Array, OWNER);

/** A follower, what it said, and what of packets the chain has by its account. */
class Reading {
  events: FollowEvent[] = [];
  readonly cuts: number[] = [];
  texts = new Map<number, string[]>();
  readonly follower: Follower;

  private constructor(follower: Follower) {
    this.follower = follower;
  }

  static async of(
    nodes: readonly FakeNode[],
    store = ChainStore.inMemory(),
    of: Network = network,
  ): Promise<Reading> {
    const events: FollowEvent[] = [];
    const onEvent = (event: FollowEvent): void => void events.push(event);
    const follower = await Follower.open({ network: of, nodes, store, onEvent });
    const reading = new Reading(follower);
    reading.events = events;
    return reading;
  }

  async round(): Promise<void> {
    await this.follower.round(NOW, {
      onCut: (height) => {
        this.cuts.push(height);
        this.texts = new Map([...this.texts].filter(([at]) => at <= height));
      },
      onBlock: (height, _, packets) => {
        const all = packets.map((each) => Buffer.from(each.packet.data).toString());
        if (all.length > 0) this.texts.set(height, all);
      },
    });
  }

  get all(): string[] {
    return [...this.texts.values()].flat();
  }
}

test('blocks are read once, in their order, and what the store has is not asked for again', async () => {
  const node = new FakeNode('a');
  for (let i = 1; i <= 12; i++) node.mine(i % 5 === 0 ? [packet(`p${i}`)] : []);
  const store = ChainStore.inMemory();
  const reading = await Reading.of([node], store);
  await reading.round();
  await reading.round();
  assert.deepEqual(reading.all, ['p5', 'p10']);
  const again = await Reading.of([node], store);
  assert.equal(again.follower.height, 12);
  node.blocks.clear();
  node.mine([packet('new')]);
  await again.round();
  assert.deepEqual(again.all, ['new']);
  assert.deepEqual(
    store.packets(5).map(({ owner, place }) => ({ owner, place })),
    [{ owner: OWNER, place: 1 }],
  );
});

for (const depth of [1, 6, 7, 30])
  test(`blocks that leave the chain are undone: ${depth} deep`, async () => {
    const node = new FakeNode('a');
    for (let i = 1; i <= 40; i++) node.mine([packet(`old${i}`)]);
    const reading = await Reading.of([node]);
    await reading.round();
    node.cut(40 - depth);
    for (let i = 0; i < depth; i++) node.mine([packet(`new${i}`)], 1);
    await reading.round();
    assert.equal(reading.all.filter((each) => each.startsWith('new')).length, 0, 'as much work');
    node.mine([], 1);
    await reading.round();
    assert.deepEqual(reading.cuts, [40 - depth]);
    assert.equal(reading.all.filter((each) => each.startsWith('old')).length, 40 - depth);
    assert.equal(reading.all.filter((each) => each.startsWith('new')).length, depth);
    assert.deepEqual(reading.events, [{ event: 'reorganised', fork: 40 - depth, depth }]);
    const store = reading.follower.store;
    assert.equal(store.packets(40).length, depth > 0 ? 1 : 0);
    assert.equal(store.headers().length, 42);
  });

test('of two nodes, the chain with more work is followed', async () => {
  const [a, b] = [new FakeNode('a'), new FakeNode('b')];
  for (let i = 1; i <= 8; i++) a.mine([packet('a')]);
  for (let i = 1; i <= 9; i++) b.mine([packet('b')], 1);
  const reading = await Reading.of([a, b]);
  await reading.round();
  assert.equal(reading.follower.height, 9);
  assert.ok(reading.all.every((each) => each === 'b'));
});

test('what a node makes up is noticed, and an honest node is enough', async () => {
  type Lie = [name: string, tell: (liar: FakeNode) => void, why: RegExp];
  const lies: Lie[] = [
    [
      'a transaction less',
      (liar) => {
        const { header } = liar.chain[5] as { header: Uint8Array };
        liar.block = () => Promise.resolve(blockOf(header, [coinbase(5)]));
      },
      /do not lead to its header's root|another header/,
    ],
    [
      'another block',
      (liar) => (liar.block = () => Promise.resolve(liar.chain[2]?.block as Uint8Array)),
      /another header/,
    ],
    [
      'no block',
      (liar) => (liar.block = () => Promise.resolve(Buffer.from('00', 'hex'))),
      /malformed/,
    ],
    [
      'a header that is not of the hash',
      (liar) => (liar.header = () => Promise.resolve(liar.chain[3]?.header as Uint8Array)),
      /not the hash/,
    ],
    [
      'another network',
      (liar) => (liar.hashAt = () => Promise.resolve('00'.repeat(32))),
      /not that of regtest/,
    ],
  ];
  for (const [name, tell, why] of lies) {
    const [liar, honest] = [new FakeNode('liar'), new FakeNode('honest')];
    for (let i = 1; i <= 8; i++) for (const each of [liar, honest]) each.mine([packet(`p${i}`)]);
    tell(liar);
    const alone = await Reading.of([liar]);
    await alone.round();
    assert.ok(
      alone.events.some((each) => each.event === 'lied' && why.test(each.why)),
      `${name}: ${JSON.stringify(alone.events)}`,
    );
    const both = await Reading.of([liar, honest]);
    await both.round();
    assert.equal(both.all.length, 8, name);
  }
});

test('two nodes of a tree are no transaction of a block', () => {
  // Its bytes may be the IDs of two transactions that a node wants to keep back: the root is the same.
  const short = transaction([{}], [Uint8Array.of(0x51, 0x51, 0x51, 0x51)]);
  assert.equal(short.length, 64);
  const root = parseTransaction(short).id;
  const header = headerAfter(network.genesis.bytes, { root });
  assert.throws(() => checkedBlock(blockOf(header, [short]), header), /makes no coins/);
});

test('whoever asks between two rounds hears what the last one came to', async () => {
  const node = new FakeNode('a');
  for (let i = 1; i <= 3; i++) node.mine();
  const reading = await Reading.of([node]);
  const { follower } = reading;
  assert.equal(follower.isUpToDate, false, 'before the first');
  await reading.round();
  assert.equal(follower.isUpToDate, true);
  // A round that goes on takes nothing back.
  const honest = node.height;
  const meanwhile: boolean[] = [];
  node.height = () => {
    meanwhile.push(follower.isUpToDate);
    return honest();
  };
  node.mine();
  const [last] = [...node.blocks].slice(-1) as [[string, Uint8Array]];
  node.blocks.delete(last[0]);
  await reading.round();
  assert.deepEqual(meanwhile, [true]);
  assert.equal(follower.isUpToDate, false, 'a block is withheld');
  node.blocks.set(...last);
  await reading.round();
  assert.equal(follower.isUpToDate, true);
  node.height = () => Promise.reject(new NodeError('node-no-answer', 'nobody there'));
  await reading.round();
  assert.equal(follower.isUpToDate, false, 'no node tells its chain');
});

test('a chain without work is not followed, however long it is', async () => {
  const [liar, honest] = [new FakeNode('liar'), new FakeNode('honest')];
  for (let i = 1; i <= 3; i++) honest.mine([packet('true')]);
  for (let i = 1; i <= 9; i++) liar.mine([packet('false')], 1);
  const last = liar.chain[5] as { header: Uint8Array };
  const bits = Uint8Array.from(last.header);
  new DataView(bits.buffer).setUint32(72, 0x1d00ffff, true);
  last.header = bits;
  const reading = await Reading.of([honest, liar]);
  await reading.round();
  assert.ok(reading.all.every((each) => each === 'true'));
});

test('a node that does not answer is passed over, and said', async () => {
  const [down, up] = [new FakeNode('down'), new FakeNode('up')];
  up.mine([packet('p')]);
  down.height = () => Promise.reject(new NodeError('node-no-answer', 'nobody there'));
  const reading = await Reading.of([down, up]);
  await reading.round();
  assert.deepEqual(reading.all, ['p']);
  assert.deepEqual(reading.events, [{ event: 'failed', node: 'down', message: 'nobody there' }]);
});

test('a node whose chain changes while it is asked is no liar', async () => {
  const node = new FakeNode('a');
  for (let i = 1; i <= 8; i++) node.mine();
  const honest = node.header.bind(node);
  let asked = 0;
  node.header = async (hash) => {
    const header = await honest(hash);
    if (++asked === 3) {
      node.cut(2);
      for (let i = 0; i < 8; i++) node.mine([packet('new')], 1);
    }
    return header;
  };
  const reading = await Reading.of([node]);
  await reading.round();
  assert.ok(
    reading.events.every(({ event }) => event !== 'lied'),
    JSON.stringify(reading.events),
  );
  await reading.round();
  await reading.round();
  assert.equal(reading.all.length, 8);
});

test('several packets of one transaction are kept in their order', async () => {
  const node = new FakeNode('a');
  node.mine([packet('one'), packet('two')]);
  const reading = await Reading.of([node]);
  await reading.round();
  assert.deepEqual(reading.all, ['one', 'two']);
  const [first] = reading.follower.store.packets(1);
  assert.equal(first?.transaction, idOf(packet('one')));
});

test('of a chain of less work than the network has, nothing is read, and nobody goes by it', async () => {
  const leastWork = 10n * workOf(network.limit);
  const node = new FakeNode('cheap');
  for (let i = 1; i <= 8; i++) node.mine([packet(`p${i}`)]);
  const store = ChainStore.inMemory();
  const reading = await Reading.of([node], store, { ...network, leastWork });
  await reading.round();
  assert.equal(reading.follower.isHeard, false);
  assert.deepEqual(reading.all, []);
  assert.match(JSON.stringify(reading.events), /"node":"cheap".*less work than regtest has/);
  // It was not there yet.
  node.mine([packet('p9')]);
  await reading.round();
  assert.equal(reading.follower.isHeard, true);
  assert.equal(reading.all.length, 9);
  // Nor is a store believed that was filled before.
  const more = await Reading.of([node], store, { ...network, leastWork: leastWork + 1n });
  await more.round();
  assert.equal(more.follower.isHeard, false);
});
