// SPDX-License-Identifier: Apache-2.0
/** The sources that there are. A new source is a folder of its own and a line in `sourcesOf`. */
import type { Log } from '../logs/log.ts';
import { zonesOf, type ZoneOptions } from '../logs/zones.ts';
import { CtOverDns } from './ct-over-dns/source.ts';
import type { Source } from './source.ts';

/**
 * All sources, for these logs. `ports` are the UDP source ports of DNS answers; 53 if undefined.
 * Throws CtgaError `bad-input` for zones that are malformed or of unknown logs.
 */
export function sourcesOf(
  logs: readonly Log[],
  zones: ZoneOptions,
  ports?: readonly number[],
): Source[] {
  return [new CtOverDns(zonesOf(logs, zones), ports)];
}
