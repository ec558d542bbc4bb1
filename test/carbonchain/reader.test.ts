// SPDX-License-Identifier: Apache-2.0
/** Packets in blocks, as ruqqq/carbonchain c88584e puts them together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePacket, packetsOf, type Packet } from '../../src/carbonchain/packet.ts';
import { PacketReader, type Datapack, type PlacedPacket } from '../../src/carbonchain/reader.ts';

const ID = 0xdf;
const MINUTES = 60;
const HOURS = 60 * MINUTES;

/** The packets of a text of several packets, or of one. */
function packets(text: string, version = 0): Packet[] {
  return packetsOf(Buffer.from(text), { id: ID, version }).map(
    (each) => decodePacket(each) as Packet,
  );
}

const long = (letter: string, count = 2): string => letter.repeat(60 * (count - 1) + 1);

/** A chain of blocks, ten minutes apart unless told otherwise. */
class Chain {
  readonly reader = new PacketReader(ID);
  height = 0;
  time = 1_000_000;
  #transactions = 0;

  /** A block with these packets, each in a transaction of its own; returns what counts now. */
  block(
    of: readonly { owner?: string; packet: Packet; spends?: string; transaction?: string }[] = [],
    after = 10 * MINUTES,
  ): Datapack[] {
    this.height++;
    this.time += after;
    const placed = of.map(
      ({ owner = 'alice', packet, spends, transaction }, place): PlacedPacket => ({
        packet,
        owner,
        place,
        transaction: transaction ?? `t${++this.#transactions}`,
        ownerOutput: 0,
        spends: spends === undefined ? [] : [spends],
      }),
    );
    return this.reader.connect(this.height, this.time, placed);
  }

  /** Blocks without packets; returns what came to count. */
  blocks(count: number, after?: number): string[] {
    return Array.from({ length: count }, () => this.block([], after))
      .flat()
      .map(text);
  }
}

function text({ data }: Datapack): string {
  const all = Buffer.from(data).toString();
  return all.length > 12 ? `${all.slice(0, 1)}*${all.length}` : all;
}

test('data counts with the sixth confirmation of its first packet', () => {
  const chain = new Chain();
  const [first, second] = packets(long('a')) as [Packet, Packet];
  assert.deepEqual(chain.block([{ packet: first }]), []);
  assert.deepEqual(chain.blocks(4), []);
  // The last packet comes with the first one's sixth confirmation, and that is enough.
  const counts = chain.block([{ packet: second }]);
  assert.deepEqual(
    counts.map(({ first: from, last }) => [from, last]),
    [[1, 6]],
  );
  const other = new Chain();
  other.block([{ packet: first }, { packet: second }]);
  assert.equal(other.reader.unconfirmed.length, 1);
  assert.deepEqual(other.blocks(4), []);
  assert.deepEqual(other.blocks(1), ['a*61']);
  assert.equal(other.reader.unconfirmed.length, 0);
});

test('senders, and one sender twice, may be mixed in any order', () => {
  const chain = new Chain();
  const [a1, a2, a3] = packets(long('a', 3)) as [Packet, Packet, Packet];
  const [b1, b2] = packets(long('b')) as [Packet, Packet];
  const [c1, c2] = packets(long('c')) as [Packet, Packet];
  chain.block([
    { packet: b2, owner: 'bob' },
    { packet: a3 },
    { packet: c2 },
    { packet: a1 },
    { packet: b1, owner: 'bob' },
    { packet: c1 },
    { packet: a2 },
  ]);
  assert.deepEqual(chain.blocks(5), ['a*121', 'b*61', 'c*61']);
  assert.equal(chain.reader.incomplete, 0);
});

test("another owner's packet completes nothing", () => {
  const chain = new Chain();
  const [a1, a2] = packets(long('a')) as [Packet, Packet];
  chain.block([{ packet: a1 }, { packet: a2, owner: 'mallory' }]);
  assert.deepEqual(chain.blocks(20), []);
});

