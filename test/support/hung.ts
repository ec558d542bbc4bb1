// SPDX-License-Identifier: Apache-2.0
/** Test files that do not end. Node's runner waits for ever for the process of one, say because a
 * failed test left a child behind: a whole run would show one failure and then nothing more. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends, with SIGKILL, each child of this process that runs a test file and has been seen for longer
 * than `patience` milliseconds, and tells its file. Looks every `interval` milliseconds until the returned
 * function is called.
 */
export function endHungChildren(
  patience: number,
  tell: (file: string) => void,
  interval = patience / 20,
): () => void {
  const firstSeen = new Map<string, number>();
  const timer = setInterval(() => {
    const children = childrenOf(process.pid).filter((pid) => testFile(pid) !== undefined);
    for (const gone of firstSeen.keys()) if (!children.includes(gone)) firstSeen.delete(gone);
    for (const pid of children) {
      const since = firstSeen.get(pid) ?? performance.now();
      firstSeen.set(pid, since);
      if (performance.now() - since <= patience) continue;
      tell(testFile(pid) ?? pid);
      process.kill(Number(pid), 'SIGKILL');
    }
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}

/** The processes whose parent this is; a process that ends meanwhile is left out. */
function childrenOf(parent: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      // The name of the program, in parentheses, may hold anything, spaces and parentheses too.
      const [, after] = /^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      return Number(after) === parent;
    } catch {
      return false;
    }
  });
}

/** The file that a process was started with, its last argument. */
function testFile(pid: string): string | undefined {
  try {
    const last = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(-2);
    return last?.endsWith('.test.ts') === true ? last : undefined;
  } catch {
    return undefined;
  }
}
