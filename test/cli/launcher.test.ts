// SPDX-License-Identifier: Apache-2.0
/** bin/ctga where this account has no Node: a sentence and its remedy, not the shell's words. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CTGA } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
// As in a service's PATH, or that of sudo.
for (const program of ['sh', 'readlink', 'cmp']) {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  symlinkSync(stdout.trim(), join(directory, program));
}
const plain = join(directory, 'plain');
writeFileSync(plain, '', { mode: 0o644 });

for (const [what, node] of [
  ['no node on the PATH', undefined],
  ['a node that is gone', join(directory, 'gone')],
  ['a node that cannot be run', plain],
] as const)
  test(what, () => {
    const { status, stderr } = spawnSync(CTGA, ['--version'], {
      encoding: 'utf8',
      env: { PATH: directory, ...(node === undefined ? {} : { CTGA_NODE: node }) },
    });
    assert.equal(status, 1, stderr);
    const [said = '', remedy = '', ...more] = stderr.split('\n');
    assert.equal(said, `ctga: there is no program ${node ?? 'node'} that this account may run`);
    assert.match(remedy, /^ {2}Install Node .* npm run setup$/);
    assert.deepEqual(more, ['']);
  });
