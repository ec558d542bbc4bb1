/**
 * What somebody was told that is not over yet, and an outbox of messages that are still to be sent.
 * A message is in the outbox from the transaction that records its cause until it was delivered, so
 * none is lost. One is sent twice where the alerter dies between sending and dequeuing it.
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
  /** It is to be sent at this time or later. */
  readonly due: number;
}

export interface AlertStore {
  /** Alerts that were raised and have not ended, in no order. */
  raised(): RaisedAlert[];

  /**
   * Records an alert and queues `body` for each channel, due at once, in one transaction. Does
   * nothing where the key is raised already: of several alerters, one tells.
   */
  raise(alert: RaisedAlert, body: string, channels: readonly string[]): void;

  /**
   * Ends an alert and queues `body` for each channel, due at `now`, in one transaction. Does
   * nothing where the key is not raised.
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
