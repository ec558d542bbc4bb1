// SPDX-License-Identifier: Apache-2.0
/** Data planes in SQLite: table data_planes. */
import { decodePlaneState, encodePlaneState, type PlaneState } from '../plane-state.ts';
import type { PlaneStore, StoredPlane } from '../planes.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';

const PUT = `INSERT INTO data_planes (interface, state, updated) VALUES (@name, @state, @updated)
  ON CONFLICT DO UPDATE SET state = excluded.state, updated = excluded.updated`;

interface Row {
  readonly interface: string;
  /** JSON: see plane-state.ts. */
  readonly state: string;
  readonly updated: number;
}

export class SqlitePlanes implements PlaneStore {
  readonly #put: Statement<{ name: string; state: string; updated: number }>;
  readonly #all: Statement<NoParameters, Row>;
  readonly #forget: Statement<{ name: string }>;

  constructor(connection: Connection) {
    this.#put = connection.statement(PUT);
    this.#all = connection.statement(
      'SELECT interface, state, updated FROM data_planes ORDER BY interface',
    );
    this.#forget = connection.statement('DELETE FROM data_planes WHERE interface = @name');
  }

  put(name: string, state: PlaneState, updated: number): void {
    this.#put.run({ name, state: encodePlaneState(state), updated });
  }

  all(): StoredPlane[] {
    return this.#all.all({}).flatMap((row) => {
      const state = decodePlaneState(row.state);
      return state === undefined ? [] : { ...row, state };
    });
  }

  forget(name: string): boolean {
    return this.#forget.run({ name }) > 0;
  }
}
