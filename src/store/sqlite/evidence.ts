// SPDX-License-Identifier: Apache-2.0
/** The index of evidence in SQLite: table evidence. */
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { toLogId, type LogId, type TreeRoot } from '../../statements/statement.ts';
import type { EvidenceKind, EvidenceRecord, EvidenceStore, EvidenceTrees } from '../evidence.ts';
import type { StoredTree } from '../heads.ts';
import { EVIDENCE, evidenceOf } from '../directories.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteDamagedRows } from './damaged-rows.ts';
import { padded, toTree, unpadded, type TreeRow } from './rows.ts';

const ADD = `INSERT INTO evidence (path, kind, log_id, first, second, first_size, second_size, created)
  VALUES (@path, @kind, @logId, @first, @second, @firstSize, @secondSize, @created)
  ON CONFLICT DO UPDATE SET log_id = excluded.log_id, first = excluded.first,
    second = excluded.second, first_size = excluded.first_size, second_size = excluded.second_size`;
const ALL = `SELECT path, kind, log_id, first_size, second_size, created FROM evidence
  ORDER BY created, path`;
const MISSING = `SELECT first, second FROM contradictions c
  WHERE NOT EXISTS (SELECT 1 FROM evidence e
    WHERE e.first IN (c.first, c.second) AND e.second IN (c.first, c.second))`;

interface NewRow {
  readonly path: string;
  readonly kind: EvidenceKind;
  readonly logId: LogId;
  readonly first: number;
  readonly second: number | undefined;
  readonly firstSize: string;
  readonly secondSize: string;
  readonly created: number;
}

interface Row {
  readonly path: string;
  readonly kind: EvidenceKind;
  readonly log_id: Buffer;
  readonly first_size: string;
  readonly second_size: string;
  readonly created: number;
}

export class SqliteEvidence implements EvidenceStore {
  readonly #damaged: SqliteDamagedRows;
  readonly #add: Statement<NewRow>;
  readonly #all: Statement<NoParameters, Row>;
  readonly #trees: Statement<
    { path: string },
    { readonly kind: EvidenceKind; readonly first: number; readonly second: number | null }
  >;
  readonly #missing: Statement<NoParameters, { readonly first: number; readonly second: number }>;
  readonly #tree: Statement<{ id: number }, TreeRow>;
  readonly #directory: string;

  /** `database` is its path: the rows have the paths of evidence files from its directory. */
  constructor(connection: Connection, damagedRows: SqliteDamagedRows, database: string) {
    this.#directory = resolve(dirname(database));
    this.#damaged = damagedRows;
    this.#add = connection.statement(ADD);
    this.#all = connection.statement(ALL);
    this.#trees = connection.statement(
      'SELECT kind, first, second FROM evidence WHERE path = @path',
    );
    this.#missing = connection.statement(MISSING);
    this.#tree = connection.statement('SELECT * FROM trees WHERE id = @id');
  }

  add(
    path: string,
    first: StoredTree,
    second: TreeRoot & { readonly id?: number },
    created: number,
  ): void {
    this.#add.run({
      path: this.#fromDirectory(path),
      kind: 'fork',
      logId: first.logId,
      first: first.id,
      second: second.id,
      firstSize: padded(first.treeSize),
      secondSize: padded(second.treeSize),
      created,
    });
  }

  addPromise(path: string, tree: StoredTree, leafIndex: bigint, created: number): void {
    this.#add.run({
      path: this.#fromDirectory(path),
      kind: 'promise-broken',
      logId: tree.logId,
      first: tree.id,
      second: undefined,
      firstSize: padded(leafIndex),
      secondSize: padded(tree.treeSize),
      created,
    });
  }

  all(): EvidenceRecord[] {
    return this.#all.all({}).flatMap((row) => {
      const record = toRecord(row);
      return record === undefined ? [] : { ...record, path: this.#absolute(record.path) };
    });
  }

  /**
   * A file that is elsewhere keeps its path. Where evidence belongs to a writer, its directory counts
   * as the one in the store's own: what was recorded before there was a writer is there now.
   */
  #fromDirectory(path: string): string {
    if (dirname(path) === evidenceOf(this.#directory)) return join(EVIDENCE, basename(path));
    const from = relative(this.#directory, path);
    return from.startsWith('..') ? path : from;
  }

  #absolute(path: string): string {
    if (isAbsolute(path)) return path;
    return dirname(path) === EVIDENCE
      ? join(evidenceOf(this.#directory), basename(path))
      : join(this.#directory, path);
  }

  treesOf(path: string): EvidenceTrees {
    const row = this.#trees.get({ path: this.#fromDirectory(path) });
    const first = row && this.#readTree(row.first);
    if (row === undefined || row.kind === 'promise-broken') return { first, second: undefined };
    return { first, second: row.second === null ? 'listed' : this.#readTree(row.second) };
  }

  missing(): [StoredTree, StoredTree][] {
    return this.#missing.all({}).flatMap((pair): [StoredTree, StoredTree][] => {
      const first = this.#readTree(pair.first);
      const second = this.#readTree(pair.second);
      return first && second ? [[first, second]] : [];
    });
  }

  #readTree(id: number): StoredTree | undefined {
    const row = this.#tree.get({ id });
    return row && this.#damaged.readable({ kind: 'tree', id }, () => toTree(row));
  }
}

/** Undefined for a damaged row: its file is found again, and the row written anew. */
function toRecord(row: Row): EvidenceRecord | undefined {
  try {
    return {
      path: row.path,
      kind: row.kind,
      logId: toLogId(row.log_id),
      firstSize: unpadded(row.first_size),
      secondSize: unpadded(row.second_size),
      created: row.created,
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
