// SPDX-License-Identifier: Apache-2.0
/**
 * Errors that may come of a flipped bit: SQLite refuses a value or a name that ctga would not have
 * written. The file is then looked at, and only what is found there is called damage.
 */
import Database from 'better-sqlite3';
import { MIGRATIONS } from './schema.ts';

/** Whether an error may come of what is in the file, such as a number that is none of JavaScript's. */
export function mayComeOfDamage(error: unknown): boolean {
  return [Database.SqliteError, RangeError, SyntaxError].some((kind) => error instanceof kind);
}

/** What is wrong with the file, as a clause; undefined if nothing is found. Reads all of it. */
export function faultIn(database: Database.Database): string | undefined {
  try {
    const [check] = database.pragma('quick_check(1)') as { quick_check: string }[];
    if (check?.quick_check !== 'ok') return check?.quick_check ?? 'no answer to quick_check';
    return tableFault(database) ?? numberFault(database) ?? referenceFault(database);
  } catch (error) {
    return error instanceof Database.SqliteError ? error.message : undefined;
  }
}

/** Times and counts that no number holds exactly. Entries of a data plane's cache have 64 bits. */
function numberFault(database: Database.Database): string | undefined {
  const columns = database
    .prepare<[], { table: string; column: string }>(
      `SELECT m.name AS "table", p.name AS "column" FROM sqlite_schema m, pragma_table_info(m.name) p
       WHERE m.type = 'table' AND p.type = 'INTEGER' AND p.name <> 'entry'`,
    )
    .all();
  const largest = Number.MAX_SAFE_INTEGER;
  const bad = columns.find(
    ({ table, column }) =>
      database
        .prepare(
          `SELECT 1 FROM "${table}" WHERE "${column}" NOT BETWEEN -${largest} AND ${largest}`,
        )
        .get() !== undefined,
  );
  return bad && `a row of ${bad.table} has a number that cannot be`;
}

function referenceFault(database: Database.Database): string | undefined {
  const found = database.pragma('foreign_key_check') as { table: string }[];
  return found[0] && `a row of ${found[0].table} refers to what is not there`;
}

/** Tables and columns by names that no statement knows. */
function tableFault(database: Database.Database): string | undefined {
  const whole = new Database(':memory:');
  for (const step of MIGRATIONS) whole.exec(step);
  const present = new Set(columnsOf(database));
  const missing = columnsOf(whole).find((name) => !present.has(name));
  whole.close();
  return missing && `${missing} is missing`;
}

function columnsOf(database: Database.Database): string[] {
  return database
    .prepare<[], string>(
      `SELECT m.name || '.' || p.name FROM sqlite_schema m, pragma_table_info(m.name) p
       WHERE m.type = 'table'`,
    )
    .pluck()
    .all();
}
