// SPDX-License-Identifier: Apache-2.0
/**
 * Two challengers of a fleet as they are run, with `ctga challenge --subscribe`, over a real bus and
 * real proxies: one is stopped for longer than a lease and goes on, the other is killed.
 */
import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openForReading, openForWriting } from '../../src/store/state.ts';
import { noNats } from '../support/bus.ts';
import { TestChallengers } from '../support/challengers.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';

const LOGS = 6;

test(
  'challengers share the logs: one that is stopped asks nothing when it goes on, one that dies is replaced',
  { skip: noNats || noMicrosocks },
  async (t) => {
    const challengers = await TestChallengers.found(t, LOGS);
    const { fleet, logs, asked } = challengers;
    const [east, west, site] = [
      await challengers.join('east', 'challenger'),
      await challengers.join('west', 'challenger'),
      await challengers.join('router1', 'site'),
    ];
    const askedBy = (name: string, since: number): Set<number> => challengers.askedBy(name, since);
    const seen = openForWriting(site.state);
    const now = Date.now();
    const sighting = { source: 'eth0', firstSeen: now, lastSeen: now, count: 1 };
    seen.heads.record(
      logs.map(({ log, tree }, i) => ({
        head: log.verified(i + 5, tree.root(i + 5), BigInt(now)),
        ...sighting,
      })),
    );
    seen.close();
    challengers.handOver(east, west, site);
    const microsocks = await startMicrosocks();
    t.after(() => microsocks.stop());
    const all = new Set(logs.keys());

    const stopped = challengers.challenge(east, microsocks.port);
    const publisher = challengers.start([
      ...['fleet', 'publish', '--bus', fleet.url, '--fleet', site.directory],
      ...['--state-dir', site.state.directory],
    ]);
    const said = (): string => `${stopped.said()}\n${publisher.said()}`;
    await eventually(() => askedBy('east', 0).size === LOGS, said);

    // What a challenger concludes of what the site saw comes back to the site.
    await eventually(() => {
      const store = openForReading(site.state);
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
      spawnSync('pgrep', ['-f', '--', `collect --state-dir ${east.state.directory}`], {
        encoding: 'utf8',
      }).stdout.trim();
    const heard = hears();
    assert.match(heard, /^[0-9]+$/);
    process.kill(Number(heard), 'SIGKILL');
    await eventually(() => /^[0-9]+$/.test(hears()) && hears() !== heard, said);
    assert.match(stopped.said(), /what hears the fleet ended by a signal; it is started again/);

    // Another comes, and each asks its share.
    let killed = challengers.challenge(west, microsocks.port);
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
    killed = challengers.challenge(west, microsocks.port);
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
    const argument = west.state.directory;
    await eventually(
      () => spawnSync('pgrep', ['-f', '--', argument]).status === 1,
      'its collector to end',
    );
  },
);

/** The third field of proc_pid_stat(5). */
function stateOfProcess({ pid = 0 }: ChildProcess): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .slice(0, 1);
}
