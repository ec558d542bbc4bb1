// SPDX-License-Identifier: Apache-2.0
/** Sites, a bus of real servers, and a collector, as services. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { describe, test, type TestContext } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import {
  connect,
  nkeyAuthenticator,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { realSleep } from '../../src/base/clock.ts';
import { Bus, readCredentials } from '../../src/fleet/bus.ts';
import {
  alertSubject,
  keySubject,
  leaseKey,
  presenceKey,
  subjectOf,
} from '../../src/fleet/bus-subjects.ts';
import { Outbox, type ReadyBatch } from '../../src/fleet/outbox.ts';
import { readMembership, readRoster, type MemberRole } from '../../src/fleet/roster.ts';
import type { Log } from '../../src/logs/log.ts';
import { memberStatus } from '../../src/services/fleet-status.ts';
import { runMember, type FleetEvent } from '../../src/services/fleet.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const known: Log = {
  key: log.key,
  description: 'The test log',
  url: 'https://log.test/',
  api: 'rfc6962',
  mmd: 86_400,
};
const heads = Array.from({ length: 60 }, (_, i) => log.verified(i + 1, treeOf(i + 1).root()));

function stateIn(t: TestContext): State {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const state = stateAt(directory);
  const store = openForWriting(state);
  store.logs.put([known]);
  store.close();
  return state;
}

function see(state: State, seen: readonly VerifiedStatement[], source = 'eth0'): void {
  const store = openForWriting(state);
  const now = Date.now();
  store.heads.record(
    seen.map((head) => ({ head, source, firstSeen: now, lastSeen: now, count: 1 })),
  );
  store.close();
}

/** Of a server at an address, for which the package gives Node no name. */
function tlsOf(authority = ''): TlsOptions & Pick<ConnectionOptions, 'checkServerIdentity'> {
  return { ca: authority, checkServerIdentity: () => undefined };
}

/** As whoever has the key in a member's directory, with any program. */
async function raw(
  t: TestContext,
  { servers }: TestFleet,
  directory: string,
  name: string,
): Promise<NatsConnection> {
  const [{ host, port } = assert.fail()] = servers;
  const { nkey, authority } = readCredentials(directory);
  const connection = await connect({
    servers: `${host}:${port}`,
    inboxPrefix: `_INBOX.${name}`,
    authenticator: nkeyAuthenticator(nkey ?? assert.fail()),
    tls: tlsOf(authority),
  });
  t.after(() => connection.close());
  return connection;
}

interface Running {
  readonly events: FleetEvent[];
  readonly stop: () => Promise<void>;
}

