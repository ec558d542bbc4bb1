// SPDX-License-Identifier: Apache-2.0
/**
 * Two network namespaces joined by a veth pair, and processes in them.
 *
 *   observer namespace  [observer: 10.99.0.1] ---- [peer: 10.99.0.2]  sender namespace
 *
 * Entered by nsenter, because `ip netns exec` mounts /sys anew and so hides the BPF file system.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import {
  detachPins,
  openPins,
  type AttachedState,
  type AttachXdpOptions,
} from '../../src/dataplane/xdp.ts';
import type { ChildRequest, ChildResponse } from './child.ts';

export const OBSERVER_ADDRESS = '10.99.0.1';
export const PEER_ADDRESS = '10.99.0.2';

let made = 0;

/**
 * Those that are still there. Whoever makes one removes it, but what is to be done after each test is
 * not done after one that skips itself, or fails before.
 */
const links = new Set<Link>();
process.on('exit', () => {
  for (const link of links) {
    link.detach();
    link.remove();
  }
});
// As of a runner whose patience has ended.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));

/**
 * Runs a command to its end and returns what it printed; a failure is an error with what it
 * complained of.
 */
export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, error?.message ?? `${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export const PINS_ROOT = '/sys/fs/bpf/ctga';

/** Where the data planes of a network namespace are pinned. */
export function pinsIn(namespace: string): string[] {
  const path = `/run/netns/${namespace}`;
  if (!existsSync(path)) return [];
  const { ino } = statSync(path);
  const all = existsSync(PINS_ROOT) ? readdirSync(PINS_ROOT) : [];
  return all
    .filter((name) => name.startsWith(`netns-${ino}-`))
    .map((name) => join(PINS_ROOT, name));
}

export class Link {
  readonly observer: string;
  readonly sender: string;
  /**
   * The observer's interface. With a dot, as VLAN devices have, which the BPF file system refuses
   * in names.
   */
  readonly interfaceName: string;
  readonly peerName: string;

  constructor(interfaceName?: string) {
    const id = `${process.pid}-${made++}`;
    this.observer = `ctga-test-${id}-observer`;
    this.sender = `ctga-test-${id}-sender`;
    this.interfaceName = interfaceName ?? `ct${process.pid % 100_000}.${made}`;
    this.peerName = `cp${process.pid % 100_000}.${made}`;
    links.add(this);
    run('ip', 'netns', 'add', this.observer);
    run('ip', 'netns', 'add', this.sender);
    this.addInterfaces();
  }

  /** The observer's interface has the next index, unless told. */
  addInterfaces(index?: string): void {
    const { observer, sender, interfaceName, peerName } = this;
    run(
      'ip',
      'link',
      'add',
      interfaceName,
      ...(index === undefined ? [] : ['index', index]),
      'netns',
      observer,
      'type',
      'veth',
      'peer',
      peerName,
      'netns',
      sender,
    );
    run('ip', '-n', observer, 'address', 'add', `${OBSERVER_ADDRESS}/24`, 'dev', interfaceName);
    run('ip', '-n', sender, 'address', 'add', `${PEER_ADDRESS}/24`, 'dev', peerName);
    run('ip', '-n', observer, 'link', 'set', interfaceName, 'up');
    run('ip', '-n', sender, 'link', 'set', peerName, 'up');
  }

  deleteInterfaces(): void {
    run('ip', '-n', this.observer, 'link', 'delete', this.interfaceName);
  }

  /** What `ip` knows of XDP on the observer's interface; undefined where nothing is attached. */
  xdp(): { mode: number; prog: { id: number; name?: string } } | undefined {
    const text = run(
      'ip',
      '-n',
      this.observer,
      '-details',
      '-json',
      'link',
      'show',
      'dev',
      this.interfaceName,
    );
    return (
      JSON.parse(text) as [{ xdp?: { mode: number; prog: { id: number; name?: string } } }]
    )[0].xdp;
  }

  /** Sends Ethernet frames as they are from the sender's end, `pauseMs` apart. */
  async sendFrames(frames: readonly Uint8Array[], pauseMs = 0): Promise<void> {
    const program = [
      'import socket, sys, time',
      's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
      's.bind((sys.argv[1], 0))',
      'for line in sys.stdin: s.send(bytes.fromhex(line)); time.sleep(float(sys.argv[2]))',
    ].join('\n');
    const args = [
      `--net=/run/netns/${this.sender}`,
      'python3',
      '-c',
      program,
      this.peerName,
      `${pauseMs / 1000}`,
    ];
    const python = spawn('nsenter', args, { stdio: ['pipe', 'inherit', 'inherit'] });
    python.stdin.end(frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join(''));
    const [status] = (await once(python, 'exit')) as [number | null];
    assert.equal(status, 0, 'the frames were not sent');
  }

  /**
   * Waits until the observer's host has taken in so many datagrams for which nobody listens, and
   * returns how many they are: unlike a socket, this counter loses nothing when they come fast.
   */
  async arrivedDatagrams(atLeast: number): Promise<number> {
    for (;;) {
      const snmp = run('nsenter', `--net=/run/netns/${this.observer}`, 'cat', '/proc/net/snmp');
      const [names, values] = snmp.split('\n').filter((line) => line.startsWith('Udp: '));
      const arrived = Number(values?.split(' ')[names?.split(' ').indexOf('NoPorts') ?? -1]);
      if (!(arrived < atLeast)) return arrived;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Where ctga is pinned in the observer's namespace; undefined where it is not. */
  get pins(): string | undefined {
    return pinsIn(this.observer)[0];
  }

  /** By which others name the observer's network namespace. */
  get namespaceInode(): number {
    return statSync(`/run/netns/${this.observer}`).ino;
  }

  /** What the host may know of the data plane there. */
  attached(): AttachedState | undefined {
    return this.pins === undefined ? undefined : openPins(this.pins, this.interfaceName);
  }

  /** Takes off what is attached in the observer's namespace, if anything is. */
  detach(): void {
    for (const pins of pinsIn(this.observer)) detachPins(pins, this.interfaceName);
  }

  remove(): void {
    links.delete(this);
    spawnSync('ip', ['netns', 'delete', this.observer]);
    spawnSync('ip', ['netns', 'delete', this.sender]);
  }
}

type Method = ChildRequest['method'];
type Result<M extends Method> = Extract<ChildResponse, { method: M }>['result'];

/** A process in a namespace that does what it is asked; see child.ts. */
export class Child {
  readonly #process: ChildProcess;
  #ended: Promise<unknown>;

  constructor(namespace: string, prefix: readonly string[] = []) {
    const args = [`--net=/run/netns/${namespace}`, ...prefix, process.execPath, '--import', 'tsx'];
    this.#process = spawn('nsenter', [...args, join(import.meta.dirname, 'child.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#ended = once(this.#process, 'exit');
  }

  /** The result, or an Error with the child's message, code and remedy. */
  async ask<M extends Method>(request: Extract<ChildRequest, { method: M }>): Promise<Result<M>> {
    const answered = once(this.#process, 'message');
    this.#process.send(request);
    const [response] = (await Promise.race([answered, this.#ended.then(() => [undefined])])) as [
      ChildResponse | undefined,
    ];
    if (response === undefined)
      throw new Error(`the child ended before it answered ${request.method}`);
    if (response.method === 'failed')
      throw Object.assign(new Error(response.result.message), response.result);
    return response.result as Result<M>;
  }

  /** Every match is copied, repeats too, unless told. */
  attach(options: Omit<AttachXdpOptions, 'interfaceName'>, link: Link): Promise<Result<'attach'>> {
    const { interfaceName } = link;
    const copyAll = { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 };
    return this.ask({ method: 'attach', options: { ...copyAll, ...options, interfaceName } });
  }

  /** Ends the process by a signal and waits until it has gone. */
  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    this.#process.kill(signal);
    await this.#ended;
  }
}
