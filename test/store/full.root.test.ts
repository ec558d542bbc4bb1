// SPDX-License-Identifier: Apache-2.0
/**
 * A real disk that is full (a small tmpfs): evidence is written all the same, and nothing that was
 * on record is lost.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

const url = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

test('evidence finds room on a disk that is full', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const script = `
    import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    import { judgeWithoutProof } from '${url('evidence/judge.ts')}';
    import { keepEvidence } from '${url('evidence/keep.ts')}';
    import { checkStore } from '${url('upkeep/maintenance.ts')}';
    import { StoreInUse } from '${url('upkeep/in-use.ts')}';
    import { stateAt } from '${url('store/state.ts')}';
    import { SigningLog, treeOf } from '${new URL('../support/signing-log.ts', import.meta.url).href}';
    const state = stateAt('${directory}/state');
    const log = new SigningLog();
    const store = new StoreInUse({ state, onSetAside: console.error }).store;
    store.logs.put([log.asLog({})]);
    for (const branch of ['a', 'b'])
      store.heads.record([{ head: log.verified(5, treeOf(5, branch).root()), source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
    const results = { reserve: existsSync('${directory}/state/reserve') };
    // To the last byte.
    for (const bytes of [65536, 4096, 1])
      try { for (;;) appendFileSync('${directory}/filler', Buffer.alloc(bytes)); } catch (error) { results.full = error.code; }
    try { writeFileSync('${directory}/another', 'x'.repeat(8192)); results.full = 'there is room'; } catch { /* as it should be */ }
    const [fork] = store.evidence.missing();
    const path = keepEvidence(store, state.evidence, log.asLog({}), fork, judgeWithoutProof(...fork), 1);
    store.verdicts.set(fork[1], 1, { verdict: 'fork-proven', provenAgainst: fork[0].id });
    store.close();
    results.path = existsSync(path);
    results.check = checkStore(state);
    console.log(JSON.stringify(results));`;
  const printed = onSmallDisk(directory, 'size=6m', ['--input-type=module', '-e', script]);
  const results = printed as Record<string, unknown> & {
    check: { faults: string[]; treeHeads: number; evidence: number };
  };
  assert.equal(results['reserve'], true);
  assert.equal(results['full'], 'ENOSPC');
  assert.equal(results['path'], true);
  assert.deepEqual(results.check.faults, []);
  assert.deepEqual([results.check.treeHeads, results.check.evidence], [2, 1]);
  rmSync(directory, { recursive: true });
});

describe('a disk that takes nothing when a process starts', () => {
  for (const [what, seal, unseal] of [
    ['full', `fill();`, `rmSync('DIRECTORY/filler');`],
    ['read-only', `mount('ro');`, `mount('rw');`],
  ] as const) {
    test(`because it is ${what}, is read, and written as soon as it can be`, () => {
      const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
      const script = `
        import { execFileSync } from 'node:child_process';
        import { appendFileSync, rmSync } from 'node:fs';
        import { StoreInUse } from '${url('upkeep/in-use.ts')}';
        import { openForReading, openForWriting, stateAt } from '${url('store/state.ts')}';
        import { SigningLog, treeOf } from '${new URL('../support/signing-log.ts', import.meta.url).href}';
        const state = stateAt('DIRECTORY/state');
        const log = new SigningLog();
        const see = (store, size) =>
          store.heads.record([{ head: log.verified(size, treeOf(size).root()), source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
        const mount = (how) => execFileSync('mount', ['-o', 'remount,' + how, 'DIRECTORY']);
        const fill = () => {
          for (const bytes of [65536, 4096, 1])
            try { for (;;) appendFileSync('DIRECTORY/filler', Buffer.alloc(bytes)); } catch { /* it is full */ }
        };
        const first = openForWriting(state);
        see(first, 5);
        first.close();
        ${seal}
        const said = [];
        const inUse = new StoreInUse({ state, onSetAside: (message) => said.push(message) });
        const found = { known: inUse.store.heads.count() };
        const reader = openForReading(state);
        found.read = reader.heads.count();
        reader.close();
        try { see(inUse.store, 6); } catch (error) { found.refused = error.code; }
        try { inUse.follow(); } catch (error) { found.stillRefused = error.code; }
        ${unseal}
        inUse.follow();
        see(inUse.store, 6);
        inUse.store.close();
        const last = openForReading(state);
        found.inTheEnd = last.heads.count();
        last.close();
        console.log(JSON.stringify({ ...found, said }));`.replaceAll('DIRECTORY', directory);
      const printed = onSmallDisk(directory, 'size=6m', ['--input-type=module', '-e', script]);
      rmSync(directory, { recursive: true });
      const { said, ...found } = printed as { said: string[] };
      assert.deepEqual(found, {
        known: 1,
        read: 1,
        refused: 'store-failed',
        stillRefused: 'store-failed',
        inTheEnd: 2,
      });
      assert.match(
        said.join('; '),
        /^the store cannot be written, .*; the store can be written again$/,
      );
    });
  }
});
