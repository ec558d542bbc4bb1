// SPDX-License-Identifier: Apache-2.0
/**
 * Signed messages: what is changed, replayed or signed by somebody else is not genuine. That servers
 * understand what is signed here test/zone/updates.test.ts shows with Knot, BIND and PowerDNS.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FormatError } from '../../src/base/cursor.ts';
import { signMessage, verifyResponse, type TsigKey } from '../../src/dns/tsig.ts';
import { fc } from '../support/random.ts';
import { message, record } from './messages.ts';

const key: TsigKey = { name: 'a.key', secret: Buffer.alloc(32, 1) };
const NOW = 1_700_000_000_000;
const request = signMessage(message({ flags: 0 }), key, NOW);

/** A message signed as one that follows none: verified with an empty MAC it lacks two zeros. */
const genuine = (bytes: Uint8Array, by = key, mac = request.mac, now = NOW): boolean =>
  verifyResponse(bytes, by, mac, now).isGenuine;

/** Signed as a server signs its response: behind the MAC of the request. */
function respond(response: Uint8Array, by = key, now = NOW): Uint8Array {
  const prefix = Buffer.concat([Buffer.from([0, request.mac.length]), request.mac]);
  // signMessage signs what it is given and appends to it, so the prefix is taken off again.
  const { mac } = signMessage(Buffer.concat([prefix, response]), by, now);
  const { bytes } = signMessage(response, by, now);
  const result = Buffer.from(bytes);
  result.set(mac, result.length - 6 - mac.length);
  return result;
}

describe('a response', () => {
  const response = message({ answers: [record()] });
  test('that the server signed is genuine', () => {
    assert(genuine(respond(response)));
    assert(genuine(respond(response), { ...key, name: 'A.KEY' }));
  });
  const others: readonly [string, boolean][] = [
    ['not signed at all', genuine(response)],
    [
      'signed with another secret',
      genuine(respond(response, { ...key, secret: Buffer.alloc(32, 2) })),
    ],
    ['signed with another key', genuine(respond(response, { ...key, name: 'b.key' }))],
    ['in answer to another request', genuine(respond(response), key, Buffer.alloc(32, 9))],
    ['signed by itself, as a request is', genuine(signMessage(response, key, NOW).bytes)],
    ['an hour old', genuine(respond(response, key, NOW - 3_600_000))],
  ];
  for (const [what, isGenuine] of others) test(`${what} is not`, () => assert(!isGenuine));

  test('with any byte changed is not, but for the identification, and nothing else is thrown', () => {
    const whole = respond(response);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(whole);
        bytes[at] = (bytes[at] as number) ^ change;
        try {
          const isSame = at < 2 || (change === 0x20 && genuine(bytes));
          assert.equal(genuine(bytes), isSame, `${at}`);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('cut anywhere is malformed or not genuine', () => {
    const whole = respond(response);
    for (let length = 0; length < whole.length; length++)
      try {
        assert(!genuine(whole.subarray(0, length)), `${length}`);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
  });
});
