// SPDX-License-Identifier: Apache-2.0
/** Where a split view goes through a fleet, as `ctga fleet heads` shows it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Packer } from '../../src/fleet/batch.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import type { Log } from '../../src/logs/log.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';
import { collectorOver, member, rosterOf, TestBus } from '../support/fleet-members.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { Scene } from '../web/states.ts';

const log = new SigningLog();
const known: Log = {
  key: log.key,
  description: "The 'forking' log",
  url: 'https://log.test/',
  api: 'rfc6962',
  mmd: 86_400,
};

test('seen at 4 of 5 sites; one saw another tree', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const state = stateAt(directory);
  const store = openForWriting(state);
  store.logs.put([known]);
  const sites = ['ams', 'ber', 'cph', 'dub', 'edi'].map((name) => member(name));
  const members = MemberStore.open(directory);
  members.putFleet({
    fleet: 'test',
    self: 'hub',
    intervalSeconds: 10,
    members: [
      { name: 'hub', role: 'collector' },
      ...sites.map(({ name }) => ({ name, role: 'site' as const })),
    ],
  });
  const { collector } = collectorOver(store, rosterOf(sites), [known], state.evidence, { members });
  const bus = new TestBus();
  for (const { name, key } of sites) {
    const packer = new Packer(8192);
    for (const [size, branch] of [
      [9, name === 'dub' ? 'b' : 'a'],
      ...(name === 'ams' ? [[5, 'a']] : []),
    ] as [number, string][]) {
      const { logId, ...statement } = log.verified(size, treeOf(size, branch).root());
      packer.addHead({
        kind: 'head',
        logId,
        statement,
        verdict: 'pending',
        reason: undefined,
        sightings: ['eth0', 'eth1'].map((source) => ({
          source,
          firstSeen: 1,
          lastSeen: 1,
          count: 1,
        })),
      });
    }
    const envelope = {
      member: name,
      epoch: 1n,
      sequence: 0n,
      previous: undefined,
      store: '00000000',
      clock: 1,
      givenUp: 0,
      waiting: 0,
    };
    collector.take([bus.put(name, packer.seal(envelope, key))]);
  }
  members.close();
  store.close();
  const { code, stdout, stderr } = await ctga(['fleet', 'heads', '--state-dir', directory]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^SPLIT VIEW: forking\n/);
  assert.match(stdout, /size 9, root [0-9a-f]{8}: seen at 4 of 5 sites: ams, ber, cph, edi\n/);
  assert.match(stdout, /size 9, root [0-9a-f]{8}: seen at 1 of 5 sites: dub\n/);
  assert.match(stdout, /forking +5 +[0-9a-f]{8} +1 of 5 sites +pending\n/);
  const json = JSON.parse(
    (await ctga(['fleet', 'heads', '--json', '--state-dir', directory])).stdout,
  ) as {
    sites: number;
    contested: { trees: { sites: string[]; paths: object }[] }[];
    latest: object[];
  };
  assert.equal(json.sites, 5);
  assert.deepEqual(
    json.contested.map(({ trees }) => trees.map((tree) => tree.sites)),
    [[['ams', 'ber', 'cph', 'edi'], ['dub']]],
  );
  assert.deepEqual(json.contested[0]?.trees[1]?.paths, { dub: ['eth0', 'eth1'] });
  assert.equal(json.latest.length, 3);
});

test('a store that is of no fleet has split views, and knows of no site', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const state = stateAt(directory);
  const store = openForWriting(state);
  const evidence = new Scene(store, state).split(0, 9, Date.now());
  store.close();
  const { code, stdout, stderr } = await ctga(['fleet', 'heads', '--state-dir', directory]);
  assert.equal(code, 0, stderr);
  assert(stdout.includes(`  Evidence: ${evidence}\n`), stdout);
  assert.match(stdout, /^This store knows of no site of a fleet\./m);
  assert.doesNotMatch(stdout, /0 of 0/);
});
