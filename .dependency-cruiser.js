// SPDX-License-Identifier: Apache-2.0
/**
 * Which folder may import which, checked by `npm run lint`.
 *
 * The rules are the table "Folders" in docs/ARCHITECTURE.md: a row names a folder below src/ and
 * the folders that it may import. This file only turns rows into rules, so the document and the
 * check cannot disagree. A row may name only rows above itself, which is why no two folders can
 * import each other. test/boundaries.test.ts holds the rest: no permission that nobody uses, no
 * folder without a row.
 */
import { readFileSync } from 'node:fs';

const ARCHITECTURE = new URL('docs/ARCHITECTURE.md', import.meta.url);

/** The rows in their order: each folder below src/, with the folders that it may import. */
export function readFolders(markdown = readFileSync(ARCHITECTURE, 'utf8')) {
  const folders = new Map();
  for (const [, folder, imports] of markdown.matchAll(
    /^\| `src\/([^`]+)` \|[^|]*\|\s*([^|]*?)\s*\|$/gm,
  )) {
    const allowed = imports === 'all above' ? [...folders.keys()] : namesIn(imports);
    for (const name of allowed)
      if (!folders.has(name))
        throw new Error(
          `docs/ARCHITECTURE.md: src/${folder} may import "${name}", which is no row above it`,
        );
    folders.set(folder, allowed);
  }
  if (folders.size === 0) throw new Error('docs/ARCHITECTURE.md has no table of folders');
  return folders;
}

function namesIn(cell) {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name);
}

const pathOf = (folder) =>
  `^src/${folder}${folder.endsWith('.ts') ? '$' : '/'}`.replaceAll('.', '[.]');

export default {
  forbidden: [
    ...Array.from(readFolders(), ([folder, allowed]) => ({
      name: `src/${folder}`,
      comment: 'docs/ARCHITECTURE.md, "Folders", has what this folder may import.',
      severity: 'error',
      from: { path: pathOf(folder) },
      to: { path: '^src/', pathNot: [folder, ...allowed].map(pathOf) },
    })),
    {
      name: 'no-circular',
      comment:
        'Files that run each other are one file, or lack a third. Types may name each other.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'declared-packages',
      comment: 'What src/ imports has to be among the dependencies, since nothing else is shipped.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
