// SPDX-License-Identifier: Apache-2.0
/** Making directories where something else is, which is said as the commands that only read say it. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { makeDirectory, remedyToEnter } from '../../src/disk/directory.ts';
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

describe('what somebody does who may not enter a directory', () => {
  const NOGROUP = 65_534;
  for (const [gid, mode, hasGroup] of [
    [0, 0o2770, false],
    [NOGROUP, 0o2771, false],
    [4_321, 0o700, false],
    [4_321, 0o2770, true],
    [4_321, 0o2750, true],
  ] as const)
    test(`of group ${gid} and mode ${mode.toString(8)} is no more than helps`, (t) => {
      if (process.geteuid?.() !== 0) {
        t.skip('gives a directory away, as root');
        return;
      }
      const path = mkdtempSync(join(directory, 'of-group-'));
      chownSync(path, 0, gid);
      chmodSync(path, mode);
      for (const [by, group] of [
        ['read', /group .*\(ctga\)/],
        ['write', /group .*\(ctga-store\)/],
      ] as const) {
        const remedy = remedyToEnter(path, by);
        assert.match(remedy, /^Run it with sudo/);
        assert.equal(group.test(remedy), hasGroup, remedy);
      }
    });

  test('that is in a closed one may be the group', () => {
    assert.match(remedyToEnter(join(directory, 'none', 'such')), /group/);
  });
});
