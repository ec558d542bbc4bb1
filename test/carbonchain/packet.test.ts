// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc64 } from '../../src/carbonchain/crc64.ts';
import {
  DATA_A_PACKET,
  decodePacket,
  keyHashOf,
  MAX_DATA,
  packetsOf,
  payloadOf,
  scriptFor,
} from '../../src/carbonchain/packet.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Made by ruqqq/carbonchain c88584e. */
const HELLO = hex('df 00 0000 d0ef4b93c4185f67 0000000000000000 68656c6c6f');

test('the checksum is CRC-64/XZ, whose check value is published', () => {
  assert.equal(crc64(Buffer.from('123456789')), 0x995dc9bbdf1939fan);
  assert.equal(crc64(Buffer.from('1234'), Buffer.from('56789')), 0x995dc9bbdf1939fan);
});

test("the original's packet is read and written (table 8)", () => {
  assert.deepEqual(packetsOf(Buffer.from('hello'), { id: 0xdf }), [Uint8Array.from(HELLO)]);
  assert.deepEqual(decodePacket(HELLO), {
    id: 0xdf,
    version: 0,
    sequence: 0,
    checksum: 0xd0ef4b93c4185f67n,
    nextChecksum: 0n,
    data: Uint8Array.from(Buffer.from('hello')),
  });
});

test('data of every length comes back, each packet announcing the next', () => {
  for (const length of [1, 59, 60, 61, 120, 426, 5000]) {
    const data = Buffer.alloc(length, length);
    const packets = packetsOf(data, { id: 0xfa, version: 1 }).map(
      (each) => decodePacket(each) ?? assert.fail('no packet'),
    );
    assert.equal(packets.length, Math.ceil(length / DATA_A_PACKET));
    for (const [i, packet] of packets.entries()) {
      assert.equal(packet.sequence, i);
      assert.equal(packet.nextChecksum, packets[i + 1]?.checksum ?? 0n);
    }
    assert.deepEqual(Buffer.concat(packets.map((each) => each.data)), data);
  }
  assert.throws(() => packetsOf(new Uint8Array(), { id: 1 }), RangeError);
  assert.throws(() => packetsOf(new Uint8Array(MAX_DATA + 1), { id: 1 }), RangeError);
});

test('every bit of a packet is covered', () => {
  for (let i = 0; i < HELLO.length * 8; i++) {
    const changed = Buffer.from(HELLO);
    changed[i >> 3] = (changed[i >> 3] as number) ^ (1 << (i & 7));
    assert.equal(decodePacket(changed), undefined, `bit ${i}`);
  }
  for (const length of [0, 1, 4, 19, 20])
    assert.equal(decodePacket(HELLO.subarray(0, length)), undefined);
});

test('the forms of OP_RETURN are those that the original reads', () => {
  const cases: [string, string, Uint8Array | undefined][] = [
    ['one byte of length', `6a19${HELLO.toString('hex')}`, HELLO],
    ['OP_PUSHDATA1', `6a4c19${HELLO.toString('hex')}`, HELLO],
    ['OP_PUSHDATA2', `6a4d1900${HELLO.toString('hex')}`, HELLO],
    ['a length that is wrong', `6aff${HELLO.toString('hex')}`, HELLO],
    ['another operation', `6b19${HELLO.toString('hex')}`, undefined],
    ['20 bytes of payload', `6a14${'00'.repeat(20)}`, undefined],
    ['21 bytes of payload', `6a15${'00'.repeat(21)}`, Buffer.alloc(21)],
    ['OP_PUSHDATA2 and 20 bytes', `6a4d1400${'00'.repeat(20)}`, undefined],
    ['nothing', '6a', undefined],
    ['empty', '', undefined],
  ];
  for (const [name, script, want] of cases)
    assert.deepEqual(payloadOf(hex(script)), want && Buffer.from(want), name);
  for (const length of [21, 75, 76, 80]) {
    const packet = new Uint8Array(length).fill(7);
    assert.deepEqual(payloadOf(scriptFor(packet)), packet);
  }
  assert.equal(scriptFor(new Uint8Array(75))[1], 75);
  assert.deepEqual([...scriptFor(new Uint8Array(80)).subarray(0, 3)], [0x6a, 0x4c, 80]);
});

test('an owner is the key hash of a P2PKH output', () => {
  const key = '11'.repeat(20);
  assert.deepEqual(keyHashOf(hex(`76a914${key}88ac`)), hex(key));
  // The original does not look at the byte of length.
  assert.deepEqual(keyHashOf(hex(`76a9ff${key}88ac`)), hex(key));
  for (const script of [`76a914${key}88ad`, `76a914${key}88ac00`, `0014${key}`, ''])
    assert.equal(keyHashOf(hex(script)), undefined, script);
});
