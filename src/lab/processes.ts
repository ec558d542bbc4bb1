// SPDX-License-Identifier: Apache-2.0
/**
 * The lab's processes: running a command to its end, starting a service, and finding and ending
 * what a crashed lab left.
 *
 * Every process that the lab starts has CTGA_LAB=<lab> in its environment. By that mark in
 * /proc/<pid>/environ a later run recognises its own processes, so it ends no others, not even a
 * shell that somebody opened inside one of the lab's namespaces.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import {
  accessSync,
  closeSync,
  constants as fsConstants,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError, messageOf } from '../base/errors.ts';

const MARK = 'CTGA_LAB';

/**
 * How long the lab waits for what takes a moment on an idle machine: a program that ends is noticed
 * at once, and a busy machine is no fault.
 */
export const PATIENCE_SECONDS = 240;
const STOP_MS = 60_000;

/** A root shell from su has no sbin on its PATH, but half of the tools are there. */
const PATH = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter);

const TOOLS = [
  'ip',
  'nft',
  'nsenter',
  'unshare',
  'mount',
  'tee',
  'openssl',
  'unbound',
  'dig',
  'microsocks',
];

/** Throws CtgaError if this is not root, or a tool that the lab needs is missing. */
export function requireLabTools(more: readonly string[] = []): void {
  if (process.geteuid?.() !== 0) {
    throw new CtgaError('not-permitted', 'the lab makes network namespaces and needs root', {
      remedy: 'Run it with sudo: sudo ctga lab run',
    });
  }
  const missing = [...TOOLS, ...more].filter((tool) => !isOnPath(tool));
  if (missing.length > 0) {
    throw new CtgaError(
      'not-set-up',
      `the lab needs ${missing.join(', ')}, which this machine lacks`,
      {
        remedy: missing.includes('simple_switch')
          ? 'simple_switch comes from p4lang: https://github.com/p4lang/behavioral-model#installing-bmv2. The others come with: sudo npm run setup'
          : 'Install what is missing with: sudo npm run setup',
      },
    );
  }
}

