// SPDX-License-Identifier: Apache-2.0
/**
 * A btcd of one's own, in regtest: a full node that nobody here wrote, whose blocks cost nothing.
 * It listens for RPC on loopback alone, and for other nodes not at all.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError } from '../base/errors.ts';
import { freePort } from '../base/free-port.ts';
import { directFetch, type Fetch } from '../http/request.ts';
import { nodeAt, NodeError, type BitcoinNode } from './node.ts';

/** Names the program where it is not on the PATH. */
export const BTCD_VARIABLE = 'CTGA_BTCD';

export interface Btcd {
  readonly node: BitcoinNode;
  /** With the name and password in it. */
  readonly url: URL;
  /** Mines blocks, which pay to the address that it was started with; resolves to their hashes. */
  mine(count: number): Promise<string[]>;
  /** Any other call. */
  call(method: string, ...params: unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** The program's path; undefined if it is not on this machine. */
export function findBtcd(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env[BTCD_VARIABLE];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const directories = (env['PATH'] ?? '').split(delimiter);
  return directories.map((each) => join(each, 'btcd')).find((path) => existsSync(path));
}

/** How long it may take until it answers. */
const PATIENCE_MS = 60_000;

/**
 * Starts the program with its data in `directory`. Rejects with CtgaError `not-set-up` if it does not
 * start, or `busy` if another one has taken its port.
 */
export async function startBtcd(
  program: string,
  { directory, miningAddress }: { readonly directory: string; readonly miningAddress: string },
): Promise<Btcd> {
  const port = await freePort();
  const password = randomBytes(16).toString('hex');
  const child = spawn(
    program,
    [
      '--regtest',
      '--nolisten',
      '--nodnsseed',
      '--notls',
      `--datadir=${join(directory, 'data')}`,
      `--logdir=${join(directory, 'logs')}`,
      `--configfile=${join(directory, 'none.conf')}`,
      `--rpclisten=127.0.0.1:${port}`,
      '--rpcuser=ctga',
      `--rpcpass=${password}`,
      '--rpcmaxclients=100',
      `--miningaddr=${miningAddress}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-2000)));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      said = error.message;
      resolve();
    });
  });
  const hasEnded = (): boolean =>
    child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const stop = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGTERM');
    await ended;
  };
  const url = new URL(`http://ctga:${password}@127.0.0.1:${port}/`);
  const fetch = directFetch({ allowPrivateAddress: true, deadline: 30_000 });
  const node = nodeAt(url, fetch);
  const call = caller(url, fetch);
  for (const start = Date.now(); ; await sleep(50))
    try {
      await node.height();
      return {
        node,
        url,
        call,
        stop,
        mine: async (count) => (await call('generate', count)) as string[],
      };
    } catch (error) {
      if (hasEnded() || Date.now() - start > PATIENCE_MS) {
        await stop();
        throw new CtgaError('not-set-up', `${program} does not start: ${said.trim()}`, {
          cause: error,
        });
      }
    }
}

function caller(url: URL, fetch: Fetch): Btcd['call'] {
  return async (method, ...params) => {
    const post = JSON.stringify({ jsonrpc: '1.0', id: 'ctga', method, params });
    const { body } = await fetch(url.href, { post });
    const { result, error } = JSON.parse(body.toString()) as {
      result: unknown;
      error: { code: number; message: string } | null;
    };
    if (error !== null)
      throw new NodeError('node-refused', `${method}: ${error.message}`, { number: error.code });
    return result;
  };
}
