/**
 * Runs every test with node's own runner. `*.root.test.ts` files make network namespaces and load
 * BPF programs, so they need root and run one at a time; without root they are left out, and that
 * is said.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const wanted = process.argv.slice(2);
/** It takes as long as a dozen others: begun first, it is not waited for at the end. */
const LONGEST = join('store', 'faults.test.ts');
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && wanted.every((word) => name.includes(word)))
  .sort((a, b) => Number(b === LONGEST) - Number(a === LONGEST) || (a < b ? -1 : 1))
  .map((name) => join(here, name));
const needRoot = files.filter((name) => name.endsWith('.root.test.ts'));
const plain = files.filter((name) => !needRoot.includes(name));

function run(group: readonly string[], concurrency: number): boolean {
  if (group.length === 0) return true;
  const args = [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=spec',
    ...group,
  ];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
}

let passed = run(plain, 2);
if (process.geteuid?.() === 0) {
  passed = run(needRoot, 1) && passed;
} else if (needRoot.length > 0) {
  console.log(
    `left out: ${needRoot.length} test files that load BPF programs and make network namespaces need root: sudo npm test`,
  );
}
process.exitCode = passed ? 0 : 1;
