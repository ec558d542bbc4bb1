// SPDX-License-Identifier: Apache-2.0
/**
 * The parts of this program that run in a process or thread of their own. Each is a file below src/
 * and, compiled, one below build/js/; which of them runs is that which this file is.
 */
import { extname, join } from 'node:path';
import { projectRoot } from './project-root.ts';

/** Whether this is the source itself, which node runs with the help of tsx. */
export const isSource = extname(import.meta.filename) === '.ts';

/** The file of a part by its `name` below src/, as in 'cli/main'. */
export function scriptPath(name: string): string {
  return isSource
    ? join(projectRoot(), 'src', `${name}.ts`)
    : join(projectRoot(), 'build/js', `${name}.cjs`);
}

/** Node's options for running it. The path of tsx is whole: it does for any working directory. */
export function loaderOptions(): string[] {
  return isSource ? ['--import', import.meta.resolve('tsx')] : [];
}
