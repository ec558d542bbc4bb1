// SPDX-License-Identifier: Apache-2.0
/** What a member of a federation counts, for Prometheus. */
import { Counter, Gauge } from 'prom-client';
import { ServerMetrics } from '../http/server-metrics.ts';

export interface FederationFigures {
  /** When the last period in which something was stated began, in seconds since the epoch. */
  readonly statedAt: number;
  readonly statements: number;
  readonly accused: number;
  readonly convicted: number;
  readonly faulty: number;
}

export class FederationMetrics extends ServerMetrics {
  readonly #bytes: Counter<'member' | 'direction'>;
  readonly #failures: Counter<'member'>;

  /** `figures` is called for each answer. */
  constructor(figures: () => FederationFigures) {
    super('ctga_federation_requests_total');
    const registers = [this.registry];
    this.#bytes = new Counter({
      name: 'ctga_federation_bytes_total',
      help: 'Bytes of messages to and from another member',
      labelNames: ['member', 'direction'],
      registers,
    });
    this.#failures = new Counter({
      name: 'ctga_federation_failures_total',
      help: 'Requests to another member that it did not answer',
      labelNames: ['member'],
      registers,
    });
    const gauges: Readonly<Record<keyof FederationFigures, readonly [string, string]>> = {
      statedAt: [
        'ctga_federation_stated_timestamp_seconds',
        'When the last period in which something was agreed on began',
      ],
      statements: [
        'ctga_federation_statements',
        'Logs and certificate authorities of which something is stated',
      ],
      accused: ['ctga_federation_accused_logs', 'Logs that are accused now'],
      convicted: ['ctga_federation_convicted_logs', 'Logs that evidence convicts'],
      faulty: ['ctga_federation_faulty_members', 'Members that contradicted themselves'],
    };
    for (const [what, [name, help]] of Object.entries(gauges))
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(figures()[what as keyof FederationFigures]);
        },
      });
  }

  countBytes(member: string, direction: 'sent' | 'received', bytes: number): void {
    this.#bytes.inc({ member, direction }, bytes);
  }

  countFailure(member: string): void {
    this.#failures.inc({ member });
  }
}
