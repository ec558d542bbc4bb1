// SPDX-License-Identifier: Apache-2.0
/**
 * Frames to datagrams: link layer, IP headers, UDP and its checksum. Reassembly has a file of its
 * own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import ipaddr from 'ipaddr.js';
import { DatagramDecoder, type DecodeCounter, type UdpDatagram } from '../../src/packet/decode.ts';
import { formatAddress } from '../../src/packet/ip.ts';
import {
  AUTHORITY_V6,
  CLIENT_V6,
  concat,
  ethernet,
  EtherType,
  fragmentIpv4,
  frameV4,
  frameV6,
  internetChecksum,
  IpProtocol,
  ipv4,
  ipv6,
  ipv6Fragment,
  overPppoe,
  udp,
} from '../support/packets.ts';
import { fc } from '../support/random.ts';

const MESSAGE = Uint8Array.from(Buffer.from('odd length'.repeat(3) + '!'));
const V6 = { source: AUTHORITY_V6, destination: CLIENT_V6 };
const datagramV6 = udp({ payload: MESSAGE, ...V6 });
/** Where headers begin in an untagged frame without options. */
const IP = 14;
const UDP_V4 = IP + 20;
const UDP_V6 = IP + 40;

function decode(frame: Uint8Array): {
  datagram: UdpDatagram | undefined;
  counters: DecodeCounter[];
} {
  const decoder = new DatagramDecoder();
  const datagram = decoder.push(frame, 0, 'eth0');
  const counters = Object.entries(decoder.counters).filter(([, count]) => count > 0);
  assert.ok(counters.every(([, count]) => count === 1));
  return { datagram, counters: counters.map(([name]) => name as DecodeCounter) };
}

/** A copy with some bytes changed, and the IPv4 header checksum made to fit again. */
function changed(frame: Uint8Array, changes: Readonly<Record<number, number>>): Uint8Array {
  const copy = Uint8Array.from(frame);
  for (const [at, value] of Object.entries(changes)) copy[Number(at)] = value;
  return copy;
}
function withChecksum(frame: Uint8Array): Uint8Array {
  const copy = changed(frame, { [IP + 10]: 0, [IP + 11]: 0 });
  const sum = internetChecksum(copy.subarray(IP, IP + 20));
  return changed(copy, { [IP + 10]: sum >>> 8, [IP + 11]: sum & 0xff });
}

/** An extension header of 8 * (1 + units) bytes. */
function extension(nextHeader: number, units = 0): Uint8Array {
  return concat(Uint8Array.of(nextHeader, units, 1, 4), new Uint8Array(4 + 8 * units));
}
function chained(...headers: readonly (readonly [kind: number, units?: number])[]): Uint8Array {
  const kinds = [...headers.map(([kind]) => kind), IpProtocol.udp];
  return ethernet({
    payload: ipv6({
      nextHeader: kinds[0] ?? IpProtocol.udp,
      payload: concat(
        ...headers.map(([, units], i) => extension(kinds[i + 1] ?? 0, units)),
        datagramV6,
      ),
    }),
  });
}

describe('whole datagrams', () => {
  const vlan = { tpid: EtherType.vlan, vlanId: 5 };
  const cases: readonly (readonly [name: string, frame: Uint8Array])[] = [
    ['IPv4', frameV4(MESSAGE)],
    ['IPv6', frameV6(MESSAGE)],
    ['IPv4 with options', frameV4(MESSAGE, { options: new Uint8Array(40).fill(1) })],
    ['IPv4, do not fragment', frameV4(MESSAGE, { dontFragment: true })],
    ['one VLAN tag', frameV4(MESSAGE, { tags: [vlan] })],
    [
      'two VLAN tags',
      frameV6(MESSAGE, { tags: [{ tpid: EtherType.serviceVlan, vlanId: 9 }, vlan] }),
    ],
    ['PPPoE', overPppoe(frameV4(MESSAGE))],
    ['PPPoE below two VLAN tags, IPv6', overPppoe(frameV6(MESSAGE), { tags: [vlan, vlan] })],
    ['padding after the packet', frameV4(MESSAGE, { padTo: 200 })],
    ['padding after the packet, IPv6', frameV6(MESSAGE, { padTo: 200 })],
    ['IPv6 with hop-by-hop options', chained([IpProtocol.hopByHop])],
    [
      'IPv6 with every extension header',
      chained([IpProtocol.hopByHop, 1], [60, 2], [43, 0], [60, 3]),
    ],
    ['an atomic fragment', ethernet({ payload: ipv6Fragment({ payload: datagramV6 }) })],
    [
      'an atomic fragment with options in it',
      ethernet({
        payload: ipv6Fragment({ payload: concat(extension(17), datagramV6), nextHeader: 60 }),
      }),
    ],
    [
      'bytes between the end of UDP and the end of IP',
      ethernet({
        payload: ipv4({ payload: concat(udp({ payload: MESSAGE }), Uint8Array.of(1, 2, 3)) }),
      }),
    ],
  ];
  for (const [name, frame] of cases) {
    test(name, () => {
      const { datagram, counters } = decode(frame);
      assert.deepEqual(counters, ['datagramWhole']);
      assert.deepEqual(datagram?.payload, MESSAGE);
      assert.equal(datagram.checksum, 'valid');
      assert.equal(datagram.fragments, 1);
      assert.deepEqual([datagram.sourcePort, datagram.destinationPort], [53, 40000]);
    });
  }

  test('no payload at all is a datagram, too', () => {
    assert.equal(decode(frameV4(new Uint8Array(0))).datagram?.payload.length, 0);
  });
  test('the payload is a view: nothing is copied', () => {
    const frame = frameV4(MESSAGE);
    assert.equal(decode(frame).datagram?.payload.buffer, frame.buffer);
  });
});

