// SPDX-License-Identifier: Apache-2.0
/** Reads debian/copyright as programs do, by its format's rules. */
import assert from 'node:assert/strict';

/**
 * The paragraphs behind the header: field by name, of which the continuation lines have lost their
 * space and the dot of an empty one.
 */
export function paragraphs(text: string): Partial<Record<string, string>>[] {
  const [header = '', ...rest] = text.trimEnd().split('\n\n').map(fields);
  assert.equal(
    (header as Partial<Record<string, string>>).Format,
    'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
  );
  for (const each of rest)
    assert.deepEqual(Object.keys(each), ['Files', 'Copyright', 'License'], each.Files);
  return rest;
}

function fields(paragraph: string): Partial<Record<string, string>> {
  const found: Partial<Record<string, string>> = {};
  let last = '';
  for (const line of paragraph.split('\n')) {
    const [, name, value = ''] = /^([A-Z][\w-]*): ?(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      assert.match(line, /^ /);
      found[last] = `${found[last] ?? ''}\n${line === ' .' ? '' : line.slice(1)}`;
    } else found[(last = name)] = value;
  }
  return found;
}
