// SPDX-License-Identifier: Apache-2.0
/** Exchanging tree heads with a pollinator, and looking at others' views, through ways of their own. */
import { StoreError } from '../disk/error.ts';
import {
  exchangeHeads,
  headsToShare,
  recordExchanged,
  type Exchanged,
  type Pollinated,
} from '../exchange/pollination.ts';
import type { ImportedHead } from '../exchange/files.ts';
import { fetchViews } from '../exchange/views.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
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
  /** `sent` is the number of logs of which a checkpoint was asked for. */
  readonly onViewed: (result: Pollinated) => void;
  /** Told of what a view has, before it is recorded. */
  readonly onSeenAt?: (url: string, heads: readonly ImportedHead[]) => void;
  /** Also told where the heads that came could not be recorded. */
  readonly onPollinationFailed: (url: string, error: HttpError | StoreError) => void;
}

/**
 * The operator has named the endpoint, so it may be anywhere. Rejects with ProxyError, with what
 * says that the store is damaged, and if the signal is given.
 */
export async function pollinateThrough(url: string, options: PollinateOptions): Promise<void> {
  const { hashes, now } = options;
  await exchangeThrough(url, options, (fetch, logs) =>
    exchangeHeads(url, fetch, headsToShare(hashes, logs, now()), logs),
  );
}

/** As `pollinateThrough`, and nothing is sent but questions for the logs that lists have. */
export async function viewThrough(url: string, options: PollinateOptions): Promise<void> {
  const ask = async (fetch: Fetch, logs: readonly Log[]): Promise<Exchanged> => {
    const { asked, received } = await fetchViews(url, fetch, logs, options.chance);
    options.onSeenAt?.(url, received.heads);
    return { url, sent: asked, received };
  };
  await exchangeThrough(url, options, ask, 'view');
}

async function exchangeThrough(
  url: string,
  options: PollinateOptions,
  exchange: (fetch: Fetch, logs: readonly Log[]) => Promise<Exchanged>,
  kind?: 'view',
): Promise<void> {
  const { known, store, evidenceDirectory, now, signal } = options;
  try {
    const logs = known();
    const exchanged = await through(options, 1, { allowPrivateAddress: true }, ([fetch]) => {
      if (fetch === undefined) throw new RangeError('no way');
      return exchange(fetch, logs);
    });
    const context = { store, evidenceDirectory, logs, now: now() };
    const result = recordExchanged(exchanged, context, kind);
    if (kind === 'view') options.onViewed(result);
    else options.onPollinated(result);
  } catch (error) {
    signal.throwIfAborted();
    // A full disk ends no schedule: when the challenger asks would tell who filled it.
    const isStore = error instanceof StoreError && !isDamage(error);
    if (!isStore && !(error instanceof HttpError)) throw error;
    options.onPollinationFailed(url, error);
  }
}
