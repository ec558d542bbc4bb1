/** The index of evidence in SQLite: table evidence. */
import { toLogId, type LogId, type TreeRoot } from '../../statements/statement.ts';
import type { EvidenceRecord, EvidenceStore } from '../evidence.ts';
import type { StoredTree } from '../heads.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import { padded, toTree, type TreeRow } from './rows.ts';

const ADD = `INSERT INTO evidence (path, log_id, first, second, first_size, second_size, created)
  VALUES (@path, @logId, @first, @second, @firstSize, @secondSize, @created)
  ON CONFLICT DO NOTHING`;
const ALL = `SELECT path, log_id, first_size, second_size, created FROM evidence
  ORDER BY created, path`;
const MISSING = `SELECT first, second FROM contradictions c
  WHERE NOT EXISTS (SELECT 1 FROM evidence e
    WHERE e.first IN (c.first, c.second) AND e.second IN (c.first, c.second))`;

interface NewRow {
  readonly path: string;
  readonly logId: LogId;
  readonly first: number;
  readonly second: number | undefined;
  readonly firstSize: string;
  readonly secondSize: string;
  readonly created: number;
}

interface Row {
  readonly path: string;
  readonly log_id: Buffer;
  readonly first_size: string;
  readonly second_size: string;
  readonly created: number;
}

export class SqliteEvidence implements EvidenceStore {
  readonly #add: Statement<NewRow>;
  readonly #all: Statement<NoParameters, Row>;
  readonly #missing: Statement<NoParameters, { readonly first: number; readonly second: number }>;
  readonly #tree: Statement<{ id: number }, TreeRow>;

  constructor(connection: Connection) {
    this.#add = connection.statement(ADD);
    this.#all = connection.statement(ALL);
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
      path,
      logId: first.logId,
      first: first.id,
      second: second.id,
      firstSize: padded(first.treeSize),
      secondSize: padded(second.treeSize),
      created,
    });
  }

  all(): EvidenceRecord[] {
    return this.#all
      .all({})
      .map((row) => ({
        path: row.path,
        logId: toLogId(row.log_id),
        firstSize: BigInt(row.first_size),
        secondSize: BigInt(row.second_size),
        created: row.created,
      }));
  }

  missing(): [StoredTree, StoredTree][] {
    return this.#missing.all({}).flatMap((pair): [StoredTree, StoredTree][] => {
      const first = this.#tree.get({ id: pair.first });
      const second = this.#tree.get({ id: pair.second });
      return first && second ? [[toTree(first), toTree(second)]] : [];
    });
  }
}
