// SPDX-License-Identifier: Apache-2.0
/** The namespaces that the tests make. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';

import { run } from './namespaces.ts';

for (const end of [
  "throw new Error('as of a test')",
  "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000)",
])
  test(`a process that ends leaves none behind: ${end}`, () => {
    const module = resolve(import.meta.dirname, 'namespaces.ts');
    const program = `import { Link } from ${JSON.stringify(module)};
const link = new Link();
console.log(link.observer);
console.log(link.sender);
${end};`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 1);
    const made = stdout.trim().split('\n');
    assert.equal(made.length, 2, stderr);
    const left = run('ip', 'netns', 'list');
    for (const name of made) assert.ok(!left.includes(name), left);
  });
