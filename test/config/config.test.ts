// SPDX-License-Identifier: Apache-2.0
/** The configuration file: what it sets, and what is said of one that is wrong. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Command, Option } from 'commander';
import {
  applyConfig,
  checkConfig,
  DEFAULT_CONFIG,
  readConfig,
  type ConfigFile,
} from '../../src/config/config.ts';
import { challengerArguments } from '../../src/cli/attach.ts';
import { wholeNumber } from '../../src/cli/options.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { ctga } from '../support/ctga.ts';
import { fc } from '../support/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

let number = 0;
function file(text: string): ConfigFile {
  const path = join(directory, `${number++}.toml`);
  writeFileSync(path, text);
  return readConfig(path) ?? assert.fail();
}

/** A program with an option of each kind, and what its command was run with. */
function run(config: ConfigFile | undefined, args: readonly string[]): Record<string, unknown> {
  let ran: Record<string, unknown> | undefined;
  const program = new Command('ctga').exitOverride();
  const watch = program
    .command('watch')
    .option('--count <n>', 'a number', wholeNumber(1, 100), 7)
    .option('--name <text>', 'a text')
    .option('--loud', 'a flag')
    .addOption(new Option('--mode <mode>', 'a choice').choices(['fast', 'slow']))
    .option('--port <n>', 'several', (text: string, earlier: number[] | undefined) => [
      ...(earlier ?? []),
      Number(text),
    ])
    .addOption(
      new Option('--zone <z>', 'several, none by default')
        .argParser((text: string, earlier: string[]) => [...earlier, text])
        .default([]),
    )
    .option('--json', 'for one run')
    .action((options: Record<string, unknown>) => void (ran = options));
  watch
    .command('closely')
    .option('--lens <n>', 'a number', wholeNumber(1))
    .action((options: Record<string, unknown>) => void (ran = options));
  program.hook('preAction', (_, command) => {
    if (config !== undefined) applyConfig(config, command);
  });
  program.parse(['watch', ...args], { from: 'user' });
  return ran ?? assert.fail();
}

describe('a configuration file', () => {
  test('says what the command line does not', () => {
    const config = file(
      '[watch]\ncount = 9\nname = "x"\nloud = true\nmode = "slow"\nport = [53, 5353]\nzone = ["a", "b"]\n',
    );
    assert.deepEqual(run(config, []), {
      count: 9,
      name: 'x',
      loud: true,
      mode: 'slow',
      port: [53, 5353],
      zone: ['a', 'b'],
    });
    assert.deepEqual(run(config, ['--count', '3', '--port', '1', '--zone', 'c']), {
      count: 3,
      name: 'x',
      loud: true,
      mode: 'slow',
      port: [1],
      zone: ['c'],
    });
    assert.deepEqual(run(undefined, []), { count: 7, zone: [] });
  });

  test('has tables of their own for subcommands', () => {
    const config = file('[watch]\ncount = 9\n[watch.closely]\nlens = 4\n');
    assert.deepEqual(run(config, ['closely']), { lens: 4 });
    assert.equal(run(config, [])['count'], 9);
  });

  for (const [what, text, message] of [
    [
      'a key that is none',
      '[watch]\n\n# x\ncuont = 9\n',
      /:4: cuont: ctga watch has no such option\. There are: count, loud, mode, name, port, zone$/,
    ],
    [
      'a value beyond the bounds',
      '[watch]\nname = "x"\ncount = 101\n',
      /:3: count: "101": want a whole number from 1 to 100\.$/,
    ],
    ['a value of another kind', '[watch]\nloud = "yes"\n', /:2: loud: want true or false$/],
    ['a table for a value', '[watch]\ncount = { a = 1 }\n', /:2: count: want text or a number$/],
    ['a choice that is none', '[watch]\nmode = "medium"\n', /:2: mode: want fast, slow$/],
    ['several of what is one', '[watch]\nname = ["a", "b"]\n', /:2: name: want one value$/],
    ['none of what is one', '[watch]\nname = []\n', /:2: name: want a value$/],
    [
      'a value for a command',
      '[watch]\nclosely = 3\n',
      /:2: closely: want a table, \[watch\.closely\]$/,
    ],
    [
      'an option of a single run',
      '[watch]\njson = true\n',
      /:2: json: ctga watch has no such option/,
    ],
    ['no table', 'watch = 3\n', /watch: want a table, \[watch\]$/],
  ] as const)
    test(`with ${what} is refused, by line and key`, () => {
      assert.throws(
        () => run(file(text), []),
        (error) =>
          error instanceof CtgaError && error.code === 'bad-input' && message.test(error.message),
      );
    });

  test('has an empty list for what may be repeated, as if it were not there', () => {
    assert.deepEqual(run(file('[watch]\nzone = []\n'), []), { count: 7, zone: [] });
  });

  test('that is no TOML is refused, by line', () => {
    assert.throws(() => file('[watch]\ncount = \n'), /\.toml:2: /);
    assert.throws(() => readConfig(join(directory, 'nosuch.toml')), /cannot read .*nosuch\.toml/);
  });

  test('whatever is in it, is taken or refused in a sentence', () => {
    fc.assert(
      fc.property(fc.string(), (noise) => {
        try {
          run(file(`[watch]\n${noise}`), []);
        } catch (error) {
          assert(error instanceof CtgaError, String(error));
          assert.doesNotMatch(error.message, /\n/);
        }
      }),
    );
  });
});

