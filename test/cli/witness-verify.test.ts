// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ctga, type Ran } from '../support/ctga.ts';
import {
  REKOR_CHECKPOINT,
  REKOR_VKEY,
  STAGEMOLE_VKEY,
  SUMDB_ENTRY,
  SUMDB_PROOF,
  SUMDB_VKEY,
} from '../support/real-checkpoints.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const checkpoint = file('checkpoint', REKOR_CHECKPOINT);
const proof = file('sqlite.tlog-proof', SUMDB_PROOF);
const entry = file('entry', SUMDB_ENTRY);
const rekor = file('rekor', `log ${REKOR_VKEY}\nwitness mole ${STAGEMOLE_VKEY}\nquorum mole\n`);
const go = file('go', `log ${SUMDB_VKEY}\nquorum none\n`);
const verify = (...args: string[]): Promise<Ran> => ctga(['witness', 'verify', ...args]);

describe('ctga witness verify', () => {
  test('accepts a checkpoint, and says who signed and cosigned it', async () => {
    const { code, stdout, stderr } = await verify(checkpoint, '--policy', rekor);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^log2025-1\.rekor\.sigstore\.dev: size 139911860, root Eli.*\n {2}signed by the log log2025-1.*\n {2}cosigned by mole at 20.* UTC\nAccepted by the policy\.\n$/,
    );
  });

  test('refuses one that the policy does not accept, and says why: exit code 1', async () => {
    const other = file('other', REKOR_CHECKPOINT.replace('139911860', '139911861'));
    const ran = await verify(other, '--policy', rekor, '--json');
    assert.equal(ran.code, 1);
    const { accepted, faults } = JSON.parse(ran.stdout) as { accepted: boolean; faults: string[] };
    assert.equal(accepted, false);
    assert.match(faults.join('\n'), /by the log .* is not good\n.*no log.*\n/);
    const shown = await verify(checkpoint, '--policy', go);
    assert.equal(shown.code, 1);
    assert.match(shown.stdout, /NOT accepted by the policy\.\n$/);
    assert.match(shown.stderr, /no log of the policy signed it/);
  });

  test('checks a proof file with the entry, or its leaf hash', async () => {
    const good = await verify(proof, '--policy', go, '--entry', entry);
    assert.deepEqual([good.code, good.stderr], [0, '']);
    assert.match(good.stdout, /the entry is in the log, at index 37764012\.\n$/);
    const wrong = await verify(proof, '--policy', go, '--leaf-hash', '00'.repeat(32));
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /does not lead from this entry/);
  });

  const refused: [string, readonly string[], RegExp][] = [
    ['a proof without an entry', [proof, '--policy', go], /--entry FILE, or --leaf-hash/],
    ['a checkpoint with one', [checkpoint, '--policy', rekor, '--entry', entry], /proves no entry/],
    ['a policy that is none', [checkpoint, '--policy', entry], /line 1: "zombiezen.*" is none of/],
    [
      'a policy without logs',
      [checkpoint, '--policy', file('none', 'quorum none\n')],
      /names no log/,
    ],
    ['no policy', [checkpoint], /--policy/],
    ['what is no checkpoint', [entry, '--policy', go], /no blank line/],
    [
      'a file that is too large',
      [file('huge', 'x'.repeat(2_000_000)), '--policy', go],
      /is larger than 1 MB/,
    ],
  ];
  for (const [what, args, reason] of refused)
    test(`refuses ${what}: exit code 2`, async () => {
      const { code, stdout, stderr } = await verify(...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, reason);
    });
});
