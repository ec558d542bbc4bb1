// SPDX-License-Identifier: Apache-2.0
/** What a fleet's members have somebody woken for, and what they do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetConditions } from '../../src/alert/fleet-conditions.ts';
import { MemberStore, type MemberState } from '../../src/fleet/members.ts';
import { FleetWatch } from '../../src/fleet/overview.ts';

const NOW = Date.UTC(2026, 10, 26);
const MINUTE = 60_000;

class TestFleet {
  readonly members = MemberStore.inMemory();
  readonly #watch = new FleetWatch();
  readonly #conditions = new FleetConditions();

  constructor(self: string, role: 'site' | 'collector', ...sites: readonly string[]) {
    const all = [
      ...sites.map((name) => ({ name, role: 'site' as const })),
      { name: 'other', role: 'collector' as const },
    ];
    this.members.putFleet({
      fleet: 'test',
      self,
      intervalSeconds: 10,
      members: [{ name: self, role }, ...all],
    });
  }

  hear(member: string, at: number, changes: Partial<MemberState> = {}, refused = 0): void {
    const state: MemberState = {
      member,
      heard: [],
      allowance: { left: 1, at, number: 1 },
      lastHeard: at,
      clockOff: 0,
      batches: 1,
      missing: 0,
      waiting: 0,
      givenUp: 0,
      ...changes,
    };
    this.members.put(
      [state],
      refused === 0 ? new Map() : new Map([[member, new Map([['why', refused]])]]),
    );
  }

  look(now: number, elapsed: number): Record<string, string> {
    const found = this.#conditions.present(this.#watch.look(this.members, now, elapsed), elapsed);
    return Object.fromEntries(found.map(({ key, message }) => [key, message]));
  }
}

test('a store that is of no fleet has none of this', () => {
  const members = MemberStore.inMemory();
  assert.equal(new FleetWatch().look(members, NOW, 0), undefined);
  assert.deepEqual(new FleetConditions().present(undefined, 0), []);
});

test('a site that falls silent is told of, until it is heard; one that never was is not', () => {
  const fleet = new TestFleet('hub', 'collector', 'ams', 'ber', 'new');
  fleet.hear('ams', NOW);
  fleet.hear('ber', NOW);
  assert.deepEqual(fleet.look(NOW, 0), {});
  fleet.hear('ber', NOW + 50_000);
  assert.deepEqual(fleet.look(NOW + MINUTE, MINUTE), {});
  assert.deepEqual(fleet.look(NOW + MINUTE + 1, MINUTE + 1), {
    'fleet-silent:ams': 'Nothing is heard of ams since 2026-11-26 00:00:00 UTC.',
  });
  fleet.hear('ams', NOW + 62_000);
  assert.deepEqual(fleet.look(NOW + 62_000, 62_000), {});
});

test('clocks that are a day apart make nobody silent who is heard, and hide nobody who is not', () => {
  for (const day of [-86_400_000, 86_400_000]) {
    const fleet = new TestFleet('hub', 'collector', 'ams');
    fleet.hear('ams', NOW + day);
    fleet.look(NOW, 0);
    fleet.hear('ams', NOW + day + 10_000);
    assert.deepEqual(fleet.look(NOW + 10_000, 10_000), {}, `${day}`);
    const later = 10_000 + MINUTE + 1;
    assert.deepEqual(Object.keys(fleet.look(NOW + later, later)), ['fleet-silent:ams'], `${day}`);
  }
});

test('when many are silent one alert tells of all', () => {
  const names = Array.from({ length: 20 }, (_, i) => `site${String(i).padStart(2, '0')}`);
  const fleet = new TestFleet('hub', 'collector', ...names);
  for (const name of names) fleet.hear(name, NOW);
  fleet.hear('other', NOW + 2 * MINUTE);
  const found = fleet.look(NOW + 2 * MINUTE, 0);
  assert.deepEqual(Object.keys(found), ['fleet-silent:many']);
  assert.match(
    found['fleet-silent:many'] ?? '',
    /20 members of the fleet: site00, .*site07 and 12 more\./,
  );
});

test('of a collector that hears nobody any more, one alert tells, and blames no site', () => {
  // It was stopped itself, or its bus was.
  const fleet = new TestFleet('hub', 'collector', 'ams', 'ber');
  fleet.hear('ams', NOW);
  fleet.hear('ber', NOW);
  assert.deepEqual(fleet.look(NOW + 2 * MINUTE, 0), {
    'fleet-silent:many': 'Nothing is heard of any member of the fleet any more: ams, ber.',
  });
  fleet.hear('ber', NOW + 2 * MINUTE);
  assert.deepEqual(Object.keys(fleet.look(NOW + 2 * MINUTE, 0)), ['fleet-silent:ams']);
});

test('what is missing, given up or refused is told when it grows, and is over when it is calm', () => {
  const fleet = new TestFleet('hub', 'collector', 'ams', 'ber');
  const hear = (at: number, changes: Partial<MemberState>, refused = 0): void => {
    fleet.hear('ams', NOW + at, changes, refused);
    fleet.hear('ber', NOW + at);
  };
  hear(0, { missing: 7, givenUp: 9 }, 3);
  assert.deepEqual(fleet.look(NOW, 0), {}, 'what is there at the first look may be old');
  hear(MINUTE, { missing: 8, givenUp: 9 });
  assert.deepEqual(Object.keys(fleet.look(NOW + MINUTE, MINUTE)), ['fleet-missing:ams']);
  // One came late.
  hear(2 * MINUTE, { missing: 7, givenUp: 10 });
  assert.deepEqual(Object.keys(fleet.look(NOW + 2 * MINUTE, 2 * MINUTE)), [
    'fleet-missing:ams',
    'fleet-given-up:ams',
  ]);
  hear(3 * MINUTE, { missing: 7, givenUp: 10 }, 1);
  assert.equal(Object.keys(fleet.look(NOW + 3 * MINUTE, 3 * MINUTE)).length, 3);
  hear(19 * MINUTE, { missing: 7, givenUp: 10 });
  assert.deepEqual(fleet.look(NOW + 19 * MINUTE, 19 * MINUTE), {});
});

test('a site hears collectors and no sites', () => {
  const fleet = new TestFleet('ams', 'site', 'ber');
  fleet.hear('other', NOW);
  const seen = new FleetWatch().look(fleet.members, NOW, 0);
  assert.deepEqual(seen?.sites, []);
  assert.deepEqual(
    seen.others.map(({ member, hearing }) => [member, hearing]),
    [['other', 'heard']],
  );
  assert.deepEqual(Object.keys(fleet.look(NOW + 2 * MINUTE, 0)), ['fleet-silent:other']);
});

test('what came under names that the roster does not have is counted together', () => {
  const fleet = new TestFleet('hub', 'collector', 'ams');
  fleet.members.put(
    [],
    new Map([
      [
        '(nobody)',
        new Map([
          ['a', 2],
          ['b', 3],
        ]),
      ],
      ['gone', new Map([['a', 4]])],
    ]),
  );
  assert.equal(new FleetWatch().look(fleet.members, NOW, 0)?.fromNobody, 9);
});

test('a member is not silent at a site whose clock is apart from that of the bus', () => {
  for (const apart of [-86_400_000, 0, 86_400_000]) {
    const fleet = new TestFleet('hub', 'site');
    fleet.hear('other', NOW, {}, 0);
    fleet.members.put(
      [],
      new Map(),
      new Map([
        ['sightings', apart],
        ['findings', apart],
      ]),
    );
    // Whoever looks for the first time, as each command does, knows no time but this machine's.
    const hearing = (after: number): string | undefined =>
      new FleetWatch().look(fleet.members, NOW + apart + after, 0)?.others[0]?.hearing;
    assert.equal(hearing(5000), 'heard', `${apart}`);
    assert.equal(hearing(59_000), 'heard', `${apart}`);
    assert.equal(hearing(61_000), 'silent', `${apart}`);
  }
});
