// SPDX-License-Identifier: Apache-2.0
/**
 * The program on single frames, in each form that it is loaded in: what is copied, what is counted,
 * and that the frame goes on unaltered.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { loadXdp, type LoadedXdp, type LoadXdpOptions } from '../../src/dataplane/xdp.ts';
import type { CopyKind } from '../../src/dataplane/types.ts';
import {
  concat,
  dnsAnswer,
  dnsQuery,
  encodeName,
  ethernet,
  EtherType,
  fragmentIpv4,
  fragmentIpv6,
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
import { answersElsewhere } from '../support/corpus.ts';
import { answersTo } from '../support/xdp.ts';
import { accountingErrors, expectedOf, moved, type Verdict } from './verdict.ts';

const XDP_PASS = 2;
/** The next filter, if there is one, decides. */
const TC_ACT_UNSPEC = 0xffff_ffff;
const THRESHOLD = 400;

const NAME = 'sth.log.example';
/**
 * 255 bytes on the wire, the most there can be: labels of 3, 63, 63, 63 and 57 bytes, and the root.
 */
const LONGEST_NAME = ['sth', ...[63, 63, 63, 57].map((length) => 'x'.repeat(length))].join('.');
/** As many labels as go into 255 bytes. */
const MANY_LABELS = ['sth', ...Array.from({ length: 125 }, () => 'y')].join('.');
/**
 * The paper's: five labels of 16 bytes ("Aggregation-Based Certificate Transparency Gossip",
 * Section 4.5.1).
 */
const PAPER_NAME = ['sth', ...Array.from({ length: 5 }, () => 'z'.repeat(16))].join('.');
/**
 * Neighbours of 'A', 'Z', 'a' and 'z', which are no letters (RFC 4343).
 */
const NOT_LETTERS = 'sth.@[`{';
/** Those of checkpoints (src/sources/checkpoints), the second one of 255 bytes. */
const CHECKPOINT = 'checkpoint.log.example';
const LONGEST_CHECKPOINT = [
  'checkpoint',
  ...[63, 63, 63, 50].map((length) => 'x'.repeat(length)),
].join('.');
const KNOWN = [
  NAME,
  LONGEST_NAME,
  MANY_LABELS,
  PAPER_NAME,
  NOT_LETTERS,
  CHECKPOINT,
  LONGEST_CHECKPOINT,
].map(encodeName);
const KNOWN_HEX = new Set(KNOWN.map((name) => Buffer.from(name).toString('hex')));

/** A message from raw parts, for what dns-packet does not encode. */
function message(question: Uint8Array, flags = 0x8400, questions = 1, answers = 1): Uint8Array {
  return concat(
    Uint8Array.of(0x12, 0x34, flags >>> 8, flags & 0xff, 0, questions, 0, answers, 0, 0, 0, 0),
    question,
  );
}
const IN_TXT = Uint8Array.of(0, 16, 0, 1);
const question = (name: string, type = IN_TXT): Uint8Array => concat(encodeName(name), type);
/** The shortest answer record there can be: root, type, class, TTL, no RDATA. */
const RECORD = Uint8Array.of(0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0);
const STH = Uint8Array.of(3, 0x73, 0x74, 0x68);
const answered = (name: string, type = IN_TXT): Uint8Array =>
  message(concat(question(name, type), RECORD));

/** `frame` with some bytes set anew, counted from the start of the IP header. */
function alter(frame: Uint8Array, changes: Readonly<Record<number, number>>): Uint8Array {
  const altered = Uint8Array.from(frame);
  for (const [at, value] of Object.entries(changes)) altered[14 + Number(at)] = value;
  return altered;
}

/** An answer whose frame up to the end of the IP packet has exactly `length` bytes. */
function answerOfFrameLength(length: number): Uint8Array {
  const padding = length - frameV4(dnsAnswer({ padding: 0 })).length;
  return frameV4(dnsAnswer({ padding }));
}

/** A fragment whose IP packet has exactly `length` bytes. */
const fragmentV4 = (length: number): Uint8Array =>
  ethernet({ payload: ipv4({ payload: new Uint8Array(length - 20), fragmentOffset: 64 }) });
const fragmentV6 = (length: number): Uint8Array =>
  ethernet({ payload: ipv6Fragment({ payload: new Uint8Array(length - 48), fragmentOffset: 64 }) });

const answer = dnsAnswer({
  name: NAME,
  strings: ['314423677.1529486742541.aGFzaA==.c2lnbmF0dXJl'],
});
const answerV4 = frameV4(answer);
const answerV6 = frameV6(answer);
const [firstV4, , lastV4] = fragmentIpv4(ipv4({ payload: udp({ payload: answer }) }), 48);
const [firstV6, , lastV6] = fragmentIpv6(ipv6({ payload: udp({ payload: answer }) }), 48);
assert(firstV4 && lastV4 && firstV6 && lastV6);

