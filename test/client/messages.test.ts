// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../support/random.ts';
import { FrameReader, MAX_MESSAGE } from '../../src/client/frames.ts';
import { frameFromDaemon, readToDaemon, type StatusMessage } from '../../src/client/messages.ts';

const read = (message: unknown): unknown => readToDaemon(Buffer.from(JSON.stringify(message)));
const origin = 'https://www.example.net';
const seen = { type: 'seen', origin, chain: ['AAAA'], scts: [] };

describe('a message to the daemon', () => {
  const bytes = Uint8Array.of(0, 0, 0);
  for (const [what, message, want] of [
    ['a chain', seen, { ...seen, chain: [bytes] }],
    ['no SCTs beside it', { type: 'seen', origin, chain: ['AAAA'] }, { ...seen, chain: [bytes] }],
    ['what a later version says too', { ...seen, x: 1 }, { ...seen, chain: [bytes] }],
    ['a port', { type: 'forget', origin: 'https://a.example:8443' }, undefined],
    ['an address', { type: 'forget', origin: 'https://[2001:db8::1]' }, undefined],
    [
      'a name that is not ASCII',
      { type: 'forget', origin: 'https://xn--mnchen-3ya.example' },
      undefined,
    ],
    ['all', { type: 'forget-all' }, undefined],
    ['feedback', { type: 'feedback', origin, outcome: 'refused', status: 404 }, undefined],
    ['feedback without a status', { type: 'feedback', origin, outcome: 'failed' }, undefined],
    ['a question', { type: 'status' }, undefined],
  ] as const)
    test(`is read: ${what}`, () => assert.deepEqual(read(message), want ?? message));

  for (const [what, message, why] of [
    ['of no type', {}, /^type/],
    ['of another type', { type: 'sign' }, /^type/],
    ['that is no object', [], /^document/],
    ['nothing', null, /^document/],
    ['without a chain', { type: 'seen', origin, chain: [] }, /^chain/],
    ['with a long chain', { ...seen, chain: Array(11).fill('AAAA') }, /^chain/],
    ['with many SCTs', { ...seen, scts: Array(65).fill('AAAA') }, /^scts/],
    ['with other base64', { ...seen, chain: ['A-_A'] }, /^chain\[0\]: is not padded base64/],
    ['with SCTs that are no texts', { ...seen, scts: [1] }, /^scts\[0\]/],
    ...[
      'http://www.example.net',
      'https://www.example.net/',
      'https://WWW.example.net',
      'https://www.example.net:443',
      'https://user@www.example.net',
      'moz-extension://a',
      'null',
      '',
      `https://${'a'.repeat(300)}.example`,
    ].map(
      (text) => [`of ${text.slice(0, 40)}`, { ...seen, origin: text }, /^origin: is not/] as const,
    ),
    ['of another outcome', { type: 'feedback', origin, outcome: 'x' }, /^outcome/],
    ['of no HTTP status', { type: 'feedback', origin, outcome: 'sent', status: 1e9 }, /^status/],
  ] as const)
    test(`is refused: ${what}`, () =>
      assert.throws(
        () => read(message),
        (error) => error instanceof RangeError && why.test(error.message),
      ));

  test('is refused where it is no JSON, or no UTF-8', () => {
    for (const body of [Buffer.from('{'), Buffer.from([0x22, 0xff, 0x22]), Buffer.alloc(0)])
      assert.throws(() => readToDaemon(body), RangeError);
  });

  test('is read or refused, whatever it is', () => {
    const near = fc.record({
      type: fc.constantFrom('seen', 'forget', 'forget-all', 'feedback', 'status', 'x'),
      origin: fc.oneof(fc.webUrl(), fc.constant(origin), fc.anything()),
      chain: fc.oneof(fc.array(fc.base64String()), fc.anything()),
      scts: fc.oneof(fc.array(fc.base64String()), fc.anything()),
      outcome: fc.oneof(fc.constantFrom('sent', 'failed'), fc.anything()),
      status: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.json().map(JSON.parse)), (message) => {
        try {
          read(message);
        } catch (error) {
          assert(error instanceof RangeError);
        }
      }),
    );
  });
});

describe('a message from the daemon', () => {
  const status = (count: number): StatusMessage => ({
    type: 'status',
    logs: [],
    scts: Array.from({ length: count }, (_, i) => ({
      origin: `https://${i}.example`,
      log: 'alpha',
      time: 2n ** 60n,
      state: 'waiting',
      why: 'x'.repeat(1000),
    })),
    more: 3,
    discarded: {},
    findings: [],
    feedback: [],
    federations: [],
  });
  const parsed = (bytes: Buffer): StatusMessage => {
    const [body] = [...new FrameReader().take(bytes)];
    return JSON.parse(body?.toString() ?? '') as StatusMessage;
  };

  test('has large numbers as text', () => {
    assert.equal(parsed(frameFromDaemon(status(1))).scts[0]?.time, '1152921504606846976');
  });

  test('is never longer than a browser takes', () => {
    const bytes = frameFromDaemon(status(5000));
    assert(bytes.length <= MAX_MESSAGE + 4);
    const { scts, more } = parsed(bytes);
    assert(scts.length > 0);
    assert.equal(scts.length + more, 5003);
    assert.equal(scts[0]?.origin, 'https://0.example');
  });
});