describe('ctga config check', () => {
  test('finds every fault at once, and none in the file that is shown in --help', async () => {
    const wrong = file(
      '[attach]\nbudget = -1\nbudgte = 2\n[nonsense]\n[p4]\n[dns.serve]\nzone-suffix = "ct.example.net"\nx = 1\n',
    );
    const ran = await ctga(['config', 'check', wrong.path]);
    assert.equal(ran.code, 2);
    const lines = ran.stderr.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => /toml:(\d+): (\w+):/.exec(line)?.slice(1, 3).join(' ')),
      ['2 budget', '3 budgte', '4 nonsense', '8 x'],
      ran.stderr,
    );
    for (const args of [
      ['--config', wrong.path, 'config', 'check'],
      ['--config', '/dev/null', 'config', 'check', wrong.path],
    ]) {
      const other = await ctga(args);
      assert.deepEqual([other.code, other.stderr], [ran.code, ran.stderr], args.join(' '));
    }
    const { stdout } = await ctga(['config', '--help']);
    const example = stdout.slice(stdout.indexOf('  [attach]'), stdout.indexOf('"ctga --config'));
    const right = await ctga([
      'config',
      'check',
      file(example.replaceAll(/^ {2}/gm, '')).path,
      '--json',
    ]);
    assert.equal(right.code, 0, right.stdout);
  });

  const isThere = existsSync(DEFAULT_CONFIG);
  test(
    'says that there is no file, and that none is needed',
    { skip: isThere ? `this machine has ${DEFAULT_CONFIG}` : false },
    async () => {
      const ran = await ctga(['config', 'check']);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /^There is no \/etc\/ctga\/ctga\.toml, and none is needed/);
      const named = await ctga(['config', 'check', DEFAULT_CONFIG]);
      assert.equal(named.code, 2);
      assert.match(named.stderr, /^ctga: cannot read .*: there is no such file or directory\n/);
    },
  );

  test('checks the file of --config', async () => {
    const wrong = file('[status]\nsate-dir = "/tmp"\n');
    const ran = await ctga(['--config', wrong.path, 'config', 'check']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /sate-dir/);
  });

  test('a file with a fault stops a command, and names the file', async () => {
    const wrong = file('[status]\nsate-dir = "/tmp"\n');
    const ran = await ctga(['--config', wrong.path, 'status']);
    assert.equal(ran.code, 2);
    assert.match(
      ran.stderr,
      /\.toml:2: sate-dir: ctga status has no such option\. There are: state-dir\n/,
    );
    assert.equal(
      checkConfig(wrong, new Command('ctga').addCommand(new Command('status'))).length,
      1,
    );
  });
});

test('the challenger that is started beside an observer reads the same file', () => {
  const args = challengerArguments('/state', 'a.toml', { proxy: 'socks5h://[::1]:1', json: true });
  assert.deepEqual(args.slice(0, 3), ['--config', 'a.toml', 'challenge']);
  assert.deepEqual(challengerArguments('/state', undefined, {}), [
    ...['challenge', '--state-dir', '/state'],
  ]);
});
