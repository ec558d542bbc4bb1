// SPDX-License-Identifier: Apache-2.0
/** Exchanging tree heads with a pollinator, through a way of its own. */
import { StoreError } from '../disk/error.ts';
import {
  exchangeHeads,
  headsToShare,
  recordExchanged,
  type Pollinated,
} from '../exchange/pollination.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { HttpError } from '../http/error.ts';
import type { Log } from '../logs/log.ts';
import { isDamage } from '../store/state.ts';
import type { VerdictContext } from './verdicts.ts';
import { through, type WayOptions } from '../http/ways.ts';

export interface PollinateOptions
  extends WayOptions, Pick<VerdictContext, 'store' | 'evidenceDirectory' | 'now'> {
  /** What the logs showed to everybody. */
  readonly hashes: HashStore;
  /** The logs whose heads are taken from pollinators. */
  readonly known: () => readonly Log[];
  readonly onPollinated: (result: Pollinated) => void;
  /** Also told where the heads that came could not be recorded. */
  readonly onPollinationFailed: (url: string, error: HttpError | StoreError) => void;
}

/**
 * The operator has named the endpoint, so it may be anywhere. Rejects with ProxyError, with what
 * says that the store is damaged, and if the signal is given.
 */
export async function pollinateThrough(url: string, options: PollinateOptions): Promise<void> {
  const { known, hashes, store, evidenceDirectory, now, signal } = options;
  try {
    const logs = known();
    const shared = headsToShare(hashes, logs, now());
    const exchanged = await through(options, 1, { allowPrivateAddress: true }, ([fetch]) => {
      if (fetch === undefined) throw new RangeError('no way');
      return exchangeHeads(url, fetch, shared, logs);
    });
    const context = { store, evidenceDirectory, logs, now: now() };
    options.onPollinated(recordExchanged(exchanged, context));
  } catch (error) {
    signal.throwIfAborted();
    // A full disk ends no schedule: when the challenger asks would tell who filled it.
    const isStore = error instanceof StoreError && !isDamage(error);
    if (!isStore && !(error instanceof HttpError)) throw error;
    options.onPollinationFailed(url, error);
  }
}
