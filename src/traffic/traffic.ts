// SPDX-License-Identifier: Apache-2.0
/**
 * Traffic for throughput tests, after Section 4.5.1 of "Aggregation-Based Certificate Transparency
 * Gossip": answers with tree heads of 16 fictional logs, or small fragments, among background
 * traffic of the same size that does not match. Pure: frames and capture files as bytes.
 */
import { encodeResponse, encodeTxt } from '../dns/encode.ts';
import { encodeName } from '../dns/name.ts';
import { fragmentUdp, type OutgoingDatagram } from '../packet/fragments.ts';

export const TRAFFIC_KINDS = ['answers', 'fragments'] as const;
export type TrafficKind = (typeof TRAFFIC_KINDS)[number];

/** Bytes of a frame, without FCS: as in the paper. */
export const FRAME_BYTES = { answers: 411, fragments: 68 } as const;

const LOGS = 16;
/**
 * The paper's names have five labels of 16 bytes. A tree head's first label is `sth`, so there are
 * four behind it.
 */
const LONG_LABELS = 4;
const LABEL_BYTES = 16;

const ETHERNET = Buffer.from('020000000001' + '020000000002' + '0800', 'hex');
const ENDPOINTS = { source: '192.0.2.53', destination: '198.51.100.7', destinationPort: 40_000 };
const [DNS_PORT, OTHER_PORT] = [53, 5000];
const MTU = 1500;

/** Zones of the fictional logs: what has to be watched for the answers to match. */
export const TRAFFIC_ZONES: readonly string[] = Array.from({ length: LOGS }, (_, log) =>
  zoneOf(`log${log}`),
);
/** The names of their tree heads, in wire format. */
export const TRAFFIC_NAMES: readonly Uint8Array[] = TRAFFIC_ZONES.map(treeHeadName);
const STRANGER = treeHeadName(zoneOf('stranger'));

function zoneOf(name: string): string {
  return Array.from({ length: LONG_LABELS }, (_, label) =>
    `${name}-${label}`.padEnd(LABEL_BYTES, 'x'),
  ).join('.');
}

function treeHeadName(zone: string): Uint8Array {
  return encodeName(`sth.${zone}`);
}

/**
 * `count` frames of one size, of which `rate` per cent match, evenly spread. Answers differ from
 * each other in the tree size, fragments in the identification.
 */
export function* trafficFrames(kind: TrafficKind, rate: number, count: number): Generator<Buffer> {
  const frame = kind === 'answers' ? answerFrame : fragmentFrame;
  for (let i = 0; i < count; i++) {
    yield frame(i, trafficMatches(rate, i));
  }
}

/** Whether frame `i` of `trafficFrames` at this rate is one that matches. */
export function trafficMatches(rate: number, i: number): boolean {
  return Math.floor(((i + 1) * rate) / 100) > Math.floor((i * rate) / 100);
}

function answerFrame(n: number, matches: boolean): Buffer {
  return answerFrameFor(matches ? (TRAFFIC_NAMES[n % LOGS] ?? STRANGER) : STRANGER, n);
}

/**
 * An answer with a tree head of its own for every `n`, for a name in wire format of up to 128
 * bytes: as large as all answers of `trafficFrames`.
 */
export function answerFrameFor(name: Uint8Array, n: number): Buffer {
  const wire = Buffer.concat([name, Uint8Array.of(0, 16, 0, 1)]);
  const question = { name: wire.subarray(0, -4), type: 16, class: 1, wire };
  const message = (text: string): Buffer =>
    encodeResponse({
      id: n & 0xffff,
      opcode: 0,
      authoritative: true,
      truncated: false,
      recursionDesired: false,
      rcode: 0,
      question,
      authorities: [],
      edns: undefined,
      answers: [{ labelsAbove: 0, type: 16, ttl: 300, rdata: inTwoStrings(text) }],
    });
  const overhead = ETHERNET.length + 28 + message('').length;
  const text = `${n}.1529486742541.`;
  return wholeFrame(message(text.padEnd(FRAME_BYTES.answers - overhead, 'x')), DNS_PORT, n);
}

/** Not one and not as full as can be: a text of one byte more would then take two bytes more. */
function inTwoStrings(text: string): Buffer {
  return Buffer.concat([encodeTxt(text.slice(0, 100)), encodeTxt(text.slice(100))]);
}

/** A last fragment of so many bytes, or a whole datagram that has as many. */
function fragmentFrame(n: number, matches: boolean): Buffer {
  const ipLength = FRAME_BYTES.fragments - ETHERNET.length;
  if (!matches) return wholeFrame(Buffer.alloc(ipLength - 28), OTHER_PORT, n);
  const data = ipLength - 20;
  const first = 40; // bytes of UDP in the fragment before it
  const datagram = { ...ENDPOINTS, sourcePort: DNS_PORT, payload: Buffer.alloc(first + data - 8) };
  const last = fragmentUdp(datagram, n & 0xffff, 20 + first).at(-1);
  return Buffer.concat([ETHERNET, last ?? Buffer.alloc(0)]);
}

function wholeFrame(payload: Uint8Array, sourcePort: number, n: number): Buffer {
  const datagram: OutgoingDatagram = { ...ENDPOINTS, sourcePort, payload };
  return Buffer.concat([ETHERNET, ...fragmentUdp(datagram, n & 0xffff, MTU)]);
}

/**
 * A capture file in the classic format (pcap 2.4, microseconds, Ethernet), frames one microsecond
 * apart.
 */
export function captureFile(frames: Iterable<Uint8Array>): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16); // snapshot length
  header.writeUInt32LE(1, 20); // LINKTYPE_ETHERNET
  const parts: Uint8Array[] = [header];
  let microseconds = 0;
  for (const frame of frames) {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Math.floor(microseconds / 1e6), 0);
    record.writeUInt32LE(microseconds % 1e6, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    parts.push(record, frame);
    microseconds += 1;
  }
  return Buffer.concat(parts);
}
