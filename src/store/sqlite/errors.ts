// SPDX-License-Identifier: Apache-2.0
/** What SQLite's errors mean to those who use the store. */
import Database from 'better-sqlite3';
import { messageOf } from '../../base/errors.ts';
import { DamagedBesideError, StoreError } from '../../disk/error.ts';

/** Whether the store is damaged: what lies beside it has no part in that. */
export function isDamage(error: unknown): error is StoreError {
  return (
    error instanceof StoreError &&
    error.code === 'store-damaged' &&
    !(error instanceof DamagedBesideError)
  );
}

/** SQLite's error as a StoreError. Anything else, such as a bug, stays as it is. */
export function asStoreError(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return damaged(path, messageOf(error), error);
  if (/^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|PERM|NOMEM)/.test(error.code))
    return new StoreError('store-failed', messageOf(error), { cause: error });
  return error;
}

export function damaged(path: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'store-damaged',
    `the database ${path} is damaged: ${what.replaceAll(/\s+/g, ' ')}`,
    {
      remedy: `Evidence files are untouched. "ctga store salvage", and "ctga attach" and "ctga challenge" when they start, set the database aside and go on in a new one with what can be read of it; or restore ${path} from a copy.`,
      cause,
    },
  );
}
