// SPDX-License-Identifier: Apache-2.0
/**
 * A bus that cannot be reached though nobody has closed a connection, and a bus or a collector whose
 * disk is full: what was seen meanwhile comes afterwards, each sighting once. CTGA_PARTITION_SECONDS
 * says how long the partition lasts, 8 unless given. Needs root to mount a small disk.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
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
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #seen = 0;

  constructor(
    t: TestContext,
    role: 'site' | 'collector',
    directory: string,
    servers: readonly BusServer[],
    own = mkdtempSync(join(tmpdir(), 'ctga-test-')),
  ) {
    this.state = stateAt(own);
    if (!existsSync(this.state.database)) {
      const store = openForWriting(this.state);
      store.logs.put([log.asLog()]);
      store.close();
    }
    this.#ended = runMember(
      {
        state: this.state,
        roles: [role],
        servers,
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: (event) => this.events.push(event),
        warn: () => undefined,
      },
      this.#stop.signal,
    );
    t.after(async () => {
      await this.end();
      rmSync(own, { recursive: true, force: true });
    });
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Some heads that are new and some that were seen before, or the one of this size. */
  see(size?: number): void {
    const store = openForWriting(this.state);
    const now = Date.now();
    const seen = (size === undefined ? [0, 1, 2].map((i) => this.#seen + i) : [size - 1]).map(
      (i) => heads[i % heads.length] ?? assert.fail(),
    );
    if (size === undefined) this.#seen += 1;
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

  failures(): string[] {
    return this.events.flatMap((each) => (each.event === 'failed' ? [each.message] : []));
  }
}

/** A small disk at a directory; returns how something else takes what is left of it, and goes again. */
function smallDisk(
  t: TestContext,
  disk: string,
  size: string,
): { fill: () => void; free: () => void } {
  mkdirSync(disk, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', disk]);
  // Members that have files there end after that.
  t.after(() => execFileSync('umount', ['--lazy', disk]));
  const filler = join(disk, 'filler');
  return {
    fill: () => {
      try {
        for (;;) appendFileSync(filler, Buffer.alloc(statfsSync(disk).bavail > 16 ? 65_536 : 1));
      } catch {
        assert.equal(statfsSync(disk).bavail, 0);
      }
    },
    free: () => rmSync(filler),
  };
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

  for (const [what, isStartedAnew] of [
    ['', false],
    [', and it is started again meanwhile', true],
  ] as const)
    test(`when the disk of the collector is full${what}`, async (t) => {
      const fleet = await TestFleet.found(t, 1, 0.5);
      const files = { hub: fleet.join('hub', 'collector'), site: fleet.join('site', 'site') };
      const own = mkdtempSync(join(tmpdir(), 'ctga-test-'));
      const disk = smallDisk(t, own, '8m');
      await fleet.start('n1');
      let hub = new Member(t, 'collector', files.hub, fleet.servers, join(own, 'state'));
      const site = new Member(t, 'site', files.site, fleet.servers);
      site.see(1);
      await untilSame(site, hub);
      disk.fill();
      // Each of these is seen once, so what is acknowledged and not kept is gone for good.
      let size = 2;
      await eventually(() => {
        if (size < 30) site.see(size++);
        return hub.is('failed');
      }, 'the collector to say so');
      if (isStartedAnew) {
        await hub.end();
        hub = new Member(t, 'collector', files.hub, fleet.servers, join(own, 'state'));
        await eventually(() => hub.is('started'), 'it to run again');
      }
      const end = performance.now() + PARTITION_MS * 2;
      while (performance.now() < end) {
        if (size < 30) site.see(size++);
        await sleep(500);
      }
      const kept = hub.seen();
      assert(Object.keys(kept).length < size - 1, 'the disk is full');
      assert(hub.failures().length <= 2, hub.failures().join('\n'));
      disk.free();
      site.see(30);
      await untilSame(site, hub);
      assert.deepEqual(
        Object.values(hub.seen()),
        Array.from({ length: Object.keys(site.seen()).length }, () => 1),
      );
      const [heard] = memberStatus(hub.state).members;
      assert.deepEqual([heard?.missing, heard?.refused], [0, {}]);
      // What a process had in hand that ended the bus brings behind what is new.
      if (!isStartedAnew) assert(!hub.is('missing'), 'nothing of the site is said to be missing');
    });
});
