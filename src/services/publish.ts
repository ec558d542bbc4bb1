// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga dns publish` as a service: the tree heads of logs, in the zone of a server that others run.
 * It knows no process: the caller gives it the way to the logs, a clock and the zone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { backOff, type BackOff } from '../base/back-off.ts';
import { CtgaError } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import type { Fetch } from '../http/request.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { HourlyPublication } from '../mirror/publication.ts';
import type { PublishedHeads } from '../mirror/published.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { ProofServer } from '../zone/records.ts';
import type { ZoneTarget } from '../zone/target.ts';
import { ServiceNotice } from './notice.ts';
import { hourly, type HeadEvent } from './serve.ts';

export interface PublishServiceOptions {
  /** The zones of logs as they are now, in lower case; asked again each time, as lists change. */
  readonly zones: () => ReadonlyMap<string, Log>;
  /** The zone that the server has. */
  readonly parent: string;
  readonly proofs: ProofServer | undefined;
  readonly target: ZoneTarget;
  /** What earlier runs published; the service adds to it. */
  readonly published: PublishedHeads;
  readonly fetchFor: (log: Log) => Fetch;
  /** The least number of milliseconds between two tree heads of a log. */
  readonly interval: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onEvent: (event: PublishEvent) => void;
}

export type PublishEvent =
  | HeadEvent
  | {
      readonly event: 'zone-written';
      readonly zone: string;
      /** Tree heads that the zone has now. */
      readonly heads: number;
      /** Of a zone file. */
      readonly serial?: number;
    }
  | {
      readonly event: 'zone-failed';
      readonly zone: string;
      readonly message: string;
      readonly remedy: string | undefined;
      /** Undefined if it is not tried again. */
      readonly retrySeconds: number | undefined;
    }
  | { readonly event: 'record-kept'; readonly name: string; readonly why: string };

/** A server that is down is back soon, as a rule; one that refuses waits for a person. */
const RETRY: BackOff = { first: 5000, longest: 600_000, scatter: [0.8, 1] };
/** How soon a log is seen that a list has got or lost, and what others changed in the zone. */
const LOOK_MS = 600_000;
/** A log that does not answer must not keep the others waiting. */
const PATIENCE_MS = 30_000;
/** How many logs are asked at the same time. */
const AT_ONCE = 16;

export class PublishService {
  readonly #options: PublishServiceOptions;
  readonly #publications = new Map<string, HourlyPublication>();
  readonly #said = new Set<string>();
  #failures = 0;

  constructor(options: PublishServiceOptions) {
    this.#options = options;
  }

  /**
   * Brings the zone up to date, once. Resolves to whether all is as it should be: each log has a tree
   * head there, and nothing was kept from being written.
   */
  async once(): Promise<boolean> {
    const zones = this.#options.zones();
    await this.#renew(zones, Infinity);
    return this.#apply(zones, undefined);
  }

  /** Keeps the zone up to date until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    let notice: ServiceNotice | undefined;
    while (!stop.aborted) {
      const { now } = this.#options;
      const zones = this.#options.zones();
      await this.#renew(zones, PATIENCE_MS);
      const retry = backOff(RETRY, this.#failures + 1);
      await this.#apply(zones, retry);
      notice ??= new ServiceNotice(`tree heads of ${plural(zones.size, 'zone')}`);
      const due = [...this.#publications.values()].map((each) => each.due - now());
      const wait = this.#failures > 0 ? retry : Math.min(LOOK_MS, ...due);
      await sleep(Math.max(1000, wait), undefined, { signal: stop }).catch(() => undefined);
    }
    notice?.stopping();
  }

  async #renew(zones: ReadonlyMap<string, Log>, patience: number): Promise<void> {
    const logs = new Map([...zones.values()].map((log) => [logIdText(log.key.logId), log]));
    for (const id of this.#publications.keys()) if (!logs.has(id)) this.#publications.delete(id);
    const { onEvent } = this.#options;
    const renewals = [...logs].map(([id, log]) => {
      let publication = this.#publications.get(id);
      if (publication === undefined) {
        const onFailed = (_: Log, { message }: Error): void =>
          onEvent({ event: 'log-failed', log: log.description, message });
        publication = hourly(log, { ...this.#options, onFailed });
        this.#publications.set(id, publication);
      }
      return publication;
    });
    const queue = renewals.values();
    const workers = Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const each of queue) await each.renew();
      }),
    );
    if (patience === Infinity) {
      await workers;
      return;
    }
    const patient = new AbortController();
    await Promise.race([
      workers,
      sleep(patience, undefined, { signal: patient.signal }).catch(() => undefined),
    ]);
    patient.abort();
  }

  /** `retry` in milliseconds; undefined if it is not tried again. */
  async #apply(zones: ReadonlyMap<string, Log>, retry: number | undefined): Promise<boolean> {
    const { parent, proofs, target, onEvent } = this.#options;
    const heads = new Map<string, VerifiedStatement>();
    for (const [zone, { key }] of zones) {
      const published = this.#publications.get(logIdText(key.logId))?.current();
      if (published !== undefined) heads.set(zone, published.head);
    }
    try {
      const { changed, serial, kept } = await target.apply({ parent, heads, logs: zones, proofs });
      this.#failures = 0;
      if (changed)
        onEvent({
          event: 'zone-written',
          zone: parent,
          heads: heads.size,
          ...(serial === undefined ? {} : { serial }),
        });
      for (const { name, why } of kept)
        if (!this.#said.has(`${name} ${why}`)) onEvent({ event: 'record-kept', name, why });
      this.#said.clear();
      for (const { name, why } of kept) this.#said.add(`${name} ${why}`);
      return kept.length === 0 && heads.size === zones.size;
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      this.#failures += 1;
      const { message, remedy } = error as CtgaError<string>;
      const retrySeconds = retry === undefined ? undefined : Math.round(retry / 1000);
      onEvent({ event: 'zone-failed', zone: parent, message, remedy, retrySeconds });
      return false;
    }
  }
}
