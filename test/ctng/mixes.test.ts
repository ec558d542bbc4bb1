// SPDX-License-Identifier: Apache-2.0
/**
 * Our programs in place of CTng's Go programs, one by one: every mix of theirs and ours for
 * gossipers 1 and 3 and monitors 1 and 3 plays the slides' sample run, with periods of a minute,
 * because theirs know no other. CTGA_CTNG names the binary, built by hand from
 * github.com/jik18001/CTng at c09f05e (docs/CTNG.md says how). It takes some nine minutes.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from '../../src/ctng/gossiper.ts';
import { storageOf } from '../../src/ctng/nodes.ts';
import { decodeObjects } from '../../src/ctng/object.ts';
import {
  checkCounters,
  freeNames,
  sampleFiles,
  writeSample,
  type Names,
  type Program,
} from '../../src/ctng/sample.ts';

const THEIRS = process.env['CTGA_CTNG'];
const OURS = resolve(import.meta.dirname, '../../bin/ctga');
const MINUTE_MS = 60_000;
const PERIODS = 3;
/** Longer than the slides' second: so many programs at once may take longer to hear of a conflict. */
const WAIT_SECONDS = 5;
/** So many mixes run at once, of six processes each. */
const AT_ONCE = 8;
/** Monitor 3 asks so much later where both gossipers are Go programs: less than they wait to sign. */
const LATER_MS = 2000;
const PLACES = [
  ['gossiper', 1],
  ['gossiper', 3],
  ['monitor', 1],
  ['monitor', 3],
] as const;

/** "g1 g3 m1 m3", in capitals where the Go program runs. */
function nameOf(mix: number): string {
  return PLACES.map(([program, i], bit) => {
    const name = `${program.charAt(0)}${i}`;
    return isTheirs(mix, bit) ? name.toUpperCase() : name;
  }).join(' ');
}

function isTheirs(mix: number, bit: number): boolean {
  return ((mix >> bit) & 1) === 1;
}

class Mix {
  readonly directory = mkdtempSync(join(tmpdir(), 'ctga-mix-'));
  readonly #children: ChildProcess[] = [];
  logger = '';

  async prepare(names: Names): Promise<void> {
    this.logger = names.loggers[0] ?? '';
    await writeSample(this.directory, names, MINUTE_MS / 1000, WAIT_SECONDS);
  }

  start(mix: number): void {
    // Loggers and CAs of both kinds have their turn too.
    this.#run('logger', 1, mix % 2 === 1, '2');
    this.#run('ca', 1, mix % 2 === 0, '1');
    for (const [bit, [program, i]] of PLACES.entries())
      this.#run(program, i, isTheirs(mix, bit), '1');
  }

  #run(program: Program, i: number, theirs: boolean, answer: string): void {
    const files = sampleFiles(program, i);
    const isSigner = program === 'gossiper' || program === 'monitor';
    if (isSigner) {
      files.push(String(i));
      // The Go programs do not make it.
      mkdirSync(join(this.directory, storageOf(program, String(i))), { recursive: true });
    }
    const [command, first] = theirs ? [THEIRS ?? '', []] : [OURS, ['ctng']];
    const log = openSync(join(this.directory, `${program}${i}.log`), 'w');
    const child = spawn(command, [...first, program, ...files], {
      cwd: this.directory,
      stdio: ['pipe', log, log],
      env: { ...process.env, CTGA_NODE: process.execPath },
    });
    // What a gossiper is not asked it does not read.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${answer}\n`);
    this.#children.push(child);
  }

  /**
   * Two Go gossipers that find a conflict at the same moment write it down in two orders, sign both,
   * and end when the third part comes, whoever else runs. The slides' run does not meet that.
   */
  async holdMonitor3(mix: number, until: number): Promise<void> {
    const monitor = this.#children.at(-1);
    if (!isTheirs(mix, 0) || !isTheirs(mix, 1)) return;
    await sleep(until - LATER_MS - Date.now());
    monitor?.kill('SIGSTOP');
    await sleep(until + LATER_MS - Date.now());
    monitor?.kill('SIGCONT');
  }

  /** The counters of a gossiper by period, so far. */
  counters(i: number): Record<string, Counters> {
    const file = join(this.directory, storageOf('gossiper', String(i)), 'GossipStorage.Json');
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Counters>;
    } catch {
      // It is being written.
      return {};
    }
  }

  proofs(i: number): ReturnType<typeof decodeObjects> {
    const file = join(this.directory, storageOf('monitor', String(i)), 'CONFLICT_POM.json');
    return existsSync(file) ? decodeObjects(readFileSync(file, 'utf8')) : [];
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      // One that is held ends when it goes on.
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    if (process.env['CTGA_KEEP'] === undefined)
      rmSync(this.directory, { recursive: true, force: true });
  }
}

const skip =
  THEIRS === undefined
    ? 'NOT RUN: CTGA_CTNG names no binary of the Go programs; their recorded messages are replayed instead'
    : false;

test(
  'every mix of the Go programs and ours has the counters of the slides',
  { skip },
  async (t) => {
    for (let first = 0; first < 16; first += AT_ONCE) {
      const mixes = Array.from({ length: AT_ONCE }, () => new Mix());
      try {
        const names = await freeNames(AT_ONCE);
        for (const [i, mix] of mixes.entries()) await mix.prepare(names[i] as Names);
        // The Go gossipers write their counters at the second in which they began: not between periods.
        const into = Date.now() % MINUTE_MS;
        if (into < 20_000 || into > 30_000)
          await sleep((2 * MINUTE_MS - into + 20_000) % MINUTE_MS);
        const minute = Math.floor(Date.now() / MINUTE_MS);
        const periods = Array.from({ length: PERIODS }, (_, i) => String((minute + 1 + i) % 60));
        for (const [i, mix] of mixes.entries()) mix.start(first + i);
        await Promise.all(
          mixes.map((mix, i) => mix.holdMonitor3(first + i, (minute + 1) * MINUTE_MS)),
        );
        const end = (minute + PERIODS + 1) * MINUTE_MS;
        await sleep(end - Date.now() - 2000);
        for (const [i, mix] of mixes.entries())
          await t.test(nameOf(first + i), () => {
            const runs = [1, 3].map((gossiper) => {
              const counters = mix.counters(gossiper);
              return periods.flatMap((period) => counters[period] ?? []);
            });
            t.diagnostic(
              `${nameOf(first + i)}: ${runs.map((run) => run.map((each) => Object.values(each).slice(2).join()).join(' | ')).join(' || ')}; proofs ${[1, 3].map((m) => mix.proofs(m).length).join()}`,
            );
            for (const { what, held, found } of checkCounters(runs))
              assert(held, `${what}: ${found ?? ''}`);
            for (const monitor of [1, 3])
              assert.deepEqual(
                mix.proofs(monitor).map(({ payload }) => payload[0]),
                [mix.logger],
              );
          });
      } finally {
        await Promise.all(mixes.map((mix) => mix.stop()));
      }
    }
  },
);
