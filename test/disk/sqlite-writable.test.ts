// SPDX-License-Identifier: Apache-2.0
/** Root opens a database that another account writes, at the moment in which that account does. */
import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { StoreError } from '../../src/disk/error.ts';
import { SqliteFile, type SqliteKind } from '../../src/disk/sqlite-file.ts';
import { assertWritable, openedWritable } from '../../src/disk/sqlite-writable.ts';
import type { ReplaceableStore } from '../../src/store/replaceable.ts';
import { openForReading, openForWriting, openReplaceable, stateAt } from '../../src/store/state.ts';
import { SigningLog } from '../support/signing-log.ts';

/** An account without rights. */
const NOBODY = 65534;
const skip = process.geteuid?.() !== 0 && 'only root can give files to another account';

const log = new SigningLog();

/** A directory of an account without rights. */
function newDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  chownSync(directory, NOBODY, NOBODY);
  return directory;
}

function asNobody<T>(work: () => T): T {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** As SQLite leaves it for an instant when root opens the database first. */
function makeRoots(file: string): void {
  writeFileSync(file, '');
  chmodSync(file, 0o644);
}

function readOnly(): never {
  const database = new Database(':memory:');
  database.pragma('query_only = ON');
  try {
    database.exec('CREATE TABLE things (thing)');
  } finally {
    database.close();
  }
  return assert.fail('it was written');
}

describe('a store that root opens first', { skip }, () => {
  for (const suffix of ['-shm', '-wal']) {
    test(`is not opened for writing while its ${suffix} is root's, and says so`, (t) => {
      const state = stateAt(newDirectory(t));
      asNobody(() => openForWriting(state).close());
      makeRoots(state.database + suffix);
      asNobody(() => {
        assert.throws(
          () => openForWriting(state),
          (error) =>
            error instanceof StoreError &&
            error.code === 'store-failed' &&
            error.message.includes(`may not write ${state.database}${suffix}`),
        );
        openForReading(state).close();
      });
    });

    test(`is refused by who runs for long until its ${suffix} is given away`, (t) => {
      const state = stateAt(newDirectory(t));
      asNobody(() => openForWriting(state).close());
      makeRoots(state.database + suffix);
      const ignore = (): void => undefined;
      const open = (): ReplaceableStore =>
        openReplaceable(state, { onReplaced: ignore, onRowSetAside: ignore });
      asNobody(() => assert.throws(open, /may not write/));
      chownSync(state.database + suffix, NOBODY, NOBODY);
      asNobody(() => {
        const store = open();
        assert.equal(store.refusal, undefined);
        store.logs.put([log.asLog({})]);
        assert.equal(store.logs.all().length, 1);
        store.close();
      });
    });
  }

  test('who only reads it does not keep who writes it from it', (t) => {
    const state = stateAt(newDirectory(t));
    asNobody(() => openForWriting(state).close());
    const reader = openForReading(state);
    asNobody(() => {
      const store = openForWriting(state);
      store.logs.put([log.asLog({})]);
      store.close();
    });
    reader.close();
  });
});

describe('a database that SQLite may only read', () => {
  const KIND: SqliteKind = {
    version: 1,
    schema: 'CREATE TABLE things (thing TEXT) STRICT;',
    synchronous: 'NORMAL',
    ifRemoved: undefined,
  };

  test('is opened anew until it can be written', (t) => {
    const path = join(newDirectoryOfOurs(t), 'a.sqlite');
    SqliteFile.open(path, KIND).close();
    let tries = 0;
    const opened = openedWritable(path, () => (++tries < 3 ? readOnly() : 'open'));
    assert.deepEqual([opened, tries], ['open', 3]);
  });

  test('is given up after a while', (t) => {
    const path = join(newDirectoryOfOurs(t), 'a.sqlite');
    writeFileSync(path, '');
    let tries = 0;
    const open = (): never => {
      tries++;
      return readOnly();
    };
    assert.throws(() => openedWritable(path, open), /readonly database/);
    assert(tries > 1);
  });

  test('is given up at once where the file itself may not be written, or something else fails', (t) => {
    const directory = newDirectoryOfOurs(t);
    for (const [path, open] of [
      [join(directory, 'missing', 'a.sqlite'), () => assert.fail('another error')],
      [directory, readOnly],
    ] as const) {
      let tries = 0;
      assert.throws(() =>
        openedWritable(path, () => {
          tries++;
          open();
        }),
      );
      assert.equal(tries, 1, path);
    }
  });

  test('is told from one that somebody else is writing', (t) => {
    const path = join(newDirectoryOfOurs(t), 'a.sqlite');
    SqliteFile.open(path, KIND).close();
    const [writer, other] = [new Database(path), new Database(path, { timeout: 12_345 })];
    writer.exec('BEGIN IMMEDIATE');
    assertWritable(other);
    writer.exec('ROLLBACK');
    assert.equal(other.pragma('busy_timeout', { simple: true }), 12_345);
    other.exec("INSERT INTO things VALUES ('a thing')");
    for (const each of [writer, other]) each.close();
  });
});

function newDirectoryOfOurs(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
