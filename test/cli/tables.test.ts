// SPDX-License-Identifier: Apache-2.0
/**
 * Every table that a command prints fits the terminal, or 80 columns in a pipe, and has its numbers
 * right-aligned; what is wrong comes first; and there is colour only where a terminal wants it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { after, before, describe, test } from 'node:test';
import { printTable } from '../../src/cli/output.ts';
import { runCtga } from '../../src/cli/program.ts';
import { asRun } from '../../src/cli/run.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CTGA } from '../support/ctga.ts';
import { planeState } from '../support/plane-state.ts';
import { Scene, SCENES } from '../web/states.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const at = (name: string): string[] => ['--state-dir', join(directory, name)];
const STORES = ['split-view', 'blind-and-lost', 'extremes'];
/** Those that print tables. */
const COMMANDS = [
  ['status'],
  ['heads', 'list'],
  ['evidence', 'list'],
  ['logs', 'list'],
  ['alert', 'list'],
];

before(() => {
  for (const name of STORES) {
    const state = stateAt(join(directory, name));
    const store = openForWriting(state);
    SCENES[name]?.(new Scene(store, state));
    const counters = {
      ...{ packets: 4_821_193_712, answers: 4211, answersCopied: 4190, answersRingFull: 21 },
      ...{ fragments: 73, fragmentsCopied: 73, fragmentsRingFull: 0, notUdp: 12, notIp: 7 },
      ...{ answersTooLarge: 0, fragmentsTooLarge: 2, answersSeen: 0, answersOverBudget: 0 },
      ...{ answersSampledOut: 0, fragmentsSampledOut: 0, fragmentsOverBudget: 0 },
      ...{ fragmentsSeen: 0, encapsulatedTags: 0, encapsulatedMpls: 0, encapsulatedIp: 0 },
      ...{ encapsulatedGre: 0, encapsulatedUdp: 0, encapsulatedIpsec: 0, otherPort: 0 },
      ...{ malformed: 0, notTreeHead: 0, unknownName: 1_000_000 },
    };
    const plane = { ...planeState({ counters }), mode: 'dnstap' };
    // However long this takes, it is not out of date.
    store.planes.put('dnstap:/run/ctga/dnstap.sock', plane, Date.now() + 3_600_000);
    const message = 'A message that somebody made long, '.repeat(9);
    const alert = { key: 'a', severity: 'warning', message, since: 1_700_000_000_000 } as const;
    store.alerts.raise(alert, '{}', []);
    store.close();
  }
});

async function printed(args: readonly string[], columns?: number): Promise<string> {
  let stdout = '';
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const io = {
    stdout: { ...terminal, write: (text: string) => void (stdout += text) },
    stderr: { write: () => undefined },
  };
  await runCtga([...args], io);
  return stripVTControlCharacters(stdout);
}

const HEADER = /^[A-Z]{3,}(?: [A-Z()]+)*(?: {2,}[A-Z()]+(?: [A-Z()]+)*)*$/;
const NUMBERS = new Set(
  ['COUNT', 'ANSWERS', 'FRAGMENTS', 'TREE SIZE', 'TREE SIZES', 'CHAIN', 'SEEN'].concat(
    ...['HELD', 'ENTRIES', 'REQUESTS', 'DATA', 'BUDGET', 'GROWTH'],
  ),
);

/** The lines of each table: its header, and what follows up to an empty line or the end. */
function tablesIn(text: string): string[][] {
  const tables: string[][] = [];
  let table: string[] | undefined;
  for (const line of text.split('\n')) {
    if (HEADER.test(line)) tables.push((table = [line]));
    else if (line === '') table = undefined;
    else table?.push(line);
  }
  return tables;
}

/** Fails unless each row of numbers ends where its title ends. Returns how many were looked at. */
function assertAligned([header = '', ...rows]: readonly string[]): number {
  let numbers = 0;
  for (const { 0: title, index } of header.matchAll(/\S+(?: \S+)*/g)) {
    if (!NUMBERS.has(title)) continue;
    const end = index + title.length;
    for (const row of rows) {
      // Notes, and what goes on, are in no column.
      if (/^ /.test(row) || row.length < end || /^The(?:se| chain) /.test(row)) continue;
      assert.match(row.slice(0, end), /[\d%x]$|B$|blocks$|none$|\s$/, `${title}: ${row}`);
      assert.match(row[end] ?? ' ', /\s/, `${title}: ${row}`);
      numbers++;
    }
  }
  return numbers;
}