/** Whether root's PATH has this program. */
export function isOnPath(tool: string): boolean {
  return PATH.split(delimiter).some((directory) => {
    if (directory === '') return false;
    try {
      accessSync(join(directory, tool), fsConstants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The lab and the namespace of a command. */
export interface Surroundings {
  /** The lab's name, which is the value of the mark. */
  readonly lab: string;
  /** The name of a network namespace; the caller's by default. */
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, without a shell. Returns what it printed, whatever its exit code. */
export async function run(
  command: string,
  args: readonly string[],
  surroundings: Surroundings,
  options: { readonly input?: string; readonly signal?: AbortSignal } = {},
): Promise<Finished> {
  const [file, argv] = enter(surroundings, command, args);
  return new Promise((resolve, reject) => {
    const settings = {
      env: environment(surroundings),
      maxBuffer: 64 * 1024 * 1024,
      signal: options.signal,
    };
    const child = execFile(file, argv, settings, (error, stdout, stderr) => {
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
      else if (error.signal != null) {
        resolve({ exitCode: 128 + constants.signals[error.signal], stdout, stderr });
      } else {
        reject(
          new CtgaError('not-set-up', `cannot run ${command}: ${messageOf(error)}`, {
            cause: error,
          }),
        );
      }
    });
    child.stdin?.on('error', () => undefined); // a command that ends without reading its input is not an error
    child.stdin?.end(options.input ?? '');
  });
}

/** Like `run`, but rejects with CtgaError if the command fails. Returns its standard output. */
export async function must(
  command: string,
  args: readonly string[],
  surroundings: Surroundings,
  options: { readonly input?: string } = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command, args, surroundings, options);
  if (exitCode === 0) return stdout;
  throw new CtgaError(
    'kernel',
    `${[command, ...args].join(' ')}: ${stderr.trim() || `exit code ${exitCode}`}`,
  );
}

/** A process that runs until it is told to stop. */
export interface Service {
  readonly name: string;
  readonly child: ChildProcess;
  readonly pid: number;
  /** The file with its standard error, and its standard output if that is not piped. */
  readonly logPath: string;
}

/**
 * Starts a process in a new process group. Ctrl-C goes to the whole foreground group, but services
 * must live on until they are stopped in order.
 */
export function start(
  name: string,
  command: readonly [string, ...string[]],
  surroundings: Surroundings,
  options: {
    readonly logPath: string;
    readonly pipeInput?: boolean;
    readonly pipeOutput?: boolean;
    readonly cwd?: string;
  },
): Service {
  const [file, argv] = enter(surroundings, command[0], command.slice(1));
  const log = openSync(options.logPath, 'a');
  const child = spawn(file, argv, {
    env: environment(surroundings),
    detached: true,
    stdio: [
      options.pipeInput === true ? 'pipe' : 'ignore',
      options.pipeOutput === true ? 'pipe' : log,
      log,
    ],
    cwd: options.cwd,
  });
  closeSync(log);
  if (child.pid === undefined) {
    child.once('error', () => undefined);
    throw new CtgaError('not-set-up', `cannot start ${name}: ${file} does not run`);
  }
  return { name, child, pid: child.pid, logPath: options.logPath };
}

/**
 * Polls until `ready` returns true. Rejects, with the end of the service's log, if the service ends
 * first or takes too long.
 */
export async function untilReady(
  service: Service,
  ready: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_SECONDS * 1000;
  for (;;) {
    if (await ready()) return;
    const { exitCode, signalCode } = service.child;
    if (exitCode !== null || signalCode !== null) {
      throw failedToStart(service, `ended with ${signalCode ?? `exit code ${String(exitCode)}`}`);
    }
    if (performance.now() > deadline)
      throw failedToStart(service, `was not ready after ${PATIENCE_SECONDS} seconds`);
    await sleep(10);
  }
}

function failedToStart(service: Service, what: string): CtgaError {
  const lines = readFileSync(service.logPath, 'utf8').trim().split('\n').slice(-3).join(' | ');
  return new CtgaError('kernel', `${service.name} ${what}${lines === '' ? '' : `: ${lines}`}`, {
    remedy: `Its whole output is in ${service.logPath}.`,
  });
}

/**
 * Sends SIGTERM, and SIGKILL to what does not end: on a busy machine that takes more than a few
 * seconds, since the process beside an observer takes leave of its bus first. Resolves to the exit code when the process has
 * ended.
 */
export async function stop(service: Service): Promise<number | undefined> {
  const { child } = service;
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(patience);
  }
  return child.exitCode ?? undefined;
}

/** Ends every process that has the lab's mark, also those of a crashed run and their children. */
export async function endMarkedProcesses(lab: string): Promise<number> {
  const found = markedProcesses(lab);
  for (const pid of found) signalProcess(pid, 'SIGTERM');
  const deadline = performance.now() + 3_000;
  while (markedProcesses(lab).length > 0 && performance.now() < deadline) await sleep(20);
  for (const pid of markedProcesses(lab)) signalProcess(pid, 'SIGKILL');
  while (markedProcesses(lab).length > 0 && performance.now() < deadline + 3_000) await sleep(20);
  return found.length;
}

function markedProcesses(lab: string): number[] {
  const mark = `${MARK}=${lab}`;
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false;
      try {
        // A zombie's environment is empty, so processes that have ended do not count.
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
      } catch {
        return false; // it ended while we looked
      }
    });
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended by itself.
  }
}

/**
 * This uses nsenter because `ip netns exec` mounts another /sys over ours, which hides /sys/fs/bpf
 * and the pins in it.
 */
function enter(
  surroundings: Surroundings,
  command: string,
  args: readonly string[],
): [string, string[]] {
  if (surroundings.namespace === undefined) return [command, [...args]];
  return ['nsenter', [`--net=/run/netns/${surroundings.namespace}`, '--', command, ...args]];
}

function environment(surroundings: Surroundings): NodeJS.ProcessEnv {
  return { ...process.env, PATH, [MARK]: surroundings.lab, ...surroundings.env };
}