/** Extension headers of 8 and 16 bytes in turn, chained: RFC 8200, Section 4. */
function extensions(chain: readonly number[], last: number): Uint8Array {
  return concat(
    ...chain.map((_, i) => {
      const header = new Uint8Array(i % 2 === 0 ? 8 : 16);
      header[0] = chain[i + 1] ?? last;
      header[1] = header.length / 8 - 1;
      return header;
    }),
  );
}
const frameV6Behind = (
  chain: readonly number[],
  payload: Uint8Array,
  last: number = IpProtocol.udp,
): Uint8Array =>
  ethernet({
    payload: ipv6({
      nextHeader: chain[0] ?? last,
      payload: concat(extensions(chain, last), udp({ payload })),
    }),
  });
const fragmentV6Behind = (chain: readonly number[], next: number): Uint8Array =>
  ethernet({
    payload: ipv6({
      nextHeader: chain[0] ?? IpProtocol.fragment,
      payload: concat(
        extensions(chain, IpProtocol.fragment),
        Uint8Array.of(next, 0, 0, 9, 0, 0, 0, 7),
        new Uint8Array(16),
      ),
    }),
  });

interface Case {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly verdict: Verdict;
}

const copied: readonly Case[] = [
  { name: 'an answer over IPv4', frame: answerV4, verdict: 'answers' },
  { name: 'an answer over IPv6', frame: answerV6, verdict: 'answers' },
  {
    name: 'a name in mixed case',
    frame: frameV4(dnsAnswer({ name: 'StH.lOG.eXaMpLe' })),
    verdict: 'answers',
  },
  {
    name: 'a VLAN tag, 802.1Q',
    frame: frameV4(answer, { tags: [{ tpid: EtherType.vlan, vlanId: 7 }] }),
    verdict: 'answers',
  },
  {
    name: 'a VLAN tag, 802.1ad',
    frame: frameV6(answer, { tags: [{ tpid: EtherType.serviceVlan, vlanId: 7 }] }),
    verdict: 'answers',
  },
  {
    name: 'IPv4 options, 4 bytes',
    frame: frameV4(answer, { options: Uint8Array.of(1) }),
    verdict: 'answers',
  },
  {
    name: 'IPv4 options, 40 bytes',
    frame: frameV4(answer, { options: new Uint8Array(40) }),
    verdict: 'answers',
  },
  {
    name: "Don't Fragment set",
    frame: frameV4(answer, { dontFragment: true }),
    verdict: 'answers',
  },
  { name: 'the reserved IPv4 flag set', frame: alter(answerV4, { 6: 0x80 }), verdict: 'answers' },
  { name: 'no UDP checksum', frame: frameV4(answer, { checksum: 'none' }), verdict: 'answers' },
  {
    name: 'a UDP checksum left to the card',
    frame: frameV4(answer, { checksum: 'partial' }),
    verdict: 'answers',
  },
  { name: 'an OPT record', frame: frameV4(dnsAnswer({ optSize: 1232 })), verdict: 'answers' },
  { name: 'two answers', frame: frameV4(dnsAnswer({ answers: 2 })), verdict: 'answers' },
  {
    name: 'more answers than there are',
    frame: frameV4(message(concat(question(NAME), RECORD), 0x8400, 1, 255)),
    verdict: 'answers',
  },
  {
    name: 'two questions',
    frame: frameV4(message(concat(question(NAME), question(NAME), RECORD), 0x8400, 2)),
    verdict: 'answers',
  },
  {
    name: 'opcode NOTIFY, which some clients do not look at',
    frame: frameV4(message(concat(question(NAME), RECORD), 0xa400)),
    verdict: 'answers',
  },
  {
    name: 'RCODE NXDOMAIN',
    frame: frameV4(message(concat(question(NAME), RECORD), 0x8403)),
    verdict: 'answers',
  },
  { name: 'TC set', frame: frameV4(dnsAnswer({ truncated: true })), verdict: 'answers' },
  {
    name: 'padding behind the IP packet',
    frame: concat(answerV4, new Uint8Array(50)),
    verdict: 'answers',
  },
  {
    name: 'EDNS padding past the threshold',
    frame: answerOfFrameLength(14 + 401),
    verdict: 'answers',
  },
  { name: 'the largest medium record', frame: answerOfFrameLength(456), verdict: 'answers' },
  { name: 'the smallest large record', frame: answerOfFrameLength(457), verdict: 'answers' },
  { name: 'the largest small record', frame: fragmentV4(136 - 14), verdict: 'fragments' },
  { name: 'the smallest medium record', frame: fragmentV4(137 - 14), verdict: 'fragments' },
  { name: 'the largest record', frame: answerOfFrameLength(2048), verdict: 'answers' },
  {
    name: 'the longest name',
    frame: frameV4(answered(LONGEST_NAME.toUpperCase())),
    verdict: 'answers',
  },
  { name: 'a name of 126 labels', frame: frameV4(answered(MANY_LABELS)), verdict: 'answers' },
  {
    name: "a name as long as the paper's",
    frame: frameV4(dnsAnswer({ name: PAPER_NAME })),
    verdict: 'answers',
  },
  {
    name: 'an owner that points to the question',
    frame: frameV4(dnsAnswer({ name: NAME, compressed: true })),
    verdict: 'answers',
  },
  ...answersElsewhere(NAME).map((each, i) => ({
    name: `a question whose name goes on elsewhere, as clients take it (${i + 1})`,
    frame: frameV4(each),
    verdict: 'answers' as const,
  })),
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 22, 23, 30, 31, 32, 61, 62, 63].map((length) => ({
    name: `a question whose first label is of ${length} bytes, and behind it a pointer`,
    frame: frameV4(
      message(
        concat(
          encodeName(length === 0 ? '.' : 'x'.repeat(length)).subarray(0, -1),
          Uint8Array.of(0xff, 0xff),
          IN_TXT,
          RECORD,
        ),
      ),
    ),
    verdict: 'answers' as const,
  })),
  {
    name: 'a pointer behind the longest name that a pointer could shorten',
    frame: frameV4(
      message(
        concat(
          encodeName(`${LONGEST_NAME}x`).subarray(0, -1),
          Uint8Array.of(0xc0, 4),
          IN_TXT,
          RECORD,
        ),
      ),
    ),
    verdict: 'answers',
  },
  { name: 'an answer of another type', frame: frameV4(answered(NAME)), verdict: 'answers' },
  {
    name: 'two VLAN tags',
    frame: frameV4(answer, {
      tags: [
        { tpid: EtherType.serviceVlan, vlanId: 1 },
        { tpid: EtherType.vlan, vlanId: 2 },
      ],
    }),
    verdict: 'answers',
  },
  ...[0x9100, 0x9200, 0x9300].map((tpid) => ({
    name: `an outer tag with EtherType ${tpid.toString(16)}`,
    frame: frameV4(answer, {
      tags: [
        { tpid, vlanId: 1 },
        { tpid: EtherType.vlan, vlanId: 2 },
      ],
    }),
    verdict: 'answers' as const,
  })),
  {
    name: 'three VLAN tags',
    frame: frameV6(answer, { tags: [1, 2, 3].map((vlanId) => ({ tpid: EtherType.vlan, vlanId })) }),
    verdict: 'answers',
  },
  {
    name: 'UDP without a length, IPv6',
    frame: alter(answerV6, { 44: 0, 45: 0 }),
    verdict: 'answers',
  },
  {
    name: 'an answer to where tunnels end',
    frame: frameV4(answer, { destinationPort: 4789 }),
    verdict: 'answers',
  },
  {
    name: "a later IPv6 fragment that says it is TCP's",
    frame: ethernet({
      payload: ipv6Fragment({
        nextHeader: IpProtocol.tcp,
        payload: new Uint8Array(8),
        fragmentOffset: 8,
      }),
    }),
    verdict: 'fragments',
  },
  { name: 'PPPoE, IPv4', frame: overPppoe(answerV4), verdict: 'answers' },
  { name: 'PPPoE, IPv6', frame: overPppoe(answerV6), verdict: 'answers' },
  {
    name: 'PPPoE below two VLAN tags, a fragment',
    frame: overPppoe(ethernet({ payload: lastV4 }), {
      tags: [1, 2].map((vlanId) => ({ tpid: EtherType.vlan, vlanId })),
    }),
    verdict: 'fragments',
  },
  {
    name: 'IPv6 with hop-by-hop, routing and destination options',
    frame: frameV6Behind([0, 43, 60], answer),
    verdict: 'answers',
  },
  {
    name: 'IPv6 with five extension headers',
    frame: frameV6Behind([0, 60, 43, 60, 60], answer),
    verdict: 'answers',
  },
  {
    name: 'an IPv6 fragment behind extension headers',
    frame: fragmentV6Behind([0, 43], 17),
    verdict: 'fragments',
  },
  {
    name: 'an IPv6 fragment that goes on with destination options',
    frame: fragmentV6Behind([], 60),
    verdict: 'fragments',
  },
  { name: 'a checkpoint', frame: frameV4(dnsAnswer({ name: CHECKPOINT })), verdict: 'answers' },
  {
    name: 'a checkpoint, in any case and of the longest name',
    frame: frameV4(answered(LONGEST_CHECKPOINT.toUpperCase())),
    verdict: 'answers',
  },
  {
    name: 'a name whose bytes are almost letters',
    frame: frameV4(answered(NOT_LETTERS)),
    verdict: 'answers',
  },

  { name: 'the first fragment, IPv4', frame: ethernet({ payload: firstV4 }), verdict: 'fragments' },
  { name: 'the last fragment, IPv4', frame: ethernet({ payload: lastV4 }), verdict: 'fragments' },
  { name: 'the first fragment, IPv6', frame: ethernet({ payload: firstV6 }), verdict: 'fragments' },
  { name: 'the last fragment, IPv6', frame: ethernet({ payload: lastV6 }), verdict: 'fragments' },
  {
    name: 'an atomic fragment, IPv6',
    frame: ethernet({ payload: ipv6Fragment({ payload: udp({ payload: answer }) }) }),
    verdict: 'fragments',
  },
  {
    name: 'a fragment of anything in UDP',
    frame: ethernet({ payload: ipv4({ payload: new Uint8Array(3), moreFragments: true }) }),
    verdict: 'fragments',
  },
  {
    name: 'a fragment below a VLAN tag, padded',
    frame: ethernet({ payload: lastV4, tags: [{ tpid: EtherType.vlan, vlanId: 1 }], padTo: 64 }),
    verdict: 'fragments',
  },
  { name: 'an IPv4 fragment at the threshold', frame: fragmentV4(400), verdict: 'fragments' },
  { name: 'an IPv6 fragment at the threshold', frame: fragmentV6(400), verdict: 'fragments' },
  {
    name: 'trailing bytes behind a small fragment',
    frame: concat(fragmentV4(64), new Uint8Array(1400)),
    verdict: 'fragments',
  },
];

