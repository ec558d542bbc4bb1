// SPDX-License-Identifier: Apache-2.0
/**
 * A fleet in which everything is killed (kill -9), in any order and at any time: what sees, what
 * publishes, the collector, the challenger, the alerter, and the servers of the bus, of which one or
 * two are away at times. The clocks of two sites are a day ahead and a day behind. In the end nothing
 * that was seen is lost or counted twice, every head has its verdict at every site, and every finding
 * was told once. CTGA_KILLS says how many are killed, 8 unless given.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { noNats } from '../support/bus.ts';
import { ProcessFleet, SPLIT_SIZES } from '../support/fleet-processes.ts';
import { noMicrosocks } from '../support/microsocks.ts';

const KILLS = Number(process.env['CTGA_KILLS'] ?? 8);
const DAY = 86_400;
const noFaketime: false | string =
  spawnSync('faketime', ['--version']).error === undefined
    ? false
    : 'faketime is not installed: run npm run setup as root';

test(
  `killed ${KILLS} times, a fleet loses nothing and tells everything once`,
  { skip: noNats || noMicrosocks || noFaketime },
  async (t) => {
    const fleet = await ProcessFleet.found(t, {
      sites: 3,
      nodes: 3,
      intervalSeconds: 0.5,
      clocks: [0, DAY, -DAY],
    });
    await fleet.bus.start(...fleet.bus.nodes);
    for (const each of fleet.processes) fleet.start(each);

    const killed = new Map<string, number>();
    const count = (kind: string): void => void killed.set(kind, (killed.get(kind) ?? 0) + 1);
    const away: string[] = [];
    const begin = (): Promise<void> => fleet.bus.start(...away.splice(0));
    for (let i = 0; i < KILLS; i++) {
      await sleep(randomInt(200, 4000));
      // Each kind equally often, in a random order.
      const kinds = ['bus', ...new Set(fleet.processes.map(({ kind }) => kind))];
      const kind = kinds[i % kinds.length] ?? assert.fail();
      const ofKind = fleet.processes.filter((each) => each.kind === kind);
      count(kind);
      if (kind !== 'bus') {
        const victim = ofKind[randomInt(ofKind.length)] ?? assert.fail();
        assert(!fleet.hasEnded(victim), `${victim.name} ended: ${fleet.said(victim.name)}`);
        await fleet.kill(victim);
        fleet.start(victim);
        continue;
      }
      // Two may be away at once; then the first two come back together.
      if (away.length === 2) await begin();
      const there = fleet.bus.nodes.filter((node) => !away.includes(node));
      const node = there[randomInt(there.length)] ?? assert.fail();
      away.push(node);
      await fleet.bus.kill(node);
    }
    await begin();
    await fleet.allSeen();
    // Nothing more is seen; what was seen comes, is challenged and told.
    for (const each of fleet.processes) if (each.kind === 'seer') await fleet.kill(each);
    t.diagnostic(`killed: ${[...killed].map(([kind, n]) => `${kind} ${n}`).join(', ')}`);
    await fleet.settled();
    fleet.checkJournals();

    // What is sent once more because nobody heard of its arrival is the same to the byte.
    const told = fleet.alertsOf('fork:');
    assert(told.size >= SPLIT_SIZES.length);
    for (const [key, bodies] of told)
      assert.equal(new Set(bodies).size, 1, `${key} was told in ${bodies.length} ways`);
    const sent = [...told.values()].flat().length;
    assert(sent - told.size <= (killed.get('alerter') ?? 0), `${sent} messages of ${told.size}`);
    t.diagnostic(`${told.size} findings, ${sent} messages; ${fleet.summary()}`);
  },
);
