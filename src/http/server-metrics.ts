// SPDX-License-Identifier: Apache-2.0
/** What each of ctga's HTTP servers counts of its requests, for Prometheus. */
import { Counter, Registry } from 'prom-client';

/** `Path` is what the server tells apart: its own paths, and one word for all others. */
export abstract class ServerMetrics<Path extends string = string> {
  /** Where a server registers what else it counts. */
  protected readonly registry = new Registry();
  readonly #requests: Counter<'path' | 'status'>;

  /** The counter of requests is called `requests`, which ends in `_requests_total`. */
  constructor(requests: string) {
    this.#requests = new Counter({
      name: requests,
      help: 'Requests, by path and HTTP status',
      labelNames: ['path', 'status'],
      registers: [this.registry],
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  render(): Promise<string> {
    return this.registry.metrics();
  }

  countRequest(path: Path, status: number): void {
    this.#requests.inc({ path, status: String(status) });
  }
}
