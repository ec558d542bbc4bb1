// SPDX-License-Identifier: Apache-2.0
/** What we encode, read by another implementation: dns-packet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { fc } from '../support/random.ts';
import { encodeResponse, encodeSoa, encodeTxt, type OutgoingEdns } from '../../src/dns/encode.ts';
import { parseMessage, RecordType } from '../../src/dns/message.ts';
import { encodeName } from '../../src/dns/name.ts';

const NAME = 'sth.log.example';
const { question } = parseMessage(
  dnsPacket.encode({ type: 'query', id: 7, questions: [{ type: 'TXT', name: NAME }] }),
);

function encode(
  records: readonly { type: number; rdata: Uint8Array; labelsAbove?: number }[],
  edns?: OutgoingEdns,
): Buffer {
  return encodeResponse({
    id: 7,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: true,
    rcode: 0,
    question,
    answers: records.map((record) => ({ labelsAbove: 0, ttl: 300, ...record })),
    authorities: [],
    edns,
  });
}

test('header and question', () => {
  const read = dnsPacket.decode(encode([]));
  assert.deepEqual(
    [read.id, read.type, read.flag_aa, read.flag_tc, read.flag_rd],
    [7, 'response', true, false, true],
  );
  assert.deepEqual(read.questions, [{ name: NAME, type: 'TXT', class: 'IN' }]);
});

test('NS, SOA, A and AAAA, of the name and of its parents', () => {
  const mailbox = encodeName('hostmaster.log.example');
  const timers = { refresh: 1, retry: 2, expire: 3, minimum: 0xffff_ffff };
  const message = encode([
    { type: RecordType.ns, rdata: encodeName('log.example') },
    { type: RecordType.soa, rdata: encodeSoa(encodeName('log.example'), mailbox, 9, timers) },
    { type: RecordType.a, rdata: Uint8Array.of(192, 0, 2, 53), labelsAbove: 1 },
    {
      type: RecordType.aaaa,
      rdata: Buffer.from('20010db8000000000000000000000053', 'hex'),
      labelsAbove: 2,
    },
  ]);
  const read = (dnsPacket.decode(message).answers ?? []).map((answer) =>
    answer.type === 'OPT' ? [] : [answer.name, answer.type, 'data' in answer && answer.data],
  );
  assert.deepEqual(read, [
    [NAME, 'NS', 'log.example'],
    [NAME, 'SOA', { mname: 'log.example', rname: 'hostmaster.log.example', serial: 9, ...timers }],
    ['log.example', 'A', '192.0.2.53'],
    ['example', 'AAAA', '2001:db8::53'],
  ]);
});

test('TXT of any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1100 }), (bytes) => {
      const message = encode([{ type: RecordType.txt, rdata: encodeTxt(bytes) }]);
      const [answer] = dnsPacket.decode(message).answers ?? [];
      assert(answer?.type === 'TXT' && Array.isArray(answer.data));
      const strings = answer.data as Buffer[];
      assert.deepEqual(Buffer.concat(strings), Buffer.from(bytes));
      assert.equal(strings.length, Math.max(1, Math.ceil(bytes.length / 255)));
    }),
  );
});

test('OPT: payload size, extended response code, DO, and padding to any size', () => {
  for (const dnssecOk of [true, false])
    for (let padTo = 0; padTo < 120; padTo++) {
      const edns = { udpPayloadSize: 1232, extendedRcode: 1, dnssecOk, padTo };
      const message = encode([], edns);
      const [opt, ...others] = dnsPacket.decode(message).additionals ?? [];
      assert(opt?.type === 'OPT' && others.length === 0);
      assert.deepEqual(
        [opt.name, opt.udpPayloadSize, opt.extendedRcode, opt.ednsVersion, opt.flag_do],
        ['.', 1232, 1, 0, dnssecOk],
      );
      const bare = encode([], { ...edns, padTo: 0 }).length;
      // An option's header is 4 bytes, which cannot be left out by halves.
      assert.equal(message.length, padTo >= bare + 4 ? padTo : bare);
      assert.equal(opt.options.length, padTo >= bare + 4 ? 1 : 0);
    }
});
