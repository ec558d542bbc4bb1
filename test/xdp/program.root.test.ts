/** The XDP program on single frames: what is copied, what is counted, and that the frame goes on unaltered. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { loadXdp, type LoadedXdp } from '../../src/dataplane/xdp.ts';
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
  udp,
} from '../support/packets.ts';
import { accountingErrors, expectedOf, moved, type Verdict } from './verdict.ts';

const XDP_PASS = 2;
const THRESHOLD = 400;

const NAME = 'sth.log.example';
/** 255 bytes on the wire, the most there can be: three labels of 63, one of 61, the root. */
const LONGEST_NAME = [63, 63, 63, 61].map((length) => 'x'.repeat(length)).join('.');
const MANY_LABELS = Array.from({ length: 127 }, () => 'y').join('.');
/** Neighbours of 'A', 'Z', 'a' and 'z', and 'A' and 'Z' with the eighth bit, which are no letters (RFC 4343). */
const NOT_LETTERS = Buffer.from([0x40, 0x5b, 0x60, 0x7b, 0xc1, 0xda]).toString('latin1');
const KNOWN = [NAME, LONGEST_NAME, MANY_LABELS, NOT_LETTERS, ''].map(encodeName);
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

const answer = dnsAnswer({ name: NAME, strings: ['314423677.1529486742541.aGFzaA==.c2lnbmF0dXJl'] });
const answerV4 = frameV4(answer);
const answerV6 = frameV6(answer);
const [firstV4, , lastV4] = fragmentIpv4(ipv4({ payload: udp({ payload: answer }) }), 48);
const [firstV6, , lastV6] = fragmentIpv6(ipv6({ payload: udp({ payload: answer }) }), 48);
assert(firstV4 && lastV4 && firstV6 && lastV6);

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
  { name: "Don't Fragment set", frame: frameV4(answer, { dontFragment: true }), verdict: 'answers' },
  { name: 'the reserved IPv4 flag set', frame: alter(answerV4, { 6: 0x80 }), verdict: 'answers' },
  { name: 'no UDP checksum', frame: frameV4(answer, { checksum: 'none' }), verdict: 'answers' },
  {
    name: 'a UDP checksum left to the card',
    frame: frameV4(answer, { checksum: 'partial' }),
    verdict: 'answers',
  },
  { name: 'an OPT record', frame: frameV4(dnsAnswer({ optSize: 1232 })), verdict: 'answers' },
  { name: 'TC set', frame: frameV4(dnsAnswer({ truncated: true })), verdict: 'answers' },
  { name: 'padding behind the IP packet', frame: concat(answerV4, new Uint8Array(50)), verdict: 'answers' },
  { name: 'EDNS padding past the threshold', frame: answerOfFrameLength(14 + 401), verdict: 'answers' },
  { name: 'the largest small record', frame: answerOfFrameLength(480), verdict: 'answers' },
  { name: 'the smallest large record', frame: answerOfFrameLength(481), verdict: 'answers' },
  { name: 'the largest record', frame: answerOfFrameLength(2048), verdict: 'answers' },
  {
    name: 'the longest name',
    frame: frameV4(message(question(LONGEST_NAME.toUpperCase()))),
    verdict: 'answers',
  },
  { name: 'a name of 127 labels', frame: frameV4(message(question(MANY_LABELS))), verdict: 'answers' },
  { name: 'the root', frame: frameV4(message(question(''))), verdict: 'answers' },
  {
    name: 'a name whose bytes are almost letters',
    frame: frameV4(message(question(NOT_LETTERS))),
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
  { name: 'an Ethernet header and nothing more', frame: answerV4.subarray(0, 14), verdict: 'malformed' },
  {
    name: 'ARP',
    frame: ethernet({ payload: new Uint8Array(28), etherType: EtherType.arp }),
    verdict: 'notIp',
  },
  {
    name: 'a VLAN tag cut short',
    frame: Uint8Array.of(...answerV4.subarray(0, 12), 0x81, 0, 0),
    verdict: 'notIp',
  },
  {
    name: 'two VLAN tags',
    frame: frameV4(answer, {
      tags: [
        { tpid: EtherType.serviceVlan, vlanId: 1 },
        { tpid: EtherType.vlan, vlanId: 2 },
      ],
    }),
    verdict: 'notIp',
  },

  {
    name: 'TCP',
    frame: ethernet({ payload: ipv4({ protocol: IpProtocol.tcp, payload: new Uint8Array(20) }) }),
    verdict: 'notUdp53',
  },
  {
    name: 'a TCP fragment',
    frame: ethernet({
      payload: ipv4({ protocol: IpProtocol.tcp, payload: new Uint8Array(8), moreFragments: true }),
    }),
    verdict: 'notUdp53',
  },
  {
    name: 'an IPv6 TCP fragment',
    frame: ethernet({ payload: ipv6Fragment({ nextHeader: IpProtocol.tcp, payload: new Uint8Array(8) }) }),
    verdict: 'notUdp53',
  },
  {
    name: 'a query',
    frame: frameV4(dnsQuery(NAME), { sourcePort: 40000, destinationPort: 53 }),
    verdict: 'notUdp53',
  },
  {
    name: 'IPv6 with a Hop-by-Hop header first',
    frame: ethernet({
      payload: ipv6({
        nextHeader: IpProtocol.hopByHop,
        payload: concat(Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0), udp({ payload: answer })),
      }),
    }),
    verdict: 'notUdp53',
  },

  { name: 'an IPv4 header length of 16', frame: alter(answerV4, { 0: 0x44 }), verdict: 'malformed' },
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
  { name: 'an IPv4 length within its header', frame: alter(answerV4, { 2: 0, 3: 19 }), verdict: 'malformed' },
  { name: 'a fragment whose length lies', frame: fragmentV4(64).subarray(0, 60), verdict: 'malformed' },
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
  { name: 'a UDP length past the packet', frame: alter(answerV4, { 24: 0x40 }), verdict: 'malformed' },
  { name: 'a UDP length of zero', frame: alter(answerV4, { 24: 0, 25: 0 }), verdict: 'malformed' },
  { name: 'no room for a DNS header', frame: frameV4(new Uint8Array(11)), verdict: 'malformed' },

  { name: 'QR = 0 from port 53', frame: frameV4(dnsQuery(NAME)), verdict: 'notDnsAnswer' },
  { name: 'opcode NOTIFY', frame: frameV4(message(question(NAME), 0xa400)), verdict: 'notDnsAnswer' },
  { name: 'no question', frame: frameV4(message(question(NAME), 0x8400, 0)), verdict: 'notDnsAnswer' },
  { name: 'two questions', frame: frameV4(message(question(NAME), 0x8400, 2)), verdict: 'notDnsAnswer' },
  { name: 'no answer', frame: frameV4(dnsAnswer({ answers: 0 })), verdict: 'notDnsAnswer' },
  { name: 'two answers', frame: frameV4(dnsAnswer({ answers: 2 })), verdict: 'notDnsAnswer' },
  { name: 'QTYPE A', frame: frameV4(dnsAnswer({ type: 'A' })), verdict: 'notDnsAnswer' },
  {
    name: 'QTYPE 0x0110',
    frame: frameV4(message(question(NAME, Uint8Array.of(1, 16, 0, 1)))),
    verdict: 'notDnsAnswer',
  },
  {
    name: 'QCLASS CH',
    frame: frameV4(message(question(NAME, Uint8Array.of(0, 16, 0, 3)))),
    verdict: 'notDnsAnswer',
  },
  {
    name: 'QCLASS 0x0101',
    frame: frameV4(message(question(NAME, Uint8Array.of(0, 16, 1, 1)))),
    verdict: 'notDnsAnswer',
  },

  {
    name: 'an unknown name',
    frame: frameV4(dnsAnswer({ name: 'sth.other.example' })),
    verdict: 'unknownName',
  },
  {
    name: 'a subdomain of a known name',
    frame: frameV4(dnsAnswer({ name: `x.${NAME}` })),
    verdict: 'unknownName',
  },
  {
    name: 'a parent of a known name',
    frame: frameV4(dnsAnswer({ name: 'log.example' })),
    verdict: 'unknownName',
  },
  {
    name: 'a known name and one byte',
    frame: frameV4(dnsAnswer({ name: `${NAME}x` })),
    verdict: 'unknownName',
  },
  {
    name: 'bytes that folding must not make equal',
    frame: frameV4(message(question(Buffer.from([0x60, 0x7b, 0x60, 0x7b, 0xc1, 0xda]).toString('latin1')))),
    verdict: 'unknownName',
  },

  {
    name: 'a compressed question',
    frame: frameV4(message(concat(Uint8Array.of(0xc0, 12), IN_TXT))),
    verdict: 'malformed',
  },
  { name: 'a label of 64 bytes', frame: frameV4(message(question('x'.repeat(64)))), verdict: 'malformed' },
  {
    name: 'a label of type 10',
    frame: frameV4(message(concat(Uint8Array.of(0x80), IN_TXT))),
    verdict: 'malformed',
  },
  {
    name: 'a label past the datagram',
    frame: frameV4(message(Uint8Array.of(63, 97, 98, 99))),
    verdict: 'malformed',
  },
  {
    name: 'a name of 256 bytes',
    frame: frameV4(message(question(`x${LONGEST_NAME.slice(-61)}.${LONGEST_NAME.slice(0, 191)}`))),
    verdict: 'malformed',
  },
  {
    name: 'a name of 128 labels',
    frame: frameV4(message(question(`y.${MANY_LABELS}`))),
    verdict: 'malformed',
  },
  {
    name: 'a name without its root',
    frame: frameV4(message(encodeName(NAME).subarray(0, -1))),
    verdict: 'malformed',
  },
  {
    name: 'a question without QCLASS',
    frame: frameV4(message(question(NAME).subarray(0, -2))),
    verdict: 'malformed',
  },
  { name: 'an empty question section', frame: frameV4(message(new Uint8Array(0))), verdict: 'malformed' },
  {
    name: 'a question that goes on behind the UDP datagram',
    frame: alter(frameV4(message(question(NAME))), { 25: 8 + 12 + 10 }),
    verdict: 'malformed',
  },

  { name: 'an IPv4 fragment above the threshold', frame: fragmentV4(401), verdict: 'fragmentsTooLarge' },
  { name: 'an IPv6 fragment above the threshold', frame: fragmentV6(401), verdict: 'fragmentsTooLarge' },
];

