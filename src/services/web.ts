// SPDX-License-Identifier: Apache-2.0
/** `ctga web` as a service: the status page from the moment that it listens until it is stopped. */
import { aborted } from '../base/stop-signals.ts';
import { WebServer, type WebOptions } from '../web/server.ts';
import { ServiceNotice } from './notice.ts';
import { becomeWeb, type BecomeAccount } from './privileges.ts';

export interface WebServiceOptions extends WebOptions {
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  /** Called when the page can be reached at this URL. */
  readonly onListening: (url: string) => void;
}

/**
 * Gives up root, and serves the status page until `stop` is aborted. Rejects with CtgaError if it
 * cannot become the account, or cannot listen at the address.
 */
export async function serveStatusPage(
  { user, onListening, ...options }: WebServiceOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomeWeb,
): Promise<void> {
  becomeAccount(options.state, user);
  const server = await WebServer.start(options);
  const { url } = server.at;
  onListening(url);
  const notice = new ServiceNotice(`at ${url}`);
  await aborted(stop);
  notice.stopping();
  await server.stop();
}
