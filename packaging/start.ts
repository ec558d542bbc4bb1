// SPDX-License-Identifier: Apache-2.0
/** Whether what was packaged starts, with nothing of the checkout or of the Node that packages it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { HERE, NATIVE_MODULES, obtainLibraries } from './compile.ts';
import type { Architecture } from './node.ts';

/**
 * How programs of an architecture are run here: words to put in front of them. undefined if they
 * cannot be, for lack of Debian's qemu-user-static.
 */
export function runner(architecture: Architecture): readonly string[] | undefined {
  if (architecture === HERE) return [];
  const qemu = architecture === 'arm64' ? 'qemu-aarch64-static' : 'qemu-x86_64-static';
  const { error } = spawnSync(qemu, ['--version']);
  return error === undefined ? [qemu, '-L', obtainLibraries(architecture)] : undefined;
}

/**
 * Starts the program in `lib`, as it is installed, and loads all that is compiled. An error with
 * what was printed if that fails, as with Debian's own /usr/bin/node, a stub before a library that
 * is elsewhere.
 */
export function assertStarts(command: readonly string[], lib: string): void {
  const load = `require('./build/native/Release/ctga.node');
${Object.keys(NATIVE_MODULES)
  .map((name) => `require('${name}');`)
  .join('\n')}
new (require('better-sqlite3'))(':memory:').prepare('SELECT 1').get();`;
  for (const args of [
    ['--input-type=commonjs', '--eval', load],
    [join(lib, 'build/js/cli/main.cjs'), '--version'],
  ]) {
    const [program = '', ...before] = command;
    const ran = spawnSync(program, [...before, ...args], {
      cwd: lib,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' },
    });
    if (ran.status === 0) continue;
    const said =
      ran.error?.message ?? (ran.stderr || (ran.signal ?? `exit code ${String(ran.status)}`));
    throw new Error(`the package would not start: ${command.join(' ')}: ${said.trim()}`);
  }
}
