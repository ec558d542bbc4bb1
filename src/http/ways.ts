// SPDX-License-Identifier: Apache-2.0
/** Ways out: identities over the proxies, each of which nothing else ever uses. */

import type { Identity } from './proxy.ts';
import type { ProxyAddress } from './proxy-address.ts';
import type { Fetch, HttpOptions } from './request.ts';
import { shuffled } from '../base/chance.ts';

export interface WayOptions {
  /** One at least; ways are spread over them. */
  readonly proxies: readonly ProxyAddress[];
  /** Opens a way through a proxy that nothing else ever uses: openIdentity, but in tests. */
  readonly open: (proxy: ProxyAddress, options: HttpOptions) => Identity;
  readonly signal: AbortSignal;
  /** 0 <= x < 1, and a log cannot foretell it; the system's generator unless given. */
  readonly chance?: () => number;
}

/** Opens one way after another, through each proxy in turn. */
export function waysOut(
  { proxies, open, chance }: WayOptions,
  allowed: HttpOptions,
): () => Identity {
  const order = shuffled(proxies, chance);
  let opened = 0;
  return () => {
    const proxy = order[opened++ % order.length];
    if (proxy === undefined) throw new RangeError('no proxy');
    return open(proxy, allowed);
  };
}

/** Opens `count` ways, and closes them when the errand is done or broken off. */
export async function through<T>(
  options: WayOptions,
  count: number,
  allowed: HttpOptions,
  errand: (paths: readonly Fetch[]) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const open = waysOut(options, allowed);
  const ways = Array.from({ length: count }, () => open());
  const close = (): void => {
    for (const way of ways) way.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    return await errand(ways.map(({ fetch }) => fetch));
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}
