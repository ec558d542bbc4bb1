// SPDX-License-Identifier: Apache-2.0
/** `ctga status`: what following each log costs, what is lost on a poor line, and resolvers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeCounts, toCounters } from '../../src/dataplane/dnstap/counts.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { LogState } from '../../src/follow/log-state.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const tree = treeOf(1000);

const cases: Readonly<Record<string, { state: Partial<LogState>; bytes: number; says: RegExp }>> = {
  Whole: {
    state: { held: { start: 0n, end: 1000n, nodes: [], head: 1 }, growth: 50_000 },
    bytes: 1_600_000,
    says: /^Whole +1000 +1000 +3 +1\.6 MB +64 MB +1\.6 MB$/m,
  },
  Fresh: { state: {}, bytes: 0, says: /^Fresh +0 +1000 +3 +0 MB +64 MB$/m },
  Large: {
    state: { mode: 'blocks', growth: 5_000_000 },
    bytes: 2_000_000,
    says: /^Large +blocks +1000 +3 +2 MB +64 MB +160 MB\n {2}It grows by 160 MB a day, more than the budget of 64 MB: tree heads of it\n {4}that are not public wait for blocks/m,
  },
  Busy: {
    state: { mode: 'blocks', growth: 1_700_000 },
    bytes: 2_000_000,
    says: /^Busy +blocks .*\n {2}It grows by 54 MB a day, more than 80 % of the budget of 64 MB: /m,
  },
  Slowing: {
    state: { mode: 'blocks', growth: 1000 },
    bytes: 2_000_000,
    says: /^Slowing +blocks .*\n {2}For now, tree heads of it that are not public wait for blocks/m,
  },
};

describe('what following the logs costs', () => {
  const state = stateAt(mkdtempSync(join(tmpdir(), 'ctga-test-')));
  after(() => rmSync(state.directory, { recursive: true }));
  const run = async (...more: readonly string[]): Promise<string> =>
    (await ctga(['status', '--state-dir', state.directory, ...more])).stdout;

  before(() => {
    const store = openForWriting(state);
    const hashes = HashStore.open(state.directory);
    for (const [description, { state: given, bytes }] of Object.entries(cases)) {
      const signing = new SigningLog();
      const log = signing.asLog({ description, api: 'static-ct' });
      store.logs.put([log]);
      const rows = hashes.rows(log);
      const shown = rows.putHead(signing.verified(1000, tree.root()), 1).id;
      rows.setState({
        mode: 'leaves',
        shown,
        target: 0n,
        bytesPerLeaf: 32,
        budget: 64_000_000,
        pattern: newPattern(() => 0.5),
        ...given,
      });
      rows.addUsage(Date.now(), { requests: 3, bytes });
    }
    hashes.close();
    store.close();
  });

  test('is a line for each log, and a sentence where something is lost', async () => {
    const text = await run();
    assert.match(text, /^Followed: 5 logs, today with 15 requests and 7\.6 MB\./m);
    for (const { says } of Object.values(cases)) assert.match(text, says);
  });

  test('is there for scripts', async () => {
    const { following } = JSON.parse(await run('--json')) as {
      following: Record<string, unknown>[];
    };
    const { logId, ...large } = following.find(({ log }) => log === 'Large') ?? assert.fail();
    assert.equal(typeof logId, 'string');
    assert.deepEqual(large, {
      log: 'Large',
      mode: 'blocks',
      publicSize: 1000,
      requests: 3,
      bytes: 2_000_000,
      budget: 64_000_000,
      growth: 160_000_000,
    });
  });

  test('is not known where it cannot be read, and the rest is told all the same', async () => {
    writeFileSync(join(state.directory, 'mirror.sqlite'), 'x'.repeat(10_000));
    const text = await run();
    assert.match(text, /^Followed: not known \(.*mirror\.sqlite/m);
    assert.match(text, /^tree heads +0$/m);
  });
});

describe('a resolver, which no kernel knows of, is told from what its observer wrote down', () => {
  const HOUR = 3_600_000;
  const NAME = 'dnstap:/run/ctga/dnstap.sock';
  const blindSince = Date.now() - 5 * HOUR;
  const none = Object.fromEntries(
    Object.entries(toCounters(makeCounts())).map(([name, count]) => [name, Number(count)]),
  );
  const NO_RESOLVER =
    /has seen no packet of dnstap:\S+ since .* No resolver is connected to it, or /;
  const NOBODY = /No observer has watched dnstap:\S+ since .* Start one with: ctga attach /;
  interface Scene {
    readonly age: number;
    readonly blindSince: number | null;
    readonly attached: boolean | undefined;
    readonly says: RegExp;
    readonly counters?: Readonly<Record<string, number>>;
  }
  const whole = { ...none, packets: 4711 };
  const scenes: Readonly<Record<string, Scene>> = {
    // However long this takes, it is not out of date.
    watched: { age: -HOUR, blindSince: null, attached: true, says: /4711|4,711/ },
    blind: { age: -HOUR, blindSince, attached: false, says: NO_RESOLVER },
    'watched by another version, which counts less': {
      age: -HOUR,
      blindSince: null,
      attached: true,
      says: /4711|4,711/,
      counters: { packets: 4711.5 },
    },
    // What an observer that is gone wrote down is not told as what is seen now.
    stale: { age: 61_000, blindSince: null, attached: undefined, says: NOBODY },
    'stale, and blind': { age: 61_000, blindSince, attached: undefined, says: NO_RESOLVER },
  };
  for (const [
    scene,
    { age, blindSince: since, attached, says, counters = whole },
  ] of Object.entries(scenes))
    test(scene, async () => {
      const state = stateAt(mkdtempSync(join(tmpdir(), 'ctga-test-')));
      const store = openForWriting(state);
      const plane = planeState({ counters, blindSince: since });
      store.planes.put(NAME, { ...plane, mode: 'dnstap' }, Date.now() - age);
      store.close();
      const args = ['status', '--state-dir', state.directory];
      const [text, json] = [await ctga(args), await ctga([...args, '--json'])];
      rmSync(state.directory, { recursive: true });
      const { dataPlanes } = JSON.parse(json.stdout) as {
        dataPlanes: { interface: string; attached: boolean }[];
      };
      const shown = dataPlanes.find((each) => each.interface === NAME);
      assert.equal(shown?.attached, attached);
      const words = text.stdout.replace(/\s+/g, ' ');
      assert.match(words, says);
      for (const other of [NO_RESOLVER, NOBODY])
        if (other !== says) assert.doesNotMatch(words, other);
      if (attached === undefined) assert.doesNotMatch(words, /4711|4,711/);
    });
});
