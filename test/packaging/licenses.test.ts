// SPDX-License-Identifier: Apache-2.0
/** What `npm run lint` says about licenses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { declared, dependencyFaults, fileFaults } from '../../packaging/licenses.ts';

const TEXTS = { 'LICENSES/Apache-2.0.txt': '', 'LICENSES/GPL-2.0-only.txt': '' };
const spdx = (license: string): string => `/* SPDX-License-Identifier: ${license} */\n`;
const [APACHE, GPL, EITHER] = ['Apache-2.0', 'GPL-2.0-only', 'GPL-2.0-only OR Apache-2.0'];

test('the license is read from any kind of comment, near the top alone', () => {
  for (const line of ['// S', '# S', '/* S */', '<!-- S -->', '.\\" S'])
    assert.equal(declared(line.replace('S', 'SPDX-License-Identifier: MIT OR ISC')), 'MIT OR ISC');
  assert.equal(declared(`${'\n'.repeat(50)}// SPDX-License-Identifier: MIT`), undefined);
});

describe('files', () => {
  const annotated = [{ path: ['**.json', 'results/*'], license: APACHE }];
  const cases: readonly [string, Record<string, string>, readonly RegExp[]][] = [
    ['name it', { 'src/a.ts': spdx(APACHE), 'xdp/a.h': spdx(GPL) }, []],
    ['do not', { 'src/a.ts': 'code' }, [/^src\/a.ts: no SPDX/]],
    ['are covered by REUSE.toml', { 'a/b.json': '', 'c.json': '', 'results/x.svg': '' }, []],
    ['are not, being deeper', { 'results/a/x.svg': '' }, [/no SPDX/]],
    ['have the GPL in user space', { 'native/a.cc': spdx(GPL) }, [/^native\/a.cc: GPL-2.0-only/]],
    ['are loaded without it', { 'bench/a.bpf.c': spdx(APACHE) }, [/a.bpf.c: Apache-2.0/]],
    ['have either outside xdp/', { 'src/a.ts': spdx(EITHER) }, [/^src\/a.ts/]],
    [
      'share a header that is under both',
      { 'xdp/a.h': spdx(EITHER), 'native/a.cc': `${spdx(APACHE)}#include "a.h"\n` },
      [],
    ],
    [
      'share a header that is not',
      { 'xdp/a.h': spdx(GPL), 'native/a.cc': `${spdx(APACHE)}#include "a.h"\n` },
      [/^native\/a.cc: includes xdp\/a.h, which is GPL/],
    ],
    ['have a license without a text', { 'a.ts': spdx('MIT') }, [/a.ts: MIT/, /MIT.txt is missing/]],
  ];
  for (const [what, files, faults] of cases)
    test(what, () => {
      const found = fileFaults(new Map(Object.entries({ ...TEXTS, ...files })), annotated);
      assert.equal(found.length, faults.length, found.join('\n'));
      for (const [index, fault] of faults.entries()) assert.match(found[index] ?? '', fault);
    });
});

describe('a package that ctga runs with', () => {
  const faults = (license: string | undefined, installed?: string, dev = false): string[] =>
    dependencyFaults(
      { packages: { '': { license: GPL }, 'node_modules/x': { license, dev } } },
      () => installed,
    );

  for (const license of ['MIT', 'ISC', '(MIT OR GPL-2.0-only)', 'BSD-3-Clause AND MIT'])
    test(`may be under ${license}`, () => assert.deepEqual(faults(license), []));

  for (const license of [
    GPL,
    'GPL-3.0-or-later',
    'AGPL-3.0-only',
    'MIT AND GPL-2.0-only',
    'CC-BY-NC-4.0',
    'SEE LICENSE IN LICENSE',
    'UNLICENSED',
    'Apache 2',
    undefined,
  ])
    test(`may not be under ${license ?? 'nothing'}`, () =>
      assert.match(faults(license)[0] ?? '', /^node_modules\/x: .*not accepted$/));

  test('may be under anything if it is for development alone', () =>
    assert.deepEqual(faults(GPL, undefined, true), []));

  test('may not say one thing in the lock file and another itself', () =>
    assert.match(faults('MIT', GPL)[0] ?? '', /GPL-2.0-only/));
});
