// SPDX-License-Identifier: Apache-2.0
/**
 * Pollination (draft-linus-trans-gossip-ct-02, Section 5.2): fresh heads for fresh heads. Given is
 * what logs gave by DNS, and what came from others and was proven to be of the same log, drawn by
 * chance. Taken is what is fresh and signed; the rest is passed over in silence.
 */
import { shuffled } from '../base/chance.ts';
import { exchangeHeads } from '../exchange/pollination.ts';
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { LogHeads } from './heads.ts';

/** Heads that are given at a time; chance draws them. */
const MOST_GIVEN = 50;
/** Of what comes, no more is looked at. */
const MOST_TAKEN = 500;

/** Fresh heads to give, each with the same chance. `chance` is at least 0 and below 1. */
export function drawHeads(
  heads: Iterable<LogHeads>,
  chance: () => number,
  most = MOST_GIVEN,
): VerifiedStatement[] {
  const all = [...heads].flatMap((ofLog) =>
    ofLog.all
      .filter(({ source, isConsistent }) => source === 'dns' || isConsistent)
      .map(({ head }) => head)
      .filter((head) => ofLog.isFresh(head)),
  );
  return shuffled(all, chance).slice(0, most);
}

/**
 * Exchanges heads with an endpoint and takes in what it gives. Resolves to how many were given and
 * how many of those that came are new. Rejects as exchangeHeads does; nothing is taken then.
 */
export async function pollinate(
  url: string,
  fetch: Fetch,
  headsOf: ReadonlyMap<Log, LogHeads>,
  chance: () => number,
): Promise<{ readonly given: number; readonly taken: number }> {
  const given = drawHeads(headsOf.values(), chance);
  const { received } = await exchangeHeads(url, fetch, given, [...headsOf.keys()]);
  let taken = 0;
  for (const { head, log } of received.heads.slice(0, MOST_TAKEN)) {
    const ofLog = headsOf.get(log);
    if (ofLog?.isFresh(head) !== true) continue;
    if (ofLog.take(head, 'pool') !== undefined) taken += 1;
  }
  return { given: given.length, taken };
}
