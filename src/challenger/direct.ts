// SPDX-License-Identifier: Apache-2.0
/**
 * Asking a log directly about the trees that were seen of it, which the log then knows: for who has
 * nothing to hide from it. visits.ts is the way that tells it nothing.
 */
import type { LogError } from '../ask/asker.ts';
import type { Log } from '../logs/log.ts';
import { challengeLog, type ChallengeContext } from './challenge.ts';
import { through, type WayOptions } from '../http/ways.ts';
import { heardOf, isForAll, type Share } from './share.ts';

export interface DirectOptions extends Omit<ChallengeContext, 'paths'>, WayOptions {
  /** How many identities, and so ways, one log is asked through at once. */
  readonly paths: number;
  readonly share?: Share | undefined;
  readonly onLogFailed: (log: Log, error: LogError) => void;
}

/** Challenges one log once, through identities of its own that nothing else will ever use. */
export async function askDirectly(log: Log, options: DirectOptions): Promise<void> {
  const { allowPrivateAddress } = log;
  const { share = isForAll } = options;
  const allowed = { allowPrivateAddress, maySend: () => share.mayAsk(log) };
  const open: DirectOptions['open'] = (...given) => heardOf(options.open(...given), log, share);
  await through({ ...options, open }, options.paths, allowed, async (paths) => {
    const failure = await challengeLog(log, { ...options, paths });
    options.signal.throwIfAborted();
    if (failure !== undefined) options.onLogFailed(log, failure);
  });
}
