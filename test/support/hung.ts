// SPDX-License-Identifier: Apache-2.0
/** Test files that do not end. Node's runner waits for ever for the process of one, say because a
 * failed test left a child behind: a whole run would show one failure and then nothing more. */
import { readdirSync, readFileSync } from 'node:fs';

/** How long a file may take, in milliseconds. */
export interface Patience {
  /** From its start to its end: the longest takes a few minutes on a busy machine. */
  readonly whole: number;
  /** From a test of it that failed to the next word of it: more often than not it never ends. */
  readonly afterFailure: number;
}

/** Ends the children of this process that run a test file and do not end by themselves. */
export class HungChildren {
  readonly #patience: Patience;
  readonly #tell: (file: string) => void;
  readonly #firstSeen = new Map<string, number>();
  /** By file: when it last told of a test, and whether one of them failed. */
  readonly #heard = new Map<string, { readonly at: number; readonly failed: boolean }>();

  /** Calls `tell` with the file of each that it ends, by SIGKILL. */
  constructor(patience: Patience, tell: (file: string) => void) {
    this.#patience = patience;
    this.#tell = tell;
    setInterval(() => this.look(), Math.min(patience.whole, patience.afterFailure) / 10).unref();
  }

  /** Takes note of a test of `file` that has ended. */
  heard(file: string, failed: boolean): void {
    const before = this.#heard.get(file)?.failed ?? false;
    this.#heard.set(file, { at: performance.now(), failed: failed || before });
  }

  /** Forgets what was heard of `file`, which is run once more. */
  forget(file: string): void {
    this.#heard.delete(file);
  }

  /** Looks at all children, once. */
  look(): void {
    const children = childrenOf(process.pid).filter((pid) => testFile(pid) !== undefined);
    for (const gone of this.#firstSeen.keys())
      if (!children.includes(gone)) this.#firstSeen.delete(gone);
    for (const pid of children) {
      const file = testFile(pid) ?? pid;
      const since = this.#firstSeen.get(pid) ?? performance.now();
      this.#firstSeen.set(pid, since);
      const word = this.#heard.get(file);
      const isOver =
        performance.now() - since > this.#patience.whole ||
        (word?.failed === true && performance.now() - word.at > this.#patience.afterFailure);
      if (!isOver) continue;
      this.#tell(file);
      process.kill(Number(pid), 'SIGKILL');
    }
  }
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
