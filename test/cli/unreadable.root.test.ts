// SPDX-License-Identifier: Apache-2.0
/**
 * A store that cannot be looked at is never shown as an empty one: no script may be told that all
 * is well when nothing could be read. Needs root, to become somebody who may not read.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import type { Command } from 'commander';
import { wholeProgram } from '../../src/cli/program.ts';
import { readGossiperConfig, readMonitorConfig } from '../../src/ctng/config.ts';
import { startGossiper, startMonitor, storageOf, type Running } from '../../src/ctng/nodes.ts';
import { Periods } from '../../src/ctng/periods.ts';
import { freeNames, sampleFiles, writeSample } from '../../src/ctng/sample.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { commandLines, RAW } from '../support/command-lines.ts';
import { ctga, startCtga } from '../support/ctga.ts';

const NOBODY = 65534;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

/** What reads a store, and says what is in it. */
const COMMANDS = [
  ['status'],
  ['heads', 'list'],
  ['heads', 'export'],
  ['evidence', 'list'],
  ['alert', 'list'],
  ['logs', 'list'],
  ['fleet', 'status'],
  ['fleet', 'heads'],
  ['store', 'check'],
  ['store', 'compact'],
  ['store', 'export'],
  ['store', 'backup', join(directory, 'copy')],
  ['store', 'salvage'],
  ['doctor'],
] as const;
/** Each has a store of its own beside it. */
const OWN = [
  ['audit', 'status'],
  ['client', 'status'],
  ['federation', 'status'],
] as const;
/** These keep what they read of a chain, and cannot do without the directory. */
const CHAINS = [
  ['carbonchain', 'read', '--network', 'regtest', '--node', 'http://127.0.0.1:1'],
  ['ddt', 'show', 'somebody', '--network', 'regtest', '--node', 'http://127.0.0.1:1'],
  ['trust', 'show', 'somebody', '--network', 'regtest', '--node', 'http://127.0.0.1:1'],
] as const;
/** These make what is theirs alone, and say which directory is closed, not what they would make in it. */
const MAKING = [
  ['evidence', 'keep'],
  ['federation', 'join', '--name', 'a', '--url', 'https://a.example/'],
  ['witness', 'keygen', 'witness.example.org/w1'],
] as const;
/** These may be there before the store is, but not before its directory. */
const EARLY = [
  ['challenge', '--once', '--proxy', 'socks5h://127.0.0.1:1'],
  ['web', '--listen', '127.0.0.1:0'],
] as const;
/** These make a store where there is none, or do without one. */
const LASTING = [...EARLY, ['alert', 'run'], ['alert', 'forget', 'eth0']] as const;

/** Every other command that has a store: it writes one, or looks at something else first. */
const OTHERS = new Set([
  'alert test',
  'attach',
  'audit run',
  'carbonchain headers',
  'carbonchain write',
  'client host',
  'client install',
  'client run',
  'collect',
  'ddt send',
  'ddt serve',
  'detach',
  'dns publish',
  'dns query',
  'dns serve',
  'evidence anchor',
  'evidence keep',
  'evidence report',
  'evidence verify',
  'federation join',
  'federation run',
  'fleet publish',
  'heads import',
  'lab clean',
  'lab log',
  'lab run',
  'lab tell',
  'logs import',
  'logs update',
  'p4 compile',
  'p4 deploy',
  'p4 undeploy',
  'pool serve',
  'replay',
  'trust key new',
  'trust key revoke',
  'trust key rotate',
  'trust log serve',
  'trust prove',
  'trust sign',
  'trust verify',
  'witness keygen',
  'witness serve',
]);

test('every command that has a store is tried, or is none that reads it', async () => {
  const program = await wholeProgram();
  const every = (command: Command): Command[] => [command, ...command.commands.flatMap(every)];
  const pathOf = (command: Command): string[] =>
    command.parent === null ? [] : [...pathOf(command.parent), command.name()];
  const tried = new Set(
    [...COMMANDS, ...OWN, ...CHAINS, ...LASTING].map((words) => words.join(' ')),
  );
  const isTried = (path: string): boolean =>
    [...tried].some((words) => words === path || words.startsWith(`${path} `));
  const left = every(program)
    .filter(({ options }) => options.some(({ long }) => long === '--state-dir'))
    .map((command) => pathOf(command).join(' '))
    .filter((path) => !isTried(path));
  assert.deepEqual(left.sort(), [...OTHERS].sort());
});

