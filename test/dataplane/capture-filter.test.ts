// SPDX-License-Identifier: Apache-2.0
/**
 * The filter of captures against decoding: whatever becomes a claim of a frame, or waits for other
 * fragments, passes; and most of what becomes nothing does not.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileFilter } from '../../src/dataplane/capture/filter.ts';
import { Verdict } from '../../src/dataplane/capture/verdict.ts';
import { linkTypeOf } from '../../src/dataplane/capture/link-types.ts';
import { CapturePacket } from '../../src/dataplane/capture/packet.ts';
import { DatagramDecoder, type FrameOutcome } from '../../src/packet/decode.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import type { MatchRules } from '../../src/sources/match-rules.ts';
import {
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES,
  NAMES_HEX,
  seeds,
} from '../support/corpus.ts';
import {
  concat,
  dnsAnswer,
  encodeName,
  ethernet,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  overPppoe,
} from '../support/packets.ts';
import { fc, SEED } from '../support/random.ts';
import { needsShared } from '../support/shared.ts';
import { message, NAME, record, TXT } from '../dns/messages.ts';

const RULES: MatchRules = { udpSourcePorts: [53], dnsNames: NAMES };
const filter = compileFilter(RULES);
const ethernetType = linkTypeOf(1) ?? assert.fail();

/** The packet in the middle of a buffer, other bytes around it. */
function packetOf(frame: Uint8Array): CapturePacket {
  const packet = new CapturePacket(concat(seeds[0] ?? frame, frame, new Uint8Array(64).fill(1)));
  const start = seeds[0]?.length ?? frame.length;
  packet.place(ethernetType, start, start + frame.length, frame.length);
  return packet;
}

function passes(frame: Uint8Array, by = filter): boolean {
  const verdict = by(packetOf(frame));
  return verdict === Verdict.answer || verdict === Verdict.fragment;
}

const HELD: readonly FrameOutcome[] = ['fragmentHeld', 'datagramReassembled'];

/** Whether decoding needs the frame. */
function isNeeded(frame: Uint8Array): boolean {
  const decoder = new DatagramDecoder({ acceptsNoIpv4Checksum: true });
  const datagram = decoder.push(packetOf(frame).frame(), 0, 'test');
  if (datagram === undefined) return HELD.some((outcome) => decoder.counters[outcome] > 0);
  if (datagram.sourcePort !== 53) return false;
  const answer = parseTreeHeadAnswer(datagram.payload);
  return answer.kind === 'answer' && NAMES_HEX.has(Buffer.from(answer.name).toString('hex'));
}

/** Frames in which one of the tags and the checksum are as captures may have them. */
function asCaptured(frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.flatMap((frame) => {
    const unchecked = Uint8Array.from(frame);
    if (frame[12] === 0x08 && frame[13] === 0) unchecked.fill(0, 24, 26);
    const tags = [0x9100, 0x88a8].map((tpid) => ({ tpid, vlanId: 3 }));
    const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
    return [frame, unchecked, ethernet({ payload: frame.subarray(14), etherType, tags })];
  });
}

