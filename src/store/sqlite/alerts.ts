// SPDX-License-Identifier: Apache-2.0
/** Alerts in SQLite: tables alerts, outbox and last_counts. */
import type { AlertStore, LookStore, QueuedAlert, RaisedAlert } from '../alerts.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';

const RAISE = `INSERT INTO alerts (key, since, message) VALUES (@key, @since, @message)
  ON CONFLICT DO NOTHING`;
const ENQUEUE = `INSERT INTO outbox (channel, body, queued, due)
  VALUES (@channel, @body, @now, @now)`;
const OUTBOX = `SELECT id, body, attempts, due FROM outbox WHERE channel = @channel
  ORDER BY id LIMIT 100`;

const NOTE = `INSERT INTO last_counts (name, count) VALUES (@name, @count)
  ON CONFLICT DO UPDATE SET count = excluded.count`;

export class SqliteAlerts implements AlertStore, LookStore {
  readonly #connection: Connection;
  readonly #raised: Statement<NoParameters, RaisedAlert>;
  readonly #raise: Statement<RaisedAlert>;
  readonly #end: Statement<{ key: string }>;
  readonly #enqueue: Statement<{ channel: string; body: string; now: number }>;
  readonly #outbox: Statement<{ channel: string }, QueuedAlert>;
  readonly #dequeue: Statement<{ id: number }>;
  readonly #retryLater: Statement<{ id: number; due: number }>;
  readonly #lastCounts: Statement<NoParameters, { name: string; count: number }>;
  readonly #note: Statement<{ name: string; count: number }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#raised = connection.statement('SELECT key, since, message FROM alerts');
    this.#raise = connection.statement(RAISE);
    this.#end = connection.statement('DELETE FROM alerts WHERE key = @key');
    this.#enqueue = connection.statement(ENQUEUE);
    this.#outbox = connection.statement(OUTBOX);
    this.#dequeue = connection.statement('DELETE FROM outbox WHERE id = @id');
    this.#retryLater = connection.statement(
      'UPDATE outbox SET attempts = attempts + 1, due = @due WHERE id = @id',
    );
    this.#lastCounts = connection.statement('SELECT name, count FROM last_counts');
    this.#note = connection.statement(NOTE);
  }

  raised(): RaisedAlert[] {
    return this.#raised.all({});
  }

  raise({ key, since, message }: RaisedAlert, body: string, channels: readonly string[]): void {
    this.#connection.transaction(() => {
      const isNew = this.#raise.run({ key, since, message }) > 0;
      if (isNew) this.#queue(body, channels, since);
    });
  }

  end(key: string, body: string, channels: readonly string[], now: number): void {
    this.#connection.transaction(() => {
      const wasRaised = this.#end.run({ key }) > 0;
      if (wasRaised) this.#queue(body, channels, now);
    });
  }

  #queue(body: string, channels: readonly string[], now: number): void {
    for (const channel of channels) this.#enqueue.run({ channel, body, now });
  }

  outbox(channel: string): QueuedAlert[] {
    return this.#connection.attempt(() => {
      const queued = this.#outbox.all({ channel });
      // It could not be taken out, and would be sent for ever.
      if (!queued.every(({ id }) => Number.isSafeInteger(id)))
        throw new RangeError('the ID of a message is none');
      return queued;
    });
  }

  dequeue(id: number): void {
    this.#dequeue.run({ id });
  }

  retryLater(id: number, due: number): void {
    this.#retryLater.run({ id, due });
  }

  lastCounts(): ReadonlyMap<string, number> {
    return new Map(this.#lastCounts.all({}).map(({ name, count }) => [name, count]));
  }

  noteCounts(counts: ReadonlyMap<string, number>): void {
    this.#connection.transaction(() => {
      for (const [name, count] of counts) this.#note.run({ name, count });
    });
  }
}
