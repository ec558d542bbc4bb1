// SPDX-License-Identifier: Apache-2.0
/**
 * Fragment reassembly, rule by rule and attack by attack (RFC 791, RFC 8200, RFC 5722, RFC 6946,
 * RFC 7112, RFC 1858, RFC 3128, RFC 4963), for IPv4 and IPv6 alike.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DatagramDecoder,
  type DecodeCounter,
  type ReassemblyLimits,
  type UdpDatagram,
} from '../../src/packet/decode.ts';
import {
  DATAGRAM_OVERHEAD,
  DEFAULT_LIMITS,
  FRAGMENT_OVERHEAD,
} from '../../src/packet/reassembly.ts';
import {
  AUTHORITY_V6,
  CLIENT_V6,
  concat,
  ethernet,
  EtherType,
  fragmentIpv4,
  fragmentIpv6,
  IpProtocol,
  ipv4,
  ipv6,
  ipv6Fragment,
  overPppoe,
  udp,
} from '../support/packets.ts';
import { fc } from '../support/random.ts';

type Version = 4 | 6;
const versions: readonly Version[] = [4, 6];

/** Bytes that differ from place to place, so that a misplaced fragment shows. */
function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8) + seed) & 0xff);
}

function wholeUdp(version: Version, payload: Uint8Array): Uint8Array {
  return version === 4
    ? udp({ payload })
    : udp({ payload, source: AUTHORITY_V6, destination: CLIENT_V6 });
}

interface FragmentOptions {
  readonly version: Version;
  readonly payload: Uint8Array;
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly identification?: number;
  readonly source?: string;
  readonly hops?: number;
  readonly tags?: readonly { tpid: number; vlanId: number }[];
}

function fragment({ version, tags = [], ...options }: FragmentOptions): Uint8Array {
  return ethernet({
    tags,
    payload: version === 4 ? ipv4(options) : ipv6Fragment(options),
    padTo: 60,
  });
}

/** What a list of frames comes to. */
function feed(
  frames: readonly Uint8Array[],
  options: {
    limits?: Partial<ReassemblyLimits>;
    decoder?: DatagramDecoder;
    now?: (index: number) => number;
  } = {},
): {
  datagrams: UdpDatagram[];
  counters: Partial<Record<DecodeCounter, number>>;
  decoder: DatagramDecoder;
} {
  const decoder = options.decoder ?? new DatagramDecoder({ limits: options.limits });
  const datagrams = frames.flatMap((frame, index) => {
    const datagram = decoder.push(frame, options.now?.(index) ?? 0, 'eth0');
    return [...(datagram === undefined ? [] : [datagram]), ...decoder.others];
  });
  return { datagrams, counters: nonZero(decoder), decoder };
}

function nonZero(decoder: DatagramDecoder): Partial<Record<DecodeCounter, number>> {
  return Object.fromEntries(Object.entries(decoder.counters).filter(([, count]) => count > 0));
}

