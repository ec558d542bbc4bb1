// SPDX-License-Identifier: Apache-2.0
/**
 * One run of the command line: what it writes to, what asks it to end, and its exit code. A process
 * is one run. Tests run commands inside their own process (`runCtga` in program.ts), several of
 * them at the same time, each with an Io of its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ExitCode } from '../base/errors.ts';
import { stopSignal } from '../base/stop-signals.ts';

/** What commands use of a stream that a person or a script reads. */
export interface Output {
  write(text: string): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** The terminal's width in characters. */
  readonly columns?: number;
}

export interface Io {
  /** Results. */
  readonly stdout: Output;
  /** Progress, warnings and failures. */
  readonly stderr: Output;
  /** A person's answers to questions; without it nobody is asked. */
  readonly stdin?: NodeJS.ReadStream;
  /** Asks commands that go on by themselves to end; without it, SIGINT, SIGTERM and SIGHUP do. */
  readonly signal?: AbortSignal;
}

interface Run {
  readonly io: Io;
  /** Whether it was asked for JSON: then what it writes to stderr is JSON too. */
  json: boolean;
  /** The command as a person types it, such as "ctga heads list"; at first the program alone. */
  command: string;
  /** The values of options that say where things are, by name, as they were given. */
  given: Readonly<Record<string, unknown>>;
  /** The names of all options that the command has; undefined before it is known which it is. */
  has: ReadonlySet<string> | undefined;
  /** Whether it began as root, and whether by sudo; it may give root up. */
  readonly isRoot: boolean;
  readonly isSudo: boolean;
  exitCode: number;
}

const newRun = (io: Io): Run => ({
  io,
  json: false,
  command: 'ctga',
  given: {},
  has: undefined,
  isRoot: process.geteuid?.() === 0,
  isSudo: process.env['SUDO_UID'] !== undefined,
  exitCode: ExitCode.ok,
});
const ofThisProcess = newRun(process);

// Entered for runs with an Io of their own alone. The run of a process does without it, because
// following every promise slows down Node 20, and because callbacks from native code have no
// context.
const runs = new AsyncLocalStorage<Run>();
const current = (): Run => runs.getStore() ?? ofThisProcess;

/** Runs `work`, and all that it starts, as a run with this Io. Resolves to its exit code. */
export async function asRun(
  io: Io | undefined,
  json: boolean,
  work: () => Promise<void>,
): Promise<number> {
  const run = io === undefined ? ofThisProcess : newRun(io);
  run.json = json;
  await (io === undefined ? work() : runs.run(run, work));
  return run.exitCode;
}

/** The same function, of this run from wherever it is called: callbacks from native code are of none. */
export function ofThisRun<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void {
  return AsyncLocalStorage.bind(call);
}

/** What the command that calls this reads and writes. */
export function currentIo(): Io {
  return current().io;
}

export function currentRun(): Readonly<Omit<Run, 'exitCode'>> {
  return current();
}

/** Says which command this is, what it was given, and which options it has. */
export function setCommand(command: string, given: Run['given'] = {}, has?: Run['has']): void {
  Object.assign(current(), { command, given, has });
}

/** Sets the exit code with which the run will end; it goes on until then. */
export function setExitCode(code: number): void {
  current().exitCode = code;
}

/**
 * What asks this command to end. Call it before anything is made that has to be taken down again: a
 * signal that comes earlier ends the process where it is.
 */
export function stopRequest(): AbortSignal {
  return currentIo().signal ?? stopSignal();
}
