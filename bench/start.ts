// SPDX-License-Identifier: Apache-2.0
/**
 * What starting each command of the compiled program costs, as ratios to `node -e 0` in the same
 * run, and the memory of what runs for long, at rest.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { wholeProgram } from '../src/cli/program.ts';
import { median } from './statistics.ts';

export interface StartCost {
  readonly command: string;
  /** User and system, of the fastest batch. */
  readonly cpuMilliseconds: number;
  readonly toNode: number;
  /** From start to end, of the fastest batch. */
  readonly wallMilliseconds: number;
  /** The largest resident set, in MiB. */
  readonly memory: number;
}

export interface RestingMemory {
  /** The command and, behind a slash, which of its processes. */
  readonly process: string;
  /** In MiB: resident, and with its share of what it shares. */
  readonly rss: number;
  readonly pss: number;
}

const ROOT = resolve(import.meta.dirname, '..');
const MAIN = join(ROOT, 'build/js/cli/main.cjs');
const NODE = 'node -e 0';
/** They only read, and wait for nothing. */
const READING = ['status', 'heads list', 'evidence list', 'logs list', 'alert list'];

/** Every command that does something, with --help: all of it is loaded, and nothing done. */
async function everyCommand(): Promise<string[]> {
  const program = await wholeProgram();
  const below = ({ commands }: Command, path: string): string[] =>
    commands.flatMap((command) => {
      const words = `${path}${command.name()} `;
      return command.commands.length === 0 ? [`${words}--help`] : below(command, words);
    });
  return ['--version', '--help', ...below(program, '')];
}

/** `batches` of five starts of each command, in turns. */
export async function measureStarts(batches: number): Promise<StartCost[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const config = join(directory, 'ctga.toml');
  writeFileSync(config, '');
  const store = ['--config', config, '--state-dir', join(directory, 'state')];
  // A store that is there.
  const none = join(directory, 'none.json');
  writeFileSync(none, '{"sths": []}');
  execFileSync(process.execPath, [MAIN, 'heads', 'import', none, ...store], { stdio: 'ignore' });
  const run = (words: string, ...more: string[]): { words: string; args: string[] } => ({
    words,
    args: [MAIN, ...words.split(' '), ...more],
  });
  const runs = [
    { words: NODE, args: ['-e', '0'] },
    ...(await everyCommand()).map((words) => run(words)),
    ...READING.map((words) => run(words, ...store)),
    run('config check', config),
  ];
  try {
    const costs = runs.map((each) => ({ ...each, cpu: [] as number[], wall: [] as number[] }));
    for (let batch = 0; batch < batches; batch++)
      for (const { args, cpu, wall } of costs) {
        const before = performance.now();
        cpu.push(cpuOf(args));
        wall.push((performance.now() - before) / STARTS);
      }
    const least = (each: readonly number[]): number => Math.min(...each);
    const [node] = costs;
    if (node === undefined) throw new Error('nothing was measured');
    return costs.map(({ words, args, cpu, wall }) => ({
      command: words,
      cpuMilliseconds: least(cpu),
      toNode: least(cpu) / least(node.cpu),
      wallMilliseconds: least(wall),
      memory: median([1, 2, 3].map(() => peakOf(args))),
    }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const STARTS = 5;
/** Milliseconds of CPU of one start, as the shell counts those of its children. */
function cpuOf(args: readonly string[]): number {
  const script = `for i in ${'x '.repeat(STARTS)}; do "$@" >/dev/null 2>&1 </dev/null; done; times`;
  const times = execFileSync('sh', ['-c', script, 'sh', process.execPath, ...args], {
    encoding: 'utf8',
  });
  const children = times.trim().split('\n').at(-1) ?? '';
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  if (seconds.length !== 2) throw new Error(`sh counts no CPU time: ${times}`);
  return (seconds.reduce((sum, each) => sum + each, 0) * 1000) / STARTS;
}

function peakOf(args: readonly string[]): number {
  const hook = join(import.meta.dirname, 'peak.cjs');
  const { output } = spawnSync(process.execPath, ['--require', hook, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  return Number(output[3]) / 1024;
}

const SECONDS_AT_REST = 15;
const NAMESPACE = 'ctga-bench-start';

/** Of `attach`, `web` and `challenge`, each a while after its start. As root. */
export async function measureAtRest(): Promise<RestingMemory[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  // Other accounts than root's go in and out.
  chmodSync(directory, 0o755);
  const [config, state] = [join(directory, 'ctga.toml'), join(directory, 'state')];
  writeFileSync(config, '');
  const ctga = (...words: string[]): string[] => [
    process.execPath,
    MAIN,
    ...words,
    ...['--config', config, '--state-dir', state],
  ];
  const inside = ['nsenter', `--net=/run/netns/${NAMESPACE}`];
  const services: readonly (readonly [string, readonly string[]])[] = [
    ['attach', [...inside, ...ctga('attach', 'veth-bench')]],
    ['web', ctga('web', '--listen', '127.0.0.1:0')],
    ['challenge', ctga('challenge', '--proxy', 'socks5h://127.0.0.1:1')],
  ];
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  ip('netns', 'add', NAMESPACE);
  try {
    const add = ['link', 'add', 'veth-bench', 'type', 'veth', 'peer', 'name', 'veth-other'];
    ip('-n', NAMESPACE, ...add);
    const found: RestingMemory[] = [];
    for (const [name, [program = '', ...args]] of services) {
      const service = spawn(program, args, { stdio: 'ignore', cwd: ROOT });
      await Promise.race([sleep(SECONDS_AT_REST * 1000), once(service, 'exit')]);
      if (service.exitCode !== null) throw new Error(`${name} ended, with ${service.exitCode}`);
      // nsenter becomes what it runs.
      for (const pid of descendants(service.pid ?? 0))
        found.push({ process: `${name}${nameOf(pid)}`, ...memoryOf(pid) });
      service.kill('SIGTERM');
      await once(service, 'exit');
    }
    return found;
  } finally {
    spawnSync('nsenter', [...inside.slice(1), ...ctga('detach', 'veth-bench')]);
    ip('netns', 'delete', NAMESPACE);
    rmSync(directory, { recursive: true });
  }
}

function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number),
  );
  return [pid, ...children.flatMap(descendants)];
}

function nameOf(pid: number): string {
  const script = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .find((word) => word.endsWith('.cjs'));
  if (script === undefined || script === MAIN) return '';
  return ` / ${script.slice(join(ROOT, 'build/js/').length, -'.cjs'.length)}`;
}

function memoryOf(pid: number): Pick<RestingMemory, 'pss' | 'rss'> {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (field: string): number =>
    Number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]) / 1024;
  return { rss: mebibytes('Rss'), pss: mebibytes('Pss') };
}
