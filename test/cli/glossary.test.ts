// SPDX-License-Identifier: Apache-2.0
/** One word for one thing: docs/GLOSSARY.md names words that are not used, and nobody uses them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Command } from 'commander';
import { wholeProgram } from '../../src/cli/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const GLOSSARY = 'docs/GLOSSARY.md';
const glossary = readFileSync(join(ROOT, GLOSSARY), 'utf8');

const rowsUnder = (title: string): string[][] =>
  (glossary.split(`| ${title} |`)[1]?.split('\n\n')[0] ?? '')
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map(([, ...cells]) => cells)
    .filter(([word = '']) => word !== '');
const meanings = rowsUnder('Word | Meaning');
const banned = rowsUnder('Not | But | Where it is something else');

/** Prose alone: no code, no names of files, no addresses. */
const proseOf = (document: string): string =>
  document.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`]*`|\]\([^)]*\)|https?:\S+/g, '');

/** Strings and templates that are more than a name, of TypeScript that prints. */
const printedBy = (source: string): string =>
  [
    ...source
      .replaceAll(/^import .*$/gm, '')
      .matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"[^"\n]*"/g),
  ]
    .map(([text]) => text.replaceAll(/\$\{[^}]*\}/g, ''))
    .filter((text) => /\w \w/.test(text))
    .join('\n');

const texts = new Map<string, string>();

/** What is below a folder of the project and ends so, by its path in the project. */
const filesIn = (folder: string, end: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => `${folder}/${name}`);

const DOCUMENTS = ['README.md', 'p4/README.md', 'xdp/README.md', ...filesIn('docs', '.md')];
const PRINTING = ['alert', 'challenger', 'cli', 'doctor', 'lab', 'observer', 'services', 'web'];

before(async () => {
  for (const name of DOCUMENTS)
    if (name !== GLOSSARY) texts.set(name, proseOf(readFileSync(join(ROOT, name), 'utf8')));
  for (const name of PRINTING.flatMap((folder) => filesIn(`src/${folder}`, '.ts')))
    texts.set(name, printedBy(readFileSync(join(ROOT, name), 'utf8')));
  const every = (command: Command): Command[] => [command, ...command.commands.flatMap(every)];
  for (const command of every(await wholeProgram()))
    texts.set(`help of ${command.name()}`, command.helpInformation());
});

describe('the glossary', () => {
  test('has each word once, with its meaning', () => {
    const words = meanings.map(([word = '']) => word);
    assert(words.length > 20);
    assert.equal(new Set(words).size, words.length);
    for (const [word, meaning = ''] of meanings) assert(meaning.length > 10, word);
  });

  test('says what to write in place of each word that is not used', () => {
    assert(banned.length > 20);
    for (const [word, instead = ''] of banned) assert.notEqual(instead, '', word);
  });

  for (const [word = '', instead = '', allowed = ''] of banned)
    test(`nobody says "${word}"`, () => {
      assert(texts.size > 100);
      const found = new RegExp(
        `(?<![\\w/.-])${word}s?(?![\\w/-])`,
        word === word.toUpperCase() ? '' : 'i',
      );
      for (const [name, text] of texts) {
        if (allowed.includes(name)) continue;
        const line = text.split('\n').find((each) => found.test(each));
        assert.equal(line, undefined, `${name}: say "${instead}": ${line ?? ''}`);
      }
    });
});
