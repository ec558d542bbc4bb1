// SPDX-License-Identifier: Apache-2.0
/**
 * Whatever the network does and a third of the members say: never two statements for one slot of a
 * period, and in the end all honest members have the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotOf, digestOf } from '../../src/federation/statement.ts';
import { hex } from '../../src/federation/bytes.ts';
import { fc, random } from '../support/random.ts';
import { agreed, FoundByChallenger, Network, type Delivery, type Node } from './network.ts';

const PERIODS = 3;

interface Weather {
  readonly count: number;
  readonly seed: number;
  /** Of a hundred messages. */
  readonly lost: number;
  readonly doubled: number;
  /** Milliseconds. */
  readonly slowest: number;
  /** The last members lie: they are each two who know nothing of each other. */
  readonly liars: number;
  readonly liarsFlip: number;
  /** Restarts of honest members, by their place and when, in milliseconds. */
  readonly crashes: readonly (readonly [number, number])[];
}

const weather: fc.Arbitrary<Weather> = fc.record({
  count: fc.constantFrom(4, 4, 7),
  seed: fc.nat(),
  lost: fc.constantFrom(0, 5, 30),
  doubled: fc.constantFrom(0, 20),
  slowest: fc.constantFrom(1, 200, 2500),
  liars: fc.constantFrom(0, 1, 1),
  liarsFlip: fc.constantFrom(0, 10),
  crashes: fc.array(fc.tuple(fc.nat(2), fc.nat(2500)), { maxLength: 3 }),
});

function play(conditions: Weather): { network: Network; honest: Node[]; first: number } {
  const { count, seed, lost, doubled, slowest, liars, liarsFlip, crashes } = conditions;
  const draw = random(seed);
  let isCalm = false;
  const liarsAre = new Set<string>();
  const network: Network = new Network({
    count,
    logs: 2,
    changes: { patience: 250, period: 3 },
    random: () => draw(2 ** 20) / 2 ** 20,
    delays: ({ from, to, bytes }: Delivery) => {
      // A liar's two halves tell different members different things.
      const half = network.nodes.indexOf(from) >= count ? 1 : 0;
      const place = network.nodes.indexOf(to);
      if (liarsAre.has(from.peer) && (place + half) % 2 === 0 && draw(100) < 80) return [];
      if (liarsAre.has(from.peer) && draw(100) < liarsFlip) bytes[draw(bytes.length)] = draw(256);
      if (isCalm) return [1];
      if (draw(100) < lost) return [];
      const delay = (): number => 1 + draw(slowest);
      return draw(100) < doubled ? [delay(), delay()] : [delay()];
    },
  });
  const first = Math.floor(network.now / 3000);
  for (let i = count - liars; i < count; i++) {
    liarsAre.add(network.node(i).peer);
    const found = new FoundByChallenger();
    found.branch = 1;
    for (const log of [0, 1]) found.logs.set(log, 100);
    network.twin(i, found);
  }
  const times = crashes.map(([who, at]) => ({ who, at })).sort((a, b) => a.at - b.at);
  for (let period = 0; period < PERIODS; period++) {
    let at = 0;
    for (const crash of period === 1 ? times : []) {
      network.run(crash.at - at);
      at = crash.at;
      if (crash.who < count - liars) network.restart(crash.who);
    }
    network.runToNextPeriod();
    for (const { found } of network.nodes)
      for (const [log, size] of found.logs)
        if (typeof size === 'number') found.logs.set(log, size + draw(3));
  }
  isCalm = true;
  for (let period = 0; period < 4; period++) network.runToNextPeriod();
  return { network, honest: network.nodes.slice(0, count - liars), first };
}

test('never two statements for one slot of a period, and all honest members end alike', () => {
  let [agreements, periods, faults] = [0, 0, 0];
  fc.assert(
    fc.property(weather, (conditions) => {
      const { network, honest, first } = play(conditions);
      const keys = new Set(honest.map(({ peer }) => peer));
      for (let period = first; period < first + PERIODS + 4; period++) {
        const bySlot = new Map<string, string>();
        for (const { member } of honest)
          for (const { statement } of member.stated(period)) {
            const [slot, digest] = [slotOf(statement), hex(digestOf(statement))];
            assert.equal(bySlot.get(slot) ?? digest, digest, `two for ${slot} of ${period}`);
            bySlot.set(slot, digest);
          }
        // The last one may not have reached all yet.
        if (period < first + PERIODS + 2)
          for (const node of honest.slice(1))
            assert.deepEqual(agreed(node, period), agreed(honest[0] ?? node, period));
        periods += 1;
        if (bySlot.size === 2) agreements += 1;
      }
      for (const { member, news } of honest) {
        assert.deepEqual(
          [...member.faulty].filter((peer) => keys.has(peer)),
          [],
          'an honest member is called a liar',
        );
        assert.ok(!news.some(({ kind }) => kind === 'disagreement'));
        faults += member.faulty.size;
      }
      // In calm weather a third that lies keeps nobody from agreeing.
      const calm = honest.map((node) => agreed(node, first + PERIODS + 1).length);
      assert.deepEqual(new Set(calm), new Set([2]), JSON.stringify(conditions));
      assert.ok(network.nodes.length > 0);
    }),
    { numRuns: 12 },
  );
  // It is no proof where nothing ever comes to be.
  assert.ok(agreements > periods / 2, `${agreements} of ${periods}`);
  assert.ok(faults > 0, 'no liar was found out');
});
