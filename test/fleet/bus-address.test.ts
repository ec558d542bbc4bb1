// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBus } from '../../src/fleet/bus-address.ts';

describe('where a bus is', () => {
  for (const [text, expected] of [
    ['tls://nats1,nats2:4223', ['nats1 4222', 'nats2 4223']],
    ['tls://a.example,tls://b.example', ['a.example 4222', 'b.example 4222']],
    ['tls://[2001:db8::1]:5000/', ['2001:db8::1 5000']],
    ['nats://127.0.0.1:4222', ['127.0.0.1 4222 plain']],
    ['nats://[::1],localhost', ['::1 4222 plain', 'localhost 4222 plain']],
  ] as const)
    test(text, () => {
      const servers = parseBus(text).map(({ host, port, isPlain }) =>
        [host, port, ...(isPlain ? ['plain'] : [])].join(' '),
      );
      assert.deepEqual(servers, expected);
    });

  for (const text of [
    '',
    'nats1',
    'http://nats1',
    'tls://',
    'tls://a,,b',
    'tls://a:0',
    'tls://a:65536',
    'tls://a/b',
    'tls://u:p@a',
    'tls://[a]',
    'nats://192.0.2.1',
    'nats://localhost.example',
    'nats://127.0.0.1.example',
    'nats://127.1',
    'nats://127.0.0.1,bus.example',
  ])
    test(`not at "${text}"`, () => {
      assert.throws(() => parseBus(text), RangeError);
    });
});
