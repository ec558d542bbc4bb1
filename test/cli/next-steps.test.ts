// SPDX-License-Identifier: Apache-2.0
/**
 * What a person is told to do about a finding can be typed as it stands, wherever it is read: in an
 * alert, on the page, in state.json, by `ctga status`. It names the store that the finding is in.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { Scene } from '../web/states.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
const stateDirectory = join(directory, 'a store');
const state = stateAt(stateDirectory);
const at = ['--state-dir', stateDirectory];
const option = `--state-dir '${stateDirectory}'`;
let paths: string[] = [];

before(() => {
  const store = openForWriting(state);
  const scene = new Scene(store, state);
  scene.watch('eth0', scene.now - 3_600_000);
  paths = [
    scene.split(0, 301, scene.now - 3_600_000),
    scene.split(1, 302, scene.now - 3_600_000),
    scene.split(2, 303, scene.now - 3_600_000),
  ];
  store.close();
});
after(() => rmSync(directory, { recursive: true }));

/** Every command in the text that has the option, and has it once; and evidence is one word to a shell. */
function assertTyped(text: string, times: number): void {
  const commands = [...text.matchAll(/ctga (?:evidence verify|evidence list|status)\b[^.\n]*/g)];
  assert(commands.length >= times, text);
  for (const [command] of commands)
    assert.equal(command.split(option).length, 2, `${command} in:\n${text}`);
  for (const [command] of text.matchAll(/evidence verify .*?\.json\b'?/g)) {
    const words = wordsOf(command);
    assert(paths.includes(words.at(-1) ?? ''), `${words.join('|')} in:\n${text}`);
    assert.deepEqual(words.slice(2, -1), at);
  }
}

/** As a shell takes them. */
function wordsOf(command: string): string[] {
  const said = execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' });
  return said.trimEnd().split('\n');
}

describe('what to do about a finding', () => {
  test('is typed as it stands in alerts', async () => {
    const alerts = startCtga(['alert', 'run', '--command', 'echo "$CTGA_REMEDY" >&2', ...at]);
    await alerts.until(
      () => /SPLIT VIEW PROVEN[^]*has seen no packet/.test(alerts.said()),
      'its alerts',
    );
    const { stdout } = await alerts.stop();
    assertTyped(stdout, 4);
  });

  test('and on the page, which says what became of evidence, as evidence list does', async () => {
    const web = startCtga(['web', '--listen', '127.0.0.1:0', ...at]);
    await web.until(() => web.said().includes('http://'), 'where it listens');
    const url = /http:\S+/.exec(web.said())?.[0] ?? assert.fail();
    const get = async (path: string): Promise<string> => (await fetch(url + path)).text();
    try {
      assert.doesNotMatch(await get('evidence'), /The evidence file/);
      const conditions = async (): Promise<{ message: string; remedy: string }[]> =>
        (JSON.parse(await get('state.json')) as { conditions: never[] }).conditions;
      assertTyped((await conditions()).map(({ remedy }) => remedy).join('\n'), 4);

      const [gone = '', changed = ''] = paths;
      rmSync(gone);
      rmSync(changed);
      writeFileSync(changed, '{}');
      const found = await conditions();
      const faults = found.filter(({ message }) => message.startsWith('The evidence '));
      assert.deepEqual(faults.map(({ message }) => message.replace(/fork-\S+/, 'FILE')).sort(), [
        'The evidence FILE is in the chain and is missing.',
        'The evidence FILE was changed: it is not what the chain has.',
      ]);
      assertTyped(faults.map(({ remedy }) => remedy).join('\n'), 2);
      const listed = await ctga(['evidence', 'list', ...at]);
      for (const { message } of faults) assert(listed.stderr.includes(message), message);

      const cards = [
        ...(await get('evidence'))
          .replaceAll(/\s+/g, ' ')
          .matchAll(/The evidence file ([^<]+)<\/strong> <code>[^<]*-(30\d)-30\d-/g),
      ];
      assert.deepEqual(
        // Several may have been proven in one millisecond.
        cards.map(([, what = '', size = '']) => `${size}: ${what}`).sort(),
        ['301: is gone from', '302: was changed, and is not what the chain of evidence has:'],
      );

      // The head of the chain is where it is asked for, and is no label of a series.
      const head = /its head is ([0-9a-f]{64})/.exec(listed.stdout)?.[1] ?? assert.fail();
      const { chain } = JSON.parse(await get('state.json')) as { chain: unknown };
      assert.deepEqual(chain, { length: 3, head });
      const metrics = await get('metrics');
      assert.match(metrics, /^ctga_evidence_chain_files 3$/m);
      assert(!metrics.includes(head));
    } finally {
      await web.stop();
    }
  });
});

describe('a path with a space in it', () => {
  test('is one word in what evidence show and fleet init say', async () => {
    const file = paths[2] ?? assert.fail();
    writeFileSync(join(directory, 'a copy.json'), readFileSync(file));
    const shown = await ctga(['evidence', 'show', join(directory, 'a copy.json')]);
    assert.match(shown.stdout, /ctga evidence verify '[^']*\/a copy\.json'/);
    const fleet = join(directory, 'a fleet');
    const founded = await ctga(['fleet', 'init', fleet, '--node', 'n1=127.0.0.1']);
    assert.match(founded.stdout, / --dir '[^']*\/a fleet'$/m);
  });

  test('and in all other commands that sources show with one', () => {
    const sources = join(import.meta.dirname, '../../src');
    for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(join(sources, name), 'utf8');
      const [raw] =
        /(?:evidence verify|--(?:hooks-|state-)?dir) \$\{(?!shellWord\()[^`\n]*/.exec(text) ?? [];
      assert(raw === undefined || name === 'lab/story.ts', `${name}: ${raw ?? ''}`);
    }
  });
});

describe('a remedy', () => {
  for (const [args, expected] of [
    [['trust', 'log', 'new', '/dev/null/x', 'log.example.org/x'], 'Name a directory.'],
    [
      ['heads', 'import', '/dev/null', '--state-dir', '/dev/null/x'],
      'Name the directory of a store with --state-dir.',
    ],
  ] as const)
    test(`names the options that ctga ${args.slice(0, 2).join(' ')} has, and no others`, async () => {
      const { code, stderr } = await ctga([...args, '--json']);
      assert.equal(code, 1, stderr);
      const { message, remedy } = JSON.parse(stderr) as { message: string; remedy: string };
      assert.match(message, /is not a directory$/);
      assert.equal(remedy, expected);
    });
});