describe('what decoding needs passes:', () => {
  const corpora = [
    ['good frames', asCaptured([...seeds, overPppoe(frameV6(dnsAnswer({ name: NAME })))]), false],
    ['frames cut off', [...cutOff(), ...cutOffTruly()], false],
    [`frames with faults (CTGA_TEST_SEED=${SEED})`, damaged(50_000, SEED), false],
    ['frames with faults, as captures have them', damaged(20_000, SEED, asCaptured(seeds)), false],
    ['real captures', capturedFrames(), needsShared('captures')],
  ] as const;
  for (const [name, frames, skip] of corpora)
    test(name, { skip }, (context) => {
      let [needed, passed] = [0, 0];
      for (const frame of frames) {
        const isPassed = passes(frame);
        if (isPassed) passed += 1;
        if (!isNeeded(frame)) continue;
        needed += 1;
        assert(isPassed, Buffer.from(frame).toString('hex'));
      }
      context.diagnostic(`${frames.length} frames: ${needed} needed, ${passed} passed`);
      assert(needed > 0);
    });

  test('messages put together at random', () => {
    const owner = fc.constantFrom(
      ...['sth.log.example', 'STH.LOG.EXAMPLE', 'sth.a', 'sth.b'].map(encodeName),
    );
    const question = fc
      .tuple(owner, fc.constantFrom(16, 16, 1), fc.constantFrom(1, 1, 3))
      .map(([name, type, klass]) => concat(name, Uint8Array.of(0, type, 0, klass)));
    const signature = record({ type: 46, rdata: concat(Uint8Array.of(0, 16), new Uint8Array(90)) });
    const answers = fc.constantFrom([TXT], [TXT, signature], [signature, TXT], [TXT, TXT], []);
    const flags = fc.constantFrom(0x8400, 0x8580, 0x0400, 0x8403, 0x8600);
    let needed = 0;
    fc.assert(
      fc.property(question, answers, flags, fc.constantFrom(53, 5353), (q, a, f, sourcePort) => {
        const frame = frameV4(message({ question: q, answers: a, flags: f }), { sourcePort });
        if (!isNeeded(frame)) return;
        needed += 1;
        assert(passes(frame));
      }),
      { numRuns: 3000 },
    );
    assert(needed > 30, `${needed}`);
  });

  test('any bytes after any part of a frame, or none of them', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.nat(200),
        fc.uint8Array({ maxLength: 60 }),
        (frame, at, bytes) => {
          const mixed = concat(frame.subarray(0, at), bytes, frame.subarray(at + bytes.length));
          if (isNeeded(mixed)) assert(passes(mixed));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('what does not match is told apart', () => {
  const cases: readonly (readonly [string, Uint8Array, Verdict])[] = [
    ['ARP', ethernet({ payload: new Uint8Array(28), etherType: 0x0806 }), Verdict.notIp],
    ['four tags', tagged(4), Verdict.encapsulatedTags],
    [
      'MPLS',
      ethernet({ payload: new Uint8Array(40), etherType: 0x8847 }),
      Verdict.encapsulatedMpls,
    ],
    [
      'MPLS in IP',
      ethernet({ payload: ipv4({ payload: new Uint8Array(40), protocol: 137 }) }),
      Verdict.encapsulatedMpls,
    ],
    ...(
      [
        [4, Verdict.encapsulatedIp],
        [41, Verdict.encapsulatedIp],
        [47, Verdict.encapsulatedGre],
        [50, Verdict.encapsulatedIpsec],
        [51, Verdict.encapsulatedIpsec],
      ] as const
    ).flatMap(([protocol, verdict]) => {
      const payload = new Uint8Array(40);
      const [v4, v6] = [ipv4({ payload, protocol }), ipv6({ payload, nextHeader: protocol })];
      return [v4, v6].map(
        (packet) => [`protocol ${protocol}`, ethernet({ payload: packet }), verdict] as const,
      );
    }),
    ...[2152, 4789, 6081, 8472].map(
      (destinationPort) =>
        [
          `UDP to port ${destinationPort}`,
          frameV4(new Uint8Array(40), { sourcePort: 50_000, destinationPort }),
          Verdict.encapsulatedUdp,
        ] as const,
    ),
    ['TCP', frameV4(message(), { protocol: 6 }), Verdict.notUdp],
    ['another port', frameV4(message(), { sourcePort: 54 }), Verdict.otherPort],
    ['a query', frameV4(message({ flags: 0x0100, answers: [] })), Verdict.notTreeHead],
    ['another name', frameV4(dnsAnswer({ name: 'sth.other.example' })), Verdict.unknownName],
    ['a longer name', frameV4(dnsAnswer({ name: `sth.x.${NAME}` })), Verdict.unknownName],
    ['no tree head', frameV4(dnsAnswer({ name: 'www.example' })), Verdict.notTreeHead],
    [
      'another type',
      frameV4(message({ question: concat(encodeName(NAME), Uint8Array.of(0, 1, 0, 1)) })),
      Verdict.notTreeHead,
    ],
    ['a frame cut', frameV4(message()).subarray(0, 40), Verdict.malformed],
    ['a frame cut in the name', frameV4(message()).subarray(0, 62), Verdict.malformed],
    ['nothing', new Uint8Array(0), Verdict.malformed],
  ];
  for (const [name, frame, verdict] of cases)
    test(name, () => assert.equal(filter(packetOf(frame)), verdict));

  test('no name and no port is no match', () => {
    const none = compileFilter({ udpSourcePorts: [], dnsNames: [] });
    const noName = compileFilter({ udpSourcePorts: [53], dnsNames: [] });
    for (const frame of [frameV4(message()), frameV4(dnsAnswer({ name: '.' }))]) {
      assert.equal(none(packetOf(frame)), Verdict.otherPort);
      assert(!passes(frame, noName));
    }
  });

  test('each of thousands of names is found, and no other', () => {
    const nameOf = (i: number): string => `sth.log${i}.${i % 7}.example`;
    const many = compileFilter({
      udpSourcePorts: [53],
      dnsNames: Array.from({ length: 4000 }, (_, i) => encodeName(nameOf(i))),
    });
    for (let i = 0; i < 8000; i += 37)
      assert.equal(passes(frameV4(dnsAnswer({ name: nameOf(i) })), many), i < 4000, nameOf(i));
  });
});

function tagged(count: number): Uint8Array {
  const tags = Array.from({ length: count }, () => ({ tpid: 0x8100, vlanId: 1 }));
  return frameV4(message(), { tags });
}
