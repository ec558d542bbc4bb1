// SPDX-License-Identifier: Apache-2.0
/** `ctga ddt lab`: a chain of one's own with DDT's service on it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';
import { startBtcd, type Btcd } from '../carbonchain/btcd.ts';
import { NETWORKS } from '../carbonchain/header.ts';
import { purse, wifOf } from '../carbonchain/send.ts';
import { newKeyPair } from '../ddt/keys.ts';
import { serveDdt, type ChainEvent } from './ddt.ts';

export interface LabOptions {
  /** The program. */
  readonly btcd: string;
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  readonly onEvent: (event: ChainEvent) => void;
  readonly onReady: (lab: {
    readonly node: string;
    /** The file with the node's name and password. */
    readonly auth: string;
    /** The file with the key of the coins. */
    readonly coins: string;
  }) => void;
}

/** New coins can be spent after a hundred blocks. */
const FIRST_BLOCKS = 120;
/** Between two looks at what waits for a block, in milliseconds. */
const EVERY_MS = 250;
const CONFIRMATIONS = 6;

/** Plays until `stop` is aborted, and ends btcd. Rejects with CtgaError if it does not start. */
export async function playLab(options: LabOptions, stop: AbortSignal): Promise<void> {
  const { directory, onEvent, onReady, address, port } = options;
  const network = NETWORKS.regtest;
  const own = purse(newKeyPair().privateKey, network);
  const node = await startBtcd(options.btcd, { directory, miningAddress: own.address });
  try {
    await node.mine(FIRST_BLOCKS);
    const [auth, coins] = [join(directory, 'auth'), join(directory, 'coins')];
    writeFileSync(auth, `${node.url.username}:${node.url.password}\n`, { mode: 0o600 });
    writeFileSync(coins, `${wifOf(own, network)}\n`, { mode: 0o600 });
    onReady({ node: `http://${node.url.host}`, auth, coins });
    const ended = new AbortController();
    const mining = mineWhatWaits(node, AbortSignal.any([stop, ended.signal]), onEvent);
    try {
      await serveDdt(
        {
          network,
          nodes: [node.node],
          directory,
          purse: own,
          onEvent,
          address,
          port,
          every: EVERY_MS,
        },
        stop,
      );
    } finally {
      ended.abort();
      await mining;
    }
  } finally {
    await node.stop();
  }
}

/**
 * Mines when something waits, and goes on until whatever came into one of the blocks counts, also what came
 * while they were mined. A node that does not answer, on a machine that is busy, is asked again.
 */
export async function mineWhatWaits(
  node: Pick<Btcd, 'call' | 'mine'>,
  stop: AbortSignal,
  onEvent: LabOptions['onEvent'],
): Promise<void> {
  let owed = 0;
  while (!stop.aborted) {
    try {
      const waiting = (await node.call('getrawmempool')) as unknown[];
      if (waiting.length > 0) owed = CONFIRMATIONS;
      while (owed > 0) {
        const [hash] = await node.mine(1);
        const { tx } = (await node.call('getblock', hash, 1)) as { tx: unknown[] };
        // The first one pays whoever mined it.
        owed = tx.length > 1 ? CONFIRMATIONS - 1 : owed - 1;
      }
    } catch (error) {
      // What it did without saying so is not known.
      owed = CONFIRMATIONS;
      onEvent({ event: 'failed', node: 'btcd', message: `mining: ${messageOf(error)}` });
    }
    await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
