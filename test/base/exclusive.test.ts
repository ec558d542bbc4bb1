// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { exclusively } from '../../src/base/exclusive.ts';

const busy = new CtgaError('busy', 'somebody else does it');
const name = `ctga-test-${process.pid}`;

test('one at a time, under each name; also after work that failed', async () => {
  const inside = await exclusively(name, busy, async () => {
    await assert.rejects(
      exclusively(name, busy, () => assert.fail('at the same time')),
      busy,
    );
    return exclusively(`${name}-another`, busy, () => Promise.resolve('done'));
  });
  assert.equal(inside, 'done');
  await assert.rejects(
    exclusively(name, busy, () => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.equal(await exclusively(name, busy, () => Promise.resolve(1)), 1);
});

test('names of any length', () =>
  exclusively(`${name}-${'x'.repeat(300)}`, busy, () => Promise.resolve()));

test('a process that is killed holds nothing', async () => {
  const module = new URL('../../src/base/exclusive.ts', import.meta.url).href;
  const program = `import { exclusively } from ${JSON.stringify(module)};
void exclusively(${JSON.stringify(name)}, new Error(), () => { console.log('in'); return new Promise(() => setInterval(() => {}, 1000)); });`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await assert.rejects(
    exclusively(name, busy, () => Promise.resolve()),
    busy,
  );
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  await exclusively(name, busy, () => Promise.resolve());
});
