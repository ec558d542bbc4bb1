// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf, RateLimit, type Permission } from '../../src/dns/rate-limit.ts';

let now = 0;
const limit = (): RateLimit => new RateLimit({ perSecond: 2, burst: 4, now: () => now });
const ask = (some: RateLimit, address: string, times: number): Permission[] =>
  Array.from({ length: times }, () => some.ask(clientOf(address)));

test('a burst is answered, what is beyond is sent to TCP, and then nothing; time makes it good', () => {
  const some = limit();
  assert.deepEqual(ask(some, '192.0.2.1', 4), ['answer', 'answer', 'answer', 'answer']);
  assert.deepEqual(ask(some, '192.0.2.1', 5), [...Array<Permission>(5).fill('over TCP')]);
  assert.deepEqual(ask(some, '192.0.2.1', 2), ['nothing', 'nothing']);
  now += 3000;
  assert.deepEqual(ask(some, '192.0.2.1', 2), ['answer', 'over TCP']);
  now += 3_600_000;
  assert.deepEqual(ask(some, '192.0.2.1', 5), ['answer', 'answer', 'answer', 'answer', 'over TCP']);
});

test('clients are IPv4 addresses and IPv6 /64s, however they are written', () => {
  const some = limit();
  ask(some, '192.0.2.1', 4);
  assert.equal(some.ask(clientOf('::ffff:192.0.2.1')), 'over TCP');
  assert.equal(some.ask(clientOf('192.0.2.2')), 'answer');
  ask(some, '2001:db8:0:1::1', 4);
  assert.equal(some.ask(clientOf('2001:db8:0:1:ffff::9')), 'over TCP');
  assert.equal(some.ask(clientOf('2001:db8:0:2::1')), 'answer');
});
