// SPDX-License-Identifier: Apache-2.0
/**
 * A server that listens at loopback alone, though it binds to every address and takes no other. Who
 * reaches simple_switch's Thrift port commands the switch, and its code names no address to bind to.
 * So it is started with a bind(2) in front of the C library's (native/preload/loopback.c); whether
 * that held is read from the kernel, since a program without a dynamic linker would escape.
 */
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CtgaError } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';

const PRELOADED = join(projectRoot(), 'build/native/Release/loopback.so');

/**
 * Opens the library that the server is to be started with. It is given to the process as its
 * descriptor 3, because LD_PRELOAD divides paths at spaces and colons, and ctga may lie anywhere.
 * The caller closes it. Throws CtgaError `not-set-up` if it is not built.
 */
export function openPreloaded(): number {
  try {
    return openSync(PRELOADED, 'r');
  } catch (cause) {
    throw new CtgaError('not-set-up', `part of the addon is not built: no ${PRELOADED}`, {
      remedy: 'Build it with: npm run setup',
      cause,
    });
  }
}

/** The environment of a process whose descriptor 3 is openPreloaded()'s. */
export function preloadedEnvironment(): NodeJS.ProcessEnv {
  const { LD_PRELOAD: others } = process.env;
  const all = ['/proc/self/fd/3', ...(others === undefined ? [] : [others])];
  return { ...process.env, LD_PRELOAD: all.join(':') };
}

/** Who can reach a TCP port of this network namespace. */
export type Listens = 'nowhere' | 'on loopback' | 'elsewhere';

/** 127.0.0.0/8, alone and as an IPv6 address, and ::1, as the kernel prints them: words reversed. */
const LOOPBACK = /^(.{6}7F|0{16}FFFF0000.{6}7F|0{24}01000000)$/;
const LISTENING = '0A';

/** `elsewhere` if anything at all listens at this port at an address that is not of loopback. */
export function listens(port: number): Listens {
  const addresses = ['tcp', 'tcp6'].flatMap((family) => listenersIn(family, port));
  if (addresses.length === 0) return 'nowhere';
  return addresses.every((address) => LOOPBACK.test(address)) ? 'on loopback' : 'elsewhere';
}

function listenersIn(family: string, port: number): string[] {
  let table: string;
  try {
    table = readFileSync(`/proc/net/${family}`, 'latin1');
  } catch {
    return []; // A kernel without IPv6.
  }
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', number = ''] = local.split(':');
    return state === LISTENING && parseInt(number, 16) === port ? [address] : [];
  });
}
