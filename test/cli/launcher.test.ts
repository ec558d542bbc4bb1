// SPDX-License-Identifier: Apache-2.0
/** bin/ctga where this account has no Node, or runs the sources: it works, or says in words why not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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

/** A checkout that nobody compiled; its name means something in URLs. */
const odd = join(directory, 'ctga #1? 100%41 (2)');
mkdirSync(join(odd, 'bin'), { recursive: true });
copyFileSync(CTGA, join(odd, 'bin', 'ctga'));
for (const name of ['node_modules', 'src', 'package.json'])
  symlinkSync(resolve(CTGA, '../..', name), join(odd, name));

for (const [what, env] of [
  ['sources in a checkout with an odd name', {}],
  ['sources, where nothing can be put aside', { TMPDIR: join(plain, 'none') }],
] as const)
  test(what, () => {
    const { status, stdout, stderr } = spawnSync(join(odd, 'bin', 'ctga'), ['--version'], {
      encoding: 'utf8',
      env: { ...process.env, CTGA_NODE: process.execPath, ...env },
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^\d+\.\d+/);
  });
