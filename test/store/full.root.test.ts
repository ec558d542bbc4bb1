/**
 * A real disk that is full (a small tmpfs): evidence is written all the same, and nothing that was
 * on record is lost.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

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
  const shell =
    'mount -t tmpfs -o size=4m none "$1" && exec "$2" --import tsx --input-type=module -e "$3"';
  const args = ['--mount', 'sh', '-c', shell, 'sh', directory, process.execPath, script];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const results = JSON.parse(stdout) as Record<string, unknown> & {
    check: { faults: string[]; treeHeads: number; evidence: number };
  };
  assert.equal(results['reserve'], true);
  assert.equal(results['full'], 'ENOSPC');
  assert.equal(results['path'], true);
  assert.deepEqual(results.check.faults, []);
  assert.deepEqual([results.check.treeHeads, results.check.evidence], [2, 1]);
  rmSync(directory, { recursive: true });
});
