// SPDX-License-Identifier: Apache-2.0
/**
 * A reader that leaves early, as `head` and `grep -q` do: what a command has found out stays its
 * exit code, nothing is said of it, and what watches ends.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga, CTGA } from '../support/ctga.ts';
import { SCENES, Scene } from '../web/states.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

function storeOf(name: string): { option: string[]; scene: Scene } {
  const state = stateAt(join(directory, name));
  const scene = new Scene(openForWriting(state), state);
  (SCENES[name] ?? assert.fail(name))(scene);
  return { option: ['--state-dir', state.directory], scene };
}

const one = storeOf('split-view');
const evidence = one.scene.split(2, 400, one.scene.now);
one.scene.store.close();
const fleet = storeOf('fleet-split');
fleet.scene.store.close();
const broken = join(directory, 'broken.json');
// The sizes that the log is said to have signed are others.
writeFileSync(broken, readFileSync(evidence, 'utf8').replaceAll('400', '401'));

/** Runs it with nobody at the other end of its output. */
async function unread(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: unknown; stderr: string }> {
  const child = spawn(CTGA, args, {
    env: { ...process.env, CTGA_NODE: process.execPath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, stderr };
}

describe('a reader that leaves early', () => {
  const lists = [
    ...['status', 'heads list', 'heads list --json', 'heads export', 'evidence list'],
    ...['alert list', 'logs list', 'logs list --json', 'store check', 'store export'],
  ].map((words) => [...words.split(' '), ...one.option]);
  const ofFleet = ['status', 'heads'].map((words) => ['fleet', words, ...fleet.option]);
  for (const args of [
    ...lists,
    ...ofFleet,
    ['--help'],
    ['help', 'attach'],
    ['evidence', 'show', evidence],
    ['evidence', 'report', evidence],
    ['evidence', 'verify', evidence, ...one.option],
  ])
    test(`of ctga ${args.map((word) => word.replace(`${directory}/`, '')).join(' ')}`, async () => {
      const { code, stdout } = await ctga(args);
      assert.notEqual(stdout, '');
      assert.deepEqual(await unread(args), { code, stderr: '' });
    });

  test('is not told that evidence holds which does not', async () => {
    const args = ['evidence', 'verify', broken, ...one.option];
    const { code, stdout } = await ctga(args);
    assert.match(stdout, /^FAILS /m);
    assert.equal(code, 1);
    assert.equal((await unread(args)).code, 1);
  });

  test('ends what watches', async () => {
    const asRoot = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    const ended = await unread(['web', '--listen', '127.0.0.1:0', ...asRoot, ...one.option]);
    assert.deepEqual(ended, { code: 0, stderr: '' });
  });

  test('ends what begins to watch only when the reader has left', async () => {
    const late = `process.stdout.once('error', () => setTimeout(() => {
      const never = setTimeout(() => process.stderr.write('not asked'), 60_000);
      process.once('SIGTERM', () => {
        clearTimeout(never);
        process.stderr.write('asked');
      });
    }, 100));`;
    const ended = await unread(['--version'], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(late)}`,
    });
    assert.deepEqual(ended, { code: 0, stderr: 'asked' });
  });
});
