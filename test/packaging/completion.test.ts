// SPDX-License-Identifier: Apache-2.0
/** Completion, as each shell that is installed here does it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { bashCompletion, fishCompletion, zshCompletion } from '../../packaging/completion.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const commands = [
  {
    path: [],
    help: 'Commands:\n  heads  x\n  status  x\n  trust  x\n\nOptions:\n  --config <file>  x\n',
  },
  { path: ['heads'], help: 'Commands:\n  list  x\n  import  x\n' },
  { path: ['heads', 'list'], help: 'Options:\n  --limit <n>  x\n  --json  x\n' },
  { path: ['heads', 'import'], help: 'Options:\n  --log <name>  x\n' },
  { path: ['status'], help: 'Options:\n  --json  x\n' },
  { path: ['trust'], help: 'Commands:\n  key  x\n  verify  x\n' },
  { path: ['trust', 'key'], help: 'Commands:\n  new  x\n  rotate  x\n' },
  { path: ['trust', 'key', 'rotate'], help: 'Options:\n  --key-file <file>  x\n' },
  { path: ['trust', 'key', 'new'], help: 'Options:\n  --json  x\n' },
  { path: ['trust', 'verify'], help: 'Options:\n  --proof <file>  x\n' },
];
const script = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};
const bash = script('bash', bashCompletion(commands));
const zsh = script('_ctga', zshCompletion(commands));
const fish = script('ctga.fish', fishCompletion(commands));

/** What each shell would complete the last of the words to. */
const SHELLS: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => [
    '-c',
    `. ${bash}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ctga; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    ...words,
  ],
  // Outside of its line editor, zsh completes nothing: what it would choose from is printed.
  zsh: (words) => [
    '-f',
    '-c',
    `compdef() { }; compadd() { shift; print -rl -- "$@"; }; _files() { }
     f=$1; shift; words=("$@"); CURRENT=$#; PREFIX="\${words[CURRENT]}"; . $f; _ctga`,
    'zsh',
    zsh,
    ...words,
  ],
  fish: (words) => [
    '--no-config',
    '-c',
    `source ${fish}; complete -C '${words.join(' ')}' | string replace -r '\\t.*' ''`,
  ],
};

for (const [shell, args] of Object.entries(SHELLS)) {
  const isMissing = spawnSync(shell, ['-c', 'true']).error !== undefined;
  describe(
    `completion in ${shell}`,
    { skip: isMissing ? `${shell} is not installed` : false },
    () => {
      for (const [words, expected] of [
        [['ctga', 'st'], ['status']],
        [
          ['ctga', 'heads', ''],
          ['import', 'list'],
        ],
        [
          ['ctga', 'heads', 'list', '--'],
          ['--json', '--limit'],
        ],
        [['ctga', 'heads', 'import', '--l'], ['--log']],
        // Files, which each shell adds itself; zsh has options beside them.
        [['ctga', 'heads', 'import', ''], shell === 'zsh' ? ['--log'] : []],
        [['ctga', 'heads', 'list', '--limit', '5', '--j'], ['--json']],
        [
          ['ctga', 'trust', ''],
          ['key', 'verify'],
        ],
        [
          ['ctga', 'trust', 'key', ''],
          ['new', 'rotate'],
        ],
        [['ctga', 'trust', 'key', 'rotate', '--'], ['--key-file']],
        [['ctga', '--config', 'c.toml', 'trust', 'verify', '--p'], ['--proof']],
        // A value may be named as a command is.
        [
          ['ctga', '--config', 'trust', 'heads', ''],
          ['import', 'list'],
        ],
        [
          ['ctga', 'heads', '--config', 'list', ''],
          ['import', 'list'],
        ],
        [
          ['ctga', '--config=trust', 'heads', ''],
          ['import', 'list'],
        ],
        [['ctga', 'heads', 'import', '--log', 'x', '--l'], ['--log']],
        [['ctga', 'trust', 'verify', '--proof', 'verify', '--p'], ['--proof']],
        [['ctga', '--config', 'st'], []],
        [['ctga', 'heads', 'import', '--log', ''], []],
      ] as const)
        test(words.join(' '), () => {
          const { stdout, stderr } = spawnSync(shell, args(words), {
            encoding: 'utf8',
            cwd: directory,
            env: { ...process.env, HOME: directory },
          });
          assert.equal(stderr, '');
          const offered = stdout
            .split('\n')
            .filter(
              (line) =>
                line !== '' &&
                line.startsWith(words.at(-1) ?? '') &&
                !/^(_ctga|bash|ctga\.fish|\.)/.test(line),
            );
          assert.deepEqual(offered.sort(), expected);
        });
    },
  );
}
