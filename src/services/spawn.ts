// SPDX-License-Identifier: Apache-2.0
/**
 * Starts another command as a process of its own, which gives up root before it talks to anybody.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { scriptPath } from '../base/scripts.ts';
import { ENDS_WITH_INPUT } from '../base/stop-signals.ts';

/**
 * `args` are the program's, with the command among them. Its output goes where ours
 * goes. It ends when its standard input does: when the caller ends that, or ends itself. Once both
 * have given up root, one may not signal the other.
 */
export function spawnBeside(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, scriptPath('cli/main'), ...args], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [ENDS_WITH_INPUT]: '1' },
  });
}
