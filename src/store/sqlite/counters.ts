// SPDX-License-Identifier: Apache-2.0
/** Counters in SQLite: table counters. */
import type { CounterStore } from '../counters.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';

const ADD = `INSERT INTO counters (source, name, count) VALUES (@source, @name, @count)
  ON CONFLICT DO UPDATE SET count = count + excluded.count`;

export class SqliteCounters implements CounterStore {
  readonly #connection: Connection;
  readonly #add: Statement<{ source: string; name: string; count: number }>;
  readonly #totals: Statement<NoParameters, { readonly name: string; readonly total: number }>;

  readonly #bySource: Statement<
    { name: string },
    { readonly source: string; readonly count: number }
  >;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#add = connection.statement(ADD);
    this.#bySource = connection.statement(
      'SELECT source, count FROM counters WHERE name = @name ORDER BY source',
    );
    this.#totals = connection.statement(
      'SELECT name, sum(count) AS total FROM counters GROUP BY name ORDER BY name',
    );
  }

  bySource(name: string): Record<string, number> {
    return Object.fromEntries(
      this.#bySource.all({ name }).map(({ source, count }) => [source, count]),
    );
  }

  add(source: string, counts: Readonly<Record<string, number>>): void {
    this.#connection.transaction(() => {
      for (const [name, count] of Object.entries(counts))
        if (count !== 0) this.#add.run({ source, name, count });
    });
  }

  totals(): Record<string, number> {
    return Object.fromEntries(this.#totals.all({}).map(({ name, total }) => [name, total]));
  }
}