describe('tables', () => {
  for (const store of STORES)
    for (const command of COMMANDS)
      test(`of ctga ${command.join(' ')} fit, in a store with ${store}`, async () => {
        let tables = 0;
        for (const columns of [undefined, 80, 100, 132, 200]) {
          const text = await printed([...command, ...at(store)], columns);
          for (const table of tablesIn(text)) {
            tables++;
            if (store !== 'extremes') assertAligned(table);
            for (const line of table) {
              // A path is one word, to be copied; prose behind a table is no part of it.
              if (/^ +\S+$|^The(?:se| chain) /.test(line)) continue;
              // The largest numbers that there are leave no room for words.
              const room = store === 'extremes' ? 110 : 80;
              assert(line.length <= Math.max(room, columns ?? 80), line);
            }
          }
        }
        // Evidence of the third store is made up, and its files do not exist.
        if (store !== 'blind-and-lost') assert(tables >= 5, `${tables} tables`);
      });

  test('have wider rooms filled: more columns on a wide terminal', async () => {
    const [narrow, wide] = [
      await printed(['heads', 'list', ...at('split-view')], 80),
      await printed(['heads', 'list', ...at('split-view')], 140),
    ];
    assert.doesNotMatch(narrow, /LAST SEEN/);
    assert.match(wide, /LAST SEEN \(UTC\)/);
  });

  test('break cells behind spaces, then behind hyphens on the left, and lose nothing', async () => {
    let out = '';
    const io = { stdout: { write: (text: string) => void (out += text) }, stderr: process.stderr };
    const name = 'a-rather-long-name-of-a-log-that-somebody-gave-it';
    const zone = 'a-zone.ct.example.org b-zone.ct.example.org';
    await asRun(io, false, () => {
      printTable(
        ['NAME', { title: 'SIZE', is: 'number' }, 'ZONES'],
        [{ cells: [name, '12345', zone], notes: [] }],
      );
      return Promise.resolve();
    });
    const lines = out.trimEnd().split('\n');
    for (const line of lines) assert(line.length <= 80, line);
    assert.match(lines[1] ?? '', /^a-rather-\S+- +12345 {2}a-zone\.ct\.example\.org/);
    assert(lines.slice(2).every((line) => line.startsWith(' ')));
    const words = out.replaceAll(/\s+/g, '');
    for (const zone of ['a-zone.ct.example.org', 'b-zone.ct.example.org'])
      assert(out.includes(zone), out);
    assert(words.includes('12345'));
    const first = lines.slice(1).map((line) => line.slice(0, 45).trim().replace(/ .*/, ''));
    assert.equal(first.join('').slice(0, name.length), name);
  });
});

describe('ctga status', () => {
  test('says first what is wrong, with what to do about it', async () => {
    const split = await printed(['status', ...at('split-view')]);
    assert.match(split, /^SPLIT VIEW PROVEN: Example 'Birch2026h2' log signed trees of/);
    assert.match(split, /\bctga evidence verify --state-dir \S+ \S+fork-\S+\.json$/m);
    const blind = await printed(['status', ...at('blind-and-lost')]);
    const [wrong = '', rest = ''] = blind.split(/^dnstap:\/run/m);
    assert.match(wrong, /ctga has seen no packet of eth0 since/);
    assert.match(wrong, /has given no proof for a tree/);
    assert.match(wrong, /^LOST: 21 so far\. Copies of packets are lost/m);
    assert.match(rest, /^MATCHES +ANSWERS +FRAGMENTS\nlost: ring full +21 +0\n/m);
    assert.doesNotMatch(rest, /LOST|no packet/);
  });

  test('counts every packet once, in sums that a person can check', async () => {
    const text = await printed(['status', ...at('blind-and-lost')]);
    const table = (title: string): string =>
      new RegExp(`^${title} .*\n([^]*?)(?:\n\n|\n$)`, 'm').exec(text)?.[1] ?? assert.fail(title);
    assert.match(table('FRAMES'), /^unknown name +1000000$/m);
    assert.match(table('FRAMES'), /^all +4821193712$/m);
    assert.match(table('MATCHES'), /^all +4211 +73$/m);
    const sum = [...table('MATCHES').matchAll(/^(lost: ring full|copied) +(\d+)/gm)];
    assert.equal(
      sum.reduce((total, [, , count]) => total + Number(count), 0),
      4211,
    );
  });
});

/** What `ctga status` prints on a terminal of its own, with these variables. */
function onTerminal(env: Readonly<Record<string, string>>, columns = 80): string {
  const command = `stty cols ${columns}; exec '${CTGA}' status ${at('split-view').join(' ')}`;
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
  // Without root it ends with 1, since it cannot look at interfaces.
  return spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...rest, TERM: 'xterm', CTGA_NODE: process.execPath, ...env },
  }).stdout;
}

describe('colour', () => {
  const COLOURED = '\u001b[1;31mSPLIT VIEW PROVEN\u001b[0m';

  test('is there on a terminal', () => assert(onTerminal({}).includes(COLOURED)));

  for (const [what, env] of [
    ['NO_COLOR=1', { NO_COLOR: '1' }],
    ['TERM=dumb', { TERM: 'dumb' }],
    ['NO_COLOR=1 and FORCE_COLOR=1', { NO_COLOR: '1', FORCE_COLOR: '1' }],
  ] as const)
    test(`is not there with ${what}`, () => {
      const text = onTerminal(env);
      // Node 24 says before that it takes one of the two.
      assert.match(text, /^SPLIT VIEW PROVEN/m);
      assert(!text.includes('\u001b'), JSON.stringify(text));
    });

  test('is not there in a pipe, unless it is forced', () => {
    const run = (env: Readonly<Record<string, string>>): string => {
      const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
      return spawnSync(CTGA, ['status', ...at('split-view')], {
        encoding: 'utf8',
        env: { ...rest, CTGA_NODE: process.execPath, ...env },
      }).stdout;
    };
    assert(!run({}).includes('\u001b'));
    assert(run({ FORCE_COLOR: '1' }).includes(COLOURED));
  });

  test('changes no width', () => {
    for (const line of onTerminal({}, 60).split(/\r?\n/)) {
      const bare = stripVTControlCharacters(line);
      assert(bare.length <= 60 || /^ *\S+$|ctga /.test(bare), bare);
    }
  });
});
