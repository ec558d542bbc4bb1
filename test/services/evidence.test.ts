// SPDX-License-Identifier: Apache-2.0
/** Checking a bundle as a file: that it is whole, and that its claims hold. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { checkEvidence } from '../../src/services/evidence.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const [first, second] = ['a', 'b'].map((branch) => log.verified(7, treeOf(7, branch).root()));
assert(first !== undefined && second !== undefined);
const finding = judgeWithoutProof(first, second);
assert(finding?.verdict === 'fork-proven');
const path = writeEvidence(directory, makeEvidence(log.asLog(), first, second, finding, 1));

function file(text: string): string {
  const changed = join(directory, 'changed.json');
  writeFileSync(changed, text);
  return changed;
}

const isBadInput = (error: unknown): boolean =>
  error instanceof CtgaError && error.code === 'bad-input';

test('a bundle as it was written stands', () => {
  const { stands, checks, text, evidence } = checkEvidence(path, undefined);
  assert.deepEqual([stands, checks.every(({ holds }) => holds)], [true, true]);
  assert.equal(text, readFileSync(path, 'utf8'));
  assert.equal(evidence.log.description, log.asLog().description);
});

test('a bundle to which a space was added says so, and does not stand', () => {
  const { stands, checks } = checkEvidence(file(`${readFileSync(path, 'utf8')} `), undefined);
  assert.equal(stands, false);
  assert.deepEqual(
    checks.filter(({ holds }) => !holds).map(({ what }) => what),
    ['the file is to the last bit as it was written'],
  );
});

for (const [what, text] of [
  ['is no JSON', 'evidence'],
  ['is no bundle', '{}'],
] as const)
  test(`a file that ${what} is refused`, () => {
    assert.throws(() => checkEvidence(file(text), undefined), isBadInput);
  });

test('a file that is not there, or a key that is none, is refused', () => {
  assert.throws(() => checkEvidence(join(directory, 'nowhere.json'), undefined), isBadInput);
  assert.throws(() => checkEvidence(path, file('no key')), isBadInput);
});
