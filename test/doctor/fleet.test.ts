// SPDX-License-Identifier: Apache-2.0
/** What `ctga doctor` says of a member of a fleet, and of a server of its bus. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, test } from 'node:test';
import { checkFleet } from '../../src/doctor/fleet.ts';
import { foundFleet, joinFleet } from '../../src/fleet/found.ts';
import { MemberStore } from '../../src/fleet/members.ts';

const DAY = 86_400_000;
const now = Date.now();
let directory: string;
let places: { member: string; bus: string };
let state: { directory: string };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  places = { member: join(directory, 'etc-fleet'), bus: join(directory, 'etc-bus') };
  state = { directory: join(directory, 'state') };
  const fleet = join(directory, 'fleet');
  foundFleet(
    fleet,
    'test',
    [{ name: 'n1', host: '127.0.0.1', port: 4222, clusterPort: 6222 }],
    now,
  );
  joinFleet(fleet, 'ams1', 'site');
  const hub = joinFleet(fleet, 'hub', 'collector');
  cpSync(hub.directory, places.member, { recursive: true });
  cpSync(join(fleet, 'nodes/n1'), places.bus, { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true }));

const said = (at = now): Record<string, string> =>
  Object.fromEntries(
    checkFleet(state, at, places).map(({ what, state: how, found }) => [what, `${how}: ${found}`]),
  );

test('without a fleet it says nothing', () => {
  rmSync(places.member, { recursive: true });
  rmSync(places.bus, { recursive: true });
  assert.deepEqual(said(), {});
});

test('who it is, and that the server of a bus has its files', () => {
  const { 'fleet keys': keys, 'bus server': bus } = said();
  assert.equal(keys, 'well: hub, a collector of test');
  assert.match(bus ?? '', /^well: configured in|^failure: nats-server is not installed/);
});

for (const [file, expected] of [
  ['bus.nkey', /^failure: .* has neither bus\.nkey nor bus\.pem/],
  ['member.key', /^failure: .*member\.key/],
] as const)
  test(`a directory without ${file} is not whole`, () => {
    rmSync(join(places.member, file));
    assert.match(said()['fleet keys'] ?? '', expected);
  });

test('a server without its key cannot start', () => {
  rmSync(join(places.bus, 'server.key'));
  assert.match(said()['bus server'] ?? '', /^failure: .*server\.key is missing/);
});

test('a certificate that ends is told a month before', () => {
  assert.match(said(now + 3600 * DAY)['fleet keys'] ?? '', /^well/);
  assert.match(said(now + 3640 * DAY)['fleet keys'] ?? '', /^warning: .*ca\.pem ends at/);
  assert.match(said(now + 3660 * DAY)['fleet keys'] ?? '', /^failure: .*ca\.pem ended at/);
});

test('who is heard, and of whom nothing is heard any more', () => {
  const members = MemberStore.open(state.directory);
  const sites = ['ams1', 'ber1', 'new1'].map((name) => ({ name, role: 'site' as const }));
  members.putFleet({
    fleet: 'test',
    self: 'hub',
    intervalSeconds: 10,
    members: [{ name: 'hub', role: 'collector' }, ...sites],
  });
  const heard = (member: string, lastHeard: number): void =>
    members.put(
      [
        {
          member,
          heard: [],
          allowance: { left: 1, at: 1, number: 1 },
          lastHeard,
          clockOff: 0,
          batches: 1,
          missing: 0,
          waiting: 0,
          givenUp: 0,
        },
      ],
      new Map(),
    );
  heard('ams1', now - 1000);
  heard('ber1', now - 1000);
  assert.equal(said()['fleet'], 'well: hub hears 2 of 3 members');
  heard('ber1', now - DAY);
  assert.equal(
    said()['fleet'],
    'warning: hub hears 1 of 3 members; nothing is heard any more of ber1',
  );
  members.close();
});
