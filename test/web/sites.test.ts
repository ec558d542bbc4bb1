// SPDX-License-Identifier: Apache-2.0
/** What monitoring is told of a fleet, and what its pages cost. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { noPrometheus, promtool } from '../support/prometheus.ts';
import { Scene, SCENES } from './states.ts';

async function served(t: TestContext, name: string): Promise<{ url: string; state: State }> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const state = stateAt(join(directory, 'state'));
  const store = openForWriting(state);
  SCENES[name]?.(new Scene(store, state));
  store.close();
  const server = await WebServer.start({
    state,
    address: '127.0.0.1',
    port: 0,
    hosts: [],
    version: '0',
  });
  t.after(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });
  return { url: server.at.url, state };
}

const textAt = async (url: string): Promise<string> => (await fetch(url)).text();

describe('the metrics of a fleet', () => {
  test('are by member, and of all that is counted', async (t) => {
    const { url } = await served(t, 'fleet-split');
    const lines = new Set((await textAt(`${url}metrics`)).split('\n'));
    for (const wanted of [
      'ctga_fleet_info{fleet="example",member="hub",role="collector"} 1',
      // The other collector too.
      'ctga_fleet_members{state="heard"} 49',
      'ctga_fleet_members{state="silent"} 1',
      'ctga_fleet_members{state="never"} 1',
      'ctga_member_silent{member="fra2",role="site"} 1',
      'ctga_member_silent{member="ams1",role="site"} 0',
      'ctga_member_batches_total{member="hub2",role="collector"} 4',
      'ctga_member_batches_missing{member="gva1",role="site"} 12',
      'ctga_member_heads_waiting{member="gva1",role="site"} 3107',
      'ctga_member_heads_given_up_total{member="gva1",role="site"} 44',
      'ctga_member_refused_total{member="hel3",role="site"} 7',
      'ctga_member_refused_total{member="",role=""} 0',
    ])
      assert(lines.has(wanted), wanted);
  });

  test('are none where there is no fleet', async (t) => {
    const { url } = await served(t, 'all-well');
    assert.doesNotMatch(await textAt(`${url}metrics`), /\{[^}]*(member|fleet)=/);
  });

  test('are as promtool wants them', { skip: noPrometheus }, async (t) => {
    const { url } = await served(t, 'fleet-split');
    assert.equal(promtool(['check', 'metrics'], await textAt(`${url}metrics`)), '');
  });

  test('have a bound, whatever members send under other names', async (t) => {
    const { url, state } = await served(t, 'fleet-split');
    const store = openForWriting(state);
    const before = (await textAt(`${url}metrics`)).split('\n').length;
    const { MemberStore } = await import('../../src/fleet/members.ts');
    const members = MemberStore.open(state.directory);
    for (let i = 0; i < 500; i++) members.put([], new Map([[`x${i}`, new Map([['why', 1]])]]));
    members.close();
    store.close();
    const text = await textAt(`${url}metrics`);
    assert.equal(text.split('\n').length, before);
    assert.match(text, /^ctga_member_refused_total\{member="",role=""\} 500$/m);
  });
});

test('state.json has the members', async (t) => {
  const { url } = await served(t, 'fleet-split');
  const { fleet } = JSON.parse(await textAt(`${url}state.json`)) as {
    fleet: { self: string; sites: { member: string; hearing: string }[] };
  };
  assert.equal(fleet.self, 'hub');
  assert.equal(fleet.sites.length, 50);
  assert.deepEqual(
    fleet.sites.filter(({ hearing }) => hearing !== 'heard').map(({ member }) => member),
    ['fra2', 'kbp5'],
  );
});

describe('what others of the fleet concluded', () => {
  test('is shown beside the verdict here, as their word, and changes none', async (t) => {
    const { url } = await served(t, 'fleet-site');
    const page = await textAt(url);
    const cells = [...page.matchAll(/class="cell-verdict">([^]*?)<\/td>/g)].map(([, cell = '']) =>
      cell
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim(),
    );
    const told = cells.filter((cell) => cell.includes(':'));
    assert(told.length > 0);
    for (const cell of told)
      assert.equal(
        cell,
        'pending a-challenger-with-a-very-long-name: skewed east, hub and 2 more: consistent',
      );
    // That a tree is forked is believed by evidence alone, whoever says it; who is nobody says nothing.
    assert.doesNotMatch(page, /liar|joker|<script>alert/);
    assert.match(page, /No split view is proven/);
  });

  test('is in state.json, with who said it', async (t) => {
    const { url } = await served(t, 'fleet-site');
    const { recent } = JSON.parse(await textAt(`${url}state.json`)) as {
      recent: { elsewhere: { origin: { host: string }; verdict: string }[] }[];
    };
    const words = recent.flatMap(({ elsewhere }) => elsewhere);
    assert(words.some(({ origin }) => origin.host === 'hub'));
    assert(words.every(({ origin }) => origin.host !== '<b>'));
  });

  test('is nothing where nobody told anything', async (t) => {
    const { url } = await served(t, 'all-well');
    assert.doesNotMatch(await textAt(url), /class="word"/);
  });
});

test('what cannot be read of a fleet is told, and all else is shown', async (t) => {
  const { url, state } = await served(t, 'fleet-split');
  writeFileSync(join(state.directory, 'fleet', 'members.db'), 'no database '.repeat(1000));
  for (const suffix of ['-wal', '-shm'])
    rmSync(join(state.directory, 'fleet', `members.db${suffix}`), { force: true });
  const text = await textAt(url);
  assert.match(text, /What is known of the fleet cannot be read/);
  assert.match(text, /A split view is proven/);
  assert.equal((await fetch(`${url}sites`)).status, 500);
});

for (const [path, kilobytes] of [
  ['', 250],
  ['sites', 250],
  ['evidence', 100],
] as const)
  test(`/${path} of a thousand sites has at most ${kilobytes} kB`, async (t) => {
    const { url } = await served(t, 'fleet-extremes');
    const size = Buffer.byteLength(await textAt(`${url}${path}`));
    assert(size < kilobytes * 1000, `it has ${size} bytes`);
  });
