// SPDX-License-Identifier: Apache-2.0
/** Making directories where something else is, which is said as the commands that only read say it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { makeDirectory } from '../../src/disk/directory.ts';
import { ctga } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const [file, nowhere, link] = ['file', 'nowhere', 'link'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
writeFileSync(file, '');
symlinkSync(join(directory, 'no', 'such'), nowhere);
mkdirSync(join(directory, 'there'));
symlinkSync('there', link);

describe('a directory', () => {
  for (const [path, message] of [
    [file, `${file} is not a directory`],
    [join(file, 'state'), `${file} is not a directory`],
    [join(file, 'state', 'evidence'), `${file} is not a directory`],
    [nowhere, `${nowhere} is a link that leads nowhere`],
    [join(nowhere, 'state'), `${nowhere} is a link that leads nowhere`],
  ] as const)
    test(`at ${path.slice(directory.length)} is not made`, () => {
      assert.throws(() => makeDirectory(path), { code: 'store-failed', message });
    });

  test('is made where a link leads to one, with what is missing above it', () => {
    makeDirectory(link);
    makeDirectory(join(link, 'a', 'b'));
    assert(existsSync(join(directory, 'there/a/b')));
  });

  for (const command of [
    'challenge --once',
    'web',
    'alert run --command true',
    'pool serve --domain a.example',
  ])
    test(`is asked for by ctga ${command}`, async () => {
      const { code, stderr } = await ctga([...command.split(' '), '--state-dir', file]);
      assert.equal(code, 1);
      assert.match(stderr, /^ctga: \S+file is not a directory\n {2}Name .* --state-dir\.\n/);
    });
});