describe('IPv4 without a header checksum, as captures of the sender have it', () => {
  const unchecked = (frame: Uint8Array): Uint8Array =>
    changed(frame, { [IP + 10]: 0, [IP + 11]: 0 });
  const captured = (): DatagramDecoder => new DatagramDecoder({ acceptsNoIpv4Checksum: true });

  test('is a datagram for a decoder that is told so, and counted', () => {
    const decoder = captured();
    const frame = unchecked(frameV4(MESSAGE, { checksum: 'partial' }));
    assert.deepEqual(decoder.push(frame, 0, 'x')?.payload, MESSAGE);
    assert.equal(decoder.counters.ipv4ChecksumAbsent, 1);
    assert.deepEqual(decode(frame).counters, ['ipv4BadChecksum']);
  });
  test('another wrong checksum is none for anybody', () => {
    const decoder = captured();
    assert.equal(decoder.push(changed(frameV4(MESSAGE), { [IP + 11]: 1 }), 0, 'x'), undefined);
    assert.equal(decoder.counters.ipv4BadChecksum, 1);
  });
  test('its fragments go together, and never with others, which they could spoil', () => {
    const [first = MESSAGE, second = MESSAGE] = fragmentIpv4(
      ipv4({ payload: udp({ payload: MESSAGE }) }),
      24,
    ).map((payload) => ethernet({ payload }));
    const decoder = captured();
    const push = (frame: Uint8Array): Uint8Array | undefined =>
      decoder.push(frame, 0, 'x')?.payload;
    assert.equal(push(first), undefined);
    assert.equal(push(changed(unchecked(second), { [second.length - 1]: 0 })), undefined);
    assert.deepEqual(push(second), MESSAGE);
    assert.notEqual(push(unchecked(first)), undefined);
  });
});

