// SPDX-License-Identifier: Apache-2.0
/** Verdicts in SQLite: columns of the table trees. */
import { toLogId, type LogId } from '../../statements/statement.ts';
import type { StoredTree } from '../heads.ts';
import { VERDICTS, type Verdict, type VerdictStore, type VerdictUpdate } from '../verdicts.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteDamagedRows } from './damaged-rows.ts';
import { toTree, treeKey, type TreeKey, type TreeRow } from './rows.ts';

const SET = `UPDATE trees SET verdict = @verdict, reason = @reason,
    proven_against = (SELECT id FROM trees WHERE id = @provenAgainst),
    asked_at = @now, ask_after = @askAfter, attempts = attempts + 1
  WHERE id = @id AND log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash
    AND (verdict <> 'fork-proven' OR @verdict = 'fork-proven')`;

/** So many rows are looked at for one page. */
const PAGE = 256;
const LOOKED_AT = `SELECT * FROM trees
  WHERE log_id = @logId AND (tree_size, id) > (@treeSize, @id)
  ORDER BY tree_size, id LIMIT ${PAGE}`;
const END_OF_PAGE = `SELECT tree_size, id FROM (${LOOKED_AT})
  ORDER BY tree_size DESC, id DESC LIMIT 1`;
const ALL_OF_PAGE = `SELECT * FROM (${LOOKED_AT}) ORDER BY tree_size, id`;
const OPEN_OF_PAGE = `SELECT tree.* FROM (${LOOKED_AT}) AS tree
  WHERE verdict <> 'consistent' OR NOT EXISTS (
    SELECT 1 FROM trees AS other WHERE other.id = tree.proven_against AND other.tree_size > tree.tree_size
      AND other.verdict = 'consistent')
  ORDER BY tree_size, id`;

interface PagePlace {
  readonly logId: LogId;
  /** Where the page before ended. */
  readonly treeSize: string;
  readonly id: number;
}

interface Update extends TreeKey {
  readonly id: number;
  readonly now: number;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly provenAgainst: number | undefined;
  readonly askAfter: number | undefined;
}

export class SqliteVerdicts implements VerdictStore {
  readonly #connection: Connection;
  readonly #damaged: SqliteDamagedRows;
  readonly #endOfPage: Statement<PagePlace, { readonly tree_size: string; readonly id: number }>;
  readonly #page: Readonly<Record<'open' | 'all', Statement<PagePlace, TreeRow>>>;
  readonly #set: Statement<Update>;
  readonly #counts: Statement<NoParameters, { readonly verdict: Verdict; readonly count: number }>;
  readonly #logsWith: Statement<{ verdict: Verdict }, { readonly log_id: Buffer }>;

  constructor(connection: Connection, damagedRows: SqliteDamagedRows) {
    this.#connection = connection;
    this.#damaged = damagedRows;
    this.#endOfPage = connection.statement(END_OF_PAGE);
    this.#page = {
      open: connection.statement(OPEN_OF_PAGE),
      all: connection.statement(ALL_OF_PAGE),
    };
    this.#set = connection.statement(SET);
    this.#counts = connection.statement(
      'SELECT verdict, count(*) AS count FROM trees GROUP BY verdict',
    );
    this.#logsWith = connection.statement(
      'SELECT DISTINCT log_id FROM trees WHERE verdict = @verdict',
    );
  }

  set(tree: StoredTree, now: number, update: VerdictUpdate): void {
    const { verdict, reason, provenAgainst, askAfter } = update;
    this.#set.run({ ...treeKey(tree), id: tree.id, now, verdict, reason, provenAgainst, askAfter });
  }

  setAll(
    updates: readonly { readonly tree: StoredTree; readonly update: VerdictUpdate }[],
    now: number,
  ): void {
    this.#connection.transaction(() => {
      for (const { tree, update } of updates) this.set(tree, now, update);
    });
  }

  *pages(logId: LogId, which: 'open' | 'all'): Generator<StoredTree[], void, undefined> {
    for (let [treeSize, id] = ['', 0]; ;) {
      const place = { logId, treeSize, id };
      const end = this.#endOfPage.get(place);
      if (end === undefined) return;
      const rows = this.#page[which].all(place);
      yield rows.flatMap(
        (row) => this.#damaged.readable({ kind: 'tree', id: row.id }, () => toTree(row)) ?? [],
      );
      ({ tree_size: treeSize, id } = end);
    }
  }

  counts(): Record<Verdict, number> {
    const none = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
    const some = Object.fromEntries(
      this.#counts.all({}).map(({ verdict, count }) => [verdict, count]),
    );
    return { ...none, ...some } as Record<Verdict, number>;
  }

  logsWith(verdict: Verdict): LogId[] {
    return this.#logsWith.all({ verdict }).map((row) => toLogId(row.log_id));
  }
}
