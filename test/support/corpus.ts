// SPDX-License-Identifier: Apache-2.0
/**
 * Frames for every data plane: good ones of each form, and damaged ones, the same every time. Known
 * are the names in NAMES.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readCapture } from './captures.ts';
import {
  concat,
  dnsAnswer,
  encodeName,
  ethernet,
  EtherType,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  ipv6Fragment,
  overPppoe,
  udp,
} from './packets.ts';
import { alias, message, record, signature, strings, u16 } from '../dns/messages.ts';
import { random } from './random.ts';
import { sharedPath } from './shared.ts';

/** BPF_PROG_TEST_RUN takes no frame that is shorter than an Ethernet header. */
export const SHORTEST_FRAME = 14;

export const NAMES = ['sth.log.example', 'sth.a', 'sth'].map(encodeName);
export const NAMES_HEX = new Set(NAMES.map((name) => Buffer.from(name).toString('hex')));

/** Answers of several records, and others that clients take though no honest server gives them. */
export function answersOfRecords(name: string): Uint8Array[] {
  const wire = encodeName(name);
  const question = concat(wire, u16(16, 1));
  const text = record({ rdata: strings('x'.repeat(100), 'y'.repeat(60)) });
  const rrsig = signature();
  const cname = alias(encodeName('heads.example'));
  // The owner is the name that the alias leads to: header, question, and the alias's RDATA.
  const target = u16(0xc000 | (12 + question.length + 12));
  const spelled = (owner: string): Uint8Array =>
    record({ owner: encodeName(owner), rdata: strings('x'.repeat(90)) });
  return [
    message({ question, answers: [text, rrsig] }),
    message({ question, answers: [rrsig, spelled(name), rrsig, rrsig] }),
    message({
      question,
      answers: [cname, rrsig, record({ owner: target, rdata: text.subarray(12) }), rrsig],
    }),
    message({ question, answers: [cname, spelled('heads.example')] }),
    message({ question, answers: [text, spelled(name)] }),
    message({ question, answers: [rrsig, rrsig, rrsig, rrsig, text] }),
    message({ question, answers: [cname] }),
    message({ question, answers: [text], flags: 0xa603 }),
    message({ question: concat(question, question), answers: [text], counts: [2, 1, 0, 0] }),
  ];
}

/**
 * Questions for `sth.log.example` IN TXT whose names go on elsewhere: at a zero of the header, and,
 * all of it or from the second label on, in the owner of an answer that spells it.
 */
export const QUESTIONS_ELSEWHERE: readonly Uint8Array[] = elsewhere('sth.log.example');

function elsewhere(name: string): Uint8Array[] {
  const wire = encodeName(name);
  const inTxt = u16(16, 1);
  const first = wire.subarray(0, 1 + (wire[0] ?? 0));
  const pointer = (to: number): Uint8Array => u16(0xc000 | to);
  return [
    concat(wire.subarray(0, -1), pointer(8), inTxt),
    concat(pointer(12 + 2 + 4), inTxt),
    concat(first, pointer(12 + first.length + 2 + 4 + first.length), inTxt),
  ];
}

/**
 * Answers whose questions are such: some clients take them. The first answer's owner spells the
 * name.
 */
export function answersElsewhere(name: string): Uint8Array[] {
  const answers = [record({ owner: encodeName(name), rdata: strings('x'.repeat(100)) })];
  return elsewhere(name).map((question) => message({ question, answers }));
}

const NAME = 'sTh.LoG.example';
const answerTo = (name: string): Uint8Array =>
  dnsAnswer({ name, strings: ['x'.repeat(100), 'y'.repeat(60)], optSize: 1232 });
export const answer = answerTo(NAME);
const tags = [{ tpid: EtherType.vlan, vlanId: 5 }];

/** A UDP datagram over IPv6, in an Ethernet frame, as long as its packet is (RFC 2675). */
export function withoutUdpLength(frame: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(frame);
  changed.fill(0, 14 + 40 + 4, 14 + 40 + 6);
  return changed;
}