const passedBy: readonly Case[] = [
  {
    name: 'an Ethernet header and nothing more',
    frame: answerV4.subarray(0, 14),
    verdict: 'malformed',
  },
  {
    name: 'ARP',
    frame: ethernet({ payload: new Uint8Array(28), etherType: EtherType.arp }),
    verdict: 'notIp',
  },
  {
    name: 'a VLAN tag cut short',
    frame: Uint8Array.of(...answerV4.subarray(0, 12), 0x81, 0, 0),
    verdict: 'malformed',
  },
  {
    name: 'four VLAN tags',
    frame: frameV4(answer, {
      tags: [1, 2, 3, 4].map((vlanId) => ({ tpid: EtherType.vlan, vlanId })),
    }),
    verdict: 'encapsulatedTags',
  },
  ...[0x8847, 0x8848].map((etherType) => ({
    name: `MPLS, EtherType ${etherType.toString(16)}`,
    frame: ethernet({ payload: new Uint8Array(60), etherType }),
    verdict: 'encapsulatedMpls' as const,
  })),
  ...(
    [
      [4, 'encapsulatedIp'],
      [41, 'encapsulatedIp'],
      [47, 'encapsulatedGre'],
      [50, 'encapsulatedIpsec'],
      [51, 'encapsulatedIpsec'],
      [137, 'encapsulatedMpls'],
      [1, 'notUdp'],
      [132, 'notUdp'],
      [255, 'notUdp'],
    ] as const
  ).flatMap(([protocol, verdict]) => {
    const payload = new Uint8Array(40);
    return [ipv4({ payload, protocol }), ipv6({ payload, nextHeader: protocol })].map(
      (packet, i) => ({
        name: `protocol ${protocol}, IPv${i === 0 ? 4 : 6}`,
        frame: ethernet({ payload: packet }),
        verdict,
      }),
    );
  }),
  ...[2151, 2152, 2153, 4789, 6081, 8472, 0].map((destinationPort) => ({
    name: `UDP to port ${destinationPort}`,
    frame: frameV4(answer, { sourcePort: 50_000, destinationPort }),
    verdict: [2152, 4789, 6081, 8472].includes(destinationPort)
      ? ('encapsulatedUdp' as const)
      : ('otherPort' as const),
  })),
  { name: 'PPPoE, not session data', frame: overPppoe(answerV4, { code: 0x09 }), verdict: 'notIp' },
  { name: 'PPPoE, LCP', frame: overPppoe(answerV4, { protocol: 0xc021 }), verdict: 'notIp' },
  { name: 'PPPoE cut short', frame: overPppoe(answerV4).subarray(0, 20), verdict: 'malformed' },

  {
    name: 'TCP',
    frame: ethernet({ payload: ipv4({ protocol: IpProtocol.tcp, payload: new Uint8Array(20) }) }),
    verdict: 'notUdp',
  },
  {
    name: 'a TCP fragment',
    frame: ethernet({
      payload: ipv4({ protocol: IpProtocol.tcp, payload: new Uint8Array(8), moreFragments: true }),
    }),
    verdict: 'notUdp',
  },
  {
    name: 'an IPv6 TCP fragment',
    frame: ethernet({
      payload: ipv6Fragment({ nextHeader: IpProtocol.tcp, payload: new Uint8Array(8) }),
    }),
    verdict: 'notUdp',
  },
  {
    name: 'a query',
    frame: frameV4(dnsQuery(NAME), { sourcePort: 40000, destinationPort: 53 }),
    verdict: 'otherPort',
  },
  {
    name: 'IPv6 with six extension headers',
    frame: frameV6Behind([0, 60, 43, 60, 60, 60], answer),
    verdict: 'notUdp',
  },
  {
    name: 'IPv6 with TCP behind extension headers',
    frame: frameV6Behind([0, 60], answer, 6),
    verdict: 'notUdp',
  },
  {
    name: 'an IPv6 extension header past the frame',
    frame: frameV6Behind([0, 60], answer).subarray(0, 14 + 40 + 9),
    verdict: 'malformed',
  },
  {
    name: 'an IPv6 extension header longer than the packet',
    frame: alter(frameV6Behind([60], answer), { 41: 255 }),
    verdict: 'malformed',
  },

  {
    name: 'an IPv4 header length of 16',
    frame: alter(answerV4, { 0: 0x44 }),
    verdict: 'malformed',
  },
  {
    name: 'an IPv4 header past the packet',
    frame: alter(fragmentV4(28), { 0: 0x4f, 6: 0, 7: 0 }),
    verdict: 'malformed',
  },
  {
    name: 'version 6 below the EtherType of IPv4',
    frame: alter(answerV4, { 0: 0x65 }),
    verdict: 'malformed',
  },
  {
    name: 'version 4 below the EtherType of IPv6',
    frame: alter(answerV6, { 0: 0x40 }),
    verdict: 'malformed',
  },
  { name: 'an IPv4 length past the frame', frame: answerV4.subarray(0, -1), verdict: 'malformed' },
  {
    name: 'an IPv4 length within its header',
    frame: alter(answerV4, { 2: 0, 3: 19 }),
    verdict: 'malformed',
  },
  {
    name: 'a fragment whose length lies',
    frame: fragmentV4(64).subarray(0, 60),
    verdict: 'malformed',
  },
  { name: 'an IPv6 length past the frame', frame: answerV6.subarray(0, -1), verdict: 'malformed' },
  { name: 'an IPv6 length of zero', frame: alter(answerV6, { 4: 0, 5: 0 }), verdict: 'malformed' },
  {
    name: 'an IPv6 Fragment header cut short',
    frame: ethernet({
      payload: ipv6({ nextHeader: IpProtocol.fragment, payload: Uint8Array.of(17, 0, 0, 1) }),
    }),
    verdict: 'malformed',
  },
  {
    name: 'an IPv6 Fragment header past the packet',
    frame: ethernet({
      payload: ipv6({ nextHeader: IpProtocol.fragment, payload: Uint8Array.of(17, 0, 0, 1) }),
      padTo: 80,
    }),
    verdict: 'malformed',
  },
  {
    name: 'a UDP header cut short',
    frame: ethernet({ payload: ipv4({ payload: Uint8Array.of(0, 53, 0, 53) }) }),
    verdict: 'malformed',
  },
  {
    name: 'a UDP length past the packet',
    frame: alter(answerV4, { 24: 0x40 }),
    verdict: 'malformed',
  },
  { name: 'a UDP length of zero', frame: alter(answerV4, { 24: 0, 25: 0 }), verdict: 'malformed' },
  { name: 'no room for a DNS header', frame: frameV4(new Uint8Array(11)), verdict: 'malformed' },

  { name: 'QR = 0 from port 53', frame: frameV4(dnsQuery(NAME)), verdict: 'notTreeHead' },
  {
    name: 'no question',
    frame: frameV4(message(question(NAME), 0x8400, 0)),
    verdict: 'notTreeHead',
  },
  { name: 'no answer', frame: frameV4(dnsAnswer({ answers: 0 })), verdict: 'notTreeHead' },
  { name: 'QTYPE A', frame: frameV4(dnsAnswer({ type: 'A' })), verdict: 'notTreeHead' },
  {
    name: 'QTYPE 0x0110',
    frame: frameV4(answered(NAME, Uint8Array.of(1, 16, 0, 1))),
    verdict: 'notTreeHead',
  },
  {
    name: 'QCLASS CH',
    frame: frameV4(answered(NAME, Uint8Array.of(0, 16, 0, 3))),
    verdict: 'notTreeHead',
  },
  {
    name: 'QCLASS 0x0101',
    frame: frameV4(answered(NAME, Uint8Array.of(0, 16, 1, 1))),
    verdict: 'notTreeHead',
  },

  {
    name: 'an unknown name',
    frame: frameV4(dnsAnswer({ name: 'sth.other.example' })),
    verdict: 'unknownName',
  },
  {
    name: 'a subdomain of a known name',
    frame: frameV4(dnsAnswer({ name: `x.${NAME}` })),
    verdict: 'notTreeHead',
  },
  {
    name: 'a parent of a known name',
    frame: frameV4(dnsAnswer({ name: 'log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: 'an unknown name of a checkpoint, in any case',
    frame: frameV4(dnsAnswer({ name: 'cHECKPOINt.other.example' })),
    verdict: 'unknownName',
  },
  {
    name: 'a label that is almost checkpoint',
    frame: frameV4(dnsAnswer({ name: 'chuckpoint.log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: 'a label that begins with checkpoint',
    frame: frameV4(dnsAnswer({ name: 'checkpoints.log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: 'a label that ends in checkpoint',
    frame: frameV4(dnsAnswer({ name: 'acheckpoint.log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: "what follows a known tree head's label, behind that of a checkpoint",
    frame: frameV4(answered(`checkpoint.${NAME}`)),
    verdict: 'unknownName',
  },
  { name: 'sth alone', frame: frameV4(dnsAnswer({ name: 'sth' })), verdict: 'unknownName' },
  {
    name: 'a label that begins with sth',
    frame: frameV4(dnsAnswer({ name: 'sthx.log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: 'a label that is almost sth',
    frame: frameV4(dnsAnswer({ name: 'S\x14h.log.example' })),
    verdict: 'notTreeHead',
  },
  {
    name: 'a known name and one label',
    frame: frameV4(answered(`${NAME}.y`)),
    verdict: 'unknownName',
  },
  {
    name: 'a known name, and a byte above 0x80 in place of its root',
    frame: frameV4(
      message(concat(encodeName(NAME).subarray(0, -1), Uint8Array.of(0xc3), IN_TXT, RECORD)),
    ),
    verdict: 'unknownName',
  },

  {
    name: 'a known name and one byte',
    frame: frameV4(dnsAnswer({ name: `${NAME}x` })),
    verdict: 'unknownName',
  },
  {
    name: 'bytes that folding must not make equal',
    frame: frameV4(answered('sth.`{`{')),
    verdict: 'unknownName',
  },

  {
    name: 'a compressed question, and no room for an answer',
    frame: frameV4(message(concat(Uint8Array.of(0xc0, 12), IN_TXT, RECORD.subarray(1)))),
    verdict: 'notTreeHead',
  },
  {
    name: 'a compressed question for addresses',
    frame: frameV4(message(concat(STH, Uint8Array.of(0xc0, 12, 0, 1, 0, 1), RECORD))),
    verdict: 'unknownName',
  },
  {
    name: 'a compressed question whose pointer is behind the longest name',
    frame: frameV4(
      message(
        concat(
          encodeName(`${LONGEST_NAME}xx`).subarray(0, -1),
          Uint8Array.of(0xc0, 4),
          IN_TXT,
          RECORD,
        ),
      ),
    ),
    verdict: 'unknownName',
  },
  {
    name: 'a label of 64 bytes',
    frame: frameV4(answered(`sth.${'x'.repeat(64)}`)),
    verdict: 'unknownName',
  },
  {
    name: 'a label of type 10',
    frame: frameV4(message(concat(STH, Uint8Array.of(0x80), IN_TXT, RECORD))),
    verdict: 'unknownName',
  },
  {
    name: 'a label past the datagram',
    frame: frameV4(message(concat(STH, Uint8Array.of(63, 97, 98, 99)))),
    verdict: 'unknownName',
  },
  {
    name: 'a name of 256 bytes',
    frame: frameV4(answered(`${LONGEST_NAME}x`)),
    verdict: 'unknownName',
  },
  {
    name: 'a name without its root',
    frame: frameV4(message(encodeName(NAME).subarray(0, -1))),
    verdict: 'unknownName',
  },
  {
    name: 'a question without QCLASS',
    frame: frameV4(message(question(NAME).subarray(0, -2))),
    verdict: 'unknownName',
  },
  {
    name: 'a question and no room for an answer',
    frame: frameV4(message(concat(question(NAME), RECORD.subarray(1)))),
    verdict: 'unknownName',
  },
  {
    name: 'an empty question section',
    frame: frameV4(message(new Uint8Array(0))),
    verdict: 'notTreeHead',
  },
  {
    name: 'a question that goes on behind the UDP datagram',
    frame: alter(frameV4(answered(NAME)), { 25: 8 + 12 + 10 }),
    verdict: 'unknownName',
  },

  {
    name: 'an IPv4 fragment above the threshold',
    frame: fragmentV4(401),
    verdict: 'fragmentsTooLarge',
  },
  {
    name: 'an IPv6 fragment above the threshold',
    frame: fragmentV6(401),
    verdict: 'fragmentsTooLarge',
  },
];

interface Observed {
  readonly moved: Readonly<Record<string, number>>;
  readonly copies: readonly { kind: CopyKind; frame: Uint8Array; frameLength: number }[];
}

/** Runs the program once, and sees to what holds for every frame. */
async function observe(xdp: LoadedXdp, frame: Uint8Array, linear = 0): Promise<Observed> {
  const copies: { kind: CopyKind; frame: Uint8Array; frameLength: number }[] = [];
  xdp.start(
    (packet) =>
      copies.push({
        kind: packet.kind,
        frame: packet.frame.slice(),
        frameLength: packet.frameLength,
      }),
    () => undefined,
  );
  const before = xdp.counters();
  const result = xdp.testRun(frame, 1, linear);
  await xdp.stop();

  assert(
    result.verdict === XDP_PASS || result.verdict === TC_ACT_UNSPEC,
    `verdict ${result.verdict}`,
  );
  assert.deepEqual(Buffer.from(result.packet), Buffer.from(frame), 'the frame was altered');
  const counters = xdp.counters();
  assert.deepEqual(accountingErrors(counters), []);
  return { moved: moved(before, counters), copies };
}

/** Everything is copied each time, whatever was copied before and however fast. */
const NO_LIMITS = { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 };

/**
 * Bytes in the linear part of the frame; the rest is in a second buffer. Drivers differ in what
 * they put there.
 */
const LINEAR = [0, 14, 60, 100];
const spread = canSpread();

/** BPF_PROG_TEST_RUN takes frames of several buffers at will from Linux 6.18 on. */
function canSpread(): boolean {
  const xdp = loadXdp();
  try {
    xdp.testRun(answerV4, 1, 14);
    return true;
  } catch {
    return false;
  } finally {
    xdp.close();
  }
}

interface Form {
  readonly form: string;
  readonly options: LoadXdpOptions;
  readonly linear: number;
  /** The largest frame that BPF_PROG_TEST_RUN takes. */
  readonly largest: number;
}

const forms: readonly Form[] = [
  ...LINEAR.map((linear) => ({
    form:
      linear === 0
        ? 'on frames in one buffer'
        : `on frames with ${linear} bytes in the first buffer`,
    options: { objectPath: xdpObjectPath(true) },
    linear,
    largest: 9000,
  })),
  {
    form: 'for loaders without CAP_PERFMON',
    options: { objectPath: xdpObjectPath(false) },
    linear: 0,
    largest: 9000,
  },
  { form: 'at TC ingress', options: { hook: 'tc' }, linear: 0, largest: 3000 },
  {
    form: 'at TC ingress, as Linux 6.1 is given it',
    options: { hook: 'tc', partsMerged: false },
    linear: 0,
    largest: 3000,
  },
  {
    form: 'at TC ingress, for loaders without CAP_PERFMON',
    options: { hook: 'tc', objectPath: xdpObjectPath(false) },
    linear: 0,
    largest: 3000,
  },
];
for (const { form, options, linear, largest } of forms) {
  const skip =
    linear !== 0 &&
    !spread &&
    'BPF_PROG_TEST_RUN of this kernel cannot spread a frame (Linux 6.18 can)';
  describe(`the program ${form}`, { skip }, () => {
    const xdp = loadXdp({ threshold: THRESHOLD, ...NO_LIMITS, ...options });
    xdp.setMatchRules(answersTo(KNOWN));
    after(() => xdp.close());

    for (const { name, frame, verdict } of copied) {
      test(`copies ${name}`, async () => {
        const expected = expectedOf(frame, KNOWN_HEX, THRESHOLD);
        const observed = await observe(xdp, frame, linear);
        assert.deepEqual(observed.moved, { packets: 1, [verdict]: 1, [`${verdict}Copied`]: 1 });
        assert.equal(expected.verdict, verdict);
        assert.deepEqual(observed.copies, [
          {
            kind: verdict === 'answers' ? 'answer' : 'fragment',
            frame: Uint8Array.from(frame.subarray(0, expected.copied)),
            frameLength: frame.length,
          },
        ]);
      });
    }

    for (const { name, frame, verdict } of passedBy) {
      // BPF_PROG_TEST_RUN makes no socket buffer of an Ethernet header alone.
      if (options.hook === 'tc' && frame.length === 14) continue;
      test(`passes by ${name}`, async () => {
        const observed = await observe(xdp, frame, linear);
        assert.deepEqual(observed, { moved: { packets: 1, [verdict]: 1 }, copies: [] });
        assert.deepEqual(expectedOf(frame, KNOWN_HEX, THRESHOLD), { verdict, copied: 0 });
      });
    }

    for (const length of [2049, 5000, 9000].filter((each) => each <= largest)) {
      test(`counts an answer of ${length} bytes as too large`, async () => {
        const observed = await observe(xdp, answerOfFrameLength(length), linear);
        assert.deepEqual(observed, { moved: { packets: 1, answersTooLarge: 1 }, copies: [] });
      });
    }
  });
}

describe('the XDP program while it runs', () => {
  const xdp = loadXdp({ threshold: THRESHOLD, ...NO_LIMITS });
  xdp.setMatchRules(answersTo(KNOWN));
  after(() => xdp.close());

  test('copies nothing once its name is forgotten', async () => {
    xdp.setMatchRules(answersTo(KNOWN.slice(1)));
    assert.deepEqual((await observe(xdp, answerV4)).moved, { packets: 1, unknownName: 1 });
    xdp.setMatchRules(answersTo(KNOWN));
    assert.equal((await observe(xdp, answerV4)).copies.length, 1);
  });

  const unmatchable = [
    'log.example',
    'Sth.log.example',
    'checkpoints.log.example',
    'checkpoinT.log.example',
    'acheckpoint.log.example',
    'sth.lOg.example',
    'sth.l\xf6g.example',
    'sth.l\0g.example',
    `${MANY_LABELS}.y`,
    `${LONGEST_NAME}x`,
  ];
  for (const name of unmatchable) {
    test(`refuses to look for a name that it cannot match: ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.throws(
        () => xdp.setMatchRules(answersTo([encodeName(name)])),
        /is not sth\.\* or checkpoint\.\* in wire format and lower case/,
      );
    });
  }

  test('refuses two names that no key tells apart', () => {
    const names = ['sth.a@b.example', 'sth.a`b.example'].map(encodeName);
    assert.throws(() => xdp.setMatchRules(answersTo(names)), /two names that differ only in/);
    xdp.setMatchRules(answersTo([...KNOWN, ...names.slice(1)]));
    xdp.setMatchRules(answersTo(KNOWN));
  });

  test('takes another threshold', async () => {
    xdp.setSettings({ threshold: 600 });
    assert.deepEqual((await observe(xdp, fragmentV4(600))).moved, {
      packets: 1,
      fragments: 1,
      fragmentsCopied: 1,
    });
    assert.deepEqual((await observe(xdp, fragmentV4(601))).moved, {
      packets: 1,
      fragmentsTooLarge: 1,
    });
    xdp.setSettings({ threshold: 0 });
    assert.deepEqual((await observe(xdp, fragmentV4(28))).moved, {
      packets: 1,
      fragmentsTooLarge: 1,
    });
    xdp.setSettings({ threshold: THRESHOLD });
  });
});

test('answers come from the listed ports', async () => {
  const xdp = loadXdp(NO_LIMITS);
  try {
    xdp.setMatchRules({ udpSourcePorts: [853, 65535], dnsNames: KNOWN });
    assert.deepEqual((await observe(xdp, answerV4)).moved, { packets: 1, otherPort: 1 });
    for (const sourcePort of [853, 65535]) {
      assert.equal((await observe(xdp, frameV4(answer, { sourcePort }))).copies.length, 1);
    }
    for (const sourcePort of [852, 854, 65534, 0]) {
      assert.deepEqual((await observe(xdp, frameV4(answer, { sourcePort }))).moved, {
        packets: 1,
        otherPort: 1,
      });
    }
  } finally {
    xdp.close();
  }
});

test('what finds no room in the ring is counted, and what found room is delivered', async () => {
  const xdp = loadXdp({ ringBytes: 65536, ...NO_LIMITS });
  try {
    xdp.setMatchRules(answersTo(KNOWN));
    assert.equal(xdp.testRun(answerV4, 200).verdict, XDP_PASS);
    // 512 bytes a record, and a ring is never filled to its last byte.
    const { answersCopied, answersRingFull } = xdp.counters();
    assert.deepEqual(
      { answersCopied, answersRingFull },
      { answersCopied: 127n, answersRingFull: 73n },
    );
    // The ring of fragments is another.
    xdp.testRun(fragmentV4(100), 400);
    const { fragmentsCopied, fragmentsRingFull } = xdp.counters();
    assert.deepEqual(
      { fragmentsCopied, fragmentsRingFull },
      { fragmentsCopied: 341n, fragmentsRingFull: 59n },
    );

    const delivered = { answer: 0, fragment: 0, unknown: 0 };
    xdp.start(
      ({ kind }) => delivered[kind]++,
      () => undefined,
    );
    await xdp.stop();
    assert.deepEqual(delivered, { answer: 127, fragment: 341, unknown: 0 });
    assert.equal((await observe(xdp, answerV4)).copies.length, 1, 'there is room again');
  } finally {
    xdp.close();
  }
});

test('the packet builders write what they claim', () => {
  // An IPv4 header with its checksum in place adds up to zero (RFC 1071).
  assert.equal(internetChecksum(answerV4.subarray(14, 34)), 0);
});
