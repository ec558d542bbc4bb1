// SPDX-License-Identifier: Apache-2.0
/**
 * A bus that cannot be reached though nobody has closed a connection, and one whose disk is full:
 * what was seen meanwhile comes afterwards, each sighting once. CTGA_PARTITION_SECONDS says how long
 * the partition lasts, 8 unless given. Needs root to mount a small disk.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BusServer } from '../../src/fleet/bus-address.ts';
import { memberStatus } from '../../src/services/fleet-status.ts';
import { runMember, type FleetEvent } from '../../src/services/fleet.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const PARTITION_MS = Number(process.env['CTGA_PARTITION_SECONDS'] ?? 8) * 1000;
const log = new SigningLog();
const heads = Array.from({ length: 40 }, (_, i) => log.verified(i + 1, treeOf(i + 1).root()));

class Member {
  readonly state: State;
  readonly events: FleetEvent[] = [];
  #seen = 0;

  constructor(
    t: TestContext,
    role: 'site' | 'collector',
    directory: string,
    servers: readonly BusServer[],
  ) {
    const own = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    this.state = stateAt(own);
    const store = openForWriting(this.state);
    store.logs.put([log.asLog()]);
    store.close();
    const stop = new AbortController();
    const ended = runMember(
      {
        state: this.state,
        roles: [role],
        servers,
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: (event) => this.events.push(event),
        warn: () => undefined,
      },
      stop.signal,
    );
    t.after(async () => {
      stop.abort();
      await ended;
      rmSync(own, { recursive: true, force: true });
    });
  }

  /** Some heads that are new and some that were seen before. */
  see(): void {
    const store = openForWriting(this.state);
    const now = Date.now();
    const seen = [0, 1, 2].map((i) => heads[(this.#seen + i) % heads.length] ?? assert.fail());
    this.#seen += 1;
    store.heads.record(
      seen.map((head) => ({ head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 })),
    );
    store.close();
  }

  /** How often each head was seen, by its size. */
  seen(): Record<string, number> {
    const store = openForReading(this.state);
    try {
      return Object.fromEntries(
        [...store.heads.all()].map(({ treeSize, count }) => [treeSize.toString(), count]),
      );
    } finally {
      store.close();
    }
  }

  is(what: FleetEvent['event']): boolean {
    return this.events.some(({ event }) => event === what);
  }
}

async function untilSame(site: Member, hub: Member): Promise<void> {
  await eventually(
    () => JSON.stringify(site.seen()) === JSON.stringify(hub.seen()),
    () => JSON.stringify([site.seen(), hub.seen(), site.events.map(({ event }) => event)]),
  );
}

/** On the way to a server; during a partition nothing passes it, and nobody is told. */
class Link {
  readonly server: BusServer;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isCut = false;

  static async to(t: TestContext, server: BusServer): Promise<Link> {
    const listener = createServer({ allowHalfOpen: true });
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const link = new Link(server, listener);
    t.after(() => {
      link.heal();
      listener.close();
      for (const socket of [...link.#pairs].flat()) socket.destroy();
    });
    return link;
  }

  private constructor(server: BusServer, listener: ReturnType<typeof createServer>) {
    this.server = { ...server, port: (listener.address() as AddressInfo).port };
    listener.on('connection', (client) => {
      const pair = [client, connect(server.port, server.host)] as const;
      this.#pairs.add(pair);
      for (const [i, socket] of pair.entries()) {
        const other = pair[1 - i] ?? assert.fail();
        socket.on('data', (bytes: Buffer) => this.#isCut || other.write(bytes));
        socket.on('error', () => undefined);
        socket.on('close', () => {
          if (!this.#isCut) other.destroy();
          // In a partition the other end hears nothing of it, and is still to be closed.
          if (pair.every(({ destroyed }) => destroyed)) this.#pairs.delete(pair);
        });
      }
    });
  }

  cut(): void {
    this.#isCut = true;
  }

  /** What was on its way is lost, so no connection of before can go on. */
  heal(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    for (const socket of [...this.#pairs].flat()) socket.destroy();
  }
}

describe('a fleet loses and doubles nothing', { skip: noNats }, () => {
  test(`in a partition of ${PARTITION_MS / 1000} seconds`, async (t) => {
    const fleet = await TestFleet.found(t, 3, 0.5);
    const files = { hub: fleet.join('hub', 'collector'), site: fleet.join('site', 'site') };
    await fleet.start(...fleet.nodes);
    const links: Link[] = [];
    for (const server of fleet.servers) links.push(await Link.to(t, server));
    const hub = new Member(t, 'collector', files.hub, fleet.servers);
    const site = new Member(
      t,
      'site',
      files.site,
      links.map(({ server }) => server),
    );
    site.see();
    await untilSame(site, hub);
    const before = hub.seen();
    for (const link of links) link.cut();
    const end = performance.now() + PARTITION_MS;
    while (performance.now() < end) {
      site.see();
      await sleep(500);
    }
    await eventually(() => site.is('bus-down'), 'the site to know of the partition');
    assert.deepEqual(hub.seen(), before);
    for (const link of links) link.heal();
    site.see();
    await untilSame(site, hub);
    assert.equal(memberStatus(hub.state).members[0]?.missing, 0);
    assert.deepEqual(memberStatus(hub.state).members[0]?.refused, {});
  });

  test('when the disk of the bus is full', async (t) => {
    const started: TestFleet[] = [];
    const mounted: string[] = [];
    t.after(async () => {
      for (const each of started) await each.stopAll();
      for (const each of mounted) execFileSync('umount', [each]);
    });
    const fleet = await TestFleet.found(t, 1, 0.5);
    started.push(fleet);
    const files = { hub: fleet.join('hub', 'collector'), site: fleet.join('site', 'site') };
    const disk = join(fleet.directory, 'nodes/n1/store');
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', disk]);
    mounted.push(disk);
    await fleet.start('n1');
    const hub = new Member(t, 'collector', files.hub, fleet.servers);
    const site = new Member(t, 'site', files.site, fleet.servers);
    site.see();
    await untilSame(site, hub);
    // Something else takes what was left.
    const filler = join(disk, 'filler');
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize + 1));
    } catch {
      assert.equal(statfsSync(disk).bavail, 0);
    }
    await eventually(() => {
      site.see();
      return site.is('bus-down');
    }, 'the bus to refuse');
    rmSync(filler);
    // Its operator makes room, and starts it again.
    await fleet.kill('n1');
    await fleet.start('n1');
    site.see();
    await untilSame(site, hub);
    assert.equal(memberStatus(hub.state).members[0]?.missing, 0);
  });
});