/** Good frames of each form that carry an answer for `name`, or parts of it. */
export function seedsOf(name: string): Uint8Array[] {
  const answer = answerTo(name);
  return [
    frameV4(answer),
    frameV6(answer),
    frameV4(answer, { tags, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0) }),
    frameV6(answer, { tags }),
    frameV4(dnsAnswer({ name, strings: ['z'.repeat(200)], compressed: true })),
    frameV6(answer, { tags: [...tags, ...tags] }),
    ...answersOfRecords(name).map((each) => frameV4(each)),
    overPppoe(frameV4(answer)),
    frameV4(answer, { tags: [0x9100, 0x9200, 0x9300].map((tpid) => ({ tpid, vlanId: 5 })) }),
    withoutUdpLength(frameV6(answer)),
    ethernet({
      payload: ipv6({
        nextHeader: 0,
        payload: Uint8Array.from([
          60,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          17,
          1,
          ...new Uint8Array(14),
          ...udp({ payload: answer }),
        ]),
      }),
    }),
    ...fragmentIpv4(ipv4({ payload: udp({ payload: answer }) }), 64).map((payload) =>
      ethernet({ payload }),
    ),
    ...fragmentIpv6(ipv6({ payload: udp({ payload: answer }) }), 64).map((payload) =>
      ethernet({ payload, tags }),
    ),
    // A later fragment's next header means nothing.
    ...[6, 59].map((nextHeader) =>
      ethernet({ payload: ipv6Fragment({ payload: answer, fragmentOffset: 64, nextHeader }) }),
    ),
  ];
}

/** Good frames that are not looked into: in tunnels, and below too many tags. */
const TUNNELLED = [
  frameV4(answer, { tags: [...tags, ...tags, ...tags, ...tags] }),
  ethernet({ payload: new Uint8Array(60), etherType: 0x8847 }),
  ethernet({ payload: new Uint8Array(60), etherType: 0x8848, tags }),
  ...[4, 41, 47, 50, 51, 137].flatMap((protocol) => [
    ethernet({ payload: ipv4({ payload: new Uint8Array(40), protocol }) }),
    ethernet({ payload: ipv6({ payload: new Uint8Array(40), nextHeader: protocol }) }),
  ]),
  ...[2152, 4789, 6081, 8472].map((destinationPort) =>
    frameV4(new Uint8Array(40), { sourcePort: 50_000, destinationPort }),
  ),
];

export const seeds = [
  ...seedsOf(NAME),
  frameV4(dnsAnswer({ name: 'sth.a', padding: 700 })),
  ...answersElsewhere('sth.log.example').map((each) => frameV4(each)),
  frameV4(message({ flags: 0x0100 })), // it says that it is a query
  ...TUNNELLED,
];

/** One to eight small faults: another byte, a flipped bit, a cut, bytes put in or taken out. */
export function mutate(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  let bytes = [...frame];
  for (let faults = 1 + below(8); faults > 0; faults--) {
    const at = below(bytes.length);
    switch (below(6)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 2:
        bytes[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][below(8)] ?? 0;
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + 1 + below(16)));
        break;
      case 4:
        bytes.splice(at, 1 + below(4));
        break;
      case 5:
        if (below(4) === 0) bytes = bytes.slice(0, at);
        break;
    }
    while (bytes.length < SHORTEST_FRAME) bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

/** The seeds cut off at every length. */
export function cutOff(frames: readonly Uint8Array[] = seeds): Uint8Array[] {
  return frames.flatMap((frame) =>
    Array.from({ length: frame.length - SHORTEST_FRAME + 1 }, (_, cut) =>
      frame.subarray(0, SHORTEST_FRAME + cut),
    ),
  );
}

/** The same, IP and UDP telling the truth about it. */
export function cutOffTruly(frames: readonly Uint8Array[] = seeds): Uint8Array[] {
  return frames.slice(0, 2).flatMap((frame) => {
    const isIpv4 = frame[12] === 0x08;
    const udpAt = 14 + (isIpv4 ? 20 : 40);
    return Array.from({ length: frame.length - udpAt - 7 }, (_, payload) => {
      const cut = frame.slice(0, udpAt + 8 + payload);
      const view = new DataView(cut.buffer);
      if (isIpv4) view.setUint16(16, 28 + payload);
      else view.setUint16(18, 8 + payload);
      view.setUint16(udpAt + 4, 8 + payload);
      return cut;
    });
  });
}

/** Seeds with random faults. */
export function damaged(
  count: number,
  seed: number,
  frames: readonly Uint8Array[] = seeds,
): Uint8Array[] {
  const below = random(seed);
  return Array.from({ length: count }, () =>
    mutate(frames[below(frames.length)] ?? frameV4(answer), below),
  );
}

/** As many as BPF_PROG_TEST_RUN and a file for simple_switch take. */
const LONGEST_FRAME = 3000;

/**
 * Frames of the real captures of other projects (../shared/data/captures); none where they are not.
 */
export function capturedFrames(): Uint8Array[] {
  const root = sharedPath('captures');
  if (root === undefined) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.pcap(ng)?$/.test(name),
  );
  const frames: Uint8Array[] = [];
  // Some are damaged on purpose: what comes before the damage counts.
  for (const name of files.sort())
    for (const { frame } of readCapture(join(root, name)).frames)
      if (frame.length >= SHORTEST_FRAME && frame.length <= LONGEST_FRAME) frames.push(frame);
  return frames;
}
