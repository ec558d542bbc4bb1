// SPDX-License-Identifier: Apache-2.0
/** Where the challenger's proxy is, apart from proxy.ts, which takes long to load. */
import { badInput } from '../base/errors.ts';
import { bareHost } from './targets.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Tor listens by default. */
export const DEFAULT_PROXY = 'socks5h://127.0.0.1:9050';

/** Throws CtgaError `bad-input` unless `text` is socks5h://HOST:PORT. */
export function parseProxy(text: string): ProxyAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'socks5h:' || url.hostname === '' || url.port === '') {
    throw badInput(
      `--proxy ${text}: want socks5h://HOST:PORT`,
      `With the h, the proxy resolves names, so that no DNS query gives the challenger away. Tor's is ${DEFAULT_PROXY}.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw badInput('--proxy: ctga draws new credentials for each batch, so none can be given');
  }
  return { host: bareHost(url.hostname), port: Number(url.port) };
}
