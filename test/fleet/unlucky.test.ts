// SPDX-License-Identifier: Apache-2.0
/** What people get wrong with keys, certificates and addresses, with real servers. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { Bus, readCredentials } from '../../src/fleet/bus.ts';
import { parseBus, type BusServer } from '../../src/fleet/bus-address.ts';
import { certify, makeAuthority } from '../../src/fleet/certificates.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { freePort } from '../support/ports.ts';

const YEARS_MS = 365 * 86_400_000;

async function connected(t: TestContext, servers: readonly BusServer[], own: string): Promise<Bus> {
  const bus = new Bus({ servers, credentials: readCredentials(own), member: 'site', role: 'site' });
  t.after(() => bus.close());
  await bus.connect();
  return bus;
}

describe('the keys of a member', () => {
  async function memberOf(t: TestContext): Promise<string> {
    return (await TestFleet.found(t, 1)).join('site', 'site');
  }
  const other = makeAuthority('Another', Date.now(), 10);

  for (const [what, spoil, expected] of [
    ['an empty bus.nkey', { 'bus.nkey': '' }, /bus\.nkey holds no seed/],
    ['a bus.nkey that was cut', { 'bus.nkey': 'SUAAAAA\n' }, /bus\.nkey holds no seed/],
    [
      'the public half in bus.nkey',
      { 'bus.nkey': nkeys.createUser().getPublicKey() },
      /bus\.nkey holds no seed/,
    ],
    [
      "an account's seed in bus.nkey",
      { 'bus.nkey': Buffer.from(nkeys.createAccount().getSeed()).toString() },
      /bus\.nkey holds no seed of a user/,
    ],
    ['a ca.pem that is none', { 'ca.pem': 'nothing' }, /ca\.pem holds no certificate/],
    [
      'a bus.pem that is none',
      { 'bus.nkey': undefined, 'bus.pem': 'x', 'bus.key': other.key },
      /bus\.pem holds no certificate/,
    ],
    [
      'a bus.key that is none',
      { 'bus.nkey': undefined, 'bus.pem': other.certificate, 'bus.key': 'x' },
      /bus\.key holds no private key/,
    ],
    [
      "another's bus.key",
      {
        'bus.nkey': undefined,
        'bus.pem': other.certificate,
        'bus.key': makeAuthority('A third', Date.now(), 10).key,
      },
      /bus\.key is not the key of bus\.pem/,
    ],
  ] as const)
    test(`are refused at once with ${what}, by the name of the file`, async (t) => {
      const own = await memberOf(t);
      for (const [file, content] of Object.entries(spoil))
        if (content === undefined) rmSync(join(own, file));
        else writeFileSync(join(own, file), content);
      assert.throws(() => readCredentials(own), { code: 'bad-input', message: expected });
    });

  test('are read with what an editor leaves at their ends', async (t) => {
    const own = await memberOf(t);
    const seed = readFileSync(join(own, 'bus.nkey'), 'utf8').trim();
    writeFileSync(join(own, 'bus.nkey'), `\uFEFF  ${seed}\r\n\r\n`);
    assert.equal(Buffer.from(readCredentials(own).nkey ?? []).toString(), seed);
  });
});

describe('a bus', { skip: noNats }, () => {
  for (const host of ['localhost', '::1'])
    test(`is reached at ${host}, whose certificate says so`, async (t) => {
      const fleet = await TestFleet.found(t, 1, undefined, host);
      const [hub, own] = [fleet.join('hub', 'collector'), fleet.join('site', 'site')];
      await fleet.start('n1');
      assert(fleet.url.includes(host === '::1' ? '[::1]:' : 'localhost:'));
      const collector = new Bus({
        ...{ servers: fleet.servers, credentials: readCredentials(hub) },
        ...{ member: 'hub', role: 'collector' },
      });
      t.after(() => collector.close());
      await collector.connect();
      await collector.prepare(fleet.roster);
      const bus = await connected(t, fleet.servers, own);
      await bus.publish('site.1', new Uint8Array(8192), 5000);
      // The same server by another name is another server, for all that anybody knows.
      const [{ port } = assert.fail()] = fleet.servers;
      const elsewhere = [{ host: '127.0.0.1', port, isPlain: false }];
      await assert.rejects(connected(t, elsewhere, own), { code: 'bus-unreachable' });
    });

  test('is reached where of three servers one is gone and one says nothing', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const own = fleet.join('site', 'site');
    await fleet.start('n1');
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
    const ports = [(silent.address() as AddressInfo).port, await freePort()];
    const others = parseBus(`tls://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`);
    for (let i = 0; i < 3; i++) {
      const bus = await connected(t, [...others, ...fleet.servers], own);
      assert(bus.isUp);
      await bus.close();
    }
  });

  for (const [what, from, days, expected] of [
    ['has ended', Date.now() - 2 * YEARS_MS, 365, /certificate has expired/],
    ['has not begun', Date.now() + YEARS_MS, 365, /certificate is not yet valid/],
  ] as const)
    test(`whose certificate ${what} is refused, and what is to be done is said`, async (t) => {
      const fleet = await TestFleet.found(t, 1);
      const own = fleet.join('site', 'site');
      const authority = {
        certificate: readFileSync(join(fleet.directory, 'ca.pem'), 'utf8'),
        key: readFileSync(join(fleet.directory, 'ca.key'), 'utf8'),
      };
      const made = certify(authority, 'The fleet test', '127.0.0.1', from, days);
      writeFileSync(join(fleet.directory, 'nodes/n1/server.pem'), made.certificate);
      writeFileSync(join(fleet.directory, 'nodes/n1/server.key'), made.key);
      await fleet.start('n1');
      await assert.rejects(connected(t, fleet.servers, own), (error: unknown) => {
        assert(error instanceof Error && 'remedy' in error);
        assert.match(error.message, expected);
        assert.match(String(error.remedy), /clock|certificate/);
        return true;
      });
    });

  test('that does not know the member says so, and what is to be done is said', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    await fleet.start('n1');
    const own = fleet.join('site', 'site');
    writeFileSync(join(own, 'bus.nkey'), nkeys.createUser().getSeed());
    await assert.rejects(connected(t, fleet.servers, own), (error: unknown) => {
      assert(error instanceof Error && 'remedy' in error);
      assert.match(error.message, /Authorization|authorization/);
      assert.match(String(error.remedy), /users\.conf/);
      return true;
    });
  });
});
