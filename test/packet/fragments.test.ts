// SPDX-License-Identifier: Apache-2.0
/** Cutting one UDP datagram into IPv4 fragments, and the order they go out in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fragmentUdp, reorder } from '../../src/packet/fragments.ts';
import { fc } from '../support/random.ts';

function internetSum(bytes: Uint8Array): number {
  let sum = 0;
  bytes.forEach((byte, i) => (sum += i % 2 === 0 ? byte << 8 : byte));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('fragments join to the datagram again, each within the limit and on an 8-byte boundary', () => {
  const inputs = fc.record({
    payload: fc.uint8Array({ maxLength: 1500 }),
    maxIpLength: fc.integer({ min: 28, max: 600 }),
    identification: fc.integer({ min: 0, max: 0xffff }),
    sourcePort: fc.integer({ min: 0, max: 0xffff }),
  });
  fc.assert(
    fc.property(inputs, ({ payload, maxIpLength, identification, sourcePort }) => {
      const datagram = {
        source: '198.18.3.2',
        destination: '198.18.2.2',
        sourcePort,
        destinationPort: 53,
        payload,
      };
      const fragments = fragmentUdp(datagram, identification, maxIpLength);
      let end = 0;
      fragments.forEach((fragment, i) => {
        const last = i === fragments.length - 1;
        assert.ok(fragment.length <= maxIpLength);
        assert.equal(internetSum(fragment.subarray(0, 20)), 0xffff, 'header checksum');
        assert.equal(fragment.readUInt16BE(2), fragment.length, 'total length');
        assert.equal(fragment.readUInt16BE(4), identification);
        assert.equal(fragment.readUInt16BE(6) & 0x2000, last ? 0 : 0x2000, 'more fragments');
        assert.equal((fragment.readUInt16BE(6) & 0x1fff) * 8, end, 'offset');
        end += fragment.length - 20;
      });
      const udp = Buffer.concat(fragments.map((fragment) => fragment.subarray(20)));
      assert.equal(udp.readUInt16BE(4), 8 + payload.length);
      assert.deepEqual(new Uint8Array(udp.subarray(8)), payload);
      const pseudoHeader = Buffer.from([
        198,
        18,
        3,
        2,
        198,
        18,
        2,
        2,
        0,
        17,
        udp.length >> 8,
        udp.length & 0xff,
      ]);
      assert.equal(internetSum(Buffer.concat([pseudoHeader, udp])), 0xffff, 'UDP checksum');
    }),
  );
});

test('a checksum of zero goes out as all ones (RFC 768)', () => {
  const datagram = {
    source: '0.0.0.0',
    destination: '0.0.0.0',
    destinationPort: 0,
    payload: new Uint8Array(),
  };
  // Pseudo-header and header sum to 17 + 8 + 8 + port; this port makes that 0xffff, so its
  // complement is 0.
  const [packet] = fragmentUdp({ ...datagram, sourcePort: 0xffff - 33 }, 1, 100);
  assert.equal(packet?.readUInt16BE(26), 0xffff);
});

test('less than a fragment with 8 bytes of data is refused', () => {
  const datagram = {
    source: '0.0.0.0',
    destination: '0.0.0.0',
    sourcePort: 1,
    destinationPort: 2,
    payload: new Uint8Array(9),
  };
  assert.throws(() => fragmentUdp(datagram, 1, 27), RangeError);
});

describe('order', () => {
  test('reverse', () => assert.deepEqual(reorder([1, 2, 3], 'reverse'), [3, 2, 1]));
  test('in order', () => assert.deepEqual(reorder([1, 2, 3], 'in order'), [1, 2, 3]));
  test('shuffle keeps every item and never the order', () => {
    const items = fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 6 });
    const seeds = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(items, seeds, (list, random) => {
        const shuffled = reorder(list, 'shuffle', () => random.next().value as number);
        assert.notDeepEqual(shuffled, list);
        assert.deepEqual(new Set(shuffled), new Set(list));
      }),
    );
  });
});
