// SPDX-License-Identifier: Apache-2.0
/** A heartbeat: while all is well it tells somebody, who notices when it stops. */
import { HttpError } from '../http/error.ts';
import { directFetch } from '../http/request.ts';
import { runProgram } from './channels.ts';

export interface Heartbeat {
  /** Fetched each time, if given. */
  readonly url?: string;
  /** Run by the shell each time, if given. */
  readonly command?: string;
  readonly allowPrivateAddress: boolean;
}

/** Sends one heartbeat. Rejects with CtgaError if the URL or the command fails. */
export async function beat({ url, command, allowPrivateAddress }: Heartbeat): Promise<void> {
  const fetched = async (): Promise<void> => {
    if (url === undefined) return;
    const { status } = await directFetch({ allowPrivateAddress })(url);
    if (status < 200 || status > 299)
      throw new HttpError('http-bad-answer', `${new URL(url).host} answered with status ${status}`);
  };
  const ran = command === undefined ? undefined : runProgram('/bin/sh', ['-c', command], '', {});
  // Neither waits for the other.
  for (const each of await Promise.allSettled([ran, fetched()]))
    if (each.status === 'rejected') throw each.reason;
}
