// SPDX-License-Identifier: Apache-2.0
/** How long a split view takes from the site that saw it to all sites. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openForWriting } from '../src/store/state.ts';
import { treeOf } from '../test/support/signing-log.ts';
import type { BenchFleet, MadeMember } from './fleet-bus.ts';
import { percentile } from './statistics.ts';

export interface Convergence {
  readonly sites: number;
  readonly splits: number;
  readonly intervalSeconds: number;
  /** Seconds from a head's record at one site to the evidence at a site, for all sites. */
  readonly p50: number;
  readonly p99: number;
}

/** Each split view is seen when the one before is known everywhere. */
export async function measureConvergence(
  fleet: BenchFleet,
  splits: number,
  intervalSeconds: number,
): Promise<Convergence> {
  const stop = new AbortController();
  // Each site listens to it.
  setMaxListeners(0, stop.signal);
  const took: number[] = [];
  let began = 0;
  let known = 0;
  const running: Promise<void>[] = [];
  try {
    for (const site of fleet.sites) {
      running.push(
        fleet.runSite(site, stop.signal, {
          onEvent: ({ event }) => {
            if (event !== 'evidence') return;
            took.push((performance.now() - began) / 1000);
            known += 1;
          },
        }),
      );
      // Sites are not in step.
      await sleep((intervalSeconds * 1000) / fleet.sites.length);
    }
    const [signer] = fleet.signers;
    const [first, second] = fleet.sites;
    if (signer === undefined || first === undefined || second === undefined)
      throw new RangeError('want a log and two sites');
    const see = ({ state }: MadeMember, size: number, branch: string): void => {
      const store = openForWriting(state);
      const head = signer.verified(size, treeOf(size, branch).root());
      const now = Date.now();
      store.heads.record([{ head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 }]);
      store.close();
    };
    for (let i = 1; i <= splits; i++) {
      see(first, i, 'a');
      // It has come, whenever its interval was; then the other tree is seen at any time.
      await sleep(intervalSeconds * 1000 * (2 + Math.random()));
      [began, known] = [performance.now(), 0];
      see(second, i, 'b');
      while (known < fleet.sites.length) await sleep(20);
    }
    const { length } = fleet.sites;
    const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
    return { sites: length, splits, intervalSeconds, p50, p99 };
  } finally {
    stop.abort();
    await Promise.all(running);
  }
}
