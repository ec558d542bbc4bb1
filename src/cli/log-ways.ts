// SPDX-License-Identifier: Apache-2.0
/** The ways to logs of a command that asks them for as long as it runs. */
import type { ProxyAddress } from '../http/proxy-address.ts';
import type { Fetch, Way } from '../http/request.ts';
import type { Log } from '../logs/log.ts';

export interface LogWays {
  /** A way for this log alone, through the proxy or, if that is undefined, directly. */
  readonly fetchFor: (log: Pick<Log, 'allowPrivateAddress'>) => Fetch;
  /** Ends all connections: a log that does not answer holds nobody up who is to end. */
  readonly close: () => void;
}

export async function logWays(proxy: ProxyAddress | undefined): Promise<LogWays> {
  const { directWay } = await import('../http/request.ts');
  const { openIdentity } = await import('../http/proxy.ts');
  const ways: Way[] = [];
  return {
    fetchFor: ({ allowPrivateAddress }) => {
      const http = { allowPrivateAddress };
      const way = proxy === undefined ? directWay(http) : openIdentity(proxy, http);
      ways.push(way);
      return way.fetch;
    },
    close: () => {
      for (const way of ways) way.close();
    },
  };
}