describe('discarded', () => {
  const v4 = frameV4(MESSAGE);
  const v6 = frameV6(MESSAGE);
  const cases: readonly (readonly [name: string, frame: Uint8Array, counter: DecodeCounter])[] = [
    ['nothing', new Uint8Array(0), 'ethernetTruncated'],
    ['13 bytes', v4.subarray(0, 13), 'ethernetTruncated'],
    [
      'a VLAN tag cut',
      frameV4(MESSAGE, { tags: [{ tpid: EtherType.vlan, vlanId: 1 }] }).subarray(0, 17),
      'ethernetTruncated',
    ],
    ['ARP', ethernet({ etherType: EtherType.arp, payload: new Uint8Array(46) }), 'notIp'],
    [
      'four VLAN tags',
      frameV4(MESSAGE, { tags: [1, 2, 3, 4].map((vlanId) => ({ tpid: EtherType.vlan, vlanId })) }),
      'notIp',
    ],
    ['PPPoE cut', overPppoe(v4).subarray(0, 21), 'ethernetTruncated'],
    ['PPPoE that ends the session', overPppoe(v4, { code: 0xa7 }), 'notIp'],
    ['LCP in PPPoE', overPppoe(v4, { protocol: 0xc021 }), 'notIp'],
    ['an IEEE 802.3 length', ethernet({ etherType: 46, payload: new Uint8Array(46) }), 'notIp'],
    ['IPv4 header cut', v4.subarray(0, IP + 19), 'ipv4Truncated'],
    [
      'IPv4 options cut',
      frameV4(MESSAGE, { options: new Uint8Array(40) }).subarray(0, IP + 30),
      'ipv4Truncated',
    ],
    ['IPv4 cut', v4.subarray(0, v4.length - 1), 'ipv4Truncated'],
    ['IPv4 that says 6', changed(v4, { [IP]: 0x65 }), 'ipv4BadHeader'],
    ['ihl 4', changed(v4, { [IP]: 0x44 }), 'ipv4BadHeader'],
    ['total length below the header', changed(v4, { [IP + 2]: 0, [IP + 3]: 19 }), 'ipv4BadHeader'],
    ['total length 0', changed(v4, { [IP + 2]: 0, [IP + 3]: 0 }), 'ipv4BadHeader'],
    [
      'total length beyond the frame',
      withChecksum(changed(v4, { [IP + 2]: 0xff })),
      'ipv4Truncated',
    ],
    ['IPv4 header checksum', changed(v4, { [IP + 8]: 1 }), 'ipv4BadChecksum'],
    [
      'IPv4 header checksum left out',
      changed(v4, { [IP + 10]: 0, [IP + 11]: 0 }),
      'ipv4BadChecksum',
    ],
    ['TCP', ethernet({ payload: ipv4({ payload: new Uint8Array(20), protocol: 6 }) }), 'notUdp'],
    ['IPv6 header cut', v6.subarray(0, IP + 39), 'ipv6Truncated'],
    ['IPv6 cut', v6.subarray(0, v6.length - 1), 'ipv6Truncated'],
    ['IPv6 that says 4', changed(v6, { [IP]: 0x40 }), 'ipv6BadHeader'],
    [
      'ICMPv6',
      ethernet({ payload: ipv6({ payload: new Uint8Array(8), nextHeader: 58 }) }),
      'notUdp',
    ],
    ['ESP', ethernet({ payload: ipv6({ payload: new Uint8Array(8), nextHeader: 50 }) }), 'notUdp'],
    [
      'no next header',
      ethernet({ payload: ipv6({ payload: new Uint8Array(8), nextHeader: 59 }) }),
      'notUdp',
    ],
    ['hop-by-hop options not first', chained([60], [0]), 'ipv6BadHeader'],
    [
      'nine extension headers',
      chained(...Array.from({ length: 9 }, () => [60] as const)),
      'ipv6BadHeader',
    ],
    [
      'an extension header beyond the packet',
      changed(chained([60]), { [IP + 41]: 200 }),
      'ipv6Truncated',
    ],
    [
      'half an extension header',
      ethernet({ payload: ipv6({ payload: Uint8Array.of(17), nextHeader: 60 }) }),
      'ipv6Truncated',
    ],
    [
      'half a fragment header',
      ethernet({ payload: ipv6({ payload: new Uint8Array(7), nextHeader: 44 }) }),
      'ipv6Truncated',
    ],
    [
      'a fragment within an atomic one',
      ethernet({ payload: ipv6Fragment({ payload: new Uint8Array(16), nextHeader: 44 }) }),
      'ipv6BadHeader',
    ],
    [
      'TCP in an atomic fragment',
      ethernet({ payload: ipv6Fragment({ payload: new Uint8Array(20), nextHeader: 6 }) }),
      'notUdp',
    ],
    ['UDP header cut', ethernet({ payload: ipv4({ payload: new Uint8Array(7) }) }), 'udpBadLength'],
    ['UDP length below the header', changed(v4, { [UDP_V4 + 5]: 7 }), 'udpBadLength'],
    ['UDP length beyond IP', changed(v4, { [UDP_V4 + 4]: 0xff }), 'udpBadLength'],
    [
      'UDP length into the padding',
      changed(frameV4(MESSAGE, { padTo: 200 }), { [UDP_V4 + 5]: 8 + MESSAGE.length + 1 }),
      'udpBadLength',
    ],
    ['UDP length 1 on IPv6', changed(v6, { [UDP_V6 + 5]: 1 }), 'udpBadLength'],
  ];
  for (const [name, frame, counter] of cases) {
    test(`${name}: ${counter}`, () =>
      assert.deepEqual(decode(frame), { datagram: undefined, counters: [counter] }));
  }
});

