// SPDX-License-Identifier: Apache-2.0
/** What is said of a text that is no JSON: where it stops being JSON, and what is wanted there. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseJson } from '../../src/base/documents.ts';
import { isNestedTooDeeply, jsonFault } from '../../src/base/json-fault.ts';
import { fc } from '../support/random.ts';

const ROWS: readonly (readonly [text: string, what: string | RegExp, line?: number])[] = [
  ['', 'it is empty'],
  [' \n\t', 'it is empty'],
  ['\x7fELF\0\0', 'it is no text'],
  ['\x1f\ufffd\b', 'it is no text'],
  ['\ufeff{}', 'it begins with a byte order mark; save it as UTF-8 without one'],
  ['<!DOCTYPE html>', 'it is a page of HTML or XML'],
  ['not json', 'line 1, column 1: want a value'],
  ['{"a": 1,}', 'line 1, column 9: want a name in double quotes'],
  ['{"a": 1,\n  b: 2}', 'line 2, column 3: want a name in double quotes', 2],
  ["{'a': 1}", 'line 1, column 2: want a name in double quotes, or } at the end of the object'],
  ['[1, 2,]', 'line 1, column 7: want a value'],
  ['[1 2]', 'line 1, column 4: want "," or ] behind the value'],
  ['{"a" 1}', 'line 1, column 6: want ":" behind the name'],
  ['{"a": 1 "b": 2}', 'line 1, column 9: want "," or } behind the value'],
  ['{}\n{}', 'line 2, column 1: want nothing more', 2],
  ['{}}', 'line 1, column 3: want nothing more'],
  ['[NaN]', 'line 1, column 2: want a value, or ] at the end of the list'],
  ['{"a": [1, {"b": "c', 'it ends in the middle'],
  ['[[[', 'it ends in the middle'],
  ['{"a":', 'it ends in the middle'],
  ['"a\nb"', 'line 1, column 1: want a value'],
];

describe('a text that is no JSON', () => {
  for (const [text, what, line = 1] of ROWS)
    test(`${JSON.stringify(text)}: ${String(what)}`, () => {
      assert.throws(() => JSON.parse(text));
      assert.deepEqual(jsonFault(text), { line, what });
    });

  test('has its first fault where it was broken, whatever it was', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, place) => {
        const at = place % (text.length + 1);
        const broken = `${text.slice(0, at)}\x01${text.slice(at)}`;
        const { what } = jsonFault(broken);
        const column = Number(/column (\d+)/.exec(what)?.[1] ?? 0);
        assert(what === 'it ends in the middle' || (column > 0 && column <= at + 1), what);
      }),
    );
  });

  test('is found in a text of many megabytes, nested as deeply as it is long', () => {
    const deep = '['.repeat(3_000_000);
    assert.deepEqual(jsonFault(deep), { line: 1, what: 'it ends in the middle' });
    assert.deepEqual(jsonFault(`"${'x'.repeat(9_000_000)}`), {
      line: 1,
      what: 'it ends in the middle',
    });
  });
});

test('what is nested a million deep is known before it is parsed, wherever that is', () => {
  const wide = `["${'['.repeat(1_100_000)}\\\\", "\\"{", ${'[{}],'.repeat(400_000)}1]`;
  assert.equal((JSON.parse(wide) as unknown[]).length, 400_003);
  assert.equal(isNestedTooDeeply(wide), false);
  for (const deep of ['['.repeat(1_000_001), `["\\\\", "\\"]", ${'{"a":'.repeat(1_000_000)}`])
    assert.equal(isNestedTooDeeply(deep), true);
  assert.throws(() => parseJson('['.repeat(1_000_001), 'f'), {
    code: 'bad-input',
    message: 'f: lists or objects within each other, a million deep and more',
  });
});
