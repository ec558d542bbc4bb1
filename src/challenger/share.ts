// SPDX-License-Identifier: Apache-2.0
/** One of several challengers, each of which asks some of the logs. Who asks which is none of its doing. */
import { HttpError, ProxyError } from '../http/error.ts';
import type { Identity } from '../http/proxy.ts';
import type { Log } from '../logs/log.ts';

export interface Share {
  /** Whether something may be sent to the log at this moment: each request asks for itself. */
  readonly mayAsk: (log: Log) => boolean;
  /** Asks the log if it is this one's turn, and else does nothing. */
  readonly asking: (log: Log, ask: () => Promise<void>) => Promise<void>;
  /** Of sizes that wait for a block, those whose blocks none of the others asks for. */
  readonly ours: (log: Log, sizes: readonly bigint[]) => readonly bigint[];
  /**
   * Told of each request to a log, as it is sent. What it returns is told what became of it: whether any
   * answer came, be it a refusal.
   */
  readonly asks: (log: Log) => (isAnswer: boolean) => void;
}

/** Of a challenger that is alone. */
export const isForAll: Share = {
  mayAsk: () => true,
  asking: (_, ask) => ask(),
  ours: (_, sizes) => sizes,
  asks: () => () => undefined,
};

/** The way to a log, of which the share learns whether it leads there. */
export function heardOf(way: Identity, log: Log, { asks }: Share): Identity {
  return {
    fetch: async (url, options) => {
      const heard = asks(log);
      try {
        const answer = await way.fetch(url, options);
        heard(true);
        return answer;
      } catch (error) {
        if (isSilence(error)) heard(false);
        throw error;
      }
    },
    close: () => way.close(),
  };
}

/** What was not sent because it was not to be sent says nothing about the way. */
function isSilence(error: unknown): boolean {
  if (error instanceof ProxyError) return error.code === 'proxy-unavailable';
  return error instanceof HttpError && error.code === 'http-no-answer';
}
