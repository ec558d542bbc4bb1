// SPDX-License-Identifier: Apache-2.0
/**
 * Leases in the key-value store of a real bus of three servers, one of which is lost: whichever, the
 * logs are asked on, by one challenger each, and go to another as before. With two lost nobody asks, and
 * with one back somebody does.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shuffled } from '../../src/base/chance.ts';
import { formatRoster, readRoster } from '../../src/fleet/roster.ts';
import { termsOf } from '../../src/fleet/lease.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { Log } from '../../src/logs/log.ts';
import { LogShare, readShareMember } from '../../src/services/share-logs.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog } from '../support/signing-log.ts';

/** Looked at every three seconds, which leaves the servers of a busy machine time to answer. */
const LEASE_SECONDS = 36;
const LOGS = Array.from({ length: 8 }, (_, i): Log => {
  const { key } = new SigningLog();
  return { key, description: `Log ${i}`, url: `https://${i}.test/`, api: 'rfc6962', mmd: 86_400 };
});

test('one server of three is lost, then another', { skip: noNats }, async (t) => {
  const fleet = await TestFleet.found(t, 3);
  const roster = { ...readRoster(fleet.directory), leaseSeconds: LEASE_SECONDS };
  writeFileSync(join(fleet.directory, 'fleet.json'), formatRoster(roster));
  const names = ['east', 'west'] as const;
  const directories = names.map((name) => fleet.join(name, 'challenger'));
  await fleet.start(...fleet.nodes);

  const said: string[] = [];
  const challengers = directories.map((directory, i) => {
    const share = new LogShare({
      ...readShareMember(directory),
      servers: fleet.servers,
      logs: () => LOGS,
      hashes: HashStore.inMemory(),
      canAsk: () => Promise.resolve(true),
      onEvent: (event) => said.push(`${names[i] ?? ''}: ${JSON.stringify(event)}`),
    });
    const stop = new AbortController();
    return { share, stop, running: share.run(stop.signal) };
  });
  t.after(async () => {
    for (const { stop } of challengers) stop.abort();
    await Promise.all(challengers.map(({ running }) => running));
  });

  const holders = (log: Log): number[] =>
    challengers.flatMap(({ share }, i) => (share.mayAsk(log) ? i : []));
  let twice = 0;
  const watching = setInterval(() => {
    for (const log of LOGS) if (holders(log).length > 1) twice += 1;
  }, 20);
  t.after(() => clearInterval(watching));
  const areAllAsked = (): boolean => LOGS.every((log) => holders(log).length === 1);
  const why = (): string => `each log to be asked: ${said.slice(-20).join('\n')}`;
  await eventually(areAllAsked, why);

  const [lost = 'n1'] = shuffled(fleet.nodes);
  await fleet.kill(lost);
  const lostAt = performance.now();
  // What was written before that is over by then.
  const { hold } = termsOf(LEASE_SECONDS);
  await eventually(
    () => performance.now() - lostAt > hold && areAllAsked(),
    () => `${lost} is lost; ${why()}`,
  );

  // One ends, and the other has all.
  challengers[1]?.stop.abort();
  await challengers[1]?.running;
  await eventually(
    () => LOGS.every((log) => holders(log)[0] === 0),
    () => `${lost} is lost; ${why()}`,
  );

  // With a second one lost there is no majority: what is held runs out, and nobody takes anything.
  const [second = 'n2'] = shuffled(fleet.nodes.filter((node) => node !== lost));
  await fleet.kill(second);
  await eventually(
    () => LOGS.every((log) => holders(log).length === 0),
    () => `${lost} and ${second} are lost; ${said.slice(-20).join('\n')}`,
  );
  await fleet.start(second);
  await eventually(
    () => LOGS.every((log) => holders(log)[0] === 0),
    () => `${second} is back; ${why()}`,
  );
  assert.equal(twice, 0);
});
