// SPDX-License-Identifier: Apache-2.0
/**
 * A simple_switch that ctga starts itself, in the background, between interfaces of this machine,
 * with a veth pair for its copies; and ending it again. It takes orders from this machine alone. A
 * file beside the store says which process it is, so that a later command finds it.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { badInput, CtgaError } from '../base/errors.ts';
import { BMV2_SOURCES, PROGRAM } from './compile.ts';
import { listens, openPreloaded, preloadedEnvironment } from './loopback.ts';
import { SimpleSwitch, type SwitchPlace } from './simple-switch.ts';

/**
 * Reads PORT, HOST:PORT or [HOST]:PORT of a switch's Thrift server; without a host it is on this
 * machine. Undefined for any other text.
 */
export function parseSwitchPlace(text: string): SwitchPlace | undefined {
  const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (Number(port) >= 1 && Number(port) <= 65_535)
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  return undefined;
}

const COMMAND = 'simple_switch';
const READY_SECONDS = 20;
const POLL_MS = 20;
const AS_ROOT = 'Run it as root, for instance with sudo.';

const startedSchema = z.object({
  pid: z.number(),
  /**
   * When the process started, in clock ticks since boot (field 22 of proc_pid_stat(5)). A number
   * can become another process's; a number and a time cannot.
   */
  startTime: z.string(),
  /** The switch's end of the veth pair of copies. */
  copies: z.string(),
});
type Started = z.infer<typeof startedSchema>;

/**
 * Reads HOST:PORT or HOST:PORT/DEVICE of a P4Runtime server; the device is 0 unless it is given.
 * Undefined for any other text.
 */
export function parseP4RuntimePlace(text: string): SwitchPlace | undefined {
  const [, place = '', device = '0'] = /^(.*?)(?:\/(\d{1,15}))?$/.exec(text) ?? [];
  const parsed = parseSwitchPlace(place);
  return parsed && { ...parsed, device: Number(device) };
}

/**
 * The names of the veth pair of copies. The Thrift port tells the switches of a machine apart, and
 * an interface's name has at most 15 characters.
 */
function copiesPair(port: number): { readonly switchEnd: string; readonly ourEnd: string } {
  return { switchEnd: `ctga-sw${port}`, ourEnd: `ctga-cpu${port}` };
}

export interface StartedSwitch {
  /** The interface at the port for copies. */
  readonly copies: string;
  /** False if it ran already. */
  readonly isNew: boolean;
}

/**
 * Starts a switch with ports 0, 1, ... on these interfaces and one more port for copies, and waits
 * until it answers. Its Thrift server listens at loopback alone. A switch that runs there on these
 * interfaces already is left as it is. Throws CtgaError: `not-set-up` if simple_switch is not on
 * PATH, `busy` if something else is there or the switch can be reached from elsewhere,
 * `no-such-interface`, `not-permitted`, `kernel`.
 */
export async function startSwitch(
  interfaces: readonly string[],
  place: SwitchPlace,
  directory: string,
): Promise<StartedSwitch> {
  if (!isHere(place)) throw badInput(`a switch is started on this machine, not at ${place.host}`);
  if (spawnSync(COMMAND, ['--version']).error !== undefined)
    throw new CtgaError('not-set-up', `there is no ${COMMAND} on PATH`, {
      remedy: `${BMV2_SOURCES} Or give ctga a switch that runs elsewhere, with --thrift or --p4runtime.`,
    });
  const { switchEnd, ourEnd } = copiesPair(place.port);
  if (listens(place.port) !== 'nowhere') {
    await refuseOther([...interfaces, switchEnd], place);
    return { copies: switchEnd, isNew: false };
  }
  if (networkInterfaces()['lo'] === undefined)
    throw new CtgaError('kernel', 'the loopback interface is down, where the switch takes orders', {
      remedy: 'Bring it up with: ip link set lo up',
    });
  for (const name of interfaces) {
    const found = ip(['-j', 'link', 'show', 'dev', name], `find ${name}`, 'no-such-interface');
    if (!linksIn(found)[0]?.flags.includes('UP'))
      throw new CtgaError('kernel', `${name} is down, and simple_switch takes no such interface`, {
        remedy: `Bring it up with: ip link set ${name} up`,
      });
  }
  // An earlier switch may have left its pair.
  spawnSync('ip', ['link', 'delete', switchEnd]);
  ip(
    ['link', 'add', switchEnd, 'type', 'veth', 'peer', 'name', ourEnd],
    'make a veth pair for copies',
  );
  try {
    for (const name of [switchEnd, ourEnd]) {
      // Without IPv6 the kernel sends no router solicitations between the copies.
      const quiet = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
      if (existsSync(quiet)) writeFileSync(quiet, '1');
      ip(['link', 'set', name, 'mtu', '9000', 'up'], `bring up ${name}`);
    }
    // The kernel must not merge frames: they would leave as other frames than came in.
    for (const name of interfaces) spawnSync('ethtool', ['-K', name, 'gro', 'off', 'lro', 'off']);
    await spawnSwitch([...interfaces, switchEnd], place, directory, switchEnd);
  } catch (error) {
    spawnSync('ip', ['link', 'delete', switchEnd]);
    throw error;
  }
  return { copies: switchEnd, isNew: true };
}

