// SPDX-License-Identifier: Apache-2.0
/** What is shown of text from outside. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fc } from '../support/random.ts';
import { clean, cleanJson, cleanLines } from '../../src/base/clean.ts';
import { toJson } from '../../src/base/json.ts';
import { unshowableIn } from '../support/hostile.ts';

describe('text from outside', () => {
  for (const [text, shown] of [
    ['plain text: é, 文, 𝕏, שלום', 'plain text: é, 文, 𝕏, שלום'],
    ['\u001b]0;x\u0007', '\\u001b]0;x\\u0007'],
    ['a\r\nb\tc', 'a\\u000d\\u000ab\\u0009c'],
    ['\u009b31m\u007f', '\\u009b31m\\u007f'],
    ['\u202egpj\u2066.\u2028\u2029', '\\u202egpj\\u2066.\\u2028\\u2029'],
    ['\u{e0041}\ufeff\u200b', '\\u{e0041}\\ufeff\\u200b'],
    ['\ud800x', '\\ud800x'],
  ] as const)
    test(`${JSON.stringify(text)} is shown as ${shown}`, () => assert.equal(clean(text), shown));

  test('whatever it is, nothing is left that a terminal acts on, and no more is ever changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = clean(text);
        assert.equal(unshowableIn(shown), '');
        assert(!shown.includes('\n'));
        assert.equal(clean(shown), shown);
        assert.equal(shown === text, unshowableIn(text) === '' && !text.includes('\n'));
        assert.equal(cleanLines(text).split('\n').length, text.split('\n').length);
      }),
      { numRuns: 2000 },
    );
  });

  test('JSON says the same with escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = toJson({ [text]: [text] }, 2);
        assert.equal(unshowableIn(json), '');
        assert.deepEqual(JSON.parse(json), { [text]: [text] });
        assert.equal(cleanJson(json), json);
      }),
      { numRuns: 2000 },
    );
  });
});

test('nothing is written but where it is cleaned', () => {
  const source = resolve(import.meta.dirname, '../../src');
  const writes = /console\.\w+\(|\b(?:stdout|stderr)\.write\(/;
  /** What may write, and how often. */
  const allowed: Readonly<Record<string, number>> = {
    'cli/output.ts': 3,
    'cli/program.ts': 2,
    'cli/logs.ts': 1, // a question of ours
    'web/server.ts': 1,
    'lab/authority.ts': 2,
    'lab/browsing.ts': 1, // of another program, and it is a number
    'lab/site.ts': 1,
  };
  const found: Record<string, number> = {};
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const lines = readFileSync(join(source, name), 'utf8').split('\n');
    const count = lines.filter((line) => writes.test(line)).length;
    if (count > 0) found[name] = count;
  }
  assert.deepEqual(found, allowed, 'print with src/cli/output.ts, which cleans what it is given');
});
