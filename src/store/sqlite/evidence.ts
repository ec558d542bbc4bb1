// SPDX-License-Identifier: Apache-2.0
/** The index of evidence in SQLite: table evidence. */
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { toLogId, type LogId, type TreeRoot } from '../../statements/statement.ts';
import type { EvidenceKind, EvidenceRecord, EvidenceStore, EvidenceTrees } from '../evidence.ts';
import type { StoredTree } from '../heads.ts';
import type { EvidenceToTell } from '../publishing.ts';
import { EVIDENCE, evidenceOf } from '../directories.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteDamagedRows } from './damaged-rows.ts';
import { isLogId, padded, toTree, unpadded, type TreeRow } from './rows.ts';

const ADD = `INSERT INTO evidence (path, kind, log_id, first, second, first_size, second_size, created)
  VALUES (@path, @kind, @logId, @first, @second, @firstSize, @secondSize, @created)
  ON CONFLICT DO UPDATE SET log_id = excluded.log_id, first = excluded.first,
    second = excluded.second, first_size = excluded.first_size, second_size = excluded.second_size`;
const ALL = `SELECT path, kind, log_id, first_size, second_size, created FROM evidence
  ORDER BY created, path`;
const MISSING = 'SELECT first, second FROM contradictions WHERE is_owed';
// One look into the index for each log.
const LOGS = `WITH RECURSIVE logs (log_id) AS (
    SELECT min(log_id) FROM evidence
    UNION ALL SELECT (SELECT min(e.log_id) FROM evidence e WHERE e.log_id > logs.log_id)
      FROM logs WHERE logs.log_id IS NOT NULL)`;
// And two for its least and its most.
const FIRST_OF_EACH_LOG = `${LOGS}
  SELECT next.log_id, next.path, next.rounds,
    (SELECT max(rounds) FROM evidence e WHERE e.log_id = logs.log_id) = 0 AS isFirst
  FROM logs JOIN evidence next ON next.path = (SELECT path FROM evidence e
    WHERE e.log_id = logs.log_id ORDER BY rounds, created, path LIMIT 1)`;
const TOLD = 'UPDATE evidence SET rounds = rounds + 1 WHERE path IN (@path, @asRead)';

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

interface FirstRow {
  readonly log_id: Buffer;
  readonly path: string;
  readonly rounds: number;
  readonly isFirst: number;
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
  readonly #has: Statement<{ path: string }, { readonly path: string }>;
  readonly #firstOfEachLog: Statement<NoParameters, FirstRow>;
  readonly #told: Statement<{ path: string; asRead: string }>;
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
    this.#has = connection.statement('SELECT path FROM evidence WHERE path = @path');
    this.#firstOfEachLog = connection.statement(FIRST_OF_EACH_LOG);
    this.#told = connection.statement(TOLD);
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

  has(path: string): boolean {
    return this.#has.get({ path: this.#fromDirectory(path) }) !== undefined;
  }

  /** By log ID: of each log what was told least often and has waited longest. See PublishingStore. */
  firstOfEachLog(): EvidenceToTell[] {
    return this.#firstOfEachLog
      .all({})
      .flatMap(({ log_id: logId, path, rounds, isFirst }) =>
        // One with a damaged ID is of no log: its file is found again.
        isLogId(logId)
          ? [{ path: this.#absolute(path), logId: toLogId(logId), rounds, isFirst: isFirst === 1 }]
          : [],
      )
      .sort((a, b) => Buffer.compare(a.logId, b.logId));
  }

  /** As PublishingStore.evidenceArrived. */
  toldOnceMore(path: string): void {
    const from = `${this.#directory}/`;
    // A damaged path is not spelled as it would be written: it must not come first for ever.
    const asRead = path.startsWith(from) ? path.slice(from.length) : path;
    this.#told.run({ path: this.#fromDirectory(path), asRead });
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
    return path === join(EVIDENCE, basename(path))
      ? join(evidenceOf(this.#directory), basename(path))
      : `${this.#directory}/${path}`;
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
