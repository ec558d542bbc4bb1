// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:sanitized`: the tests that use the addon, with an addon that is compiled with
 * AddressSanitizer and UBSan. The first access to memory that is not its own, and the first
 * undefined operation, ends the process, so the test fails. Leaks are not looked for: node frees
 * little of what it has when it exits. Needs root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

import { SEED } from '../support/random.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TESTS = [
  'native/addon.root',
  'native/damage.root',
  'xdp/program.root',
  'xdp/copying.root',
  'xdp/fuzz.root',
  'dataplane/xdp.root',
  'dataplane/pins.root',
].map((name) => `test/${name}.test.ts`);

if (process.geteuid?.() !== 0) {
  console.error('sanitized: NOT RUN: BPF programs are loaded, which needs root');
  process.exit(0);
}

/** What g++ links with. An addon's own sanitizers must be there before node is. */
function library(name: string): string {
  const found = execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  return realpathSync(found.trim());
}

console.error('sanitized: building the addon');
const build = ['build', '--config', 'Release', '--directory', 'native'];
const built = spawnSync(
  'node_modules/.bin/cmake-js',
  [...build, '--out', 'build/sanitized', '--CDCTGA_SANITIZE=ON'],
  { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (built.status !== 0) {
  console.error('sanitized: the addon could not be built: what the compiler says is above');
  process.exit(1);
}

const fuzzed = spawnSync('build/sanitized/fuzz-records', ['1000000', String(SEED)], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (fuzzed.status !== 0) {
  console.error('sanitized: records were not copied as they should be: see above');
  process.exit(1);
}

// In this mount namespace, the addon of all processes is the one just built. libstdc++ is named so
// that it is there before AddressSanitizer looks for what throws.
const inside = 'mount --bind build/sanitized build/native && exec "$@"';
const preload = [library('libasan.so'), library('libstdc++.so.6')].join(' ');
const { status } = spawnSync(
  'unshare',
  [
    ...['--mount', 'sh', '-c', inside, 'sh', 'env', `LD_PRELOAD=${preload}`, process.execPath],
    ...['--import', 'tsx', '--test', '--test-reporter=spec', '--test-concurrency=1', ...TESTS],
  ],
  {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ASAN_OPTIONS: 'detect_leaks=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      CTGA_MUTATIONS: '500',
    },
  },
);
process.exitCode = status ?? 1;
