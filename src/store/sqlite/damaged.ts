// SPDX-License-Identifier: Apache-2.0
/** Reading what can be read of a damaged database. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { toMerkleHash } from '../../merkle/hash.ts';
import type { DamagedHead, DamagedStore } from '../damaged.ts';
import { IDENTITY_DIGITS } from '../exchange.ts';
import type { SignedRow } from './rows.ts';

const HEAD = `SELECT log_id, tree_size, root_hash, timestamp, signature
  FROM tree_heads h CROSS JOIN trees t ON t.id = h.tree WHERE h.id = @id`;
const SIGHTINGS = `SELECT source, first_seen AS firstSeen, last_seen AS lastSeen, count
  FROM sightings WHERE tree_head = @id`;
/** In bytes. A tree head's row is longer than that, which limits how many a file can hold. */
const SHORTEST_ROW = 80;

type ReadSightings = DamagedHead['sightings'];

export class SqliteDamaged implements DamagedStore {
  readonly #path: string;
  readonly #database: Database.Database;

  /** Throws if the file cannot be opened. */
  constructor(path: string) {
    this.#path = path;
    this.#database = new Database(path, { readonly: true });
  }

  identity(): string | undefined {
    const row = orNothing(() =>
      this.#database.prepare<[], { id: string }>('SELECT id FROM identity').get(),
    );
    return row && orNothing(() => row.id.slice(0, IDENTITY_DIGITS));
  }

  logKeys(): Uint8Array[] {
    const keys = orNothing(() =>
      this.#database.prepare<[], { key: Buffer }>('SELECT key FROM logs').all(),
    );
    return keys?.map(({ key }) => key) ?? [];
  }

  *heads(): Generator<DamagedHead | undefined, void, undefined> {
    const head = orNothing(() => this.#database.prepare<{ id: number }, SignedRow>(HEAD));
    const sightings = orNothing(() =>
      this.#database.prepare<{ id: number }, ReadSightings[number]>(SIGHTINGS),
    );
    if (head === undefined) return;
    for (let id = this.#lastId(); id > 0; id--)
      yield orNothing(() => {
        const row = head.get({ id });
        return row && toHead(row, orNothing(() => sightings?.all({ id })) ?? []);
      });
  }

  #lastId(): number {
    const last = orNothing(() =>
      this.#database.prepare<[], { last: number }>('SELECT max(id) AS last FROM tree_heads').get(),
    );
    // What the index says may be damaged too.
    return Math.min(last?.last ?? Infinity, Math.floor(statSync(this.#path).size / SHORTEST_ROW));
  }

  close(): void {
    this.#database.close();
  }
}

/** Throws if a value has a form that no row may have. */
function toHead(row: SignedRow, sightings: ReadSightings): DamagedHead {
  return {
    logId: row.log_id,
    statement: {
      treeSize: BigInt(row.tree_size),
      timestamp: BigInt(row.timestamp),
      rootHash: toMerkleHash(row.root_hash),
      signature: new Uint8Array(row.signature),
    },
    sightings,
  };
}

/** Undefined if the value cannot be read, or is not what it should be. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
