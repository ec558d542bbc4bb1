// SPDX-License-Identifier: Apache-2.0
/** Members that show the bus a TLS certificate in the place of an NKEY, as docs/FLEET.md says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Bus, readCredentials } from '../../src/fleet/bus.ts';
import { readRoster, type MemberRole } from '../../src/fleet/roster.ts';
import { noNats, TestFleet } from '../support/bus.ts';

function openssl(directory: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** An authority of the operator's own. */
function makeAuthority(directory: string, name: string): void {
  openssl(
    directory,
    ...['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
  );
}

function certify(directory: string, authority: string, member: string, own: string): void {
  const files = ['-keyout', join(own, 'bus.key'), '-out', `${member}.csr`];
  openssl(
    directory,
    ...['req', '-newkey', 'ed25519', '-nodes', '-subj', `/CN=${member}`, ...files],
  );
  openssl(
    directory,
    ...['x509', '-req', '-in', `${member}.csr`, '-days', '2', '-out', join(own, 'bus.pem')],
    ...['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial'],
  );
  rmSync(join(own, 'bus.nkey'));
}

test('certificates in the place of NKEYs', { skip: noNats }, async (t) => {
  const fleet = await TestFleet.found(t, 1);
  const own = {
    hub: fleet.join('hub', 'collector'),
    router1: fleet.join('router1', 'site'),
    router2: fleet.join('router2', 'site'),
  };
  const node = join(fleet.directory, 'nodes', 'n1');
  makeAuthority(fleet.directory, 'operator');
  makeAuthority(fleet.directory, 'stranger');
  certify(fleet.directory, 'operator', 'hub', own.hub);
  certify(fleet.directory, 'operator', 'router1', own.router1);
  certify(fleet.directory, 'stranger', 'router2', own.router2);
  copyFileSync(join(fleet.directory, 'operator.pem'), join(node, 'operator.pem'));
  const config = join(node, 'nats-server.conf');
  const text = readFileSync(config, 'utf8');
  const mapped = text.replace(
    /ca_file: "[^"]*"\n {4}timeout: 5/,
    `ca_file: "${join(node, 'operator.pem')}"\n    timeout: 5\n    verify_and_map: true`,
  );
  assert.notEqual(mapped, text);
  writeFileSync(config, mapped);
  const users = join(node, 'users.conf');
  const names = readFileSync(users, 'utf8').replaceAll(
    /nkey: \w+(, permissions: \{[^#]*# (\w+))/gs,
    (_, rest: string, name: string) => `user: "CN=${name}"${rest}`,
  );
  assert.doesNotMatch(names, /nkey/);
  writeFileSync(users, names);
  await fleet.start('n1');

  const open = (member: keyof typeof own, role: MemberRole, as: keyof typeof own = member): Bus => {
    const credentials = readCredentials(own[member]);
    assert(credentials.nkey === undefined && credentials.certificate !== undefined);
    const bus = new Bus({ servers: fleet.servers, credentials, member: as, role });
    t.after(() => bus.close());
    return bus;
  };
  const hub = open('hub', 'collector');
  await hub.connect();
  await hub.prepare(readRoster(fleet.directory));
  const site = open('router1', 'site');
  await site.connect();
  await site.publish('router1.1', new Uint8Array(8192), 5000);

  // The permissions are those of the certificate's name.
  const liar = open('router1', 'site', 'router2');
  await liar.connect();
  await assert.rejects(liar.publish('router2.1', new Uint8Array(8192), 1000), {
    code: 'bus-refused',
  });
  // One that another authority certified does not come in, nor one without a certificate.
  await assert.rejects(open('router2', 'site').connect(), { code: 'bus-unreachable' });
  const { authority } = readCredentials(own.router1);
  const bare = new Bus({
    servers: fleet.servers,
    credentials: { nkey: undefined, certificate: undefined, authority },
    member: 'router1',
    role: 'site',
  });
  await assert.rejects(bare.connect(), { code: 'bus-unreachable' });
  assert.equal(readdirSync(own.router1).includes('bus.nkey'), false);
});
