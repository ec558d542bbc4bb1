// SPDX-License-Identifier: Apache-2.0
/** A heartbeat: while all is well it tells somebody, who notices when it stops. */
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { runProgram } from '../base/program.ts';

export interface Heartbeat {
  /** Fetched each time, if given. */
  readonly url?: string;
  /** Run by the shell each time, if given. */
  readonly command?: string;
  readonly fetch: Fetch;
  /** Gives up the command. */
  readonly stop?: AbortSignal;
}

/**
 * Sends one heartbeat. The command gets the chain of evidence in its environment, so that somebody
 * else notes its head. Rejects with CtgaError if the URL or the command fails.
 */
export async function beat(
  { url, command, fetch, stop }: Heartbeat,
  chain?: { readonly length: number; readonly head: string },
): Promise<void> {
  const environment: Record<string, string> =
    chain === undefined
      ? {}
      : { CTGA_EVIDENCE_FILES: String(chain.length), CTGA_EVIDENCE_HEAD: chain.head };
  const fetched = async (): Promise<void> => {
    if (url === undefined) return;
    const { status } = await fetch(url);
    if (status < 200 || status > 299)
      throw new HttpError('http-bad-answer', `${new URL(url).host} answered with status ${status}`);
  };
  const ran =
    command === undefined
      ? undefined
      : runProgram('/bin/sh', ['-c', command], '', environment, stop);
  // Neither waits for the other.
  for (const each of await Promise.allSettled([ran, fetched()]))
    if (each.status === 'rejected') throw each.reason;
}
