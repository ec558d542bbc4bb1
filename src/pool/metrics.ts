// SPDX-License-Identifier: Apache-2.0
/** What a pool counts, for Prometheus. */
import { Counter, Gauge } from 'prom-client';
import { ServerMetrics } from '../http/server-metrics.ts';
import { REFUSALS, type Refusal } from './feedback.ts';
import { HEAD_OUTCOMES, type HeadOutcome } from './pollination.ts';
import type { Added } from './store.ts';

type PairOutcome = Added | Refusal;
const PAIR_OUTCOMES: readonly PairOutcome[] = ['kept', 'known', 'too-many-chains', ...REFUSALS];

export class PoolMetrics extends ServerMetrics {
  readonly #pairs: Counter<'outcome'>;
  readonly #heads: Counter<'outcome'>;
  readonly #pushes: Counter<'auditor' | 'outcome'>;

  /** `sizes` is called for each answer. */
  constructor(sizes: () => { readonly pairs: number; readonly heads: number }) {
    super('ctga_pool_requests_total');
    const registers = [this.registry];
    this.#pairs = new Counter({
      name: 'ctga_pool_scts_total',
      help: 'SCTs with their chains that clients brought, by what became of them',
      labelNames: ['outcome'],
      registers,
    });
    this.#heads = new Counter({
      name: 'ctga_pool_tree_heads_total',
      help: 'Tree heads that were brought, by what became of them',
      labelNames: ['outcome'],
      registers,
    });
    this.#pushes = new Counter({
      name: 'ctga_pool_pushes_total',
      help: 'Attempts to push SCT feedback to an auditor, and SCTs that it refused each by itself',
      labelNames: ['auditor', 'outcome'],
      registers,
    });
    for (const outcome of PAIR_OUTCOMES) this.#pairs.inc({ outcome }, 0);
    for (const outcome of [...HEAD_OUTCOMES, 'malformed']) this.#heads.inc({ outcome }, 0);
    for (const what of ['pairs', 'heads'] as const)
      new Gauge({
        name: what === 'pairs' ? 'ctga_pool_kept_scts' : 'ctga_pool_kept_tree_heads',
        help: `How many ${what === 'pairs' ? 'SCTs with their chains' : 'tree heads'} the pool has`,
        registers,
        collect() {
          this.set(sizes()[what]);
        },
      });
  }

  countPair(outcome: PairOutcome, count = 1): void {
    this.#pairs.inc({ outcome }, count);
  }

  countHead(outcome: HeadOutcome | 'malformed'): void {
    this.#heads.inc({ outcome });
  }

  countPush(auditor: string, outcome: 'delivered' | 'failed' | 'refused', count = 1): void {
    this.#pushes.inc({ auditor, outcome }, count);
  }
}