for (const version of versions) {
  describe(`IPv${version}`, () => {
    /** 24 bytes after the UDP header: four fragments of 8. */
    const payload = pattern(24);
    const datagram = wholeUdp(version, payload);
    /** Bytes [start, end) of the datagram; the rest of the pattern when `seed` is given. */
    const piece = (start: number, end: number, last = end === 32, seed?: number): Uint8Array =>
      fragment({
        version,
        payload: seed === undefined ? datagram.subarray(start, end) : pattern(end - start, seed),
        fragmentOffset: start,
        moreFragments: !last,
      });
    const [A, B, C, D] = [piece(0, 8), piece(8, 16), piece(16, 24), piece(24, 32)];

    interface Case {
      readonly name: string;
      readonly arrive: readonly Uint8Array[];
      readonly want: Partial<Record<DecodeCounter, number>>;
    }
    const complete = { datagramReassembled: 1 };
    const cases: readonly Case[] = [
      { name: 'in order', arrive: [A, B, C, D], want: { fragmentHeld: 3, ...complete } },
      { name: 'in reverse', arrive: [D, C, B, A], want: { fragmentHeld: 3, ...complete } },
      { name: 'last first', arrive: [D, A, B, C], want: { fragmentHeld: 3, ...complete } },
      { name: 'odd, then even', arrive: [B, D, A, C], want: { fragmentHeld: 3, ...complete } },
      {
        name: 'of unlike sizes',
        arrive: [piece(0, 16), piece(16, 24), D],
        want: { fragmentHeld: 2, ...complete },
      },
      {
        name: 'an exact duplicate is ignored',
        arrive: [A, B, B, A, C, D],
        want: { fragmentHeld: 3, fragmentDuplicate: 2, ...complete },
      },
      {
        name: 'so is one of the last fragment',
        arrive: [D, D, A, B, C],
        want: { fragmentHeld: 3, fragmentDuplicate: 1, ...complete },
      },
      { name: 'a hole stays a hole', arrive: [A, C, D], want: { fragmentHeld: 3 } },
      { name: 'no end, no datagram', arrive: [A, B, C], want: { fragmentHeld: 3 } },
      {
        name: 'rose: a start and a far end',
        arrive: [A, piece(60_000, 60_008, true, 1)],
        want: { fragmentHeld: 2 },
      },
      {
        name: 'new dawn: rose, and its start again and again',
        arrive: [A, piece(60_000, 60_008, true, 1), A, A],
        want: { fragmentHeld: 2, fragmentDuplicate: 2 },
      },
      // What comes first stays, so a spoofed fragment that comes later spoils nothing.
      {
        name: 'a fragment inside another is ignored',
        arrive: [piece(0, 24), piece(8, 16), D],
        want: { fragmentHeld: 1, fragmentDuplicate: 1, ...complete },
      },
      {
        name: 'so is one with other bytes',
        arrive: [A, B, piece(8, 16, false, 99), C, D],
        want: { fragmentHeld: 3, fragmentDuplicate: 1, ...complete },
      },
      {
        name: 'and one within several that came in order',
        arrive: [A, B, C, piece(0, 24, false, 99), D],
        want: { fragmentHeld: 3, fragmentDuplicate: 1, ...complete },
      },
      {
        name: 'the end, with more to come',
        arrive: [D, piece(24, 32, false), A, B, C],
        want: { fragmentHeld: 3, fragmentDuplicate: 1, ...complete },
      },
      {
        name: 'more to come, then the end there',
        arrive: [piece(24, 32, false), D, A, B, C],
        want: { fragmentHeld: 3, fragmentDuplicate: 1, ...complete },
      },
      // Contradictions end a datagram, and what comes then begins anew.
      {
        name: 'overlap',
        arrive: [piece(0, 16), piece(8, 24), A, B, C, D],
        want: { fragmentHeld: 4, fragmentOverlap: 1, ...complete },
      },
      {
        name: 'over several that did not come in order',
        arrive: [C, B, piece(8, 24), A, B, C, D],
        want: { fragmentHeld: 5, fragmentOverlap: 1, ...complete },
      },
      {
        name: 'over two that came before what follows them',
        arrive: [C, A, B, piece(0, 16), D],
        want: { fragmentHeld: 4, fragmentOverlap: 1 },
      },
      {
        name: 'the same place, other length',
        arrive: [A, B, piece(8, 24), D],
        want: { fragmentHeld: 3, fragmentOverlap: 1 },
      },
      {
        name: 'around another',
        arrive: [B, piece(0, 24), D],
        want: { fragmentHeld: 2, fragmentOverlap: 1 },
      },
      {
        name: 'two ends, the second beyond',
        arrive: [D, piece(32, 40, true, 1), A],
        want: { fragmentHeld: 2, fragmentConflictingEnd: 1 },
      },
      {
        name: 'two ends, the second before',
        arrive: [D, piece(8, 16, true), A],
        want: { fragmentHeld: 2, fragmentConflictingEnd: 1 },
      },
      {
        name: 'data beyond the end',
        arrive: [D, piece(40, 48, false, 1), A],
        want: { fragmentHeld: 2, fragmentConflictingEnd: 1 },
      },
      {
        name: 'an end before data',
        arrive: [C, piece(8, 16, true), A],
        want: { fragmentHeld: 2, fragmentConflictingEnd: 1 },
      },
      {
        name: 'nothing in it, first',
        arrive: [piece(0, 0, false), A, B, C, D],
        want: {
          [version === 4 ? 'fragmentEmpty' : 'fragmentHeaderChainCut']: 1,
          fragmentHeld: 3,
          ...complete,
        },
      },
      {
        name: 'nothing in it, at the end',
        arrive: [A, piece(32, 32, true), B, C, D],
        want: { fragmentHeld: 4, fragmentEmpty: 1 },
      },
      // Where the two differ, as they do in Linux.
      {
        name: 'a length that is no multiple of 8',
        arrive: [piece(0, 12), A, B, C, D],
        want: {
          [version === 4 ? 'fragmentDuplicate' : 'fragmentMisaligned']: 1,
          fragmentHeld: 3,
          ...complete,
        },
      },
      {
        name: 'a length that is no multiple of 8, and nothing else there',
        arrive: [A, piece(8, 21), C, D],
        want:
          version === 4
            ? { fragmentHeld: 3, ...complete }
            : { fragmentMisaligned: 1, fragmentHeld: 3 },
      },
      {
        name: 'tiny fragments: one that cuts the UDP header',
        arrive: [piece(0, 4), A, B, C, D],
        want: {
          [version === 4 ? 'fragmentEmpty' : 'fragmentMisaligned']: 1,
          fragmentHeld: 3,
          ...complete,
        },
      },
      {
        name: 'ping of death',
        arrive: [A, piece(65_528, 65_608, true, 1), B, C, D],
        want:
          version === 4
            ? { fragmentHeld: 4, fragmentConflictingEnd: 1 }
            : { fragmentHeld: 3, fragmentBeyondMaximum: 1, ...complete },
      },
    ];
    for (const { name, arrive, want } of cases) {
      test(name, () => {
        const { datagrams, counters } = feed(arrive);
        const { checksumBad, ...rest } = counters;
        assert.deepEqual(rest, want);
        assert.equal(checksumBad, undefined);
        assert.deepEqual(
          datagrams.map((each) => each.payload),
          want.datagramReassembled === 1 ? [payload] : [],
        );
        const frames = Object.values(rest).reduce((sum, count) => sum + count, 0);
        assert.equal(frames, arrive.length, 'one counter a frame');
      });
    }

    test('what is returned', () => {
      const [result] = feed([D, A, B, C]).datagrams;
      assert.deepEqual(result, {
        source: version === 4 ? '192.0.2.53' : '2001:db8::53',
        destination: version === 4 ? '198.51.100.7' : '2001:db8:1::7',
        sourcePort: 53,
        destinationPort: 40000,
        payload,
        fragments: 4,
        checksum: 'valid',
      });
    });

    test('every three chunks: a datagram where they fit, or one lies in the other', () => {
      // PYROLYSE's set: chunks within 4 units of 8 bytes, in every order, over bytes of their own.
      const ranges = [0, 1, 2, 3].flatMap((start) =>
        [1, 2, 3, 4].slice(start).map((end) => [start, end] as const),
      );
      type Range = readonly [start: number, end: number];
      const overlap = (x: Range, y: Range): boolean => x[0] < y[1] && y[0] < x[1];
      const tiles = (...parts: readonly Range[]): boolean => {
        const sorted = parts.toSorted((x, y) => x[0] - y[0]);
        return (
          sorted.every(([start], i) => start === (sorted[i - 1]?.[1] ?? 0)) &&
          sorted.at(-1)?.[1] === 4
        );
      };
      let overlapping = 0;
      // A chunk that is the whole datagram is no fragment, so those are left out.
      const chunks: readonly Range[] = ranges.filter(([start, end]) => end - start < 4);
      for (const [a, b, c] of chunks.flatMap((x) =>
        chunks.flatMap((y) => chunks.map((z) => [x, y, z] as const)),
      )) {
        const frames = [a, b, c].map(([start, end], i) => {
          // Each chunk has bytes of its own; one at the start leaves the UDP length alone.
          const bytes = start === 0 ? datagram.slice(0, end * 8) : pattern((end - start) * 8, i);
          if (start === 0) bytes[1] = i;
          return fragment({
            version,
            payload: bytes,
            fragmentOffset: start * 8,
            moreFragments: end < 4,
          });
        });
        if (overlap(a, b) || overlap(a, c) || overlap(b, c)) overlapping += 1;
        // The first two may make a datagram before the third begins another.
        const isWithin = a[0] <= b[0] && b[1] <= a[1];
        const want = tiles(a, b) || tiles(a, b, c) || (isWithin && tiles(a, c)) ? 1 : 0;
        assert.equal(feed(frames).datagrams.length, want, JSON.stringify([a, b, c]));
      }
      assert.ok(overlapping > 600);
    });

    describe('what belongs together', () => {
      const halves = (
        options: Partial<FragmentOptions> = {},
      ): readonly [Uint8Array, Uint8Array] => [
        fragment({
          version,
          payload: datagram.subarray(0, 16),
          fragmentOffset: 0,
          moreFragments: true,
          ...options,
        }),
        fragment({
          version,
          payload: datagram.subarray(16),
          fragmentOffset: 16,
          moreFragments: false,
          ...options,
        }),
      ];
      const [first, second] = halves();
      const strangers: readonly (readonly [name: string, frame: Uint8Array])[] = [
        ['another identification', halves({ identification: 7 })[1]],
        ['another source', halves({ source: version === 4 ? '192.0.2.54' : '2001:db8::54' })[1]],
        ['another VLAN', halves({ tags: [{ tpid: EtherType.vlan, vlanId: 5 }] })[1]],
        ['a PPPoE session', overPppoe(second)],
        [
          'another VLAN within a VLAN',
          halves({
            tags: [
              { tpid: EtherType.serviceVlan, vlanId: 5 },
              { tpid: EtherType.vlan, vlanId: 0 },
            ],
          })[1],
        ],
      ];
      for (const [name, stranger] of strangers) {
        test(`not ${name}`, () => {
          const { counters } = feed([first, stranger, second]);
          assert.deepEqual(counters, { fragmentHeld: 2, datagramReassembled: 1 });
        });
      }
      test('not another PPPoE session', () => {
        const { counters } = feed(
          [first, second].map((half, i) => overPppoe(half, { session: i + 1 })),
        );
        assert.deepEqual(counters, { fragmentHeld: 2 });
      });
      test('not another interface', () => {
        const decoder = new DatagramDecoder();
        assert.equal(decoder.push(first, 0, 'eth0'), undefined);
        assert.equal(decoder.push(second, 0, 'eth1'), undefined);
        assert.ok(decoder.push(second, 0, 'eth0'));
      });
      test('a priority tag makes no other network', () => {
        const tagged = halves({ tags: [{ tpid: EtherType.vlan, vlanId: 0 }] })[1];
        assert.equal(feed([first, tagged]).datagrams.length, 1);
      });
      test('an identification may come again once its datagram is complete (RFC 4963)', () => {
        const other = wholeUdp(version, pattern(24, 50));
        const again = [
          fragment({
            version,
            payload: other.subarray(16),
            fragmentOffset: 16,
            moreFragments: false,
          }),
          fragment({
            version,
            payload: other.subarray(0, 16),
            fragmentOffset: 0,
            moreFragments: true,
          }),
        ];
        const { datagrams } = feed([first, second, ...again]);
        assert.deepEqual(
          datagrams.map((each) => each.payload),
          [payload, pattern(24, 50)],
        );
      });
      test('identification reused too early: what came first stays', () => {
        const other = wholeUdp(version, pattern(24, 50));
        const mixed = fragment({
          version,
          payload: other.subarray(0, 16),
          fragmentOffset: 0,
          moreFragments: true,
        });
        assert.deepEqual(feed([first, mixed, second]).datagrams[0]?.payload, payload);
      });
    });

    describe('fragments that end before the receiver', () => {
      /** Bytes [start, end) of the datagram, or of another, with so many hops left. */
      const far = (start: number, end: number, hops: number, seed?: number): Uint8Array =>
        fragment({
          version,
          payload: seed === undefined ? datagram.subarray(start, end) : pattern(end - start, seed),
          fragmentOffset: start,
          moreFragments: end !== 32,
          hops,
        });
      const forged = far(16, 32, 2, 99);
      const [start, end] = [far(0, 16, 60), far(16, 32, 60)];
      const orders: readonly (readonly [string, readonly Uint8Array[]])[] = [
        ['ahead of all', [forged, start, end]],
        ['ahead of the end', [start, forged, end]],
        ['that contradict', [start, far(8, 32, 3, 7), far(24, 40, 2, 7), end]],
        ['of all places', [far(0, 16, 3, 5), start, far(16, 32, 4, 6), end]],
        ['more than one number', [forged, far(16, 32, 3, 98), start, far(16, 32, 1, 97), end]],
        [
          'more than are kept',
          [...Array.from({ length: 100 }, (_, i) => far(16, 32, 1 + (i % 50), i)), start, end],
        ],
      ];
      for (const [name, frames] of orders)
        test(`hide nothing: ${name}`, () => {
          const found = feed(frames).datagrams.map((each) =>
            Buffer.from(each.payload).toString('hex'),
          );
          assert(found.includes(Buffer.from(payload).toString('hex')), found.join(' '));
        });

      test('what is completed twice comes once', () => {
        const { datagrams, counters } = feed([start, far(16, 32, 61)]);
        assert.deepEqual(
          datagrams.map((each) => each.payload),
          [payload],
        );
        assert.deepEqual(counters, { fragmentHeld: 1, datagramReassembled: 1 });
      });

      test('whatever a receiver at any distance puts together is found', () => {
        const pieces = fc.record({
          at: fc.nat(3),
          length: fc.integer({ min: 1, max: 4 }),
          hops: fc.constantFrom(1, 2, 3, 60, 61),
          seed: fc.constantFrom(undefined, undefined, 1, 2),
        });
        let several = 0;
        fc.assert(
          fc.property(fc.array(pieces, { maxLength: 14 }), (all) => {
            const arrive = (list: typeof all, allHops?: number): Set<string> => {
              const frames = list.map(({ at, length, hops, seed }) =>
                far(at * 8, Math.min(at + length, 4) * 8, allHops ?? hops, seed),
              );
              const { datagrams } = feed(frames);
              return new Set(datagrams.map((each) => Buffer.from(each.payload).toString('hex')));
            };
            const found = arrive(all);
            if (found.size > 1) several++;
            for (const distance of [1, 2, 3, 60, 61])
              for (const text of arrive(
                all.filter(({ hops }) => hops >= distance),
                64,
              ))
                assert(found.has(text), `${text} at ${distance}`);
          }),
          { numRuns: 2000 },
        );
        assert(several > 20, `${several}`);
      });

      test('memory for them is bounded, and given back', () => {
        const decoder = new DatagramDecoder({ limits: { bytes: 64 * 1024 } });
        for (let id = 0; id < 2000; id++)
          for (const hops of [60, 2, 3, 4, 5])
            decoder.push(
              fragment({
                version,
                payload: pattern(64),
                fragmentOffset: 8,
                moreFragments: true,
                hops,
                identification: id,
              }),
              0,
              'eth0',
            );
        assert(decoder.pending.bytes <= 64 * 1024 * 1.25, `${decoder.pending.bytes}`);
        decoder.expire(1e9);
        assert.equal(decoder.pending.bytes, 0);
      });
    });

    describe('time-out', () => {
      const timeout = version === 4 ? 30_000 : 60_000;
      const at = (...times: readonly number[]) => ({ now: (index: number) => times[index] ?? 0 });
      test('just within it', () =>
        assert.equal(feed([A, B, C, D], at(0, 1, 2, timeout - 1)).datagrams.length, 1));
      test('counts from the first fragment and is not refreshed', () => {
        const { datagrams, counters } = feed([A, B, C, D], at(0, 14_000, 14_990, timeout));
        assert.deepEqual(datagrams, []);
        assert.deepEqual(counters, { fragmentHeld: 4, datagramTimedOut: 1 });
      });
      test('the old is forgotten, so the same key can start again', () => {
        assert.equal(
          feed([A, B, A, B, C, D], at(0, 0, timeout, timeout, timeout, timeout)).datagrams.length,
          1,
        );
      });
      test('expire gives memory back when nothing arrives', () => {
        const { decoder } = feed([A, B]);
        const bytes = DATAGRAM_OVERHEAD + 16 + 2 * FRAGMENT_OVERHEAD;
        assert.deepEqual(decoder.pending, { datagrams: 1, bytes });
        decoder.expire(timeout - 1);
        assert.equal(decoder.pending.datagrams, 1);
        decoder.expire(timeout);
        assert.deepEqual(decoder.pending, { datagrams: 0, bytes: 0 });
      });
      test('a clock set back leaves nothing for ever', () => {
        const { datagrams, decoder } = feed([A, B, C, D], at(1e12, 0, 1, 2));
        assert.deepEqual(datagrams, []);
        assert.deepEqual(nonZero(decoder), { fragmentHeld: 4, datagramTimedOut: 1 });
      });
      test('frames a little out of order belong together', () => {
        assert.equal(feed([A, B, C, D], at(1000, 990, 1000, 980)).datagrams.length, 1);
      });
    });

    describe('limits', () => {
      /** First fragments, 16 bytes each, of datagrams of their own. */
      const starts = (
        count: number,
        options: (i: number) => Partial<FragmentOptions> = () => ({}),
      ) =>
        Array.from({ length: count }, (_, i) =>
          fragment({
            version,
            payload: datagram.subarray(0, 16),
            fragmentOffset: 0,
            moreFragments: true,
            identification: 1000 + i,
            ...options(i),
          }),
        );
      const otherSource = (i: number): Partial<FragmentOptions> => ({
        source:
          version === 4 ? `10.0.${i >>> 8}.${i & 0xff}` : `2001:db8:${(i + 1).toString(16)}::1`,
      });
      const cost = DATAGRAM_OVERHEAD + 16 + FRAGMENT_OVERHEAD;

      test('of equals, the oldest goes first', () => {
        const { decoder, counters } = feed([A, B, C, ...starts(3, otherSource)], {
          limits: { bytes: DATAGRAM_OVERHEAD + 3 * (8 + FRAGMENT_OVERHEAD) + 2 * cost },
        });
        assert.equal(counters.datagramEvicted, 1);
        assert.deepEqual(decoder.pending, { datagrams: 3, bytes: 3 * cost });
        assert.equal(decoder.push(D, 0, 'eth0'), undefined, 'ours was the oldest');
      });
      test('never the one that grows', () => {
        const { decoder, counters } = feed(
          [piece(0, 16), ...starts(3, otherSource), piece(16, 24)],
          { limits: { bytes: 4 * cost } },
        );
        assert.equal(counters.datagramEvicted, 1);
        assert.equal(decoder.pending.datagrams, 3);
        assert.equal(decoder.push(D, 0, 'eth0')?.payload.length, payload.length);
      });
      test('the last fragment takes no room', () => {
        const { counters } = feed([...starts(3, otherSource), piece(0, 16), piece(16, 32, true)], {
          limits: { bytes: 4 * cost },
        });
        assert.deepEqual(counters, { fragmentHeld: 4, ...complete });
      });
      test('whoever takes most gives way, and the others stay', () => {
        const { counters, decoder } = feed([piece(0, 16), ...starts(30, otherSource)], {
          limits: { bytes: 50 * cost },
        });
        const flooder = version === 4 ? '203.0.113.1' : '2001:db8:ffff::1';
        feed(
          starts(500, (i) => ({ source: flooder, identification: i })),
          { decoder },
        );
        assert.equal(counters.datagramEvicted, undefined);
        assert.equal(decoder.pending.datagrams, 50);
        assert.equal(decoder.push(piece(16, 32, true), 0, 'eth0')?.payload.length, 24);
      });
      test('1,024 spoofed first fragments to a known name push no genuine one out', () => {
        // The name is known, so all of them would be held in the reserve.
        const start = concat(datagram.subarray(0, 16), pattern(360));
        for (const [name, source] of [
          ['of one source', () => ({ source: version === 4 ? '203.0.113.1' : '2001:db8:9::1' })],
          ['of two', (i: number) => otherSource(i % 2)],
          ['of one each', otherSource],
        ] as const) {
          const decoder = new DatagramDecoder({ tracked: ([first]) => first === payload[0] });
          const spoofed = starts(1024, (i) => ({ payload: start, ...source(i) }));
          feed([piece(0, 16), ...spoofed], { decoder });
          assert.equal(decoder.push(piece(16, 32, true), 0, 'eth0')?.fragments, 2, name);
        }
      });
      test('however many come from a few sources, they push out no others', () => {
        const decoder = new DatagramDecoder({ tracked: ([first]) => first === payload[0] });
        feed([piece(0, 16)], { decoder });
        feed(
          starts(30_000, (i) => otherSource(i % 300)),
          { decoder },
        );
        assert(decoder.counters.datagramEvicted > 25_000);
        assert.equal(decoder.push(piece(16, 32, true), 0, 'eth0')?.fragments, 2);
      });
      test('one datagram beyond the whole budget is given up', () => {
        const { counters, decoder } = feed([A, B, C], {
          limits: { bytes: DATAGRAM_OVERHEAD + 2 * (8 + FRAGMENT_OVERHEAD) },
        });
        assert.deepEqual(counters, { fragmentHeld: 2, fragmentOverBudget: 1 });
        assert.deepEqual(decoder.pending, { datagrams: 0, bytes: 0 });
      });
      test('fragments of one datagram', () => {
        assert.equal(
          feed([A, B, C, D], { limits: { fragmentsPerDatagram: 4 } }).datagrams.length,
          1,
        );
        const { counters } = feed([A, B, C, D], { limits: { fragmentsPerDatagram: 3 } });
        assert.deepEqual(counters, { fragmentHeld: 3, fragmentTooMany: 1 });
      });
      test('an answer of 2048 bytes in fragments of 8 passes, one of 2049 does not', () => {
        const cut = (length: number): Uint8Array[] => {
          const bytes = wholeUdp(version, pattern(length));
          return Array.from({ length: Math.ceil(bytes.length / 8) }, (_, i) =>
            fragment({
              version,
              payload: bytes.subarray(i * 8, i * 8 + 8),
              fragmentOffset: i * 8,
              moreFragments: i * 8 + 8 < bytes.length,
            }),
          );
        };
        assert.deepEqual(feed(cut(2048)).datagrams[0]?.payload, pattern(2048));
        assert.equal(feed(cut(2049)).counters.fragmentTooMany, 1);
      });
      test('a flood of 8-byte fragments stays within the budget', () => {
        const limits = { bytes: 64 * 1024 };
        const decoder = new DatagramDecoder({ limits });
        for (let i = 0; i < 20_000; i++) {
          decoder.push(
            fragment({
              version,
              payload: pattern(8, i),
              fragmentOffset: 8 * (i % 300),
              moreFragments: true,
              identification: (i * 31) % 3000,
              ...otherSource(i % 7),
            }),
            i / 100,
            'eth0',
          );
          assert.ok(decoder.pending.bytes <= limits.bytes);
        }
        decoder.expire(1e9);
        assert.deepEqual(decoder.pending, { datagrams: 0, bytes: 0 });
      });
      test('a flood cannot evict what the reserve is for', () => {
        const tracked = (start: Uint8Array): boolean => start[0] === payload[0];
        const decoder = new DatagramDecoder({ limits: { bytes: 16 * 2 * cost }, tracked });
        const untracked = starts(200, (i) => ({ ...otherSource(i), payload: pattern(16, 9) }));
        feed([piece(16, 24), piece(0, 16), ...untracked], { decoder });
        assert.ok(decoder.counters.datagramEvicted > 150);
        assert.equal(feed([D], { decoder }).datagrams.length, 1);
        feed(starts(200, otherSource), { decoder });
        assert.ok(decoder.pending.bytes <= 16 * 2 * cost, 'and the reserve is bounded, too');
        decoder.expire(1e9);
        assert.deepEqual(decoder.pending, { datagrams: 0, bytes: 0 });
      });
    });
  });
}

