/** A client of whichever API a log has. */
import { Rfc6962Client, type Fetch, type LogClient } from './rfc6962.ts';
import type { Log } from '../logs/log.ts';
import { StaticClient } from './static-ct.ts';

export function clientOf(log: Log, fetch: Fetch, now: () => number = Date.now): LogClient {
  return log.api === 'static-ct'
    ? new StaticClient(log.url, log.key.logId, fetch, now)
    : new Rfc6962Client(log.url, fetch, now);
}
