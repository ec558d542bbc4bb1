// SPDX-License-Identifier: Apache-2.0
/**
 * Environments that nobody meant: no home, directories that are none, a directory that was removed
 * under the process, a disk that takes no output, terminals of any width. Commands say what is wrong
 * in words, or do what they do.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Command } from 'commander';
import { runCtga, wholeProgram } from '../../src/cli/program.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { RAW } from '../support/command-lines.ts';
import { ctgaProcess, CTGA, type Ran } from '../support/ctga.ts';
import { Scene, SCENES } from '../web/states.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'heads.json');
writeFileSync(file, '{"sths": []}');
const closed = join(directory, 'closed');
mkdirSync(closed, { mode: 0o555 });
/** As who has a home of their own: root's things are elsewhere. */
const NOBODY = process.geteuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** A variable that is undefined is not set. */
type Environment = Readonly<Record<string, string | undefined>>;

function ranWith(env: Environment, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(CTGA, args, {
    ...NOBODY,
    cwd: '/',
    encoding: 'utf8',
    env: { ...process.env, CTGA_NODE: process.execPath, ...env },
  });
  return { code: status, stdout, stderr };
}

describe('an environment that nobody meant', () => {
  const places: Readonly<Record<string, Environment>> = {
    'no HOME': { HOME: undefined, XDG_STATE_HOME: undefined },
    'a HOME that is not there': { HOME: join(directory, 'not', 'there'), XDG_STATE_HOME: '' },
    'a HOME that is read-only': { HOME: closed, XDG_STATE_HOME: '' },
    'an XDG_STATE_HOME that is a file': { XDG_STATE_HOME: file },
    'an XDG_STATE_HOME that is a device': { XDG_STATE_HOME: '/dev/null' },
    'an XDG_STATE_HOME that is too long': { XDG_STATE_HOME: `/${'x'.repeat(300)}` },
    'nothing but a PATH': {
      ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
      PATH: process.env['PATH'],
      CTGA_NODE: process.execPath,
    },
    'rubbish everywhere': {
      ...{ LANG: 'C', LC_ALL: 'xx_YY.rubbish', TERM: 'dumb', TZ: 'No/Where', COLUMNS: '-3' },
      ...{ XDG_STATE_HOME: 'a/b\n', XDG_RUNTIME_DIR: '\u00ff', HOME: '..' },
    },
  };
  for (const [what, env] of Object.entries(places))
    test(`is answered in words: ${what}`, () => {
      for (const args of [['status'], ['client', 'status'], ['heads', 'import', file]]) {
        const { code, stdout, stderr } = ranWith(env, args);
        const said = `${args.join(' ')}: ${stdout}${stderr}`;
        assert([0, 1, 2].includes(code ?? -1), said);
        assert.doesNotMatch(stdout + stderr, RAW, said);
        // Where it fails it says what helps.
        if (code === 2 || (code === 1 && args[0] === 'heads'))
          assert.match(stderr, /^ctga: .+\n {2}\S/m, said);
      }
    });
});

describe('a working directory that was removed', () => {
  const ran = (...args: readonly string[]): Ran => {
    const gone = join(directory, 'gone');
    const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, gone, CTGA, ...args], {
      encoding: 'utf8',
      env: { ...process.env, CTGA_NODE: process.execPath },
    });
    // The shell says so too.
    return { code: status, stdout, stderr: stderr.replaceAll(/^.*getcwd\(\) failed.*\n/gm, '') };
  };
  test('is said where it is needed', () => {
    const { code, stderr } = ran('heads', 'import', file, '--state-dir', 'here');
    assert.equal(code, 1);
    assert.equal(
      stderr,
      'ctga: the directory in which it was started is gone\n  Change to one that is there: cd\n',
    );
  });
});

describe('output that no disk takes', () => {
  const state = stateAt(join(directory, 'state'));
  const at = ['--state-dir', state.directory];
  before(() => {
    const store = openForWriting(state);
    SCENES['split-view']?.(new Scene(store, state));
    store.close();
  });
  for (const args of [
    ['--help'],
    ['--version'],
    ['attach', '--help'],
    ['heads', 'export', ...at],
    ['evidence', 'list', '--json', ...at],
    ['store', 'export', ...at],
    ['config', 'check', '--json'],
  ])
    test(`is a failure of ctga ${args.join(' ').replace(directory, '')}`, () => {
      const script = 'exec "$@" >/dev/full';
      const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', CTGA, ...args], {
        encoding: 'utf8',
        env: { ...process.env, CTGA_NODE: process.execPath },
      });
      assert.equal(status, 1, stderr);
      const lost = 'the output is lost: the disk is full, or has no inode left';
      assert.equal(stderr, args.includes('--json') ? `{"warning":"${lost}"}\n` : `ctga: ${lost}\n`);
    });
});

describe('a terminal of any width', () => {
  const WIDTHS = [0, 1, 2, 3, 7, 20, 33, 1000, 100_000];
  const printed = async (args: readonly string[], columns: number): Promise<Ran> => {
    let [stdout, stderr] = ['', ''];
    const terminal = { isTTY: true, columns };
    const code = await runCtga([...args], {
      stdout: { ...terminal, write: (text: string) => void (stdout += text) },
      stderr: { ...terminal, write: (text: string) => void (stderr += text) },
    });
    return { code, stdout, stderr };
  };
  const words = (text: string): string => text.replaceAll(/\s+/g, '');

  test('shows all help', async () => {
    const every = (command: Command): Command[] => [command, ...command.commands.flatMap(every)];
    const pathOf = (command: Command): string[] =>
      command.parent === null ? [] : [...pathOf(command.parent), command.name()];
    for (const command of every(await wholeProgram())) {
      if (command.name() === 'help') continue;
      const args = [...pathOf(command), '--help'];
      const whole = words((await printed(args, 80)).stdout);
      for (const columns of WIDTHS) {
        const { code, stdout, stderr } = await printed(args, columns);
        assert.deepEqual([code, stderr], [0, ''], `${args.join(' ')}: ${columns}`);
        assert.equal(words(stdout), whole, `${args.join(' ')}: ${columns}`);
      }
    }
  });

  test('shows all that is in a store, and every failure', async () => {
    for (const name of ['extremes', 'blind-and-lost', 'fleet-split']) {
      const state = stateAt(join(directory, name));
      const store = openForWriting(state);
      (SCENES[name] ?? assert.fail(name))(new Scene(store, state));
      store.close();
      for (const args of [
        ...[['status'], ['heads', 'list'], ['evidence', 'list'], ['alert', 'list']],
        ...[
          ['logs', 'list'],
          ['fleet', 'status'],
          ['store', 'check'],
          ['heads', 'import', '/none'],
        ],
      ])
        for (const columns of WIDTHS) {
          const { code, stdout, stderr } = await printed(
            [...args, '--state-dir', state.directory],
            columns,
          );
          const said = `${args.join(' ')} at ${columns}: ${stdout}${stderr}`;
          assert([0, 1, 2].includes(code ?? -1), said);
          assert.doesNotMatch(stdout + stderr, RAW, said);
        }
    }
  });
});

test('a process without any standard file does what it does', async () => {
  const { code } = await ctgaProcess(['--version']);
  assert.equal(code, 0);
  const script = '"$0" --version <&- >&- 2>&-';
  const ran = spawnSync('sh', ['-c', script, CTGA], {
    env: { ...process.env, CTGA_NODE: process.execPath },
  });
  assert.equal(ran.status, 0);
});
