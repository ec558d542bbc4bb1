/** CT-over-DNS answers off the wire: well-formed ones, and each way not to be one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import dnsPacket from 'dns-packet';
import { parseMessage } from '../../../src/dns/message.ts';
import { encodeName } from '../../../src/dns/name.ts';
import {
  parseTreeHeadAnswer,
  type DnsRefusalReason,
} from '../../../src/sources/ct-over-dns/answer.ts';
import { FormatError } from '../../../src/base/cursor.ts';
import { DatagramDecoder } from '../../../src/packet/decode.ts';
import { concat, dnsAnswer } from '../../support/packets.ts';
import { needsShared, readShared } from '../../support/shared.ts';
import { readVector } from '../../support/vectors.ts';
import {
  message,
  NAME,
  opt,
  QUESTION,
  record,
  RECORDS_AT,
  strings,
  TXT,
  u16,
} from '../../dns/messages.ts';
import { fc } from '../../support/random.ts';

const PADDING = 12;
const SOA = record({ type: 6, rdata: concat(u16(0xc00c, 0xc00c), new Uint8Array(20)) });

/** An RRSIG over records of a type, with a signature of zeros. */
function signature(covered: number, owner?: Uint8Array): Uint8Array {
  const rdata = concat(u16(covered, 0x0d04), new Uint8Array(14), encodeName('example'));
  return record({ owner, type: 46, rdata: concat(rdata, new Uint8Array(64)) });
}

describe('answers', () => {
  const cases: readonly { name: string; payload: Uint8Array; text: string }[] = [
    { name: 'one string, owner a pointer', payload: message(), text: '1.2.3.4' },
    {
      name: 'owner spelled out, in another case',
      payload: message({ answers: [record({ owner: encodeName('STH.log.EXAMPLE') })] }),
      text: '1.2.3.4',
    },
    {
      name: 'several strings are joined',
      payload: message({ answers: [record({ rdata: strings('1.2', '.', '', '3.4') })] }),
      text: '1.2.3.4',
    },
    {
      name: 'a string of 255 bytes and more',
      payload: message({ answers: [record({ rdata: strings('x'.repeat(255), 'y'.repeat(158)) })] }),
      text: 'x'.repeat(255) + 'y'.repeat(158),
    },
    {
      name: 'one string of no length',
      payload: message({ answers: [record({ rdata: strings('') })] }),
      text: '',
    },
    {
      name: 'bytes beyond ASCII stay themselves',
      payload: message({ answers: [record({ rdata: strings('\xe9\x00') })] }),
      text: '\xe9\x00',
    },
    { name: 'OPT without options', payload: message({ additionals: [opt()] }), text: '1.2.3.4' },
    {
      name: 'OPT with padding',
      payload: message({ additionals: [opt([PADDING, new Uint8Array(100)])] }),
      text: '1.2.3.4',
    },
    {
      name: 'other records in authority and additional',
      payload: message({
        authorities: [SOA],
        additionals: [record({ type: 1, rdata: new Uint8Array(4) }), opt()],
      }),
      text: '1.2.3.4',
    },
    {
      name: 'bytes after the message, which every resolver ignores',
      payload: message({ trailing: u16(1, 2, 3) }),
      text: '1.2.3.4',
    },
    {
      name: 'a signed zone: RRSIG records after the TXT record and before it',
      payload: message({ answers: [signature(16), TXT, signature(16, encodeName(NAME))] }),
      text: '1.2.3.4',
    },
    {
      name: 'as dns-packet writes it',
      payload: dnsAnswer({ strings: ['1.2', '.3.4'], padding: 20 }),
      text: '1.2.3.4',
    },
  ];
  for (const { name, payload, text } of cases) {
    test(name, () => {
      const answer = parseTreeHeadAnswer(payload);
      assert.deepEqual(answer, {
        kind: 'answer',
        name: encodeName(NAME),
        text: Buffer.from(text, 'latin1'),
      });
    });
  }

  test('the name is folded; the question may come in any case (0x20)', () => {
    const question = concat(encodeName('sTh.LoG.exAMPLe'), u16(16, 1));
    assert.deepEqual(parseTreeHeadAnswer(message({ question })), {
      kind: 'answer',
      name: encodeName(NAME),
      text: Buffer.from('1.2.3.4'),
    });
  });

  test('trailing bytes are counted', () => {
    assert.equal(parseMessage(message({ trailing: new Uint8Array(5) })).trailingBytes, 5);
    assert.equal(parseMessage(message()).trailingBytes, 0);
  });
});

