// SPDX-License-Identifier: Apache-2.0
/** The runner of the tests, in a checkout of its own with tests of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';

const checkout = resolve(import.meta.dirname, '..');

/** Runs such files, each with one test in it. */
function run(
  t: TestContext,
  files: Record<string, string>,
): { readonly status: number | null; readonly lines: string[] } {
  const place = mkdtempSync(join(tmpdir(), 'ctga-run-'));
  t.after(() => rmSync(place, { recursive: true }));
  mkdirSync(join(place, 'test/support'), { recursive: true });
  for (const file of ['run.ts', 'support/hung.ts', 'support/random.ts', 'support/share.ts'])
    cpSync(join(checkout, 'test', file), join(place, 'test', file));
  cpSync(join(checkout, 'package.json'), join(place, 'package.json'));
  symlinkSync(join(checkout, 'node_modules'), join(place, 'node_modules'));
  for (const [name, body] of Object.entries(files))
    writeFileSync(
      join(place, 'test', `${name}.test.ts`),
      `import assert from 'node:assert/strict';
       import { existsSync, writeFileSync } from 'node:fs';
       import { test } from 'node:test';
       test('does what it says', () => { ${body} });`,
    );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'test/run.ts'], {
    cwd: place,
    encoding: 'utf8',
    env: { ...env, CTGA_TEST_MARK: join(place, 'mark') },
  });
  return { status, lines: stdout.split('\n') };
}

const AT_THE_SECOND_TIME = `
  const mark = process.env['CTGA_TEST_MARK'];
  const isSecond = existsSync(mark);
  writeFileSync(mark, '');
  assert(isSecond, 'not yet');`;

test('a file that fails and passes alone is told of, and fails no run', (t) => {
  const { status, lines } = run(t, { good: '', once: AT_THE_SECOND_TIME });
  assert.equal(status, 0, lines.join('\n'));
  const [last = '', ...before] = lines.filter((line) => line !== '').reverse();
  assert.equal(last, '2 passed (1 at the second try), 0 failed, 0 skipped');
  assert.equal(
    before[0],
    '  failed beside other files, passed alone: test/once.test.ts: does what it says',
  );
  assert(lines.includes('FAILED test/once.test.ts: does what it says'));
});

test('a file that fails alone too fails the run, beside one that does not', (t) => {
  const { status, lines } = run(t, { bad: 'assert.fail()', once: AT_THE_SECOND_TIME });
  assert.equal(status, 1);
  const [last = '', ...before] = lines.filter((line) => line !== '').reverse();
  assert.equal(last, '1 passed (1 at the second try), 1 failed, 0 skipped');
  assert.equal(before[0], '  failed: test/bad.test.ts: does what it says');
});

test('where many files fail, none is run once more', (t) => {
  const bad = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, 'assert.fail()']));
  const { status, lines } = run(t, bad);
  assert.equal(status, 1);
  assert(lines.includes('0 passed, 4 failed, 0 skipped'));
  assert(!lines.some((line) => line.startsWith('once more')));
});

test('a file that does not even load fails the run', (t) => {
  const { status, lines } = run(t, { broken: '}' });
  assert.equal(status, 1);
  assert.match(lines.join('\n'), /0 passed, 1 failed, 0 skipped/);
});
