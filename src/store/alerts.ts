// SPDX-License-Identifier: Apache-2.0
/**
 * Alerts that people were sent and that have not ended, and an outbox of messages to send. A
 * message is in the outbox from the transaction that records its cause until it has been delivered,
 * so none is lost. It is sent twice if the alerter dies between sending it and taking it out.
 */
export interface RaisedAlert {
  /** Names the cause: at most one alert of a key is raised at a time. */
  readonly key: string;
  readonly since: number;
  readonly message: string;
}

export interface QueuedAlert {
  readonly id: number;
  /** What the channel is to send, as it was given. */
  readonly body: string;
  /** How often sending it has failed. */
  readonly attempts: number;
  /** Send it at this time or later. */
  readonly due: number;
}

/** What an alerter goes on from after a restart. */
export interface LookStore {
  /** What the counters were at the last look, by name; empty if there was none. */
  lastCounts(): ReadonlyMap<string, number>;

  /** Records what counters are at this look, in one transaction. */
  noteCounts(counts: ReadonlyMap<string, number>): void;
}

export interface AlertStore {
  /** Alerts that were raised and have not ended, in no order. */
  raised(): RaisedAlert[];

  /**
   * Records an alert and queues `body` for each channel, due at once, in one transaction. Does
   * nothing if an alert of this key is raised already, so that only one of several alerters sends
   * it.
   */
  raise(alert: RaisedAlert, body: string, channels: readonly string[]): void;

  /**
   * Ends an alert and queues `body` for each channel, due at `now`, in one transaction. Does
   * nothing if no alert of this key is raised.
   */
  end(key: string, body: string, channels: readonly string[], now: number): void;

  /**
   * The first hundred messages that are to be sent over a channel, in the order of their causes.
   */
  outbox(channel: string): QueuedAlert[];

  /** Takes a message that was sent, or given up, out of the outbox. Idempotent. */
  dequeue(id: number): void;

  /** Counts one more failed attempt at a message and puts it off. */
  retryLater(id: number, due: number): void;
}
