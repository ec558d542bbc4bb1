// SPDX-License-Identifier: Apache-2.0
/**
 * The boundaries between folders as docs/ARCHITECTURE.md has them are the ones that the code keeps.
 * `npm run lint` finds an import that no row allows; this finds the opposite, a row that says more
 * than is so, and tries whether the check can fail at all.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const CONFIG = new URL('../.dependency-cruiser.js', import.meta.url).href;
const { readFolders } = (await import(CONFIG)) as {
  readFolders: (markdown?: string) => Map<string, readonly string[]>;
};

interface Cruise {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly resolved: string }[];
  }[];
}

function cruise(): Cruise {
  const { stdout } = spawnSync('npx', ['depcruise', '--output-type', 'json', 'src'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Cruise;
}

/**
 * `src/store/sqlite/open.ts` is in `store/sqlite` if that has a row of its own, else in `store`.
 */
function folderOf(path: string, folders: readonly string[]): string | undefined {
  const below = path.replace(/^src\//, '');
  return folders
    .filter((folder) => below === folder || below.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

describe('the folders of docs/ARCHITECTURE.md', () => {
  const folders = readFolders();
  const names = [...folders.keys()];

  test('are the folders that there are', () => {
    const entries = readdirSync(resolve(ROOT, 'src'));
    assert.deepEqual(
      [...new Set(names.map((name) => name.split('/')[0] ?? ''))].sort(),
      entries.sort(),
    );
  });

  test('import all that the table says they may', () => {
    const used = new Set<string>();
    for (const { source, dependencies } of cruise().modules) {
      const from = folderOf(source, names);
      for (const { resolved } of dependencies)
        used.add(`${from ?? '?'} -> ${folderOf(resolved, names) ?? '?'}`);
    }
    const unused = names.flatMap((name) =>
      (folders.get(name) ?? [])
        .map((allowed) => `${name} -> ${allowed}`)
        .filter((permission) => !used.has(permission)),
    );
    assert.deepEqual(
      unused.filter((permission) => !permission.startsWith('cli ')),
      [],
    );
  });

  test('may name only rows above themselves', () => {
    const row = (folder: string, imports: string): string =>
      `| \`src/${folder}\` | x | ${imports} |\n`;
    assert.throws(() => readFolders(row('a', '`b`') + row('b', '')), /no row above it/);
    assert.deepEqual(
      readFolders(row('b', '') + row('a', '`b`')),
      new Map([
        ['b', []],
        ['a', ['b']],
      ]),
    );
    assert.throws(() => readFolders('no table'), /no table/);
  });
});
