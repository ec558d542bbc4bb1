// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIdentity } from '../../src/http/proxy.ts';
import { isPrivateHost } from '../../src/http/targets.ts';

const PRIVATE = [
  '127.0.0.1',
  '127.255.0.9',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
  '240.0.0.1',
  '::1',
  '::',
  'fe80::1',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '2001:db8::1',
  // The same places, dressed up: IPv4-mapped, NAT64, 6to4.
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'localhost',
  'LOCALHOST.',
  'log.localhost',
  'printer',
  'nas.local',
  'log.internal',
  'router.lan',
  'log.home.arpa',
  'log.ctga.test',
  'x.invalid',
];
const PUBLIC = [
  'ct.googleapis.com',
  'mon.willow.ct.letsencrypt.org.',
  '8.8.8.8',
  '2606:4700::1111',
  'localhost.com',
];

for (const host of PRIVATE) test(`${host} is private`, () => assert(isPrivateHost(host)));
for (const host of PUBLIC) test(`${host} is public`, () => assert(!isPrivateHost(host)));

test('whatever way an address is written in a URL, nothing goes there, not even to the proxy', async () => {
  // A proxy that is not there: it would be missed.
  const identity = openIdentity({ host: '127.0.0.1', port: 1 });
  for (const host of [
    '127.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '[::1]',
    '[::ffff:10.0.0.1]',
    'LocalHost',
  ]) {
    await assert.rejects(identity.fetch(`http://${host}/ct/v1/get-sth`), {
      code: 'http-private-address',
      message: /no public address: nothing was sent/,
    });
  }
  await assert.rejects(identity.fetch('http://ct.example.com/'), { code: 'proxy-unavailable' });
  identity.close();
});