describe('IPv4 only', () => {
  const datagram = udp({ payload: pattern(24) });
  const frame = (options: Parameters<typeof ipv4>[0]): Uint8Array =>
    ethernet({ payload: ipv4(options) });
  test('fragments of other protocols are not held', () => {
    const { counters } = feed([
      frame({ payload: pattern(16), moreFragments: true, protocol: IpProtocol.tcp }),
    ]);
    assert.deepEqual(counters, { notUdp: 1 });
  });
  test('fragments may have options, or not', () => {
    const options = Uint8Array.of(0x94, 4, 0, 0);
    const { datagrams } = feed([
      frame({ payload: datagram.subarray(0, 16), moreFragments: true, options }),
      frame({ payload: datagram.subarray(16), fragmentOffset: 16 }),
    ]);
    assert.deepEqual(datagrams[0]?.payload, pattern(24));
  });
  test('a bad header checksum spoils no datagram', () => {
    const spoiler = frame({ payload: pattern(16, 77), moreFragments: true });
    spoiler[14 + 10] = (spoiler[14 + 10] ?? 0) ^ 0xff;
    const { datagrams, counters } = feed([
      spoiler,
      frame({ payload: datagram.subarray(0, 16), moreFragments: true }),
      frame({ payload: datagram.subarray(16), fragmentOffset: 16 }),
    ]);
    assert.equal(datagrams.length, 1);
    assert.equal(counters.ipv4BadChecksum, 1);
  });
  test('the largest datagram there is, to the byte', () => {
    const bytes = udp({ payload: pattern(65_535 - 20 - 8) });
    const frames = fragmentIpv4(ipv4({ payload: bytes }), 1480).map((payload) =>
      ethernet({ payload }),
    );
    assert.deepEqual(feed(frames).datagrams[0]?.payload, pattern(65_535 - 20 - 8));
    // 20 + 65,520 = 65,540
    const beyond = [
      ...frames.slice(0, -1),
      frame({ payload: pattern(400), fragmentOffset: 65_120 }),
    ];
    const { datagrams, counters } = feed(beyond);
    assert.deepEqual(datagrams, []);
    assert.deepEqual(counters, { fragmentHeld: beyond.length - 1, fragmentBeyondMaximum: 1 });
  });
});

