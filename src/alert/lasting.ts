// SPDX-License-Identifier: Apache-2.0
/**
 * Alerts that outlast a store which cannot be written: what it does not take is kept in memory, is
 * sent from there, and goes to the store when it can be written again. What a process that dies
 * meanwhile has not sent is found anew by the next one, since its cause is there still.
 */
import { isStoreFailure } from '../disk/error.ts';
import type { AlertStore, QueuedAlert, RaisedAlert } from '../store/alerts.ts';

interface Message extends QueuedAlert {
  readonly channel: string;
  readonly key: string;
}

export class LastingAlerts implements AlertStore {
  readonly #store: AlertStore;
  /** Raised, and not in the store; by key. */
  readonly #raised = new Map<string, { readonly alert: RaisedAlert; readonly body: string }>();
  /** Ended, and raised in the store still; by key. */
  readonly #ended = new Map<string, { readonly body: string; readonly at: number }>();
  /** Messages that are not in the store. Their IDs are below zero. */
  #messages: Message[] = [];
  /** Of messages that are in the store: taken out or put off, and the store does not have it yet. */
  readonly #dequeued = new Set<number>();
  readonly #putOff = new Map<number, { readonly more: number; readonly due: number }>();
  /** Messages that a channel is sending right now. */
  readonly #sending = new Set<number>();
  #lastId = 0;

  constructor(store: AlertStore) {
    this.#store = store;
  }

  /** Gives the store what it did not take before. It is tried again later where it fails again. */
  settle(): void {
    this.#try(() => {
      for (const id of this.#dequeued) {
        this.#store.dequeue(id);
        this.#dequeued.delete(id);
      }
      for (const [id, { due }] of this.#putOff) {
        this.#store.retryLater(id, due);
        this.#putOff.delete(id);
      }
      // In this order: what ended may have begun again.
      for (const [key, { body, at }] of this.#ended) {
        if (!this.#mayBeGiven(key, body)) continue;
        this.#store.end(key, body, this.#channelsOf(key, body), at);
        this.#ended.delete(key);
        this.#forget(key, body);
      }
      for (const [key, { alert, body }] of this.#raised) {
        if (this.#ended.has(key) || !this.#mayBeGiven(key, body)) continue;
        this.#store.raise(alert, body, this.#channelsOf(key, body));
        this.#raised.delete(key);
        this.#forget(key, body);
      }
    });
  }

  /** Whether the store has everything that was raised and ended. */
  isSettled(): boolean {
    return this.#raised.size === 0 && this.#ended.size === 0;
  }

  raised(): RaisedAlert[] {
    const inStore = this.#try(() => this.#store.raised()) ?? [];
    return [
      ...inStore.filter(({ key }) => !this.#ended.has(key)),
      ...[...this.#raised.values()].map(({ alert }) => alert),
    ];
  }

  raise(alert: RaisedAlert, body: string, channels: readonly string[]): void {
    const { key } = alert;
    if (this.#raised.has(key)) return;
    const isFirst = !this.#ended.has(key) && !this.#isWaiting(key);
    if (isFirst && this.#succeeds(() => this.#store.raise(alert, body, channels))) return;
    this.#raised.set(key, { alert, body });
    this.#queue(key, body, channels, 0);
  }

  end(key: string, body: string, channels: readonly string[], now: number): void {
    if (this.#raised.delete(key)) return this.#queue(key, body, channels, now);
    const isFirst = !this.#isWaiting(key);
    if (isFirst && this.#succeeds(() => this.#store.end(key, body, channels, now))) return;
    this.#ended.set(key, { body, at: now });
    this.#queue(key, body, channels, now);
  }

  outbox(channel: string): QueuedAlert[] {
    const inStore = this.#try(() => this.#store.outbox(channel)) ?? [];
    return [
      ...inStore
        .filter(({ id }) => !this.#dequeued.has(id))
        .map((queued) => this.#asPutOff(queued)),
      ...this.#messages.filter((message) => message.channel === channel),
    ];
  }

  /** A channel begins to send a message: `dequeue` or `retryLater` says when that is over. */
  send(id: number): void {
    this.#sending.add(id);
  }

  dequeue(id: number): void {
    this.#sending.delete(id);
    if (id < 0) this.#messages = this.#messages.filter((message) => message.id !== id);
    else if (!this.#succeeds(() => this.#store.dequeue(id))) this.#dequeued.add(id);
  }

  retryLater(id: number, due: number): void {
    this.#sending.delete(id);
    if (id < 0)
      this.#messages = this.#messages.map((message) =>
        message.id === id ? { ...message, due, attempts: message.attempts + 1 } : message,
      );
    else if (!this.#succeeds(() => this.#store.retryLater(id, due)))
      this.#putOff.set(id, { due, more: (this.#putOff.get(id)?.more ?? 0) + 1 });
  }

  #asPutOff(queued: QueuedAlert): QueuedAlert {
    const { due = queued.due, more = 0 } = this.#putOff.get(queued.id) ?? {};
    return { ...queued, due, attempts: queued.attempts + more };
  }

  #queue(key: string, body: string, channels: readonly string[], due: number): void {
    for (const channel of channels)
      this.#messages.push({ id: (this.#lastId -= 1), channel, key, body, due, attempts: 0 });
  }

  /** Messages of one key are sent in order, so those behind one that waits here wait here too. */
  #isWaiting(key: string): boolean {
    return this.#messages.some((message) => message.key === key);
  }

  /**
   * Whether the store may have a message: no other message of the key waits here, and no channel is
   * sending it, which it would do again from the store.
   */
  #mayBeGiven(key: string, body: string): boolean {
    return this.#messages.every(
      (message) => message.key !== key || (message.body === body && !this.#sending.has(message.id)),
    );
  }

  /** The channels that a message is still to be sent over. */
  #channelsOf(key: string, body: string): string[] {
    return this.#messages
      .filter((message) => message.key === key && message.body === body)
      .map(({ channel }) => channel);
  }

  #forget(key: string, body: string): void {
    this.#messages = this.#messages.filter(
      (message) => message.key !== key || message.body !== body,
    );
  }

  #succeeds(work: () => void): boolean {
    return this.#try(() => (work(), true)) === true;
  }

  /** Undefined where the store fails. Throws what else goes wrong, damage among it. */
  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (isStoreFailure(error)) return undefined;
      throw error;
    }
  }
}
