// SPDX-License-Identifier: Apache-2.0
/** bmv2's simple_switch or simple_switch_grpc on capture files: neither root nor interfaces are needed. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureFile } from '../../src/traffic/traffic.ts';
import { readProgram } from '../../src/p4/compile.ts';
import { SimpleSwitch, type SwitchPlace } from '../../src/p4/simple-switch.ts';
import { freePort } from './ports.ts';

/** `skip` value for node:test. */
export const noSimpleSwitch: false | string =
  spawnSync('simple_switch', ['--version']).error === undefined
    ? false
    : "the P4 half does NOT run: there is no simple_switch on PATH (p4lang's packages have it)";

/** Few have it, and it may be anywhere. */
const GRPC_SWITCH = process.env['CTGA_SIMPLE_SWITCH_GRPC'] ?? 'simple_switch_grpc';
/** `skip` value for node:test. */
export const noGrpcSwitch: false | string =
  spawnSync(GRPC_SWITCH, ['--version']).error === undefined
    ? false
    : 'P4Runtime is NOT tried: simple_switch_grpc is neither on PATH nor in CTGA_SIMPLE_SWITCH_GRPC';

/**
 * Starts simple_switch_grpc without a program. `ports` are its arguments for interfaces; `thrift`
 * and `grpc` are where it takes orders. `within` is a command that runs it elsewhere.
 */
export function startGrpcSwitch(
  ports: readonly string[],
  thrift: number,
  grpc: number,
  cwd: string,
  within: readonly [string, ...string[]] = ['env'],
): ChildProcess {
  const [command, ...before] = within;
  return spawn(
    command,
    [
      ...before,
      GRPC_SWITCH,
      ...['--no-p4', '--device-id', '0', '--log-level', 'off', '--thrift-port', `${thrift}`],
      ...ports,
      ...['--', '--grpc-server-addr', `127.0.0.1:${grpc}`],
    ],
    { cwd, stdio: 'ignore' },
  );
}

export interface Switched {
  /** What left at port 1, in order. */
  readonly forwarded: Uint8Array[];
  /** What left at the CPU's port, in order. */
  readonly copied: Uint8Array[];
  /** From the first frame out to the last. */
  readonly seconds: number;
}

const CPU_PORT = 2;
/** Before it reads the files: the tables are filled in that time. */
const WAIT_SECONDS = { Thrift: 2, P4Runtime: 6 } as const;
export type Speaks = keyof typeof WAIT_SECONDS;

/**
 * Everything comes in at port 0 and is to leave at port 1. `configure` fills the tables, and is
 * told the port of the Thrift server; `done` is called at the end. Over P4Runtime the program is
 * the one that comes with ctga.
 */
export async function runSwitch(
  program: string,
  frames: readonly Uint8Array[],
  configure: (plane: SimpleSwitch, port: number) => Promise<void>,
  done: (plane: SimpleSwitch) => Promise<void>,
  speaks: Speaks = 'Thrift',
): Promise<Switched> {
  const { left, seconds } = await runPorts(
    program,
    [frames, [], []],
    async (plane, port) => {
      await plane.setCpuPort(CPU_PORT);
      await configure(plane, port);
    },
    done,
    speaks,
  );
  return { forwarded: left[1] ?? [], copied: left[CPU_PORT] ?? [], seconds };
}

/** The same, with frames that come in at each port in `inputs`; `left` has what left at each. */
export async function runPorts(
  program: string,
  inputs: readonly (readonly Uint8Array[])[],
  configure: (plane: SimpleSwitch, port: number) => Promise<void>,
  done: (plane: SimpleSwitch) => Promise<void>,
  speaks: Speaks = 'Thrift',
): Promise<{ readonly left: Uint8Array[][]; readonly seconds: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-p4-'));
  const port = await freePort();
  const name = (number: number): string => join(directory, `port${number}`);
  for (const [number, frames] of inputs.entries())
    writeFileSync(`${name(number)}_in.pcap`, captureFile(frames));
  const interfaces = inputs.flatMap((_, number) => ['-i', `${number}@${name(number)}`]);
  const outputs = inputs.map((_, number) => `${name(number)}_out.pcap`);
  const count = inputs.reduce((sum, { length }) => sum + length, 0);
  const ports = ['--use-files', `${WAIT_SECONDS[speaks]}`, ...interfaces];
  const grpc = await freePort();
  let seconds: number;
  const child =
    speaks === 'P4Runtime'
      ? startGrpcSwitch(ports, port, grpc, directory)
      : spawn(
          'simple_switch',
          ['--log-level', 'off', '--thrift-port', String(port), ...ports, program],
          { cwd: directory, stdio: 'ignore' },
        );
  try {
    const host = '127.0.0.1';
    const thrift = await connected(child, { host, port });
    const plane =
      speaks === 'Thrift' ? thrift : await connected(child, { host, port: grpc, device: 0 });
    if (speaks === 'P4Runtime') assert(await plane.load(readProgram()));
    // Files come faster than any wire, and P4Runtime cannot say this.
    await thrift.setQueueDepth(count + 1);
    if (plane !== thrift) thrift.close();
    await configure(plane, port);
    // bmv2 does not say when it is done: it is when nothing leaves any more.
    seconds = await settled(outputs, count);
    await done(plane);
    plane.close();
  } finally {
    await ended(child);
  }
  const left = outputs.map((file) => (existsSync(file) ? framesOf(readFileSync(file)) : []));
  rmSync(directory, { recursive: true });
  return { left, seconds };
}

/**
 * The frames of a capture file, whatever link layer it claims: bmv2 writes Ethernet and calls it
 * DLT_NULL.
 */
function framesOf(file: Buffer): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

/** A switch that has not got so far in this time will not get there. */
const PATIENCE_MS = 120_000;

/** Waits until the switch takes orders there. */
export async function connected(child: ChildProcess, place: SwitchPlace): Promise<SimpleSwitch> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    let plane: SimpleSwitch | undefined;
    try {
      plane = await SimpleSwitch.connect(place);
      // The switch opens its port before it has registered the service that this calls.
      await plane.cpuPort();
      return plane;
    } catch (error) {
      plane?.close();
      if (child.exitCode !== null || performance.now() > end) throw error;
      await sleep(20);
    }
  }
}

/**
 * Waits until the files have not grown for a second, and have grown at all if there was anything to
 * write. Returns for how many seconds they grew.
 */
async function settled(files: readonly string[], packets: number): Promise<number> {
  const HEADER_BYTES = 24;
  const end = performance.now() + PATIENCE_MS;
  let [size, since, began] = [-1, performance.now(), 0];
  for (;;) {
    const sizes = files.map((file) => (existsSync(file) ? statSync(file).size : 0));
    const now = sizes.reduce((sum, bytes) => sum + bytes, 0);
    if (began === 0 && sizes.some((bytes) => bytes > HEADER_BYTES)) began = performance.now();
    if (now !== size) [size, since] = [now, performance.now()];
    else if (performance.now() - since > 1000 && (packets === 0 || began > 0))
      return (since - began) / 1000;
    if (began === 0 && performance.now() > end)
      throw new Error(`nothing leaves: ${files.join(', ')}`);
    await sleep(10);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // It writes its files out when it ends well.
  child.kill('SIGTERM');
  await gone;
}