describe('refused', () => {
  const long = record({
    rdata: concat(...Array.from({ length: 9 }, () => strings('x'.repeat(255)))),
  });
  const cases: readonly {
    name: string;
    payload: Uint8Array;
    reason: DnsRefusalReason;
    offset?: number;
  }[] = [
    { name: 'nothing', payload: new Uint8Array(0), reason: 'truncated', offset: 0 },
    { name: 'half a header', payload: message().subarray(0, 7), reason: 'truncated', offset: 6 },
    { name: 'a query', payload: message({ flags: 0x0100, answers: [] }), reason: 'not a response' },
    { name: 'an update', payload: message({ flags: 0xa800 }), reason: 'opcode' },
    { name: 'SERVFAIL', payload: message({ flags: 0x8402 }), reason: 'rcode' },
    {
      name: 'BADVERS, which only OPT tells',
      payload: message({
        additionals: [
          record({ owner: Uint8Array.of(0), type: 41, ttl: 0x0100_0000, rdata: new Uint8Array(0) }),
        ],
      }),
      reason: 'rcode',
    },
    { name: 'TC', payload: message({ flags: 0x8600 }), reason: 'truncation bit' },
    {
      name: 'no question',
      payload: message({ counts: [0, 1, 0, 0], question: new Uint8Array(0) }),
      reason: 'question count',
      offset: 4,
    },
    {
      name: 'two questions',
      payload: message({ counts: [2, 1, 0, 0], question: concat(QUESTION, QUESTION) }),
      reason: 'question count',
      offset: 4,
    },
    {
      name: 'a question for A',
      payload: message({ question: concat(encodeName(NAME), u16(1, 1)) }),
      reason: 'question type',
    },
    {
      name: 'a question of class CH',
      payload: message({ question: concat(encodeName(NAME), u16(16, 3)) }),
      reason: 'question type',
    },
    {
      name: 'a name without sth',
      payload: message({ question: concat(encodeName('www.log.example'), u16(16, 1)) }),
      reason: 'not a tree head name',
    },
    {
      name: 'a name that only begins with sth',
      payload: message({ question: concat(encodeName('sth-consistency.example'), u16(16, 1)) }),
      reason: 'not a tree head name',
    },
    {
      name: 'the root',
      payload: message({ question: concat(encodeName('.'), u16(16, 1)), answers: [] }),
      reason: 'not a tree head name',
    },
    { name: 'no answer', payload: message({ answers: [] }), reason: 'answer count' },
    { name: 'two answers', payload: message({ answers: [TXT, TXT] }), reason: 'answer count' },
    {
      name: 'a signature alone',
      payload: message({ answers: [signature(16)] }),
      reason: 'answer count',
    },
    {
      name: 'two answers and their signature',
      payload: message({ answers: [TXT, TXT, signature(16)] }),
      reason: 'answer count',
    },
    {
      name: 'a signature of other records',
      payload: message({ answers: [TXT, signature(1)] }),
      reason: 'answer count',
    },
    {
      name: 'a signature of another name',
      payload: message({ answers: [TXT, signature(16, encodeName('log.example'))] }),
      reason: 'answer count',
    },
    {
      name: 'an answer of another name',
      payload: message({ answers: [record({ owner: encodeName('sth.log.exampla') })] }),
      reason: 'answer name',
    },
    {
      name: 'an answer of a name below',
      payload: message({ answers: [record({ owner: u16(0xc010) })] }),
      reason: 'answer name',
    },
    {
      name: 'a CNAME',
      payload: message({ answers: [record({ type: 5, rdata: u16(0xc010) })] }),
      reason: 'answer type',
    },
    {
      name: 'TXT of class CH',
      payload: message({ answers: [record({ class: 3 })] }),
      reason: 'answer type',
    },
    {
      name: 'TXT without strings',
      payload: message({ answers: [record({ rdata: new Uint8Array(0) })] }),
      reason: 'empty txt',
      offset: RECORDS_AT + 12,
    },
    {
      name: 'RDLENGTH 252 over 220 bytes',
      payload: message({ answers: [record({ rdata: strings('x'.repeat(219)), rdlength: 252 })] }),
      reason: 'rdlength',
      offset: RECORDS_AT + 10,
    },
    {
      name: 'RDLENGTH 65535',
      payload: message({ answers: [record({ rdlength: 65_535 })] }),
      reason: 'rdlength',
      offset: RECORDS_AT + 10,
    },
    {
      name: 'a string longer than RDLENGTH',
      payload: message({
        answers: [record({ rdata: concat(Uint8Array.of(9), Buffer.from('1.2.3.4')) })],
        trailing: new Uint8Array(50),
      }),
      reason: 'rdlength',
      offset: RECORDS_AT + 12,
    },
    {
      name: 'a second string that lies',
      payload: message({
        answers: [record({ rdata: concat(strings('1.2'), Uint8Array.of(255, 1)) })],
      }),
      reason: 'rdlength',
      offset: RECORDS_AT + 16,
    },
    {
      name: 'RDLENGTH that cuts the string and leaves the rest behind',
      payload: message({ answers: [record({ rdlength: 4 })] }),
      reason: 'rdlength',
      offset: RECORDS_AT + 12,
    },
    {
      name: 'more text than any tree head',
      payload: message({ answers: [long] }),
      reason: 'text too long',
    },
    {
      name: 'fewer records than counted',
      payload: message({ counts: [1, 1, 0, 1] }),
      reason: 'truncated',
      offset: message().length,
    },
    {
      name: '65,535 records claimed',
      payload: message({ counts: [1, 65_535, 65_535, 65_535] }),
      reason: 'too many records',
      offset: 6,
    },
    {
      name: 'two OPT records',
      payload: message({ additionals: [opt(), opt()] }),
      reason: 'opt record',
    },
    {
      name: 'OPT among the answers',
      payload: message({ answers: [TXT, opt()] }),
      reason: 'opt record',
    },
    {
      name: 'OPT with an owner',
      payload: message({ additionals: [record({ type: 41, rdata: new Uint8Array(0) })] }),
      reason: 'opt record',
    },
    {
      name: 'an OPT option that lies',
      payload: message({
        additionals: [record({ owner: Uint8Array.of(0), type: 41, rdata: u16(PADDING, 5, 0) })],
      }),
      reason: 'rdlength',
    },
    {
      name: 'half an OPT option',
      payload: message({
        additionals: [record({ owner: Uint8Array.of(0), type: 41, rdata: u16(PADDING) })],
      }),
      reason: 'rdlength',
    },
    {
      name: 'an owner that points to itself',
      payload: message({ answers: [record({ owner: u16(0xc000 | RECORDS_AT) })] }),
      reason: 'pointer not backwards',
      offset: RECORDS_AT,
    },
    {
      name: 'an additional record that does not parse',
      payload: message({ additionals: [record({ owner: u16(0xc000) })] }),
      reason: 'pointer into header',
    },
  ];
  for (const { name, payload, reason, offset } of cases) {
    test(name, () => {
      const refusal = parseTreeHeadAnswer(payload);
      assert.equal(refusal.kind, 'refused');
      assert.equal(refusal.reason, reason);
      if (offset !== undefined) assert.equal(refusal.offset, offset);
    });
  }
});