describe('IPv6 only', () => {
  const datagram = udp({ payload: pattern(24), source: AUTHORITY_V6, destination: CLIENT_V6 });
  /** An extension header of 8 bytes with PadN in it. */
  const extension = (nextHeader: number): Uint8Array =>
    Uint8Array.of(nextHeader, 0, 1, 4, 0, 0, 0, 0);
  const frame = (options: Parameters<typeof ipv6Fragment>[0]): Uint8Array =>
    ethernet({ payload: ipv6Fragment(options) });

  test('an atomic fragment is processed alone, beside others of its identification (RFC 6946)', () => {
    const held = frame({ payload: pattern(16, 3), fragmentOffset: 8, moreFragments: true });
    const { counters } = feed([held, frame({ payload: datagram }), held]);
    assert.deepEqual(counters, { fragmentHeld: 1, datagramWhole: 1, fragmentDuplicate: 1 });
  });
  test("the next header is the first fragment's, whatever later ones say", () => {
    const { datagrams } = feed([
      frame({ payload: datagram.subarray(16), fragmentOffset: 16, nextHeader: IpProtocol.tcp }),
      frame({ payload: datagram.subarray(0, 16), moreFragments: true }),
    ]);
    assert.deepEqual(datagrams[0]?.payload, pattern(24));
  });
  test('a packet whose first fragment is not of UDP is none of ours', () => {
    const { counters } = feed([
      frame({ payload: pattern(16), fragmentOffset: 16 }),
      frame({ payload: pattern(16), moreFragments: true, nextHeader: IpProtocol.tcp }),
    ]);
    assert.deepEqual(counters, { fragmentHeld: 1, fragmentNotUdp: 1 });
  });
  test('extension headers in the fragmented part', () => {
    const part = concat(extension(IpProtocol.udp), datagram);
    const { datagrams } = feed([
      frame({ payload: part.subarray(24), fragmentOffset: 24 }),
      frame({
        payload: part.subarray(0, 24),
        moreFragments: true,
        nextHeader: IpProtocol.destinationOptions,
      }),
    ]);
    assert.deepEqual(datagrams[0]?.payload, pattern(24));
    assert.equal(datagrams[0].checksum, 'valid');
  });
  test('extension headers before the fragment header', () => {
    const packet = (start: number, end: number): Uint8Array => {
      const inner = ipv6Fragment({
        payload: datagram.subarray(start, end),
        fragmentOffset: start,
        moreFragments: end < 32,
      });
      return ethernet({
        payload: ipv6({
          nextHeader: IpProtocol.hopByHop,
          payload: concat(extension(IpProtocol.fragment), inner.subarray(40)),
        }),
      });
    };
    assert.deepEqual(feed([packet(16, 32), packet(0, 16)]).datagrams[0]?.payload, pattern(24));
  });
  const chains: readonly (readonly [name: string, nextHeader: number, payload: Uint8Array])[] = [
    ['the UDP header is in the next', IpProtocol.destinationOptions, extension(IpProtocol.udp)],
    [
      'options end in the next',
      IpProtocol.destinationOptions,
      Uint8Array.of(IpProtocol.udp, 1, 1, 12, 0, 0, 0, 0),
    ],
    ['a fragment header within', IpProtocol.fragment, pattern(16)],
    [
      'hop-by-hop options within',
      IpProtocol.hopByHop,
      concat(extension(IpProtocol.udp), pattern(16)),
    ],
  ];
  for (const [name, nextHeader, payload] of chains) {
    test(`a first fragment without the whole chain is discarded (RFC 7112): ${name}`, () => {
      const { counters } = feed([
        frame({ payload, nextHeader, moreFragments: true }),
        frame({ payload: datagram, fragmentOffset: payload.length }),
      ]);
      assert.deepEqual(counters, { fragmentHeaderChainCut: 1, fragmentHeld: 1 });
    });
  }
  test('one /64 is one source', () => {
    const from = (source: string, identification: number): Uint8Array =>
      frame({ payload: datagram.subarray(0, 16), moreFragments: true, source, identification });
    const genuine = from('2001:db8:5::1', 1);
    const flood = Array.from({ length: 200 }, (_, i) => from(`2001:db8::${i + 1}`, 2));
    const { decoder } = feed([genuine, ...flood], { limits: { bytes: 100_000 } });
    const rest = frame({
      payload: datagram.subarray(16),
      fragmentOffset: 16,
      source: '2001:db8:5::1',
      identification: 1,
    });
    assert.equal(decoder.push(rest, 0, 'eth0')?.fragments, 2);
  });
});

