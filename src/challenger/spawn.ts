// SPDX-License-Identifier: Apache-2.0
/**
 * Starts the challenger as a process of its own, which gives up root before it talks to anybody.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { scriptPath } from '../base/scripts.ts';

/**
 * `args` are the program's, with the command `challenge` among them. Its output goes where ours
 * goes. The caller ends it with SIGTERM.
 */
export function spawnChallenger(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, scriptPath('cli/main'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
