// SPDX-License-Identifier: Apache-2.0
/** What `ctga fleet init` and `join` write, tried with nats-server and openssl. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readMembership, readRoster } from '../../src/fleet/roster.ts';
import { noNats } from '../support/bus.ts';
import { CTGA, ctga } from '../support/ctga.ts';

const parent = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(parent, { recursive: true }));
const directory = join(parent, 'fleet');

describe('a fleet that is founded', () => {
  test('by name and address, and joined', async () => {
    const init = await ctga([
      ...['fleet', 'init', directory, '--name', 'isp'],
      ...['--node', 'n1=bus1.example.net', '--node', 'n2=192.0.2.7:5222'],
      ...['--node', 'n3=[2001:db8::3]'],
    ]);
    assert.equal(init.code, 0, init.stderr);
    assert.match(init.stdout, /ctga fleet join NAME --dir/);
    for (const [name, role] of [
      ['hub', 'collector'],
      ['router1', 'site'],
      ['router2', 'site'],
    ] as const) {
      const joined = await ctga(['fleet', 'join', name, '--role', role, '--dir', directory]);
      assert.equal(joined.code, 0, joined.stderr);
      const bus = 'tls://bus1.example.net:4222,192.0.2.7:5222,[2001:db8::3]:4222';
      assert(joined.stdout.includes(bus), joined.stdout);
    }
    assert.deepEqual(
      readRoster(directory).members.map(({ name, role }) => `${name} ${role}`),
      ['hub collector', 'router1 site', 'router2 site'],
    );
    // Each knows whom it hears, whoever joined later.
    for (const [name, role] of [
      ['hub', 'collector'],
      ['router1', 'site'],
    ] as const) {
      const { roster, member } = readMembership(join(directory, 'members', name), role);
      assert.equal(roster.members.length, 3);
      assert.equal(member.name, name);
    }
  });

  test('has all who join at once', async () => {
    const own = join(parent, 'at-once');
    await ctga(['fleet', 'init', own, '--node', 'n1=bus1.example.net']);
    const names = Array.from({ length: 6 }, (_, i) => `r${i}`);
    // In processes of their own, each of which has to end well.
    const run = promisify(execFile);
    await Promise.all(names.map((name) => run(CTGA, ['fleet', 'join', name, '--dir', own])));
    const there = readRoster(own).members.map(({ name }) => name);
    assert.deepEqual(there.toSorted(), names);
    const users = readFileSync(join(own, 'nodes', 'n1', 'users.conf'), 'utf8');
    assert.equal(users.split('nkey:').length, names.length + 1);
  });

  test('keeps its secrets to its owner', () => {
    const secrets = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
      /\.(key|nkey)$/.test(path),
    );
    assert.equal(secrets.length, 1 + 3 + 2 * 3);
    for (const path of secrets)
      assert.equal(statSync(join(directory, path)).mode & 0o777, 0o600, path);
    const roster = readFileSync(join(directory, 'fleet.json'), 'utf8');
    assert.doesNotMatch(roster, /PRIVATE|"S[A-Z2-7]{50,}/);
  });

  test('is refused where it could not be used, and says how IPv6 is written', async () => {
    const long = 'a'.repeat(63);
    for (const [nodes, says] of [
      [['a=192.0.2.1', 'b=192.0.2.1'], /^ctga: two nodes have one address\n {2}Give one/],
      // One would want the port at which the other meets its like.
      [['a=bus:4222', 'b=BUS:6222'], /^ctga: two nodes have one address\n {2}Give one/],
      [Array.from({ length: 10 }, (_, i) => `n${i}=bus${i}`), /^ctga: that is more .*: nodes/],
      ...['[:::::]', '[1]', '192.0.2.256', '1.2.3', '..', 'bus.', '-bus', `${long}a.net`].map(
        (host) => [[`a=${host}`], /^ctga: --node a=.*: want NAME=HOST/] as const,
      ),
      [[`a=${[long, long, long, long].join('.')}`], /^ctga: --node a=.*: want NAME=HOST/],
      [['a=2001:db8::1'], /^ctga: --node a=2001:db8::1: want .* an IPv6 address in brackets\n/],
    ] as const) {
      const options = nodes.flatMap((node) => ['--node', node]);
      const { code, stderr } = await ctga(['fleet', 'init', join(parent, 'none'), ...options]);
      assert.equal(code, 2, nodes.join(' '));
      assert.match(stderr, says);
      assert(!existsSync(join(parent, 'none')));
    }
  });

  test('is not founded twice, and nobody joins twice', async () => {
    const again = await ctga(['fleet', 'init', directory, '--node', 'n1=a']);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /has a fleet already/);
    const twice = await ctga(['fleet', 'join', 'router1', '--dir', directory]);
    assert.equal(twice.code, 2);
    assert.match(twice.stderr, /has a member called router1/);
    const nodes = ['--node', 'n1=a', '--node', 'n1=b'];
    const same = await ctga(['fleet', 'init', join(parent, 'other'), ...nodes]);
    assert.equal(same.code, 2);
  });

  test('has certificates that openssl verifies for their hosts, and for no others', () => {
    const verify = (node: string, ...host: readonly string[]): number | null =>
      spawnSync('openssl', [
        ...['verify', '-x509_strict', '-purpose', 'sslserver', ...host],
        ...['-CAfile', join(directory, 'ca.pem')],
        join(directory, 'nodes', node, 'server.pem'),
      ]).status;
    assert.equal(verify('n1', '-verify_hostname', 'bus1.example.net'), 0);
    assert.equal(verify('n2', '-verify_ip', '192.0.2.7'), 0);
    assert.equal(verify('n3', '-verify_ip', '2001:db8::3'), 0);
    assert.notEqual(verify('n1', '-verify_hostname', 'bus2.example.net'), 0);
    assert.notEqual(verify('n2', '-verify_ip', '192.0.2.8'), 0);
  });

  test('has a configuration that nats-server takes', { skip: noNats }, () => {
    for (const node of ['n1', 'n2', 'n3']) {
      const config = join(directory, 'nodes', node, 'nats-server.conf');
      const text = readFileSync(config, 'utf8');
      writeFileSync(config, text.replaceAll('/etc/ctga-bus', join(directory, 'nodes', node)));
      const { status, stderr } = spawnSync('nats-server', ['-t', '-c', config], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
    }
  });

  test('is refused by a member of another role, or without its key', async () => {
    const [site, hub] = ['router1', 'hub'].map((name) => join(directory, 'members', name));
    assert(site && hub);
    assert.throws(() => readMembership(site, 'collector'), /router1 is a site of the fleet/);
    writeFileSync(join(site, 'member.key'), readFileSync(join(directory, 'ca.key')));
    assert.throws(() => readMembership(site, 'site'), /no key of Ed25519/);
    writeFileSync(join(site, 'member.key'), 'no key\n');
    assert.throws(() => readMembership(site, 'site'), /no private key in PEM/);
    rmSync(join(hub, 'bus.nkey'));
    const state = join(parent, 'state');
    const { code, stderr } = await ctga([
      ...['collect', '--bus', 'nats://127.0.0.1:1', '--fleet', hub, '--state-dir', state],
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /has neither bus\.nkey nor bus\.pem/);
  });
});

describe('a roster', () => {
  const good = {
    format: 'ctga-fleet',
    version: 1,
    name: 'isp',
    intervalSeconds: 10,
    batchBytes: 8192,
    nodes: [{ name: 'n1', host: 'a', port: 4222, clusterPort: 6222 }],
    members: [{ name: 'x', role: 'site', key: Buffer.alloc(32).toString('base64') }],
  };
  const read = (json: unknown): unknown => {
    const own = mkdtempSync(join(parent, 'roster-'));
    writeFileSync(join(own, 'fleet.json'), JSON.stringify(json));
    return readRoster(own);
  };
  test('is read', () => {
    assert.doesNotThrow(() => read(good));
  });
  for (const [what, json] of [
    ['of another version', { ...good, version: 2 }],
    ['with a batch that no head fits in', { ...good, batchBytes: 1000 }],
    ['with no interval', { ...good, intervalSeconds: 0 }],
    ['with a name that is a subject', { ...good, members: [{ ...good.members[0], name: 'a.>' }] }],
    ['with two of one name', { ...good, members: [good.members[0], good.members[0]] }],
    ['with a short key', { ...good, members: [{ ...good.members[0], key: 'AAAA' }] }],
    ['that makes another user', { ...good, members: [{ ...good.members[0], nkey: 'U } {' }] }],
    ['with a host that is more', { ...good, nodes: [{ ...good.nodes[0], host: 'a"\n' }] }],
  ] as const)
    test(`${what} is refused`, () => {
      assert.throws(() => read(json), { code: 'bad-input' });
    });
});