function run(
  t: TestContext,
  fleet: TestFleet,
  role: 'site' | 'collector',
  directory: string,
  state: State,
): Running {
  const stop = new AbortController();
  const events: FleetEvent[] = [];
  const ended = runMember(
    {
      state,
      roles: [role],
      servers: fleet.servers,
      directory,
      user: process.geteuid?.() === 0 ? 'root' : undefined,
      onEvent: (event) => events.push(event),
      warn: () => undefined,
    },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  t.after(end);
  return { events, stop: end };
}

/** How often each head was seen, by size and root. */
function seenAt(state: State): Record<string, number> {
  const store = openForWriting(state);
  try {
    return Object.fromEntries(
      [...store.heads.all()].map(({ treeSize, count }) => [treeSize.toString(), count]),
    );
  } finally {
    store.close();
  }
}

async function untilSame(hub: State, site: State, ...all: readonly Running[]): Promise<void> {
  await eventually(
    () => JSON.stringify(seenAt(hub)) === JSON.stringify(seenAt(site)),
    () =>
      JSON.stringify(
        [seenAt(hub), seenAt(site), memberStatus(hub), all.map(({ events }) => events)],
        (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value),
      ),
  );
}

describe('a fleet', { skip: noNats }, () => {
  test('has at its collector what a site saw, each sighting once, whatever server is lost', async (t) => {
    const fleet = await TestFleet.found(t, 3);
    const [hub, site] = [fleet.join('hub', 'collector'), fleet.join('site1', 'site')];
    const [hubState, siteState] = [stateIn(t), stateIn(t)];
    await fleet.start('n1', 'n2', 'n3');
    see(siteState, heads.slice(0, 20));
    const collecting = run(t, fleet, 'collector', hub, hubState);
    let sending = run(t, fleet, 'site', site, siteState);
    await untilSame(hubState, siteState, collecting, sending);

    // One server is lost, without which the bus goes on.
    await fleet.kill('n1');
    see(siteState, heads.slice(10, 30), 'eth1');
    await untilSame(hubState, siteState, collecting, sending);

    // Then a second: nothing arrives, and all waits, though the site is restarted meanwhile.
    await fleet.kill('n2');
    see(siteState, heads.slice(20, 40));
    await eventually(
      () => sending.events.some(({ event }) => event === 'bus-down'),
      'the site to notice that the bus stands still',
    );
    await sending.stop();
    sending = run(t, fleet, 'site', site, siteState);
    see(siteState, heads.slice(0, 50));
    assert.notDeepEqual(seenAt(hubState), seenAt(siteState));
    await fleet.start('n1', 'n2');
    await untilSame(hubState, siteState, collecting, sending);
    // Batches that had to be delivered again come out of their order.
    await eventually(
      () => memberStatus(hubState).members[0]?.missing === 0,
      () => JSON.stringify(memberStatus(hubState).members[0]),
    );
    const [status] = memberStatus(hubState).members;
    assert.equal(status?.member, 'site1');
    assert.deepEqual(status.refused, {});
  });

  test('proves a split view between two sites, and each of them has the evidence', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const hub = fleet.join('hub', 'collector');
    const sites = ['east', 'west'].map((name) => ({
      name,
      directory: fleet.join(name, 'site'),
      state: stateIn(t),
    }));
    const hubState = stateIn(t);
    await fleet.start('n1');
    const collecting = run(t, fleet, 'collector', hub, hubState);
    for (const [i, { state }] of sites.entries())
      see(state, [log.verified(9, treeOf(9, i === 0 ? 'a' : 'b').root())]);
    const running = sites.map(({ directory, state }) => run(t, fleet, 'site', directory, state));
    for (const { events } of running)
      await eventually(() => events.some(({ event }) => event === 'evidence'), 'evidence to come');
    assert.equal(collecting.events.filter(({ event }) => event === 'fork-proven').length, 1);
    for (const { state } of sites) {
      const store = openForWriting(state);
      assert.equal(store.evidence.all().length, 1);
      assert.equal(store.verdicts.counts()['fork-proven'], 1);
      // That both heads are in the evidence does not mean that both were seen here.
      const sources = [...store.heads.all()].map((head) => head.sources.join());
      assert.deepEqual(sources.sort(), ['eth0,evidence', 'evidence']);
      store.close();
    }
  });

  test('a site cannot publish as another, nor hear what others tell', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const hub = fleet.join('hub', 'collector');
    const [alice, mallory] = [fleet.join('alice', 'site'), fleet.join('mallory', 'site')];
    await fleet.start('n1');
    const bus = (member: string, role: 'site' | 'collector', directory: string): Bus => {
      const credentials = readCredentials(directory);
      const opened = new Bus({ servers: fleet.servers, credentials, member, role });
      t.after(() => opened.close());
      return opened;
    };
    const collector = bus('hub', 'collector', hub);
    await collector.connect();
    await collector.prepare(readRoster(fleet.directory));
    await collector.prepare(readRoster(fleet.directory));

    const honest = bus('alice', 'site', alice);
    await honest.connect();
    await honest.publish('alice.1', new Uint8Array(8192), 5000);

    // With her own key, under Alice's name: whom she says she is is in the subject and the inbox.
    const liar = bus('alice', 'site', mallory);
    await liar.connect();
    await assert.rejects(liar.publish('alice.2', new Uint8Array(8192), 1000), {
      code: 'bus-refused',
    });
    const spy = bus('mallory', 'collector', mallory);
    await spy.connect();
    await assert.rejects(spy.prepare(readRoster(fleet.directory)), { code: 'bus-refused' });
    await assert.rejects(
      spy.consume(
        () => assert.fail('it heard something'),
        new AbortController().signal,
        (signal) => realSleep(10, signal).catch(() => undefined),
      ),
      { code: 'bus-refused' },
    );
    // Nobody without a key of the fleet comes in.
    const stranger = new Bus({
      servers: fleet.servers,
      credentials: { ...readCredentials(alice), nkey: undefined },
      member: 'alice',
      role: 'site',
    });
    await assert.rejects(stranger.connect(), { code: 'bus-unreachable' });
  });

  test('a key of a site has the bus put no answer where others tell, agree or hold a lease', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const directories = {
      hub: fleet.join('hub', 'collector'),
      east: fleet.join('east', 'challenger'),
      alice: fleet.join('alice', 'site'),
    };
    await fleet.start('n1');
    // One that joins while the bus runs has what the others have.
    const mallory = fleet.join('mallory', 'site');
    const open = async (name: keyof typeof directories, role: MemberRole): Promise<Bus> => {
      const credentials = readCredentials(directories[name]);
      const bus = new Bus({ servers: fleet.servers, credentials, member: name, role });
      t.after(() => bus.close());
      await bus.connect();
      return bus;
    };
    const hub = await open('hub', 'collector');
    await hub.prepare(fleet.roster);
    await hub.publish('hub.0', new Uint8Array(8192), 5000);
    const leases = await (await open('east', 'challenger')).leases(fleet.roster, 5000);
    const log = leaseKey('ab'.repeat(32));
    const first = await leases.put(log, 'one', 0);
    const entries = await hub.alertEntries(fleet.roster, 5000);
    const told = await entries.put('cd', 'told', 0);

    const thief = await eventually(
      () => raw(t, fleet, mallory, 'mallory').catch(() => undefined),
      'the bus to know who joined',
    );
    const own = subjectOf('sightings', 'mallory');
    const targets = [
      ...['alice', 'nobody'].map((name) => subjectOf('sightings', name)),
      ...['hub', 'east'].map((name) => subjectOf('findings', name)),
      ...[keySubject(log), keySubject(presenceKey('east')), alertSubject('cd')],
    ];
    for (const reply of targets) {
      // That a batch arrived, what is to be heard, and what there is to hear.
      thief.publish(own, new Uint8Array(8192), { reply });
      thief.publish('$JS.API.CONSUMER.MSG.NEXT.FINDINGS.mallory', '{"batch":1}', { reply });
      thief.publish('$JS.API.CONSUMER.INFO.FINDINGS.mallory', '', { reply });
    }
    await thief.flush();
    // By when this is answered, all of that was.
    const { stream } = await jetstream(thief).publish(own, new Uint8Array(8192));
    assert.equal(stream, 'SITES');
    const manager = await jetstreamManager(await raw(t, fleet, directories.hub, 'hub'), {
      checkAPI: false,
    });
    const inStream = async (name: string): Promise<Readonly<Record<string, number>>> =>
      (await manager.streams.info(name, { subjects_filter: '>' })).state.subjects ?? {};
    assert.deepEqual(await inStream('SITES'), { [own]: 1 });
    assert.deepEqual(await inStream('FINDINGS'), { [subjectOf('findings', 'hub')]: 1 });
    assert.deepEqual(await leases.get(log), { revision: first, text: 'one' });
    assert.equal(await leases.get(presenceKey('east')), undefined);
    assert.deepEqual(await entries.get('cd'), { revision: told, text: 'told' });
    // The site itself hears as before.
    const heard: string[] = [];
    const stop = new AbortController();
    const site = await open('alice', 'site');
    await site.consume(
      (messages) => {
        heard.push(...messages.map(({ member }) => member));
        stop.abort();
      },
      stop.signal,
      (signal) => realSleep(10, signal).catch(() => undefined),
    );
    assert.deepEqual(heard, ['hub']);
  });

  test('a key of a site has the bus take no batch of another for one that it has', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const hub = fleet.join('hub', 'collector');
    const [alice, mallory] = [fleet.join('alice', 'site'), fleet.join('mallory', 'site')];
    await fleet.start('n1');
    const open = async (name: string, role: MemberRole, directory: string): Promise<Bus> => {
      const credentials = readCredentials(directory);
      const bus = new Bus({ servers: fleet.servers, credentials, member: name, role });
      t.after(() => bus.close());
      await bus.connect();
      return bus;
    };
    await (await open('hub', 'collector', hub)).prepare(fleet.roster);
    /** What she would send who began to publish at that moment. */
    const first = (): ReadyBatch =>
      new Outbox({
        ...{ store: memoryStore(), what: 'sightings', member: 'alice', size: 8192 },
        ...{ key: readMembership(alice, 'site').key, now: () => 1_700_000_000_000 },
      }).next();
    // When that was can be guessed. Of a stream all IDs are one lot, whatever the subject.
    const thief = await raw(t, fleet, mallory, 'mallory');
    const own = subjectOf('sightings', 'mallory');
    await jetstream(thief).publish(own, new Uint8Array(8192), { msgID: first().id });
    const { id, bytes } = first();
    const site = await open('alice', 'site', alice);
    for (let i = 0; i < 2; i++) await site.publish(id, bytes, 5000);
    const manager = await jetstreamManager(await raw(t, fleet, hub, 'hub'), { checkAPI: false });
    const { state } = await manager.streams.info('SITES', { subjects_filter: '>' });
    assert.deepEqual(state.subjects, { [own]: 1, [subjectOf('sightings', 'alice')]: 1 });
  });

  test('a collector with another batch or interval takes nothing from others', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const directories = [fleet.join('hub', 'collector'), fleet.join('wrong', 'collector')];
    const site = fleet.join('site', 'site');
    await fleet.start('n1');
    const open = async (member: string, role: MemberRole, directory: string): Promise<Bus> => {
      const credentials = readCredentials(directory);
      const bus = new Bus({ servers: fleet.servers, credentials, member, role });
      t.after(() => bus.close());
      await bus.connect();
      return bus;
    };
    const [hub, wrong] = directories;
    assert(hub !== undefined && wrong !== undefined);
    const { roster } = fleet;
    await (await open('hub', 'collector', hub)).prepare({ ...roster, batchBytes: 10_000 });
    await (
      await open('wrong', 'collector', wrong)
    ).prepare({ ...roster, batchBytes: 8192, intervalSeconds: 3600 });
    const told = await open('site', 'site', site);
    await told.publish('site.0', new Uint8Array(10_000), 5000);
    for (let i = 1; i < 100; i++) await told.publish(`site.${i}`, new Uint8Array(8192), 5000);
    const found: number[] = [];
    const stop = new AbortController();
    const heard = (await open('hub', 'collector', hub)).consume(
      (messages) => {
        found.push(...messages.map(({ bytes }) => bytes.length));
        if (found.length === 100) stop.abort();
      },
      stop.signal,
      (signal) => realSleep(10, signal).catch(() => undefined),
    );
    await heard;
    assert.equal(found.length, 100, 'the bus forgot none of them');
    // What no server lets through is said with what is to be done.
    await assert.rejects(told.publish('site.101', new Uint8Array(65_536), 5000), {
      code: 'bus-refused',
      remedy: /max_payload in nats-server\.conf/,
    });
    await assert.rejects(told.publish('site.102', new Uint8Array(11_000), 5000), {
      code: 'bus-refused',
      remedy: /batchBytes/,
    });
  });

  test('a stolen key of a site concludes nothing, and one of a challenger speaks for itself alone', async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const directories = {
      hub: fleet.join('hub', 'collector'),
      east: fleet.join('east', 'challenger'),
      west: fleet.join('west', 'challenger'),
      mallory: fleet.join('mallory', 'site'),
    };
    await fleet.start('n1');
    const roster = readRoster(fleet.directory);
    /** With the key of `who`, as `as`. */
    const open = async (
      who: keyof typeof directories,
      as: keyof typeof directories,
      role: MemberRole,
    ): Promise<Bus> => {
      const credentials = readCredentials(directories[who]);
      const bus = new Bus({ servers: fleet.servers, credentials, member: as, role });
      t.after(() => bus.close());
      await bus.connect();
      return bus;
    };
    const refused = { code: 'bus-refused' };
    const batch = new Uint8Array(8192);
    const challenger = await open('east', 'east', 'challenger');
    await challenger.prepare(roster);
    await challenger.publish('east.1', batch, 5000);
    const leases = await challenger.leases(roster, 5000);
    const log = leaseKey('ab'.repeat(32));
    assert.equal(await leases.get(log), undefined);
    const first = await leases.put(log, 'one', 0);
    assert(first !== undefined);
    // Compare and set, on a real server.
    assert.equal(await leases.put(log, 'two', 0), undefined);
    assert.equal(await leases.put(log, 'two', first + 7), undefined);
    const second = await leases.put(log, 'two', first);
    assert.deepEqual(await leases.get(log), { revision: second, text: 'two' });
    await leases.put(presenceKey('east'), 'here', 0);

    // A site: no verdict, under whatever name, and no lease.
    for (const as of ['mallory', 'hub', 'east'] as const) {
      const thief = await open('mallory', as, 'collector');
      await assert.rejects(thief.publish(`${as}.2`, batch, 1000), refused);
    }
    await assert.rejects(
      (await open('mallory', 'mallory', 'challenger')).leases(roster, 1000),
      refused,
    );
    // A collector: no lease.
    await assert.rejects((await open('hub', 'hub', 'challenger')).leases(roster, 1000), refused);
    // A challenger: neither as another, nor as a site, nor that another is there.
    await assert.rejects(
      (await open('east', 'west', 'challenger')).publish('west.2', batch, 1000),
      refused,
    );
    await assert.rejects(
      (await open('east', 'mallory', 'site')).publish('mallory.2', batch, 1000),
      refused,
    );
    const short = await (await open('east', 'east', 'challenger')).leases(roster, 1000);
    await assert.rejects(short.put(presenceKey('west'), 'here', 0), refused);
    assert.equal(await leases.get(presenceKey('west')), undefined);
    assert.deepEqual(await leases.get(log), { revision: second, text: 'two' });
  });

  test('a member refuses a server that another authority certified, or that has no TLS', async (t) => {
    const [fleet, other] = [await TestFleet.found(t, 1), await TestFleet.found(t, 1)];
    const site = fleet.join('site', 'site');
    other.join('site', 'site');
    await other.start('n1');
    const credentials = readCredentials(site);
    const bus = new Bus({ servers: other.servers, credentials, member: 'site', role: 'site' });
    await assert.rejects(bus.connect(), { code: 'bus-unreachable', message: /certificate/ });
    const plain = createServer((socket) =>
      socket.write(
        'INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576,"headers":true}\r\n',
      ),
    );
    const port = await new Promise<number>((resolve) =>
      plain.listen(0, '127.0.0.1', () => resolve((plain.address() as AddressInfo).port)),
    );
    t.after(() => plain.close());
    const servers = [{ host: '127.0.0.1', port, isPlain: false }];
    const open = new Bus({ servers, credentials, member: 'site', role: 'site' });
    await assert.rejects(open.connect(), { code: 'bus-unreachable', message: /tls/ });
  });
});