describe('UDP checksum: told, never a reason to refuse', () => {
  const cases: readonly (readonly [
    name: string,
    frame: Uint8Array,
    checksum: UdpDatagram['checksum'],
    note?: DecodeCounter,
  ])[] = [
    ['valid', frameV4(MESSAGE), 'valid'],
    ['0 on IPv4', frameV4(MESSAGE, { checksum: 'none' }), 'absent', 'checksumAbsent'],
    ['0 on IPv6', frameV6(MESSAGE, { checksum: 'none' }), 'bad', 'checksumBad'],
    [
      'pseudo-header only',
      frameV4(MESSAGE, { checksum: 'partial' }),
      'pseudo-header-only',
      'checksumPseudoHeaderOnly',
    ],
    [
      'pseudo-header only, IPv6',
      frameV6(MESSAGE, { checksum: 'partial' }),
      'pseudo-header-only',
      'checksumPseudoHeaderOnly',
    ],
    ['a flipped bit', changed(frameV4(MESSAGE), { [UDP_V4 + 8]: 1 }), 'bad', 'checksumBad'],
    ['a flipped bit, IPv6', changed(frameV6(MESSAGE), { [UDP_V6 + 8]: 1 }), 'bad', 'checksumBad'],
    [
      'another address',
      withChecksum(changed(frameV4(MESSAGE), { [IP + 12]: 10 })),
      'bad',
      'checksumBad',
    ],
  ];
  for (const [name, frame, checksum, note] of cases) {
    test(name, () => {
      const { datagram, counters } = decode(frame);
      assert.equal(datagram?.checksum, checksum);
      assert.deepEqual(counters, note === undefined ? ['datagramWhole'] : ['datagramWhole', note]);
    });
  }

  test('valid for any payload, also where the sum comes out as 0 and is sent as all ones', () => {
    let allOnes = 0;
    for (let port = 0; port < 0x1_0000; port += 1) {
      const frame = port % 500 === 0 ? frameV4(MESSAGE, { sourcePort: port }) : undefined;
      if (frame) assert.equal(decode(frame).datagram?.checksum, 'valid');
    }
    // Choose the port so that everything else and it sum to 0xffff.
    const rest = frameV4(MESSAGE, { sourcePort: 0 });
    const field = ((rest[UDP_V4 + 6] ?? 0) << 8) | (rest[UDP_V4 + 7] ?? 0);
    const frame = frameV4(MESSAGE, { sourcePort: field });
    if (frame[UDP_V4 + 6] === 0xff && frame[UDP_V4 + 7] === 0xff) allOnes += 1;
    assert.equal(allOnes, 1);
    assert.equal(decode(frame).datagram?.checksum, 'valid');
  });
});

describe('addresses as text', () => {
  const bytesOf = (address: string): Uint8Array =>
    Uint8Array.from(ipaddr.parse(address).toByteArray());
  for (const address of [
    '::',
    '::1',
    '1::',
    '2001:db8::1:0:0:1',
    '2001:db8:0:1:1:1:1:1',
    '1:0:0:2::3',
    'fe80::1',
    '::ffff:c000:201',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:0',
    '0:1:2:3:4:5:6:7',
  ]) {
    test(address, () => assert.equal(formatAddress(bytesOf(address), 0, 16), address));
  }
  test('any IPv6 address is written as RFC 5952 has it', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = Uint8Array.from(groups.flatMap((each) => [each >>> 8, each & 0xff]));
        assert.equal(formatAddress(bytes, 0, 16), new ipaddr.IPv6(groups).toRFC5952String());
      }),
    );
  });
  test('IPv4', () =>
    assert.equal(formatAddress(Uint8Array.of(0, 192, 0, 2, 255), 1, 4), '192.0.2.255'));
});

test('arbitrary bytes never throw, and each frame ends in one counter or one datagram', () => {
  const good = [
    frameV4(MESSAGE),
    frameV6(MESSAGE),
    chained([0], [60]),
    ethernet({
      payload: ipv6Fragment({ payload: datagramV6.subarray(0, 16), moreFragments: true }),
    }),
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
      fc.nat(120),
    )
    .map(([frame, changes, length]) =>
      changed(frame, Object.fromEntries(changes)).subarray(0, 20 + length),
    );
  const decoder = new DatagramDecoder();
  let [pushed, returned] = [0, 0];
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated), (frame) => {
      pushed += 1;
      if (decoder.push(frame, pushed, 'eth0') !== undefined) returned += 1;
    }),
    { numRuns: 20_000 },
  );
  const { counters } = decoder;
  assert.equal(counters.datagramWhole + counters.datagramReassembled, returned);
  const notes = /^(datagram(TimedOut|Evicted)|checksum)/;
  const outcomes = Object.entries(counters).filter(([name]) => !notes.test(name));
  assert.equal(
    outcomes.reduce((sum, [, count]) => sum + count, 0),
    pushed,
  );
});
