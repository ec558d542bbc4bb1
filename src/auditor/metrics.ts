// SPDX-License-Identifier: Apache-2.0
/** What an auditor counts, for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client';
import { STATES, type AuditStore } from './store.ts';

export class AuditMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'path' | 'status'>;

  /** The store is read for each answer. */
  constructor(store: Pick<AuditStore, 'counts'>) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'ctga_audit_requests_total',
      help: 'Requests, by path and HTTP status',
      labelNames: ['path', 'status'],
      registers,
    });
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

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  countRequest(path: string, status: number): void {
    this.#requests.inc({ path, status: String(status) });
  }
}