/** What exports writes JSON anyway. */
const asJsonToo = (words: readonly string[]): readonly (readonly string[])[] =>
  words[1] === 'export' ? [words] : [words, [...words, '--json']];

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
    for (const [own] of OWN) {
      mkdirSync(join(directory, 'private', own));
      writeFileSync(join(directory, 'private', own, `${own}.sqlite`), '', { mode: 0o600 });
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

  test('of the group that this account is a member of is read', async () => {
    const shared = join(directory, 'shared');
    mkdirSync(shared);
    openForWriting(stateAt(shared)).close();
    for (const [path, mode] of [
      [shared, 0o750],
      [stateAt(shared).database, 0o640],
    ] as const) {
      chownSync(path, 0, NOBODY);
      chmodSync(path, mode);
    }
    for (const command of [...COMMANDS.filter(([word]) => word !== 'doctor'), ...LASTING]) {
      const args = [...command, '--state-dir', shared];
      process.setegid?.(NOBODY);
      process.seteuid?.(NOBODY - 1);
      try {
        const running = startCtga(args);
        const isPage = command[0] === 'web';
        if (isPage) await running.until(() => running.said().includes('The status page'), 'listen');
        // Who waits for a right would wait for ever.
        const late = setTimeout(() => void running.stop(), 20_000);
        const { code, stdout, stderr } = await (isPage ? running.stop() : running.ended);
        clearTimeout(late);
        const mayNot = /^(alert (run|forget)|challenge|store) /.test(`${command.join(' ')} `);
        // All of the store is shown, and what only root sees is said not to be known.
        const isPart = command[0] === 'status' && stdout.startsWith('Interfaces: not known');
        if (isPart) assert(stdout.includes(`Store: ${shared}\n`), stdout);
        assert.equal(code, mayNot || isPart ? 1 : 0, `${args.join(' ')}: ${stdout}${stderr}`);
        if (mayNot) assert.match(stderr, /may not write it|may not write|sudo/);
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
    }
  });

  for (const [what, name, message, commands] of [
    [
      'that the account may not enter',
      'closed',
      /may not be read by this account|may not enter the directory .*closed("|$)/m,
      [...COMMANDS, ...OWN, ...LASTING],
    ],
    [
      'that a chain may not be kept in',
      'closed',
      /may not enter the directory .*closed["\n]/,
      [...CHAINS, ...MAKING],
    ],
    ['that is a file, not a place for a chain', 'file', /is not a directory/, CHAINS],
    [
      'whose files are of another account',
      'private',
      /may not be read by this account|may not read /,
      [...COMMANDS, ...OWN],
    ],
    ['that a newer ctga wrote', 'newer', /was written by a newer ctga/, COMMANDS],
    ['that is a file', 'file', /is not a directory/, [...COMMANDS, ...OWN, ...LASTING]],
    [
      'that has no store',
      'empty',
      /there is no (store|auditor|client|member of a federation) in/,
      [...COMMANDS, ...OWN],
    ],
    [
      'that does not exist',
      'nowhere',
      /there is no (store|auditor|client|member of a federation) in/,
      [...COMMANDS, ...OWN, ...EARLY],
    ],
  ] as const) {
    test(`${what} is a sentence, a remedy and exit code 1`, async () => {
      // The effective account alone decides what may be read, and can be taken back.
      process.seteuid?.(NOBODY);
      try {
        for (const command of commands.flatMap(asJsonToo)) {
          const { code, stdout, stderr } = await ctga([
            ...command,
            '--state-dir',
            join(directory, name),
          ]);
          const said = stdout + stderr;
          assert.equal(code, 1, `${command.join(' ')}: ${stdout}${stderr}`);
          assert.match(said, message, command.join(' '));
          assert.doesNotMatch(said, /bug|readonly|unable to open|\bE[A-Z]{4,}:/);
        }
      } finally {
        process.seteuid?.(0);
      }
    });
  }

  test('that may not be read, or is none, is a sentence of every other command, too', async () => {
    const { ARGUMENTS } = commandLines(directory);
    // The host of a browser asks the client, which is another account's.
    const others = [...OTHERS].filter((path) => path !== 'client host' && !path.startsWith('lab '));
    process.seteuid?.(NOBODY);
    try {
      for (const path of others)
        for (const name of ['closed', 'file']) {
          const args = [...path.split(' '), ...(ARGUMENTS[path] ?? [])];
          for (const each of asJsonToo([...args, '--state-dir', join(directory, name)])) {
            const { code, stdout, stderr } = await ctga(each);
            const what = `${each.join(' ')}: ${stdout}${stderr}`;
            assert(code === 1 || code === 2, what);
            assert.doesNotMatch(stdout + stderr, RAW, what);
            assert.doesNotMatch(stdout + stderr, /No split view|No evidence|consistent/, what);
            if (each.includes('--json'))
              assert(stderr.split('\n').slice(0, -1).every(isObject), what);
          }
        }
    } finally {
      process.seteuid?.(0);
    }
  });
});

test("what CTng's programs keep below the working directory is not begun anew by who may not write it", async () => {
  const at = join(directory, 'ctng');
  mkdirSync(at);
  chmodSync(at, 0o755);
  const [names] = await freeNames(1);
  assert(names);
  await writeSample(at, names, 60);
  const storage = (kind: 'gossiper' | 'monitor'): string => join(at, storageOf(kind, '1'));
  const start = {
    gossiper: (): Promise<Running> =>
      startGossiper(readGossiperConfig(...files('gossiper')), storage('gossiper'), {
        periods: new Periods(60_000),
        onEvent: () => undefined,
      }),
    monitor: (): Promise<Running> =>
      startMonitor(readMonitorConfig(...files('monitor')), storage('monitor'), {
        periods: new Periods(60_000),
        onEvent: () => undefined,
      }),
  };
  const files = (kind: 'gossiper' | 'monitor'): [string, string, string] =>
    sampleFiles(kind, 1).map((path) => join(at, path)) as [string, string, string];
  for (const kind of ['gossiper', 'monitor'] as const) {
    for (const path of files(kind)) chmodSync(path, 0o644);
    // By root, as by sudo.
    mkdirSync(storage(kind), { recursive: true });
    const kept = join(storage(kind), 'CONFLICT_POM.json');
    writeFileSync(kept, '[]', { mode: 0o600 });
    for (const mode of [0o755, 0o777]) {
      chmodSync(storage(kind), mode);
      process.seteuid?.(NOBODY);
      try {
        await assert.rejects(start[kind](), { code: 'EACCES' }, `${kind} ${mode}`);
      } finally {
        process.seteuid?.(0);
      }
      assert.equal(readFileSync(kept, 'utf8'), '[]');
    }
  }
});

function isObject(line: string): boolean {
  return typeof JSON.parse(line) === 'object';
}
