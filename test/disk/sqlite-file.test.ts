// SPDX-License-Identifier: Apache-2.0
/** Databases beside the store: what is said of one that is empty, damaged, newer or closed. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { StoreError } from '../../src/disk/error.ts';
import { SqliteFile, whileWhole, type SqliteKind } from '../../src/disk/sqlite-file.ts';
import { aborted } from '../../src/base/stop-signals.ts';
import { isDamage } from '../../src/store/state.ts';
import { damage } from '../support/damage.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const KIND: SqliteKind = {
  version: 3,
  schema: 'CREATE TABLE things (id INTEGER PRIMARY KEY, thing TEXT) STRICT;',
  synchronous: 'NORMAL',
  ifRemoved: 'things are counted anew',
};

let count = 0;
const newPath = (): string => join(directory, `${count++}.sqlite`);
function made(): string {
  const path = newPath();
  opened(path, put);
  return path;
}
function opened<T>(path: string, work: (file: SqliteFile) => T): T {
  const file = SqliteFile.open(path, KIND);
  try {
    return work(file);
  } finally {
    file.close();
  }
}
const put = (file: SqliteFile): unknown =>
  file.attempt(() => file.statement("INSERT INTO things (thing) VALUES ('a thing')").run());
const all = (file: SqliteFile): unknown[] =>
  file.attempt(() => file.statement('SELECT * FROM things').all());

/** What went wrong, as a person is told. */
function failureOf(work: () => unknown): StoreError {
  try {
    work();
  } catch (error) {
    assert(error instanceof StoreError, String(error));
    return error;
  }
  return assert.fail('nothing went wrong');
}

describe('in a directory in which a group may only read', () => {
  test('what an earlier ctga let the group write, it may write no more', () => {
    const own = join(directory, 'owned');
    mkdirSync(own);
    chmodSync(own, 0o2750);
    const path = join(own, 'members.db');
    opened(path, put);
    const names = ['', '-wal', '-shm'].map((suffix) => path + suffix);
    for (const name of names) chmodSync(name, 0o660);
    const mayWrite = (): string[] => names.filter((name) => (statSync(name).mode & 0o022) !== 0);
    assert.deepEqual(mayWrite(), names);
    opened(path, (file) => {
      assert.equal(all(file).length, 1);
      assert.deepEqual(mayWrite(), [], 'while it is open');
    });
    assert.deepEqual(mayWrite(), [], 'when it was closed');
  });

  test('where the group may write the directory, it may write what is there', () => {
    const own = join(directory, 'shared');
    mkdirSync(own);
    chmodSync(own, 0o2770);
    const path = join(own, 'members.db');
    for (let i = 0; i < 2; i++)
      opened(path, (file) => {
        put(file);
        assert.equal(statSync(path).mode & 0o777, 0o660);
      });
  });
});

describe('for reading', () => {
  test('a database that nothing was written to is none', () => {
    assert.equal(SqliteFile.openForReading(newPath(), KIND), undefined);
    const path = newPath();
    writeFileSync(path, '');
    assert.equal(SqliteFile.openForReading(path, KIND), undefined);
  });

  test('a file that is no database, or is damaged, is said to be damaged, and what becomes of it', () => {
    const noDatabase = newPath();
    writeFileSync(noDatabase, 'x'.repeat(8192));
    const damaged = made();
    damage(damaged);
    for (const path of [noDatabase, damaged]) {
      const error = failureOf(() => {
        const file = SqliteFile.openForReading(path, KIND) ?? assert.fail();
        try {
          all(file);
        } finally {
          file.close();
        }
      });
      assert.equal(error.code, 'store-damaged');
      assert(error.message.startsWith(`${path} is damaged: `), error.message);
      assert.equal(
        error.remedy,
        `What writes it sets it aside as ${path}.damaged when it is started again, and begins anew: things are counted anew.`,
      );
      // The store itself is whole: nobody is to replace that.
      assert(!isDamage(error));
      const file = SqliteFile.open(path, KIND);
      if (path === damaged) failureOf(() => all(file));
      file.close();
      assert(existsSync(`${path}.damaged`));
      assert.deepEqual(opened(path, all), []);
    }
  });

  test('one that a newer ctga wrote is refused', () => {
    const error = failureOf(() => SqliteFile.openForReading(made(), { ...KIND, version: 2 }));
    assert.match(
      `${error.message} ${error.remedy ?? ''}`,
      /it has schema 3 A newer ctga wrote it\./,
    );
  });

  test('a place that is none does not speak of the disk', () => {
    const path = join(made(), 'inner.sqlite');
    const { remedy } = failureOf(() => SqliteFile.openForReading(path, KIND));
    assert.equal(remedy, 'Name a directory with --state-dir.');
  });
});

describe('while it runs', () => {
  test('a service ends when its database turns out damaged, whoever comes upon that', async () => {
    const path = made();
    const file = SqliteFile.open(path, KIND);
    let didEnd = false;
    const running = whileWhole(file, new AbortController().signal, async (end) => {
      await aborted(end);
      didEnd = true;
    });
    const ended = assert.rejects(running, (error) => {
      assert(error instanceof StoreError && error.code === 'store-damaged');
      return didEnd;
    });
    assert.equal(all(file).length, 1);
    damage(path);
    // What is swallowed counts as well.
    failureOf(() => file.transaction(() => all(file)));
    await ended;
    file.close();
    assert.deepEqual(opened(path, all), []);
    assert(existsSync(`${path}.damaged`));
  });

  test('nothing else ends it', async () => {
    const stop = new AbortController();
    const file = SqliteFile.open(made(), KIND);
    const running = whileWhole(file, stop.signal, async (end) => {
      await aborted(end);
      return 'ended';
    });
    failureOf(() => file.attempt(() => file.statement('INSERT INTO things VALUES (1, 2)').run()));
    assert(!file.damage.aborted);
    stop.abort();
    assert.equal(await running, 'ended');
    file.close();
  });
});
