// SPDX-License-Identifier: Apache-2.0
/** Evidence files that a member sends in parts, as small as it likes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { EvidenceParts } from '../../src/fleet/evidence-parts.ts';

const text = 'evidence '.repeat(20_000);

/** The CPU time, in microseconds, that it takes to put a text together of parts of one byte. */
function putTogether(length: number): number {
  const bytes = Buffer.from(text.slice(0, length));
  const sha256 = createHash('sha256').update(bytes).digest();
  const parts = new EvidenceParts();
  const began = process.cpuUsage();
  let whole: string | undefined;
  for (let offset = 0; offset < length; offset++)
    whole = parts.add({
      ...{ kind: 'chunk', sha256, length, offset },
      bytes: bytes.subarray(offset, offset + 1),
    });
  const { user, system } = process.cpuUsage(began);
  assert.equal(whole, text.slice(0, length));
  return user + system;
}

test('a file in very many parts costs as much as its length', () => {
  putTogether(5000);
  const ratio = putTogether(80_000) / putTogether(5000);
  assert(ratio < 100, `16 times the length costs ${ratio.toFixed(0)} times as much`);
});

test('parts that do not follow each other, or are of another file, make none', () => {
  const bytes = Buffer.from('abcdef');
  const sha256 = createHash('sha256').update(bytes).digest();
  const part = (offset: number, end: number, length = 6) =>
    ({ kind: 'chunk', sha256, length, offset, bytes: bytes.subarray(offset, end) }) as const;
  const parts = new EvidenceParts();
  assert.equal(parts.add(part(0, 2)), undefined);
  assert.equal(parts.add(part(3, 6)), undefined);
  assert.equal(parts.add(part(2, 6)), undefined, 'what was begun has ended');
  assert.equal(parts.add(part(0, 4)), undefined);
  assert.equal(parts.add(part(4, 6, 7)), undefined, 'it is of another length');
  assert.equal(parts.add(part(0, 4)), undefined);
  assert.equal(parts.add(part(4, 6)), 'abcdef');
  const wrong = { ...part(0, 6), sha256: Buffer.alloc(32) };
  assert.equal(parts.add(wrong), undefined);
});
