// SPDX-License-Identifier: Apache-2.0
/** A real SOCKS5 proxy on loopback. */
import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { eventually } from './eventually.ts';

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

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return address.port;
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
