// SPDX-License-Identifier: Apache-2.0
/**
 * The commands that README and the documents show are commands: each is given to the real parser as
 * it is typed there. Commands between the words of a sentence may leave out what they need.
 * test/cli/first-steps.root.test.ts runs README's first block.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { wholeProgram } from '../../src/cli/program.ts';
import { SYSTEM_DIRECTORY } from '../../src/store/directories.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'p4/README.md',
  'xdp/README.md',
];

interface Shown {
  readonly line: number;
  readonly words: readonly string[];
  /** In a block, and so to be typed. */
  readonly isWhole: boolean;
}

/** The words behind `ctga` of each command in a document. */
function commandsIn(text: string): Shown[] {
  const shown: Shown[] = [];
  let inBlock = false;
  // What a backslash ends goes on in the next line; the others keep their numbers.
  const joined = text.replaceAll(
    /(?:.*\\\n)+.*/g,
    (all) => all.replaceAll(/\\\n\s*/g, ' ') + '\n'.repeat(all.split('\n').length - 1),
  );
  for (const [i, line] of joined.split('\n').entries()) {
    if (line.startsWith('```')) {
      inBlock = !inBlock;
      continue;
    }
    const isWhole = inBlock || line.startsWith('    ');
    // In a sentence, a command may go on in the next line.
    const found = isWhole
      ? [/(?:^|\| |sh |challenger |sudo |[A-Z_]+=\S+ )ctga (.*)$/.exec(line)?.[1]]
      : Array.from(line.matchAll(/`(?:sudo )?ctga ([^`]+)`/g), ([, words]) => words);
    for (const words of found)
      if (words !== undefined) shown.push({ line: i + 1, words: split(words), isWhole });
  }
  return shown;
}

/** As a shell splits them: up to a comment, a pipe, a redirection or the next command. */
function split(text: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/(?:^|\s)(?:'([^']*)'|(\S+))/g)) {
    if (quoted === undefined && /^(?:#|\||>|2>|&|;)/.test(plain ?? '')) break;
    words.push(quoted ?? plain ?? '');
  }
  return words;
}

/** The command of these words, and those behind its name. */
function follow(program: Command, words: readonly string[]): { command: Command; rest: string[] } {
  let command = program;
  const rest = [...words];
  while (rest.length > 0) {
    const next = command.commands.find((each) => each.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest.shift();
  }
  return { command, rest };
}

/** Parses a command and does nothing of it. Throws what commander says of wrong ones. */
async function parse(words: readonly string[]): Promise<void> {
  const program = await wholeProgram();
  const disarm = (command: Command): void => {
    command.action(() => undefined);
    command.commands.forEach(disarm);
  };
  program.commands.forEach(disarm);
  await program.parseAsync([...words], { from: 'user' });
}

for (const document of DOCUMENTS)
  describe(document, () => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const { line, words, isWhole } of commandsIn(text))
      test(`line ${line}: ctga ${words.join(' ')}`, async () => {
        if (isWhole) return parse(words);
        const program = await wholeProgram();
        const { command, rest } = follow(program, words);
        if (rest[0]?.startsWith('--') !== true && command.commands.length > 0 && rest.length > 0)
          assert.fail(`${command.name()} has no command ${rest.join(' ')}`);
        assert(command !== program || rest[0]?.startsWith('--'), 'no command of ctga');
        const known = new Set([...program.options, ...command.options].map(({ long }) => long));
        for (const word of rest)
          if (word.startsWith('--'))
            assert(known.has(word.replace(/=.*/, '')), `${command.name()} has no option ${word}`);
      });
  });

/** The commands of README's block number `n`. */
function blockOf(n: number): string {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  return [...text.matchAll(/^```\n(.*?)^```$/gms)][n]?.[1] ?? assert.fail('no such block');
}

/** Runs them in an empty directory, with these programs in place of others. Returns what they say. */
function runBlock(block: string, programs: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  try {
    for (const [name, script] of Object.entries(programs))
      writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    // Tests may run as root in somebody's checkout.
    const gitConfig = join(directory, 'gitconfig');
    writeFileSync(gitConfig, '[safe]\n\tdirectory = *\n');
    return execFileSync('sh', ['-e', '-c', `mkdir work; cd work; ${block}`], {
      encoding: 'utf8',
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${directory}:${process.env['PATH'] ?? ''}`,
        GIT_CONFIG_GLOBAL: gitConfig,
      },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('README, as a newcomer types it', () => {
  const isClone = existsSync(join(ROOT, '.git'));
  test(
    'begins with a clone, in which the demo is',
    { skip: !isClone && 'this is no clone' },
    () => {
      const block = blockOf(0);
      assert.match(block, /^git clone ADDRESS ctga\ncd ctga\nsudo npm run demo\n$/);
      const said = runBlock(block.replace('ADDRESS', `'${ROOT}'`), {
        sudo: 'exec "$@"',
        // The rest of the demo is tried in test/lab and by packaging/fresh.sh.
        npm: 'echo "$PWD: $*"; grep "\\"$2\\":" package.json; test -x bin/ctga',
      });
      assert.match(
        said,
        /\/work\/ctga: run demo\n *"demo": "sh bin\/setup lab && sh bin\/ctga lab run"/,
      );
    },
  );

  test('names scripts that can be run as they are named', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const named = [...readme.matchAll(/`(?:sudo )?((?:\w+\/)+[\w-]+\.sh)`/g)].map(
      ([, path]) => path ?? '',
    );
    assert(named.includes('packaging/fresh.sh'));
    for (const path of named) accessSync(join(ROOT, path), constants.X_OK);
  });

  test('says how to remove all that set-up, services and the demo make', () => {
    const said = runBlock(`mkdir ctga; cd ctga; ${blockOf(2)}`, {
      sudo: 'echo "$@"; case "$*" in "rm -rf ctga") rm -r ctga;; esac',
    });
    assert.deepEqual(said.trim().split('\n'), [
      'ctga detach --all',
      'ctga lab clean',
      `rm -rf /usr/local/bin/ctga ${SYSTEM_DIRECTORY} ${homedir()}/.local/bin/ctga ${homedir()}/.local/state/ctga`,
      'rm -rf ctga',
    ]);
  });
});

test('docs/OPERATIONS.md has each metric of each service', () => {
  const documented = readFileSync(join(ROOT, 'docs/OPERATIONS.md'), 'utf8');
  const inSources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/metrics.ts'))
    .flatMap((path) =>
      [...readFileSync(join(ROOT, 'src', path), 'utf8').matchAll(/'(ctga_[a-z_]+)'/g)].map(
        ([, name = '']) => name,
      ),
    );
  assert(inSources.length > 60, 'the metrics are elsewhere');
  assert.deepEqual(
    inSources.filter((name) => !documented.includes(`\`${name}\``)),
    [],
  );
});
