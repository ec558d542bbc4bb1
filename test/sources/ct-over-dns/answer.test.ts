// SPDX-License-Identifier: Apache-2.0
/** CT-over-DNS answers off the wire: well-formed ones, and each way not to be one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import dnsPacket from 'dns-packet';
import { parseMessage } from '../../../src/dns/message.ts';
import { encodeName } from '../../../src/dns/name.ts';
import { parseTreeHeadAnswer } from '../../../src/sources/ct-over-dns/answer.ts';
import type { DnsRefusalReason } from '../../../src/sources/dns-answer.ts';
import { FormatError } from '../../../src/base/cursor.ts';
import { DatagramDecoder } from '../../../src/packet/decode.ts';
import { concat, dnsAnswer } from '../../support/packets.ts';
import { needsShared, readShared } from '../../support/shared.ts';
import { readVector } from '../../support/vectors.ts';
import {
  alias,
  message,
  NAME,
  opt,
  QUESTION,
  record,
  RECORDS_AT,
  signature,
  strings,
  TXT,
  u16,
} from '../../dns/messages.ts';
import { fc } from '../../support/random.ts';

const PADDING = 12;
const SOA = record({ type: 6, rdata: concat(u16(0xc00c, 0xc00c), new Uint8Array(20)) });

const OTHER = encodeName('heads.example');
const STH = QUESTION.subarray(0, 4);
const texts = (...parts: readonly string[]): Uint8Array => record({ rdata: strings(...parts) });

describe('answers', () => {
  const cases: readonly { name: string; payload: Uint8Array; text: string | string[] }[] = [
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
      name: 'records of any other type, and signatures of anything',
      payload: message({ answers: [signature(1), SOA, TXT, record({ type: 0xff01 })] }),
      text: '1.2.3.4',
    },
    {
      name: 'a CNAME, and TXT of the name that it leads to',
      payload: message({ answers: [alias(OTHER), record({ owner: OTHER })] }),
      text: '1.2.3.4',
    },
    {
      name: 'a chain in the wrong order, signed, with a loop and a DNAME',
      payload: message({
        answers: [
          record({ owner: encodeName('z') }),
          alias(encodeName('z'), encodeName('y')),
          signature(5),
          alias(encodeName('y'), encodeName('z')),
          record({ owner: encodeName('example'), type: 39, rdata: encodeName('y') }),
          alias(encodeName('y')),
        ],
      }),
      text: '1.2.3.4',
    },
    {
      name: 'TXT of a name that nothing leads to: some clients do not look at it',
      payload: message({ answers: [record({ owner: encodeName('unrelated.test') })] }),
      text: '1.2.3.4',
    },
    {
      name: 'an owner that points to itself, at which nobody needs to look',
      payload: message({ answers: [record({ owner: u16(0xc000 | RECORDS_AT) })] }),
      text: '1.2.3.4',
    },
    {
      name: 'one text twice',
      payload: message({ answers: [TXT, record({ owner: encodeName(NAME) })] }),
      text: ['1.2.3.4', '1.2.3.41.2.3.4'],
    },
    {
      name: 'two texts: each by itself, and as a client may join them',
      payload: message({ answers: [texts('ab'), signature(16), texts('c', 'd')] }),
      text: ['ab', 'cd', 'abcd', 'cdab'],
    },
    {
      name: 'four texts, as a resolver rotates them',
      payload: message({ answers: ['a', 'b', 'c', 'd'].map((text) => texts(text)) }),
      text: ['a', 'b', 'c', 'd', 'abcd', 'bcda', 'cdab', 'dabc'],
    },
    {
      name: 'more texts, in the order in which they came',
      payload: message({ answers: ['a', 'b', 'c', 'd', 'e'].map((text) => texts(text)) }),
      text: ['a', 'b', 'c', 'd', 'e', 'abcde'],
    },
    {
      name: 'TXT without strings',
      payload: message({ answers: [record({ rdata: new Uint8Array(0) })] }),
      text: '',
    },
    {
      name: 'a string longer than RDLENGTH',
      payload: message({
        answers: [record({ rdata: concat(Uint8Array.of(9), Buffer.from('1.2.3.4')) })],
        trailing: new Uint8Array(50),
      }),
      text: '',
    },
    {
      name: 'a second string that lies: kdig prints the first',
      payload: message({
        answers: [record({ rdata: concat(strings('1.2'), Uint8Array.of(255, 1)) })],
      }),
      text: '1.2',
    },
    {
      name: 'a text that does not parse beside one that does',
      payload: message({ answers: [record({ rdata: Uint8Array.of(9, 1) }), TXT] }),
      text: ['', '1.2.3.4'],
    },
    {
      name: 'what comes before a record that does not parse',
      payload: message({ answers: [TXT, record({ rdlength: 999 })] }),
      text: '1.2.3.4',
    },
    {
      name: 'fewer answers than counted',
      payload: message({ counts: [1, 65_535, 65_535, 65_535] }),
      text: '1.2.3.4',
    },
    {
      name: 'anything in the sections behind',
      payload: message({
        authorities: [record({ owner: u16(0xc000) }), opt()],
        additionals: [opt(), opt(), record({ rdlength: 9999 })],
      }),
      text: '1.2.3.4',
    },
    { name: 'OPT among the answers', payload: message({ answers: [TXT, opt()] }), text: '1.2.3.4' },
    {
      name: 'TXT of class CH, which c-ares takes',
      payload: message({ answers: [record({ class: 3 })] }),
      text: '1.2.3.4',
    },
    { name: 'TC, which some clients ignore', payload: message({ flags: 0x8600 }), text: '1.2.3.4' },
    {
      name: 'another opcode, which c-ares and Go do not look at',
      payload: message({ flags: 0xa400 }),
      text: '1.2.3.4',
    },
    {
      name: 'what says that it is a query, which c-ares, glibc and dig take',
      payload: message({ flags: 0x0100 }),
      text: '1.2.3.4',
    },
    {
      name: 'two questions, of which dig prints the first',
      payload: message({ counts: [2, 1, 0, 0], question: concat(QUESTION, QUESTION) }),
      text: '1.2.3.4',
    },
    {
      name: 'a question that ends at a zero of the header, which dig, c-ares and Go take',
      payload: message({ question: concat(QUESTION.subarray(0, -5), u16(0xc004, 16, 1)) }),
      text: '1.2.3.4',
    },
    {
      name: 'a question that goes on in the owner behind it, which unbound and Go take',
      payload: message({
        question: concat(QUESTION.subarray(0, 4), u16(0xc000 | (12 + 10 + 4), 16, 1)),
        answers: [record({ owner: encodeName(NAME) })],
      }),
      text: '1.2.3.4',
    },
    {
      name: 'a question of 256 pointers, as many as unbound follows',
      payload: message({
        question: u16(0xc000 | 600, 16, 1),
        answers: [
          TXT,
          record({
            type: 99,
            rdata: concat(
              new Uint8Array(600 - 12 - 6 - TXT.length - 12),
              ...Array.from({ length: 255 }, (_, i) => u16(0xc000 | (602 + 2 * i))),
              encodeName(NAME),
            ),
          }),
        ],
      }),
      text: '1.2.3.4',
    },
    { name: 'another RCODE', payload: message({ flags: 0x8403 }), text: '1.2.3.4' },
    {
      name: 'the beginning of more text than any tree head',
      payload: message({
        answers: [record({ rdata: strings(...Array.from({ length: 9 }, () => 'x'.repeat(255))) })],
      }),
      text: 'x'.repeat(2048),
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
        texts: [text].flat().map((each) => Buffer.from(each, 'latin1')),
      });
    });
  }

  test('the name is folded; the question may come in any case (0x20)', () => {
    const question = concat(encodeName('sTh.LoG.exAMPLe'), u16(16, 1));
    assert.deepEqual(parseTreeHeadAnswer(message({ question })), {
      kind: 'answer',
      name: encodeName(NAME),
      texts: [Buffer.from('1.2.3.4')],
    });
  });

  test('trailing bytes are counted', () => {
    assert.equal(parseMessage(message({ trailing: new Uint8Array(5) })).trailingBytes, 5);
    assert.equal(parseMessage(message()).trailingBytes, 0);
  });
});

describe('refused', () => {
  const cases: readonly {
    name: string;
    payload: Uint8Array;
    reason: DnsRefusalReason;
    offset?: number;
  }[] = [
    { name: 'nothing', payload: new Uint8Array(0), reason: 'truncated', offset: 0 },
    { name: 'half a header', payload: message().subarray(0, 7), reason: 'truncated', offset: 6 },
    { name: 'a query', payload: message({ flags: 0x0100, answers: [] }), reason: 'not a response' },
    { name: 'SERVFAIL', payload: message({ flags: 0x8402, answers: [] }), reason: 'rcode' },
    {
      name: 'TC, and nothing else',
      payload: message({ flags: 0x8600, answers: [] }),
      reason: 'truncation bit',
    },
    {
      name: 'no question',
      payload: message({ counts: [0, 1, 0, 0], question: new Uint8Array(0) }),
      reason: 'question count',
      offset: 4,
    },
    {
      name: 'more questions than there are',
      payload: message({ counts: [65_535, 1, 0, 0] }),
      reason: 'truncated',
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
      name: 'a question that points to itself',
      payload: message({ question: concat(STH, u16(0xc00c, 16, 1)) }),
      reason: 'name too long',
    },
    {
      name: 'a question that is a circle of pointers',
      payload: message({ question: u16(0xc000 | 18, 16, 1), answers: [u16(0xc00c)] }),
      reason: 'too many pointers',
    },
    {
      name: 'a question that goes on behind the message',
      payload: message({ question: concat(STH, u16(0xffff, 16, 1)) }),
      reason: 'truncated',
    },
    {
      name: 'the root',
      payload: message({ question: concat(encodeName('.'), u16(16, 1)), answers: [] }),
      reason: 'not a tree head name',
    },
    { name: 'no answer', payload: message({ answers: [] }), reason: 'no text' },
    {
      name: 'a signature alone',
      payload: message({ answers: [signature(16)] }),
      reason: 'no text',
    },
    { name: 'a CNAME alone', payload: message({ answers: [alias(OTHER)] }), reason: 'no text' },
    {
      name: 'text in other sections alone',
      payload: message({ answers: [], authorities: [TXT], additionals: [TXT] }),
      reason: 'no text',
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
      name: 'fewer records than counted, and no text',
      payload: message({ counts: [1, 1, 0, 0], answers: [] }),
      reason: 'truncated',
      offset: RECORDS_AT,
    },
    {
      name: 'an owner with a label of no type',
      payload: message({ answers: [record({ owner: Uint8Array.of(0x40, 0) })] }),
      reason: 'label type',
      offset: RECORDS_AT,
    },
    {
      name: 'an owner longer than a name',
      payload: message({
        answers: [
          record({ owner: concat(...Array.from({ length: 5 }, () => strings('x'.repeat(63)))) }),
        ],
      }),
      reason: 'name too long',
    },
    {
      name: 'text behind a record that does not parse',
      payload: message({ answers: [record({ type: 1, rdlength: 999 }), TXT] }),
      reason: 'rdlength',
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
          assert.deepEqual(ours.texts.map(String), [theirs.data.map(String).join('')]);
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
    const [text = assert.fail(), ...others] = results[1].texts;
    assert.equal(text.toString('latin1').split('.')[0], '314423677');
    assert.deepEqual([text.length, others.length], [169, 0]);
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
      assert.deepEqual(answer.texts.map(String), [texts.join('')]);
      read += 1;
    }
    assert.ok(read >= 10);
  });
});
