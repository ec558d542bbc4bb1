// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga pool serve` as a service: an HTTPS server's endpoints for gossip, and what they collected
 * pushed to auditors once an hour.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { plural } from '../base/text.ts';
import { makeReserve } from '../disk/reserve.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import type { Way } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import { poolEvidenceIn, poolIn } from '../pool/directory.ts';
import { FeedbackChecks } from '../pool/feedback.ts';
import { PoolMetrics } from '../pool/metrics.ts';
import { HeadPool } from '../pool/pollination.ts';
import { push } from '../pool/push.ts';
import { PoolServer } from '../pool/server.ts';
import { PoolStore } from '../pool/store.ts';
import type { State } from '../store/state.ts';
import { ServiceNotice } from './notice.ts';
import { becomePool, type BecomeAccount } from './privileges.ts';

export type PoolEvent =
  | { readonly event: 'listening'; readonly url: string }
  | { readonly event: 'fork-proven'; readonly log: string; readonly evidence: string }
  | { readonly event: 'pushed'; readonly auditor: string; readonly scts: number }
  | { readonly event: 'failed'; readonly message: string };

export interface PoolServiceOptions {
  readonly state: State;
  readonly address: string;
  readonly port: number;
  /** DNS names, in lower case: FeedbackChecks says how they are compared. */
  readonly domains: readonly string[];
  readonly logs: readonly Log[];
  /** URLs (see auditorUrl). */
  readonly auditors: readonly string[];
  /** To the auditors. It is closed at the end. */
  readonly way: Way;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  readonly onEvent: (event: PoolEvent) => void;
  /** Milliseconds between two rounds of pushing; an hour, give or take a tenth, unless given. */
  readonly pushEvery?: () => number;
}

const HOUR_MS = 3_600_000;

/**
 * Gives up root, and serves the endpoints until `stop` is aborted. Rejects with CtgaError if it
 * cannot become the account, cannot listen, or cannot open its store, or if that turns out damaged.
 */
export async function servePool(
  options: PoolServiceOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomePool,
): Promise<void> {
  const { state, user } = options;
  const directory = poolIn(state.directory);
  becomeAccount(state, user);
  const store = PoolStore.open(directory);
  makeReserve(directory);
  try {
    await whileWhole(store, stop, (end) => serveFrom(store, options, end));
  } finally {
    store.close();
  }
}

async function serveFrom(
  store: PoolStore,
  options: PoolServiceOptions,
  stop: AbortSignal,
): Promise<void> {
  const { state, domains, logs, onEvent, way, address, port } = options;
  let server: PoolServer | undefined;
  try {
    const fail = (error: unknown): void => onEvent({ event: 'failed', message: messageOf(error) });
    const heads = new HeadPool({
      store,
      logs,
      evidence: poolEvidenceIn(state.directory),
      onFork: ({ description: log }, evidence) => onEvent({ event: 'fork-proven', log, evidence }),
      onFailure: fail,
    });
    const metrics = new PoolMetrics(() => ({ pairs: store.pairs(), heads: heads.size }));
    const checks = new FeedbackChecks(domains, logs);
    server = await PoolServer.start({
      address,
      port,
      store,
      checks,
      heads,
      metrics,
      onError: fail,
    });
    const { url } = server.at;
    onEvent({ event: 'listening', url });
    const notice = new ServiceNotice(`at ${url}`);
    const pushing = pushOnAndOn(options, store, metrics, stop);
    await aborted(stop);
    notice.stopping();
    // What an auditor has not answered goes to it again.
    way.close();
    await pushing;
  } finally {
    await server?.stop();
  }
}

async function pushOnAndOn(
  { auditors, way, onEvent, pushEvery = hourOrSo }: PoolServiceOptions,
  store: PoolStore,
  metrics: PoolMetrics,
  stop: AbortSignal,
): Promise<void> {
  const isTime = (): Promise<boolean> =>
    sleep(pushEvery(), true, { signal: stop }).catch(() => false);
  while (auditors.length > 0 && (await isTime()))
    // One that does not answer keeps no other waiting.
    await Promise.all(
      auditors.map(async (auditor) => {
        try {
          let refused = 0;
          const scts = await push(store, auditor, way.fetch, () => void (refused += 1));
          if (refused > 0) {
            metrics.countPush(auditor, 'refused', refused);
            const message = `${auditor}: refused ${plural(refused, 'SCT')}, each by itself, which it is not sent again`;
            onEvent({ event: 'failed', message });
          }
          if (scts > 0) onEvent({ event: 'pushed', auditor, scts });
          metrics.countPush(auditor, 'delivered');
        } catch (error) {
          if (stop.aborted) return;
          metrics.countPush(auditor, 'failed');
          onEvent({ event: 'failed', message: `${auditor}: ${messageOf(error)}` });
        }
      }),
    );
}

function hourOrSo(): number {
  return HOUR_MS * (0.9 + 0.2 * Math.random());
}
