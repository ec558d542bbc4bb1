// SPDX-License-Identifier: Apache-2.0
/**
 * A store that cannot be looked at is never shown as an empty one: no script may be told that all
 * is well when nothing could be read. Needs root, to become somebody who may not read.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';

const NOBODY = 65534;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

const COMMANDS = [
  ['status'],
  ['status', '--json'],
  ['heads', 'list'],
  ['heads', 'list', '--json'],
  ['heads', 'export'],
  ['evidence', 'list'],
  ['evidence', 'list', '--json'],
  ['alert', 'list'],
  ['store', 'check'],
] as const;
/** These make a store where there is none, or do without one. */
const LASTING = [
  ['challenge', '--once', '--proxy', 'socks5h://127.0.0.1:1'],
  ['web', '--listen', '127.0.0.1:0'],
  ['alert', 'run'],
] as const;

describe('a state directory', () => {
  before(() => {
    for (const name of ['closed', 'empty']) {
      mkdirSync(join(directory, name));
      chmodSync(join(directory, name), name === 'closed' ? 0o700 : 0o755);
    }
    openForWriting(stateAt(join(directory, 'closed'))).close();
    writeFileSync(join(directory, 'file'), '');
    for (const [name, mode] of [
      ['private', 0o600],
      ['newer', 0o644],
    ] as const) {
      mkdirSync(join(directory, name));
      chmodSync(join(directory, name), 0o755);
      const { database } = stateAt(join(directory, name));
      openForWriting(stateAt(join(directory, name))).close();
      const raw = new Database(database);
      if (name === 'newer') raw.pragma('user_version = 999');
      raw.close();
      chmodSync(database, mode);
    }
  });

  test('that the account may read but not write is read', async () => {
    const readable = join(directory, 'readable');
    mkdirSync(readable);
    chmodSync(readable, 0o755);
    const path = stateAt(readable).database;
    openForWriting(stateAt(readable)).close();
    chmodSync(path, 0o644);
    process.seteuid?.(NOBODY);
    try {
      const { code, stdout } = await ctga(['evidence', 'list', '--state-dir', readable]);
      assert.deepEqual(
        [code, stdout],
        [0, 'There is no evidence: no split view and no broken promise has been proven.\n'],
      );
      const asked = await ctga(['challenge', '--once', '--state-dir', readable]);
      assert.equal(asked.code, 1, asked.stdout + asked.stderr);
    } finally {
      process.seteuid?.(0);
    }
    // What is in a journal that cannot be read may be evidence.
    writeFileSync(`${path}-wal`, 'something');
    chmodSync(`${path}-wal`, 0o600);
    process.seteuid?.(NOBODY);
    try {
      assert.equal((await ctga(['evidence', 'list', '--state-dir', readable])).code, 1);
    } finally {
      process.seteuid?.(0);
    }
  });

  for (const [what, name, message, commands] of [
    [
      'that the account may not enter',
      'closed',
      /may not be read by this account/,
      [...COMMANDS, ...LASTING],
    ],
    ['whose files are of another account', 'private', /may not be read by this account/, COMMANDS],
    ['that a newer ctga wrote', 'newer', /was written by a newer ctga/, COMMANDS],
    ['that is a file', 'file', /is not a directory/, [...COMMANDS, ...LASTING]],
    ['that has no store', 'empty', /there is no store in/, COMMANDS],
    ['that does not exist', 'nowhere', /there is no store in/, COMMANDS],
  ] as const) {
    test(`${what} is a sentence, a remedy and exit code 1`, async () => {
      // The effective account alone decides what may be read, and can be taken back.
      process.seteuid?.(NOBODY);
      try {
        for (const command of commands) {
          const { code, stdout, stderr } = await ctga([
            ...command,
            '--state-dir',
            join(directory, name),
          ]);
          const said = command.some((word) => word === '--json') ? stdout + stderr : stderr;
          assert.equal(code, 1, `${command.join(' ')}: ${stdout}${stderr}`);
          assert.match(said, message, command.join(' '));
          assert.doesNotMatch(stderr, /bug|readonly|unable to open/);
        }
      } finally {
        process.seteuid?.(0);
      }
    });
  }
});