describe('any bytes', () => {
  const whole = dnsAnswer({ name: NAME, padding: 10 });
  const mutated = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .chain((changes) => fc.nat(whole.length).map((length) => ({ changes, length })))
    .map(({ changes, length }) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
    });

  test('never throw out of parseTreeHeadAnswer, nor anything but FormatError out of parseMessage', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        parseTreeHeadAnswer(bytes);
        try {
          parseMessage(bytes);
        } catch (error) {
          assert.ok(error instanceof FormatError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('what is accepted, dns-packet reads the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 6 }),
        (texts) => {
          const ascii = texts.map((text) =>
            Buffer.from(text, 'latin1')
              .toString('latin1')
              .replace(/[^\x20-\x7e]/g, '.'),
          );
          const payload = message({ answers: [record({ rdata: strings(...ascii) })] });
          const ours = parseTreeHeadAnswer(payload);
          const [theirs] = dnsPacket.decode(Buffer.from(payload)).answers ?? [];
          assert.ok(ours.kind === 'answer' && theirs?.type === 'TXT' && Array.isArray(theirs.data));
          assert.equal(ours.text.toString('latin1'), theirs.data.map(String).join(''));
        },
      ),
    );
  });
});

describe('real data', () => {
  test('the answer of Google Rocketeer, June 2018', () => {
    const decoder = new DatagramDecoder();
    const { frames } = readVector('dns-frames-2018.json') as { frames: string[] };
    const results = frames.map((hex) => {
      const datagram = decoder.push(Buffer.from(hex, 'hex'), 0, 'capture');
      return datagram && parseTreeHeadAnswer(datagram.payload);
    });
    assert.deepEqual(results[0], { kind: 'refused', reason: 'not a response' });
    assert.ok(results[1]?.kind === 'answer');
    assert.deepEqual(results[1].name, encodeName('sth.rocketeer.ct.googleapis.com'));
    assert.equal(results[1].text.toString('latin1').split('.')[0], '314423677');
    assert.equal(results[1].text.length, 169);
  });

  const cases = 'ct-over-dns/sth_txt_cases.json';
  test('TXT strings as Google tested them, joined', { skip: needsShared(cases) }, () => {
    const { cases: rows } = JSON.parse(readShared(cases).toString()) as {
      cases: { txt_strings: string[] | null }[];
    };
    let read = 0;
    for (const { txt_strings: texts } of rows) {
      if (texts === null || texts.length === 0) continue;
      const answer = parseTreeHeadAnswer(
        message({ answers: [record({ rdata: strings(...texts) })] }),
      );
      assert.ok(answer.kind === 'answer');
      assert.equal(answer.text.toString('latin1'), texts.join(''));
      read += 1;
    }
    assert.ok(read >= 10);
  });
});
