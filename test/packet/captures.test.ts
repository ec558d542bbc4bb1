// SPDX-License-Identifier: Apache-2.0
/** Real captures of other projects, with what those projects say is in them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readCapture } from '../support/captures.ts';
import { parseMessage, readTxt } from '../../src/dns/message.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { DatagramDecoder, type UdpDatagram } from '../../src/packet/decode.ts';
import { needsShared, sharedPath } from '../support/shared.ts';

const CAPTURES = 'captures';
const PCAP_PLUS_PLUS = `${CAPTURES}/PcapPlusPlus/Tests/Pcap++Test/PcapExamples`;
const ZEEK = `${CAPTURES}/zeek/testing/btest`;

function path(name: string): string {
  const found = sharedPath(name);
  assert.ok(found !== undefined, name);
  return found;
}

function datagramsOf(file: string): { datagrams: UdpDatagram[]; decoder: DatagramDecoder } {
  const decoder = new DatagramDecoder();
  const datagrams: UdpDatagram[] = [];
  for (const { frame, timestamp } of readCapture(file).frames) {
    const datagram = decoder.push(frame, timestamp, 'capture');
    // The payload is a view of a buffer that the reader uses again.
    if (datagram) datagrams.push({ ...datagram, payload: Uint8Array.from(datagram.payload) });
  }
  return { datagrams, decoder };
}

describe(
  'reassembled frames as PcapPlusPlus expects them',
  { skip: needsShared(PCAP_PLUS_PLUS) },
  () => {
    /**
     * The expected file holds a reassembled frame in hexadecimal; its UDP header begins at `udpAt`.
     */
    const cases: readonly { capture: string; expected: string; udpAt: number }[] = [
      { capture: 'ip4_fragments.pcap', expected: 'ip4_fragments_packet1.txt', udpAt: 14 + 20 },
      { capture: 'ip4_fragments.pcap', expected: 'ip4_fragments_packet4.txt', udpAt: 14 + 20 },
      { capture: 'ip4_fragments.pcap', expected: 'ip4_fragments_packet6.txt', udpAt: 14 + 20 },
      { capture: 'ip6_fragments.pcap', expected: 'ip6_fragments_packet1.txt', udpAt: 14 + 40 },
      { capture: 'ip6_fragments.pcap', expected: 'ip6_fragments_packet2.txt', udpAt: 14 + 40 },
      // With a router alert among the IP options.
      {
        capture: 'frag_with_padding.pcap',
        expected: 'frag_with_padding_defragmented.dat',
        udpAt: 14 + 24,
      },
    ];
    for (const { capture, expected, udpAt } of cases) {
      test(expected, () => {
        const text = readFileSync(path(`${PCAP_PLUS_PLUS}/${expected}`), 'latin1');
        const frame = Buffer.from(text.replace(/\s/g, ''), 'hex');
        // The IPv6 ones carry four bytes more than UDP's length says, which are not the datagram's.
        const want = frame
          .subarray(udpAt + 8, udpAt + frame.readUInt16BE(udpAt + 4))
          .toString('hex');
        const { datagrams } = datagramsOf(path(`${PCAP_PLUS_PLUS}/${capture}`));
        const reassembled = datagrams.filter((each) => each.fragments > 1);
        assert.ok(reassembled.some((each) => Buffer.from(each.payload).toString('hex') === want));
      });
    }
  },
);

test('fragmented DNS over IPv6 as Zeek reads it', { skip: needsShared(ZEEK) }, () => {
  const { datagrams } = datagramsOf(path(`${ZEEK}/Traces/ipv6-fragmented-dns.pcap`));
  // Lines such as: ip6=[..., src=A, dst=B, exts=[]], udp = [sport=53/udp, dport=51851/udp,
  // ulen=3238]
  const folder = path(`${ZEEK}/Baseline/core.ipv6-frag`);
  const baseline = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const line = /src=(\S+), dst=(\S+), exts.*sport=(\d+)\/udp, dport=(\d+)\/udp, ulen=(\d+)/g;
  const expected = [...baseline.matchAll(line)].map(([, ...fields]) => fields.join(' '));
  const ours = datagrams.map((each) =>
    [
      each.source,
      each.destination,
      each.sourcePort,
      each.destinationPort,
      each.payload.length + 8,
    ].join(' '),
  );
  assert.ok(expected.length >= 5);
  assert.deepEqual(ours, expected);

  const large = datagrams.find((each) => each.fragments > 1);
  assert.ok(large?.checksum === 'valid');
  const strings = parseMessage(large.payload).answers.flatMap((answer) =>
    readTxt(answer, large.payload).map((each) => each.length),
  );
  assert.ok(
    strings.length > 10 && strings.every((length) => [33, 21, 189, 192].includes(length)),
    strings.join(' '),
  );
});

test(
  'every capture there is: nothing throws but for a damaged file or a link type that is not ours',
  { skip: needsShared(CAPTURES) },
  () => {
    const root = path(CAPTURES);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.pcap(ng)?$/.test(name),
    );
    let [datagrams, reassembled, messages] = [0, 0, 0];
    const refused = new Map<string, string>();
    for (const name of files) {
      const decoder = new DatagramDecoder();
      const { frames, error } = readCapture(join(root, name));
      for (const { frame, timestamp } of frames) {
        const datagram = decoder.push(frame, timestamp, 'capture');
        if (datagram === undefined) continue;
        datagrams += 1;
        if (datagram.fragments > 1) reassembled += 1;
        if (datagram.sourcePort !== 53) continue;
        const answer = parseTreeHeadAnswer(datagram.payload);
        if (answer.kind === 'refused' && answer.offset === undefined) messages += 1;
      }
      if (error !== undefined) refused.set(name, error.message);
    }
    assert.ok(
      files.length > 150 && datagrams > 500 && reassembled > 10 && messages > 100,
      JSON.stringify({ files: files.length, datagrams, reassembled, messages }),
    );
    for (const message of refused.values())
      assert.match(message, /damaged at (packet \d+, )?byte \d+|link type \d+/);
  },
);