test('a row that does not end holds up its owner for three days, as it does there', () => {
  const chain = new Chain();
  const [start] = packets(long('x')) as [Packet];
  const [fine] = packets('fine') as [Packet];
  chain.block([{ packet: start }]);
  chain.block([{ packet: fine }, { packet: fine, owner: 'bob' }]);
  assert.deepEqual(chain.blocks(5), ['fine'], "bob's");
  const late = new Chain();
  late.block([{ packet: start }]);
  late.block([{ packet: fine }], 71 * HOURS + 50 * MINUTES);
  assert.deepEqual(late.blocks(1), [], 'three days are not over');
  assert.deepEqual(late.blocks(5, 1 * MINUTES), ['fine'], 'the first packet was dropped');
  const dropped = new Chain();
  dropped.block([{ packet: start }]);
  dropped.block([{ packet: fine }]);
  assert.deepEqual(dropped.block([], 80 * HOURS), []);
  assert.equal(dropped.reader.incomplete, 0, 'what waited behind it is lost as well');
});

test('a packet is dropped after more than 72 hours, and not before', () => {
  for (const [wait, want] of [
    [72 * HOURS, ['a*61']],
    [72 * HOURS + 1, []],
  ] as const) {
    const chain = new Chain();
    const [a1, a2] = packets(long('a')) as [Packet, Packet];
    chain.block([{ packet: a1 }]);
    const now = chain.block([{ packet: a2 }], wait).map(text);
    assert.deepEqual([...now, ...chain.blocks(5, 1)], want, `${wait}`);
  }
});

test('another application is not read', () => {
  const chain = new Chain();
  const other = decodePacket(packetsOf(Buffer.from('x'), { id: 0xfa })[0] as Uint8Array) as Packet;
  chain.block([{ packet: other }]);
  assert.deepEqual(chain.blocks(6), []);
});

test('of version 1, only who can spend the last output goes on', () => {
  const chain = new Chain();
  const [a1, a2, a3] = packets(long('a', 3), 1) as [Packet, Packet, Packet];
  chain.block([
    { packet: a1, transaction: 'one' },
    // The same bytes to the same owner, from somebody who pays dust to this address.
    { packet: a2, transaction: 'forged', spends: 'other:0' },
    { packet: a2, transaction: 'two', spends: 'one:0' },
    { packet: a3, transaction: 'wrong-output', spends: 'two:1' },
  ]);
  chain.block([{ packet: a3, transaction: 'three', spends: 'two:0' }]);
  const linked = Array.from({ length: 5 }, () => chain.block())
    .flat()
    .filter(({ rules }) => rules === 'linked');
  assert.deepEqual(
    linked.map(({ transactions, last, height }) => ({ transactions, last, height })),
    [{ transactions: ['one', 'two', 'three'], last: 2, height: 2 }],
  );
});

test('of version 1, nothing waits for what never ends, and that is forgotten', () => {
  const chain = new Chain();
  const [start] = packets(long('x'), 1) as [Packet];
  const [fine] = packets('fine', 1) as [Packet];
  chain.block([{ packet: start }, { packet: fine }]);
  const linked = Array.from({ length: 5 }, () => chain.block()).flat();
  assert.deepEqual(
    linked.map(({ rules }) => rules),
    ['linked'],
    'the original waits',
  );
  chain.blocks(140);
  chain.blocks(1, 100 * HOURS);
  assert.equal(chain.reader.incomplete, 0);
});

test('a flood of packets that fit each other is read in one go', () => {
  const chain = new Chain();
  const [a1, a2] = packets(long('a')) as [Packet, Packet];
  const count = 20_000;
  const firsts = Array.from({ length: count }, () => ({ packet: a1 }));
  const seconds = Array.from({ length: count }, () => ({ packet: a2 }));
  chain.block([...seconds, ...firsts]);
  assert.equal(chain.blocks(5).length, count);
});
