// SPDX-License-Identifier: Apache-2.0
/** `ctga lab clean` removes what labs left, and nothing else. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { cleanLab, filesForLab } from '../../src/lab/clean.ts';
import { LabFiles } from '../../src/lab/services.ts';
import { keepFile } from '../../src/evidence/directory.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));

let number = 0;
let files: LabFiles;
/** What a demo leaves. */
beforeEach(() => {
  files = new LabFiles(join(root, `lab-${number++}`));
  openForWriting(stateAt(files.state)).close();
  mkdirSync(files.services, { recursive: true });
  mkdirSync(files.evidence, { recursive: true });
  keepFile(files.evidence, { name: 'fork-1.json', text: '{}', holds: () => true });
  writeFileSync(files.logList, '{}');
});

describe('cleaning', () => {
  test('removes all that a lab left, and is done then', async () => {
    const at = ['lab', 'clean', '--state-dir', files.directory];
    const first = await ctga(at);
    assert.deepEqual([first.code, first.stdout], [0, `Removed ${files.directory}.\n`]);
    assert(!existsSync(files.directory));
    const again = await ctga(at);
    assert.deepEqual([again.code, again.stdout], [0, 'No lab has left anything.\n']);
    assert.deepEqual(JSON.parse((await ctga([...at, '--json'])).stdout), { cleaned: [] });
  });

  test('leaves what somebody else put there, and names it', () => {
    writeFileSync(join(files.directory, 'notes'), 'mine');
    assert.deepEqual(cleanLab(files.directory), { directory: files.directory, left: ['notes'] });
    assert.deepEqual(readdirSync(files.directory), ['notes']);
    assert.equal(cleanLab(files.directory), undefined);
  });

  test('never touches a store, whose evidence is real', async () => {
    // As of whoever names the wrong directory: it has evidence/ too.
    const { code, stderr } = await ctga(['lab', 'clean', '--state-dir', files.state]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^ctga: \S+ is the directory of a store, not of a lab\n/);
    writeFileSync(join(files.directory, 'ctga.db'), '');
    assert.throws(() => cleanLab(files.directory), /is the directory of a store/);
    assert(existsSync(join(files.evidence, 'fork-1.json')));
  });

  test('leaves a directory alone that no lab made', () => {
    rmSync(files.logList);
    assert.equal(cleanLab(files.directory), undefined);
    assert(existsSync(files.state));
    assert.equal(cleanLab(join(root, 'nowhere')), undefined);
  });
});

describe('a lab that begins', () => {
  test('takes the directory of another lab, complete or not, and one that is not there', () => {
    filesForLab(files.directory);
    writeFileSync(join(files.directory, 'notes'), 'mine');
    filesForLab(files.directory);
    rmSync(join(files.directory, 'notes'));
    rmSync(files.logList);
    filesForLab(files.directory);
    filesForLab(join(root, 'nowhere'));
  });

  test("removes nothing that may be somebody's, and begins in no store", () => {
    rmSync(files.logList);
    writeFileSync(join(files.directory, 'package.json'), '{}');
    assert.throws(() => filesForLab(files.directory), {
      code: 'bad-input',
      message: /\/services may not be a lab's, and a lab would remove it$/,
    });
    assert.throws(() => filesForLab(files.state), /is the directory of a store, not of a lab$/);
  });
});
