/** Exchanging tree heads with a pollinator, through a way of its own. */
import { headsToShare, pollinate, type Pollinated } from '../exchange/pollination.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { HttpError } from '../http/error.ts';
import type { Log } from '../logs/log.ts';
import type { VerdictContext } from './verdicts.ts';
import { through, type WayOptions } from './ways.ts';

export interface PollinateOptions
  extends WayOptions, Pick<VerdictContext, 'store' | 'evidenceDirectory' | 'now'> {
  /** What the logs showed to everybody. */
  readonly hashes: HashStore;
  /** The logs whose heads are taken from pollinators. */
  readonly known: () => readonly Log[];
  readonly onPollinated: (result: Pollinated) => void;
  readonly onPollinationFailed: (url: string, error: HttpError) => void;
}

/** The operator has named the endpoint, so it may be anywhere. */
export async function pollinateThrough(url: string, options: PollinateOptions): Promise<void> {
  const { known, hashes, store, evidenceDirectory, now, signal } = options;
  await through(options, 1, { allowPrivateAddress: true }, async (paths) => {
    for (const fetch of paths) {
      try {
        const context = { store, evidenceDirectory, logs: known(), now: now() };
        const shared = headsToShare(hashes, context.logs, context.now);
        options.onPollinated(await pollinate(url, fetch, shared, context));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HttpError)) throw error;
        options.onPollinationFailed(url, error);
      }
    }
  });
}