/** Throws CtgaError `busy` unless this very switch runs there, and only this machine reaches it. */
async function refuseOther(interfaces: readonly string[], place: SwitchPlace): Promise<void> {
  const where = `${place.host}:${place.port}`;
  const running = await interfacesAt(place);
  if (running === undefined)
    throw new CtgaError(
      'busy',
      `what listens at port ${place.port} already does not answer as a switch does`,
      { remedy: 'Choose another port with --thrift, or end that program.' },
    );
  if (!interfaces.every((name, port) => running.get(port) === name))
    throw new CtgaError('busy', `another switch answers at ${where} already`, {
      remedy: 'End that switch, or choose another port with --thrift.',
    });
  if (listens(place.port) === 'elsewhere')
    throw new CtgaError(
      'busy',
      `the switch that runs at ${where} already takes orders from other machines too`,
      { remedy: 'End it with "ctga p4 undeploy", and deploy again.' },
    );
}

async function spawnSwitch(
  interfaces: readonly string[],
  place: SwitchPlace,
  directory: string,
  copies: string,
): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const logPath = join(directory, `simple_switch-${place.port}.log`);
  const ports = interfaces.flatMap((name, port) => ['-i', `${port}@${name}`]);
  // At its own log level the switch words a trace of every packet, which nobody reads.
  const args = ['--log-level', 'error', '--thrift-port', String(place.port), ...ports, PROGRAM];
  const preloaded = openPreloaded();
  const log = openSync(logPath, 'w', 0o600);
  const child = spawn(COMMAND, args, {
    detached: true,
    env: preloadedEnvironment(),
    stdio: ['ignore', log, log, preloaded],
  });
  closeSync(log);
  closeSync(preloaded);
  child.unref();
  const { pid = 0 } = child;
  // At once: whatever ends this process, a later one can end the switch.
  keepRecord(place, directory, { pid, startTime: startTimeOf(pid) ?? '', copies });
  const end = performance.now() + READY_SECONDS * 1000;
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  for (;;) {
    const reach = listens(place.port);
    if (reach === 'on loopback' && (await interfacesAt(place)) !== undefined) return;
    if (reach !== 'elsewhere' && !ended() && performance.now() < end) {
      await sleep(POLL_MS);
      continue;
    }
    if (!ended()) child.kill('SIGKILL');
    rmSync(recordOf(place, directory));
    if (reach === 'elsewhere') throw reachable(place);
    const said = readFileSync(logPath, 'utf8').trim().split('\n').slice(-3).join(' | ');
    throw new CtgaError('kernel', `${COMMAND} did not start${said === '' ? '' : `: ${said}`}`, {
      remedy: `Its whole output is in ${logPath}.`,
    });
  }
}

/** The library was not loaded into the switch. */
function reachable({ port }: SwitchPlace): CtgaError {
  return new CtgaError(
    'kernel',
    `${COMMAND} was ended: other machines could give it orders, at port ${port}`,
    {
      remedy: `ctga keeps the port on loopback by LD_PRELOAD, which what ${COMMAND} on PATH runs does not take: it may be linked statically, or a script that clears its environment. Put one that takes it on PATH; or start the switch yourself, behind a firewall, and deploy with --cpu-port.`,
    },
  );
}

/** What became of a switch that was to end. */
export type Ended = 'ended' | 'had ended' | 'not ours';

/**
 * Ends the switch that startSwitch() started there, with SIGKILL if it has not ended after three
 * seconds, and removes what it had. `not ours` if it started none. Throws CtgaError `not-permitted`.
 */
