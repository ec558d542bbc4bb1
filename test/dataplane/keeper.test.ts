// SPDX-License-Identifier: Apache-2.0
/** What the keeper's process loads: it stays root, so it must not hold anything that parses. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const SOURCE = join(import.meta.dirname, '../../src');

/** The modules that a file loads when it is loaded itself; types are not there at run time. */
function loads(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = /^(?:import|export)(?! type\b)[^;]*? from '([^']+)';/gm;
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
    if (target.startsWith('.')) loads(join(dirname(file), target), found);
    else found.add(target);
  }
  return found;
}

test('the keeper loads what it needs of the kernel, and nothing that reads what others send', () => {
  const loaded = [...loads(join(SOURCE, 'dataplane/keeper-process.ts'))];
  const packages = loaded.filter((name) => !name.startsWith('/') && !name.startsWith('node:'));
  assert.deepEqual(packages, []);
  const folders = loaded
    .filter((name) => name.startsWith('/'))
    .map((name) => dirname(relative(SOURCE, name)));
  assert.deepEqual([...new Set(folders)].sort(), ['base', 'dataplane', 'native']);
  // The registry would bring every kind of plane.
  assert(!loaded.some((name) => /registry|bmv2|interface\.ts|plane-state/.test(name)));
});
