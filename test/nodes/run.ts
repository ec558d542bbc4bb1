// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:nodes [-- LINE...]`: the tests that need no root, under Node of each line that ctga
 * runs on, but for the one that runs this. What is compiled for one Node alone is compiled for each;
 * the first run takes a minute for that. `npm run test:nodes -- 24 store` runs some, as with npm
 * test.
 */
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { HERE, NATIVE_MODULES, obtainModules } from '../../packaging/compile.ts';
import { obtainNode, RELEASES, type Line } from '../../packaging/node.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const isLine = (word: string): boolean => word in RELEASES;
const words = process.argv.slice(2);
const own = process.versions.node.split('.')[0];
const lines = words.some(isLine)
  ? words.filter(isLine)
  : Object.keys(RELEASES).filter((line) => line !== own);

for (const line of lines.map((word) => Number(word) as Line)) {
  console.log(`Node ${RELEASES[line].version}`);
  const node = obtainNode(line, HERE);
  const modules = obtainModules(line, HERE);
  // A checkout of its own, with hard links: a package is found from where a file really is.
  const checkout = join(ROOT, 'build/nodes', String(line));
  rmSync(checkout, { recursive: true, force: true });
  mkdirSync(checkout, { recursive: true });
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  for (const path of tracked.split('\0').filter((each) => each !== ''))
    cpSync(join(ROOT, path), join(checkout, path));
  execFileSync('cp', ['-al', join(ROOT, 'node_modules'), checkout]);
  for (const path of ['native', 'xdp'])
    cpSync(join(ROOT, 'build', path), join(checkout, 'build', path), {
      recursive: true,
      preserveTimestamps: true,
    });
  for (const [name, file] of Object.entries(NATIVE_MODULES)) {
    const linked = join(checkout, 'node_modules', name, file);
    rmSync(linked);
    cpSync(join(modules, name, file), linked);
  }
  const PATH = [join(node, 'bin'), process.env.PATH].join(delimiter);
  const inCheckout = (args: readonly string[]): SpawnSyncReturns<Buffer> =>
    spawnSync(join(node, 'bin/node'), ['--import', 'tsx', ...args], {
      cwd: checkout,
      env: { ...process.env, PATH },
      stdio: 'inherit',
    });
  // Compiled, a command starts in a tenth of the time, and the tests start some thousand.
  inCheckout(['packaging/bundle.ts', 'build/js']);
  const { status } = inCheckout([
    'test/run.ts',
    '-.root.test.ts',
    ...words.filter((word) => !isLine(word)),
  ]);
  if (status !== 0) process.exitCode = 1;
}
