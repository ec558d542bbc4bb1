// SPDX-License-Identifier: Apache-2.0
/** What an auditor counts, for Prometheus. */
import { Gauge } from 'prom-client';
import { ServerMetrics } from '../http/server-metrics.ts';
import { STATES, type AuditStore } from './store.ts';

export class AuditMetrics extends ServerMetrics {
  /** The store is read for each answer. */
  constructor(store: Pick<AuditStore, 'counts'>) {
    super('ctga_audit_requests_total');
    const registers = [this.registry];
    for (const what of ['scts', 'heads'] as const)
      new Gauge({
        name: what === 'scts' ? 'ctga_audit_scts' : 'ctga_audit_tree_heads',
        help: `${what === 'scts' ? 'SCTs' : 'Tree heads'} that the auditor has, by what became of them`,
        labelNames: ['state'],
        registers,
        collect() {
          const counts = store.counts()[what];
          for (const state of STATES) this.set({ state }, counts[state]);
        },
      });
  }
}
