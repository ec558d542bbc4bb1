/** `ctga web` as a service: the status page from the moment that it listens until it is stopped. */
import { isIP } from 'node:net';
import { aborted } from '../base/stop-signals.ts';
import { ServiceNotice } from './notice.ts';
import { WebServer, type WebOptions } from '../web/server.ts';

export interface WebServiceOptions extends WebOptions {
  /** Called when the page can be reached at this URL. */
  readonly onListening: (url: string) => void;
}

/**
 * Serves the status page until `stop` is aborted. Rejects with CtgaError if it cannot listen at the
 * address.
 */
export async function serveStatusPage(
  { onListening, ...options }: WebServiceOptions,
  stop: AbortSignal,
): Promise<void> {
  const server = await WebServer.start(options);
  const { address } = options;
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}:${server.port}/`;
  onListening(url);
  const notice = new ServiceNotice(`at ${url}`);
  await aborted(stop);
  notice.stopping();
  await server.stop();
}
