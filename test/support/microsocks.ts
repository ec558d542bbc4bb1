// SPDX-License-Identifier: Apache-2.0
/** A real SOCKS5 proxy on loopback. */
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';

/** `skip` value for node:test. */
export const noMicrosocks: false | string =
  spawnSync('microsocks', ['-h']).error === undefined
    ? false
    : 'microsocks is not installed: run npm run setup as root';

export interface Microsocks {
  readonly port: number;
  stop(): void;
}

/** `from`: the address from which it connects. */
export async function startMicrosocks(from?: string): Promise<Microsocks> {
  const port = await freePort();
  const bound = from === undefined ? [] : ['-b', from];
  const args = ['-i', '127.0.0.1', '-p', String(port), ...bound];
  const child = spawn('microsocks', args, { stdio: 'ignore' });
  await eventually(() => listens(port), 'microsocks to listen');
  return { port, stop: () => void child.kill() };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