interface Observed {
  readonly moved: Readonly<Record<string, number>>;
  readonly copies: readonly { kind: CopyKind; frame: Uint8Array; frameLength: number }[];
}

/** Runs the program once, and sees to what holds for every frame. */
async function observe(xdp: LoadedXdp, frame: Uint8Array): Promise<Observed> {
  const copies: { kind: CopyKind; frame: Uint8Array; frameLength: number }[] = [];
  xdp.start(
    (packet) =>
      copies.push({ kind: packet.kind, frame: packet.frame.slice(), frameLength: packet.frameLength }),
    () => undefined,
  );
  const before = xdp.counters();
  const result = xdp.testRun(frame);
  await xdp.stop();

  assert.equal(result.verdict, XDP_PASS);
  assert.deepEqual(Buffer.from(result.packet), Buffer.from(frame), 'the frame was altered');
  const counters = xdp.counters();
  assert.deepEqual(accountingErrors(counters), []);
  return { moved: moved(before, counters), copies };
}

describe('the XDP program', () => {
  const xdp = loadXdp({ threshold: THRESHOLD });
  xdp.setKnownNames(KNOWN);
  after(() => xdp.close());

  for (const { name, frame, verdict } of copied) {
    test(`copies ${name}`, async () => {
      const expected = expectedOf(frame, KNOWN_HEX, THRESHOLD);
      const observed = await observe(xdp, frame);
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
    test(`passes by ${name}`, async () => {
      const observed = await observe(xdp, frame);
      assert.deepEqual(observed, { moved: { packets: 1, [verdict]: 1 }, copies: [] });
      assert.deepEqual(expectedOf(frame, KNOWN_HEX, THRESHOLD), { verdict, copied: 0 });
    });
  }

  for (const length of [2049, 5000]) {
    test(`counts an answer of ${length} bytes as oversize`, async () => {
      const observed = await observe(xdp, answerOfFrameLength(length));
      assert.deepEqual(observed, { moved: { packets: 1, answers: 1, answersOversize: 1 }, copies: [] });
    });
  }

  test('copies nothing once its name is forgotten', async () => {
    xdp.setKnownNames(KNOWN.slice(1));
    assert.deepEqual((await observe(xdp, answerV4)).moved, { packets: 1, unknownName: 1 });
    xdp.setKnownNames(KNOWN);
    assert.equal((await observe(xdp, answerV4)).copies.length, 1);
  });

  test('takes another threshold while it runs', async () => {
    xdp.setSettings({ threshold: 600 });
    assert.deepEqual((await observe(xdp, fragmentV4(600))).moved, {
      packets: 1,
      fragments: 1,
      fragmentsCopied: 1,
    });
    assert.deepEqual((await observe(xdp, fragmentV4(601))).moved, { packets: 1, fragmentsTooLarge: 1 });
    xdp.setSettings({ threshold: 0 });
    assert.deepEqual((await observe(xdp, fragmentV4(28))).moved, { packets: 1, fragmentsTooLarge: 1 });
    xdp.setSettings({ threshold: THRESHOLD });
  });
});

test('every n-th match is copied, answers and fragments counted apart', async () => {
  const xdp = loadXdp({ everyNth: 4 });
  try {
    xdp.setKnownNames(KNOWN);
    xdp.testRun(answerV4, 40);
    xdp.testRun(fragmentV4(100), 40);
    const { answers, answersCopied, answersSampledOut, fragments, fragmentsCopied, fragmentsSampledOut } =
      xdp.counters();
    assert.equal(answers, 40n);
    assert.equal(fragments, 40n);
    // Counted per CPU: one more for each CPU that the repetitions were moved to meanwhile.
    assert(answersCopied >= 10n && answersCopied <= 14n, `${answersCopied.toString()} answers`);
    assert(fragmentsCopied >= 10n && fragmentsCopied <= 14n, `${fragmentsCopied.toString()} fragments`);
    assert.equal(answersCopied + answersSampledOut, 40n);
    assert.equal(fragmentsCopied + fragmentsSampledOut, 40n);

    xdp.setSettings({ everyNth: 1 });
    assert.deepEqual((await observe(xdp, answerV4)).moved, { packets: 1, answers: 1, answersCopied: 1 });
  } finally {
    xdp.close();
  }
});

test('what finds no room in the ring is counted, and what found room is delivered', async () => {
  const xdp = loadXdp({ ringBytes: 65536 });
  try {
    xdp.setKnownNames(KNOWN);
    assert.equal(xdp.testRun(answerV4, 200).verdict, XDP_PASS);
    // 512 bytes a record, and a ring is never filled to its last byte.
    const { answersCopied, answersRingFull } = xdp.counters();
    assert.deepEqual({ answersCopied, answersRingFull }, { answersCopied: 127n, answersRingFull: 73n });

    let delivered = 0;
    let batches = 0;
    xdp.start(
      () => delivered++,
      () => batches++,
    );
    await xdp.stop();
    assert.equal(delivered, 127);
    assert.equal(batches, 1);
    assert.equal((await observe(xdp, answerV4)).copies.length, 1, 'there is room again');
  } finally {
    xdp.close();
  }
});

test('the packet builders write what they claim', () => {
  // An IPv4 header with its checksum in place adds up to zero (RFC 1071).
  assert.equal(internetChecksum(answerV4.subarray(14, 34)), 0);
});
