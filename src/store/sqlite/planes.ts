/** Data planes in SQLite: table data_planes. */
import type { PlaneStore, StoredPlane } from '../planes.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';

const PUT = `INSERT INTO data_planes (interface, state, updated) VALUES (@name, @state, @updated)
  ON CONFLICT DO UPDATE SET state = excluded.state, updated = excluded.updated`;

export class SqlitePlanes implements PlaneStore {
  readonly #put: Statement<{ name: string; state: string; updated: number }>;
  readonly #all: Statement<NoParameters, StoredPlane>;
  readonly #forget: Statement<{ name: string }>;

  constructor(connection: Connection) {
    this.#put = connection.statement(PUT);
    this.#all = connection.statement(
      'SELECT interface, state, updated FROM data_planes ORDER BY interface',
    );
    this.#forget = connection.statement('DELETE FROM data_planes WHERE interface = @name');
  }

  put(name: string, state: string, updated: number): void {
    this.#put.run({ name, state, updated });
  }

  all(): StoredPlane[] {
    return this.#all.all({});
  }

  forget(name: string): boolean {
    return this.#forget.run({ name }) > 0;
  }
}
