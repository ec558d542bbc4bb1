// SPDX-License-Identifier: Apache-2.0
/** The asker for a log as a log list describes it. */
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import type { Asker } from './asker.ts';
import { Rfc6962Asker } from './rfc6962.ts';
import { SUMDB, TiledAsker, TLOG_TILES } from './tiled.ts';

/** Asks over HTTP, by whichever API the log has. `now` is in milliseconds since the epoch. */
export function askerOf(log: Log, fetch: Fetch, now: () => number = Date.now): Asker {
  if (log.api === 'rfc6962') return new Rfc6962Asker(log.url, fetch, now);
  const layout = log.api === 'sumdb' ? SUMDB : TLOG_TILES;
  return new TiledAsker(log.url, log.key, fetch, now, layout);
}
