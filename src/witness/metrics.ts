// SPDX-License-Identifier: Apache-2.0
/** What a witness counts, for Prometheus. */
import { Counter, Gauge } from 'prom-client';
import { ServerMetrics } from '../http/server-metrics.ts';
import type { EndpointName } from './server.ts';
import type { Cosigned, WitnessStore } from './store.ts';
import type { Answer } from './witness.ts';

const OF_EACH_LOG: readonly (readonly [
  name: string,
  help: string,
  valueOf: (cosigned: Cosigned) => bigint,
])[] = [
  [
    'ctga_witness_tree_size',
    'The size of the tree that was cosigned last, by origin',
    ({ treeSize }) => treeSize,
  ],
  [
    'ctga_witness_cosigned_timestamp_seconds',
    'When a tree was cosigned last, by origin',
    ({ time }) => time,
  ],
];

export class WitnessMetrics extends ServerMetrics<EndpointName> {
  readonly #refusals: Counter<'reason'>;
  readonly #cosigned: Counter;
  readonly #forks: Counter;

  /** The store is read for each answer. */
  constructor(store: Pick<WitnessStore, 'all' | 'counts'>) {
    super('ctga_witness_requests_total');
    const registers = [this.registry];
    this.#refusals = new Counter({
      name: 'ctga_witness_refusals_total',
      help: 'Checkpoints and subtrees that were not cosigned, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.#cosigned = new Counter({
      name: 'ctga_witness_cosigned_total',
      help: 'Checkpoints that were cosigned',
      registers,
    });
    this.#forks = new Counter({
      name: 'ctga_witness_forks_proven_total',
      help: 'Split views that refused checkpoints proved since the start',
      registers,
    });
    new Gauge({
      name: 'ctga_witness_refused_checkpoints',
      help: 'Checkpoints that are kept because their logs signed them and they were refused',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(store.counts())) this.set({ state }, count);
      },
    });
    for (const [name, help, valueOf] of OF_EACH_LOG)
      new Gauge({
        name,
        help,
        labelNames: ['origin'],
        registers,
        collect() {
          for (const cosigned of store.all())
            this.set({ origin: cosigned.origin }, Number(valueOf(cosigned)));
        },
      });
  }

  countRefusal(reason: NonNullable<Answer['refusal']>): void {
    this.#refusals.inc({ reason });
  }

  countCosigned(): void {
    this.#cosigned.inc();
  }

  countFork(): void {
    this.#forks.inc();
  }
}
