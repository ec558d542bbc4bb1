// SPDX-License-Identifier: Apache-2.0
/**
 * Two challengers of a fleet as they are run, with `ctga challenge --subscribe`, over a real bus and
 * real proxies: one is stopped for longer than a lease and goes on, the other is killed.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { preferred } from '../../src/fleet/lease.ts';
import { formatRoster, readRoster } from '../../src/fleet/roster.ts';
import { logIdText } from '../../src/logs/log.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { ctga, CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApi } from '../support/fake-api.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';
import { treeOf } from '../support/signing-log.ts';

/** An account without rights. */
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
/**
 * Leases are looked at every three seconds, and a batch is sent every second: that leaves the bus of a busy
 * machine time to answer.
 */
const [LEASE_SECONDS, INTERVAL_SECONDS] = [36, 1];
const LOGS = 6;
const SIZE = 40;

interface Asked {
  readonly by: string;
  readonly log: number;
  readonly at: number;
}

interface Started {
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

test(
  'challengers share the logs: one that is stopped asks nothing when it goes on, one that dies is replaced',
  { skip: noNats || noMicrosocks },
  async (t) => {
    // The first, so that its processes end before all else.
    const started = new Home(t);
    const home = started.directory;
    const fleet = await TestFleet.found(t, 1);
    const roster = {
      ...readRoster(fleet.directory),
      leaseSeconds: LEASE_SECONDS,
      intervalSeconds: INTERVAL_SECONDS,
    };
    writeFileSync(join(fleet.directory, 'fleet.json'), formatRoster(roster));
    const [east, west, site] = [
      fleet.join('east', 'challenger'),
      fleet.join('west', 'challenger'),
      fleet.join('router1', 'site'),
    ];
    await fleet.start('n1');

    // The URL of a log says who asks it: each challenger has a list of its own.
    const logs = Array.from({ length: LOGS }, (_, i) => logFor(i % 2 === 0 ? 'east' : 'west'));
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
    const stateOf = async (name: string): Promise<State> => {
      const directory = join(home, name);
      mkdirSync(directory);
      const entries = logs.map(({ log }, i) => ({
        description: `Log ${i}`,
        key: Buffer.from(log.key.spki).toString('base64'),
        log_id: logIdText(log.key.logId),
        url: `http://127.0.0.1:${port}/${name}/${i}/`,
        allow_private_address: true,
      }));
      const list = join(home, `${name}.json`);
      writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', logs: entries }] }));
      const imported = await ctga(['logs', 'import', list, '--state-dir', directory]);
      assert.equal(imported.code, 0, imported.stderr);
      return stateAt(directory);
    };
    const states = {
      east: await stateOf('east'),
      west: await stateOf('west'),
      site: await stateOf('router1'),
    };
    const seen = openForWriting(states.site);
    const now = Date.now();
    const sighting = { source: 'eth0', firstSeen: now, lastSeen: now, count: 1 };
    seen.heads.record(
      logs.map(({ log, tree }, i) => ({
        head: log.verified(i + 5, tree.root(i + 5), BigInt(now)),
        ...sighting,
      })),
    );
    seen.close();
    for (const directory of [fleet.directory, join(fleet.directory, 'members'), east, west, site])
      chmodSync(directory, 0o755);
    if (isRoot) spawnSync('chown', ['-R', String(NOBODY), home, east, west, site]);
    const microsocks = await startMicrosocks();
    t.after(() => microsocks.stop());
    const challenge = (name: 'east' | 'west', directory: string): Started =>
      start(started, [
        ...['challenge', '--subscribe', fleet.url, '--fleet', directory, '--every', '2'],
        // No built-in log is asked.
        ...['--log-list', join(home, `${name}.json`)],
        ...['--proxy', `socks5h://127.0.0.1:${microsocks.port}`],
        ...['--state-dir', states[name].directory],
      ]);
    const askedBy = (name: string, since: number): Set<number> =>
      new Set(asked.flatMap(({ by, log, at }) => (by === name && at >= since ? log : [])));
    const all = new Set(logs.keys());

    const stopped = challenge('east', east);
    const publisher = start(started, [
      ...['fleet', 'publish', '--bus', fleet.url, '--fleet', site],
      ...['--state-dir', states.site.directory],
    ]);
    const said = (): string => `${stopped.said()}\n${publisher.said()}`;
    await eventually(() => askedBy('east', 0).size === LOGS, said);

    // What a challenger concludes of what the site saw comes back to the site.
    await eventually(() => {
      const store = openForReading(states.site);
      try {
        const words = [...store.exchange.foreignVerdicts().values()].flat();
        const told = words.filter(
          ({ origin, verdict }) => origin.host === 'east' && verdict === 'consistent',
        );
        return told.length === LOGS;
      } finally {
        store.close();
      }
    }, said);

    // What hears the fleet for it is killed, and is started again.
    const hears = (): string =>
      spawnSync('pgrep', ['-f', '--', `collect --state-dir ${states.east.directory}`], {
        encoding: 'utf8',
      }).stdout.trim();
    const heard = hears();
    assert.match(heard, /^[0-9]+$/);
    process.kill(Number(heard), 'SIGKILL');
    await eventually(() => /^[0-9]+$/.test(hears()) && hears() !== heard, said);
    assert.match(stopped.said(), /what hears the fleet ended by a signal; it is started again/);

    // Another comes, and each asks its share.
    let killed = challenge('west', west);
    await eventually(
      () => askedBy('west', 0).size > 0,
      () => `${said()}\n${killed.said()}`,
    );

    // It stands still for longer than any lease, and the other asks all. Then it goes on, in the midst
    // of whatever it was about to send, and sends nothing until it has leases again.
    stopped.child.kill('SIGSTOP');
    await eventually(() => /\bT\b/.test(stateOfProcess(stopped.child)), 'it to stand still');
    const stoppedAt = Date.now();
    await eventually(
      () => askedBy('west', stoppedAt).size === LOGS,
      () => `${said()}\n${killed.said()}`,
    );
    const wentOn = Date.now();
    stopped.child.kill('SIGCONT');
    await eventually(() => askedBy('east', wentOn).size > 0, said);
    const taken = stopped.events.filter(
      ({ event, at }) => at >= wentOn && event['event'] === 'lease' && event['isHeld'] === true,
    );
    for (const log of askedBy('east', wentOn)) {
      const first = asked.find(
        (each) => each.by === 'east' && each.log === log && each.at >= wentOn,
      );
      const lease = taken.find(({ event }) => event['log'] === `Log ${log}`);
      assert(first !== undefined && lease !== undefined, `log ${log} was asked without a lease`);
      // Two streams: which is read first is chance.
      assert(first.at > lease.at - 100, `log ${log} was asked before its lease`);
    }

    // The other is killed, with what it has started, and comes back.
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    const killedAt = Date.now();
    await eventually(() => askedBy('east', killedAt).size === LOGS, said);
    assert.deepEqual(askedBy('east', killedAt), all);
    killed = challenge('west', west);
    await eventually(
      () => askedBy('west', killedAt).size > 0,
      () => `${said()}\n${killed.said()}`,
    );

    // One that ends well gives its leases up, and what it has started ends with it.
    const endedAt = Date.now();
    killed.child.kill('SIGTERM');
    const [code] = (await once(killed.child, 'exit')) as [number | null];
    assert.equal(code, 0, killed.said());
    await eventually(() => askedBy('east', endedAt).size === LOGS, said);
    const argument = states.west.directory;
    await eventually(
      () => spawnSync('pgrep', ['-f', '--', argument]).status === 1,
      'its collector to end',
    );
  },
);

/** A log that this challenger is to ask while both are there: keys are drawn, and one could get none. */
function logFor(name: 'east' | 'west'): FakeApi {
  for (;;) {
    const log = new FakeApi(treeOf(SIZE));
    const id = Buffer.from(log.log.key.logId).toString('hex');
    if (preferred(id, ['east', 'west']) === name) return log;
  }
}

/** The third field of proc_pid_stat(5). */
function stateOfProcess({ pid = 0 }: ChildProcess): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .slice(0, 1);
}
