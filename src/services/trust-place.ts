// SPDX-License-Identifier: Apache-2.0
/** Where commands about keys and images go, and what those there have left: a chain, or a log. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DDT_ID, firstRefusal } from '../ddt/ledger.ts';
import type { Command, State } from '../ddt/version1.ts';
import { makeDirectory } from '../disk/directory.ts';
import { writeDurably } from '../disk/write.ts';
import type { Fetch } from '../http/request.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import type { Policy } from '../statements/policy.ts';
import { badInput } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { sameBytes } from '../carbonchain/bytes.ts';
import { ENTRY_HEAD, networkOfLog } from '../trust/log-entry.ts';
import {
  addToLog,
  logOf,
  readLog,
  requireGrown,
  TrustLogError,
  type LogView,
} from '../trust/log-client.ts';
import { openDdt, type ChainOptions } from './ddt.ts';

export interface Place {
  /** What a signature is for, in hexadecimal. */
  readonly network: string;
  readonly state: State;
  /** What that will be when what was written until now counts. */
  readonly coming: State;
  /** By its own clock, in Unix seconds. */
  readonly time: number;
  /** Resolves to what was written, for a person, and for a script. */
  write(command: Uint8Array): Promise<Written>;
  close(): Promise<void>;
}

export interface Written {
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
  /** The transactions of it that no node has yet. */
  readonly waiting: readonly string[];
}

/** Follows the chain up to now. `fee` is for each transaction, in satoshi. */
export async function chainPlace(
  options: ChainOptions,
  fee: bigint,
  stop: AbortSignal,
): Promise<Place> {
  const { chain, ledger, ahead } = await openDdt(options);
  try {
    await chain.catchUp(stop);
  } catch (error) {
    await chain.close();
    throw error;
  }
  const { state: coming } = ahead();
  return {
    network: options.network.genesis.hash,
    coming,
    get state() {
      return ledger.state;
    },
    get time() {
      return ledger.time;
    },
    write: async (command) => {
      const transactions = await chain.write(command, { id: DDT_ID, version: 1, fee });
      const waiting = await chain.settle(transactions, stop);
      return { lines: transactions, json: { transactions, waiting }, waiting };
    },
    close: () => chain.close(),
  };
}

/**
 * Why a command would be refused that is written now, at `now` in Unix seconds: by what counts already, or by what
 * comes before it. Undefined if it would not be.
 */
export function refusalAt(place: Place, command: Command, now: number): string | undefined {
  return firstRefusal(place.state.refusalOf(command, now), place.coming.refusalOf(command, now));
}

export interface LogPlaceOptions {
  readonly policy: Policy;
  readonly fetch: Fetch;
  /** Where it is remembered what the log showed. */
  readonly directory: string;
}

/** Reads the log whole. Rejects with TrustLogError, or CtgaError `bad-input` for a policy without URL. */
export async function logPlace({ policy, fetch, directory }: LogPlaceOptions): Promise<Place> {
  const { url } = urlOf(policy);
  const { state, key } = await readRemembered({ policy, fetch, directory });
  return {
    network: networkOfLog(key),
    state: state.state,
    coming: state.state,
    time: state.time,
    write: async (command) => {
      const { index, published } = await addToLog(url, command, fetch);
      if (published) {
        const { entries } = await readRemembered({ policy, fetch, directory });
        const entry = entries[index]?.subarray(ENTRY_HEAD);
        if (entry === undefined || !sameBytes(entry, command))
          throw new TrustLogError(
            'log-not-trusted',
            `the log ${key.name} says that entry ${index} has the command, and does not show it there: it may not be written`,
            { remedy: 'Look whether it is: ctga trust show. If not, ask whoever runs the log.' },
          );
      }
      const line = published
        ? `entry ${index} of ${key.name}`
        : `entry ${index} of ${key.name}, which waits for cosignatures`;
      return { lines: [line], json: { log: key.name, index, published }, waiting: [] };
    },
    close: () => Promise.resolve(),
  };
}

function urlOf(policy: Policy): { url: string } {
  const { key, url } = logOf(policy);
  if (url !== undefined) return { url };
  throw badInput(`the policy has no URL for the log ${key.name}`, 'Add it: log VKEY URL');
}

/**
 * The log, if it goes on from what it showed before. Otherwise both checkpoints are kept for whoever
 * is to convict it.
 */
export async function readRemembered({
  policy,
  fetch,
  directory,
}: LogPlaceOptions): Promise<LogView> {
  const { key } = logOf(policy);
  const { url } = urlOf(policy);
  makeDirectory(directory);
  // Not by its key ID: of four bytes, another log can have the same.
  const name = `trust-log-${networkOfLog(key).slice(0, 32)}`;
  const path = join(directory, `${name}.checkpoint`);
  const before = remembered(path);
  const view = await readLog(policy, { key, url }, fetch);
  if (before !== undefined)
    try {
      requireGrown(before, view);
    } catch (error) {
      if (!(error instanceof TrustLogError) || error.code !== 'log-forked') throw error;
      const files = [`${name}-before.checkpoint`, `${name}-now.checkpoint`].map((each) =>
        join(directory, each),
      ) as [string, string];
      writeDurably(files[0], before);
      writeDurably(files[1], view.note);
      throw new TrustLogError(error.code, error.message, {
        remedy: `Have it judged: ctga logs import POLICY, then ctga heads import ${files.map(shellWord).join(' ')}, then ctga challenge --once.`,
      });
    }
  // Another process may have read on in the meantime.
  const latest = remembered(path);
  if (latest === undefined || parseCheckpoint(latest).treeSize <= view.checkpoint.treeSize)
    writeDurably(path, view.note);
  return view;
}

/** The checkpoint in a file of ours; undefined if there is none. Throws TrustLogError if it is damaged. */
function remembered(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const note = readFileSync(path, 'utf8');
  try {
    parseCheckpoint(note);
    return note;
  } catch (cause) {
    throw new TrustLogError(
      'log-not-trusted',
      `${path} is damaged: nobody knows what the log showed here before`,
      {
        remedy: 'Put it back from a copy. Without it, what the log shows next is believed.',
        cause,
      },
    );
  }
}
