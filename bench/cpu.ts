// SPDX-License-Identifier: Apache-2.0
/** The CPU time of other processes. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const CLOCK_TICKS = 100;

/** Seconds of user and system time that a process, and all that runs below it, have taken. */
export function cpuSecondsOf(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + cpuSecondsOf(child), ownSeconds(pid));
}

/** proc_pid_stat(5): utime and stime, the 14th and the 15th field. */
function ownSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function childrenOf(pid: number): number[] {
  try {
    const text = execFileSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' });
    return text.split('\n').filter(Boolean).map(Number);
  } catch {
    return []; // pgrep says by its exit code that there is none
  }
}
