// SPDX-License-Identifier: Apache-2.0
/** One of several challengers, each of which asks some of the logs. Who asks which is none of its doing. */
import type { Log } from '../logs/log.ts';

export interface Share {
  /** Whether something may be sent to the log at this moment: each request asks for itself. */
  readonly mayAsk: (log: Log) => boolean;
  /** Asks the log if it is this one's turn, and else does nothing. */
  readonly asking: (log: Log, ask: () => Promise<void>) => Promise<void>;
  /** Of sizes that wait for a block, those whose blocks none of the others asks for. */
  readonly ours: (log: Log, sizes: readonly bigint[]) => readonly bigint[];
}

/** Of a challenger that is alone. */
export const isForAll: Share = {
  mayAsk: () => true,
  asking: (_, ask) => ask(),
  ours: (_, sizes) => sizes,
};
