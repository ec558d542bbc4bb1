// SPDX-License-Identifier: Apache-2.0
/**
 * Challengers of a fleet as they are run, with `ctga challenge --subscribe`, over a real bus; and logs
 * of which it is known who asks them.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { preferred } from '../../src/fleet/lease.ts';
import { formatRoster, readRoster, type MemberRole } from '../../src/fleet/roster.ts';
import { logIdText } from '../../src/logs/log.ts';
import { stateAt, type State } from '../../src/store/state.ts';
import { TestFleet } from './bus.ts';
import { ctga, CTGA } from './ctga.ts';
import { eventually } from './eventually.ts';
import { FakeApi } from './fake-api.ts';
import { treeOf } from './signing-log.ts';

/** An account without rights. */
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
/**
 * Leases are looked at every three seconds, and a batch is sent every second: that leaves the bus of a busy
 * machine time to answer.
 */
const [LEASE_SECONDS, INTERVAL_SECONDS] = [36, 1];
const SIZE = 40;

export interface Asked {
  readonly by: string;
  readonly log: number;
  readonly at: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** What it printed as JSON, and when that came. */
  readonly events: { readonly event: Record<string, unknown>; readonly at: number }[];
}

/** Kills all that was started, and then removes where it wrote. */
class Home {
  readonly directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  readonly children: ChildProcess[] = [];

  constructor(t: TestContext) {
    chmodSync(this.directory, 0o777);
    t.after(async () => {
      for (const child of this.children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      // What they started ends with them.
      await eventually(
        () => spawnSync('pgrep', ['-f', '--', this.directory]).status === 1,
        'the processes of this test to end',
      );
      rmSync(this.directory, { recursive: true, force: true });
    });
  }
}

function start(home: Home, args: readonly string[]): Started {
  const child = spawn(CTGA, [...args, '--json'], {
    env: { ...process.env, CTGA_NODE: process.execPath, HOME: home.directory },
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  home.children.push(child);
  let said = '';
  const events: { event: Record<string, unknown>; at: number }[] = [];
  let line = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    line += chunk.toString();
    const lines = line.split('\n');
    line = lines.pop() ?? '';
    for (const each of lines)
      events.push({ event: JSON.parse(each) as Record<string, unknown>, at: Date.now() });
  });
  return { child, said: () => said, events };
}

/** Two challengers, east and west, and the logs that they share. */
export class TestChallengers {
  readonly fleet: TestFleet;
  readonly logs: readonly FakeApi[];
  readonly asked: readonly Asked[];
  readonly #home: Home;
  readonly #port: number;

  /** Each is to ask half of `count` logs while both are there. The bus runs; no challenger does. */
  static async found(t: TestContext, count: number): Promise<TestChallengers> {
    // The first, so that its processes end before all else.
    const home = new Home(t);
    const fleet = await TestFleet.found(t, 1);
    const roster = {
      ...readRoster(fleet.directory),
      leaseSeconds: LEASE_SECONDS,
      intervalSeconds: INTERVAL_SECONDS,
    };
    writeFileSync(join(fleet.directory, 'fleet.json'), formatRoster(roster));
    await fleet.start('n1');
    // The URL of a log says who asks it: each challenger has a list of its own.
    const logs = Array.from({ length: count }, (_, i) => logFor(i % 2 === 0 ? 'east' : 'west'));
    const asked: Asked[] = [];
    const web = createServer((request, response) => {
      const [, by = '', number = ''] = new URL(request.url ?? '', 'http://log').pathname.split('/');
      const log = logs[Number(number)] ?? assert.fail(request.url);
      asked.push({ by, log: Number(number), at: Date.now() });
      log.timestamp = BigInt(Date.now());
      void log
        .fetch(`http://log${request.url ?? ''}`)
        .then(({ status, body }) => response.writeHead(status).end(body));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      web.closeAllConnections();
      web.close();
    });
    const { port } = web.address() as AddressInfo;
    return new TestChallengers(home, fleet, logs, asked, port);
  }

  private constructor(
    home: Home,
    fleet: TestFleet,
    logs: readonly FakeApi[],
    asked: readonly Asked[],
    port: number,
  ) {
    this.#home = home;
    this.fleet = fleet;
    this.logs = logs;
    this.asked = asked;
    this.#port = port;
  }

  /** A new member, with a state directory in which the logs are known. */
  async join(name: string, role: MemberRole): Promise<TestMemberFiles> {
    const directory = this.fleet.join(name, role);
    const state = join(this.#home.directory, name);
    mkdirSync(state);
    const entries = this.logs.map(({ log }, i) => ({
      description: `Log ${i}`,
      key: Buffer.from(log.key.spki).toString('base64'),
      log_id: logIdText(log.key.logId),
      url: `http://127.0.0.1:${this.#port}/${name}/${i}/`,
      allow_private_address: true,
    }));
    const list = join(this.#home.directory, `${name}.json`);
    writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', logs: entries }] }));
    const imported = await ctga(['logs', 'import', list, '--state-dir', state]);
    assert.equal(imported.code, 0, imported.stderr);
    return { name, directory, state: stateAt(state), list };
  }

  /** Once all have joined: as an account without rights they may read their own alone. */
  handOver(...members: readonly TestMemberFiles[]): void {
    const own = members.map(({ directory }) => directory);
    for (const directory of [this.fleet.directory, join(this.fleet.directory, 'members'), ...own])
      chmodSync(directory, 0o755);
    if (isRoot) spawnSync('chown', ['-R', String(NOBODY), this.#home.directory, ...own]);
  }

  /** `proxy`: the port of a SOCKS5 proxy on loopback. */
  challenge({ directory, state, list }: TestMemberFiles, proxy: number): Started {
    return this.start([
      ...['challenge', '--subscribe', this.fleet.url, '--fleet', directory, '--every', '2'],
      // No built-in log is asked.
      ...['--log-list', list, '--proxy', `socks5h://127.0.0.1:${proxy}`],
      ...['--state-dir', state.directory],
    ]);
  }

  start(args: readonly string[]): Started {
    return start(this.#home, args);
  }

  askedBy(name: string, since: number): Set<number> {
    return new Set(
      this.asked.flatMap(({ by, log, at }) => (by === name && at >= since ? log : [])),
    );
  }
}

export interface TestMemberFiles {
  readonly name: string;
  /** Of what `ctga fleet join` made. */
  readonly directory: string;
  readonly state: State;
  readonly list: string;
}

/** A log that this challenger is to ask while both are there: keys are drawn, and one could get none. */
function logFor(name: 'east' | 'west'): FakeApi {
  for (;;) {
    const log = new FakeApi(treeOf(SIZE));
    const id = Buffer.from(log.log.key.logId).toString('hex');
    if (preferred(id, ['east', 'west']) === name) return log;
  }
}