export async function endSwitch(place: SwitchPlace, directory: string): Promise<Ended> {
  const record = isHere(place) ? readRecord(place, directory) : undefined;
  if (record === undefined) return 'not ours';
  const { pid, startTime, copies } = record;
  const runs = (): boolean => startTime !== '' && startTimeOf(pid) === startTime;
  const ran = runs();
  if (ran) send(pid, 'SIGTERM');
  const end = performance.now() + 3000;
  while (runs()) {
    if (performance.now() > end) send(pid, 'SIGKILL');
    await sleep(POLL_MS);
  }
  spawnSync('ip', ['link', 'delete', copies]);
  rmSync(recordOf(place, directory), { force: true });
  return ran ? 'ended' : 'had ended';
}

/** A process that has ended meanwhile needs no signal. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw new CtgaError('not-permitted', `not permitted: end the switch (process ${pid})`, {
      remedy: AS_ROOT,
      cause: error,
    });
  }
}

const isHere = ({ host }: SwitchPlace): boolean => ['127.0.0.1', 'localhost'].includes(host);

function keepRecord(place: SwitchPlace, directory: string, started: Started): void {
  const path = recordOf(place, directory);
  writeFileSync(`${path}.new`, `${JSON.stringify(started)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined if there is none, or none that can be understood. */
function readRecord(place: SwitchPlace, directory: string): Started | undefined {
  const path = recordOf(place, directory);
  if (!existsSync(path)) return undefined;
  return startedSchema.safeParse(safeJson(readFileSync(path, 'utf8'))).data;
}

function recordOf({ port }: SwitchPlace, directory: string): string {
  return join(directory, `simple_switch-${port}.json`);
}

/** When a process started; undefined if it has ended, even if nobody has waited for it yet. */
function startTimeOf(pid: number): string | undefined {
  try {
    // The command comes before, in brackets, and may itself hold brackets and spaces.
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

/** The switch's interfaces by port; undefined if no switch answers, or it is not up yet. */
async function interfacesAt(place: SwitchPlace): Promise<Map<number, string> | undefined> {
  try {
    const plane = await SimpleSwitch.connect(place);
    try {
      // The switch opens its port before it has registered the service that this calls.
      await plane.cpuPort();
      return await plane.interfaces();
    } finally {
      plane.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * The interface where copies arrive: the other end of the veth pair at the switch's CPU port.
 * Throws CtgaError `not-attached` if the switch copies nothing, and `no-such-interface` if that
 * port is no veth of this network namespace.
 */
export async function cpuInterfaceOf(plane: SimpleSwitch): Promise<string> {
  const port = await plane.cpuPort();
  if (port === undefined)
    throw new CtgaError(
      'not-attached',
      'the switch copies nothing: it has no mirroring session of ctga',
      { remedy: 'Set it up with: ctga p4 deploy' },
    );
  const interfaces = await plane.interfaces();
  if (interfaces === undefined)
    throw new CtgaError(
      'no-such-interface',
      `copies leave at port ${port} of the switch, and P4Runtime does not say which interface that is`,
      { remedy: 'Name the interface where they arrive with --cpu-interface.' },
    );
  const name = interfaces.get(port);
  const { stdout } = spawnSync('ip', ['-j', 'link', 'show', 'dev', name ?? ''], {
    encoding: 'utf8',
  });
  const [found] = linksIn(stdout);
  if (found?.link !== undefined) return found.link;
  const what =
    name === undefined ? 'no interface' : `${name}, whose other end is not in this namespace`;
  throw new CtgaError('no-such-interface', `copies leave at port ${port} of the switch: ${what}`, {
    remedy: 'Name the interface where they arrive with --cpu-interface.',
  });
}

const linkSchema = z.array(z.object({ flags: z.array(z.string()), link: z.string().optional() }));

/** The links in what `ip -j link` printed; none if it is no such thing. */
function linksIn(printed: string): z.infer<typeof linkSchema> {
  return linkSchema.safeParse(safeJson(printed)).data ?? [];
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns what it printed. */
function ip(
  args: readonly string[],
  doing: string,
  code: 'kernel' | 'no-such-interface' = 'kernel',
): string {
  const { status, stdout, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  const why = error?.message ?? stderr.trim();
  if (/not permitted/i.test(why))
    throw new CtgaError('not-permitted', `not permitted: ${doing}`, { remedy: AS_ROOT });
  throw new CtgaError(code, `${doing}: ${why}`);
}