describe('any legal cut, in any order, with duplicates', () => {
  const inputs = fc.record({
    payload: fc.uint8Array({ minLength: 1, maxLength: 700 }),
    cuts: fc.array(fc.nat(90), { maxLength: 40 }),
    seed: fc.array(fc.nat(1000), { minLength: 200, maxLength: 200 }),
    repeats: fc.nat(3),
  });
  for (const version of versions) {
    test(`gives the same bytes, IPv${version}`, () => {
      fc.assert(
        fc.property(inputs, ({ payload, cuts, seed, repeats }) => {
          const bytes = wholeUdp(version, payload);
          const borders = [...new Set([0, ...cuts.map((cut) => cut * 8)])]
            .filter((at) => at < bytes.length)
            .sort((a, b) => a - b);
          const frames = borders.map((start, i) =>
            fragment({
              version,
              payload: bytes.subarray(start, borders[i + 1]),
              fragmentOffset: start,
              moreFragments: i + 1 < borders.length,
            }),
          );
          const arriving = [...frames, ...frames.slice(0, repeats)]
            .map((each, i) => ({ each, rank: seed[i] ?? 0 }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ each }) => each);
          const { datagrams } = feed(arriving);
          assert.ok(datagrams.length >= 1);
          for (const result of datagrams) {
            assert.deepEqual(result.payload, payload);
            assert.equal(result.checksum, 'valid');
          }
          assert.ok(datagrams.some((result) => result.fragments === frames.length));
        }),
      );
    });

    test(`every fragment size from 8 to 1480, IPv${version}`, () => {
      const payload = pattern(1500);
      const packet =
        version === 4
          ? ipv4({ payload: wholeUdp(4, payload) })
          : ipv6({ payload: wholeUdp(6, payload) });
      for (let size = 8; size <= 1480; size += 8) {
        const frames = (version === 4 ? fragmentIpv4 : fragmentIpv6)(packet, size).map((each) =>
          ethernet({ payload: each }),
        );
        const evenThenOdd = [
          ...frames.filter((_, i) => i % 2 === 1),
          ...frames.filter((_, i) => i % 2 === 0),
        ];
        assert.deepEqual(feed(evenThenOdd).datagrams[0]?.payload, payload, `size ${size}`);
      }
    });
  }

  test('the default limits are what their comment says', () => {
    assert.equal(DEFAULT_LIMITS.fragmentsPerDatagram, 257);
    assert.deepEqual(DEFAULT_LIMITS.timeouts, { 4: 30_000, 16: 60_000 });
  });
});
