// SPDX-License-Identifier: Apache-2.0
/** A damaged object is refused before libbpf sees it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { CtgaError } from '../../src/base/errors.ts';
import { projectRoot } from '../../src/base/project-root.ts';
import { wholeObject } from '../../src/dataplane/xdp-object.ts';
import { fc } from '../support/random.ts';

const built = join(projectRoot(), 'build/xdp/ctga.bpf.o');
const skip = !existsSync(built) && 'the XDP program is not built here';
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const copy = join(directory, 'ctga.bpf.o');

const isDamaged = (error: unknown): boolean =>
  error instanceof CtgaError && error.code === 'not-set-up' && /damaged/.test(error.message);

test('what was built is whole', { skip }, () => {
  assert.equal(wholeObject(built), built);
});

test('an object with bytes changed, cut off or added is refused', { skip }, () => {
  const genuine = readFileSync(built);
  const damage = fc.record({
    flips: fc.array(
      fc.record({ at: fc.nat(genuine.length - 1), by: fc.integer({ min: 1, max: 255 }) }),
      { maxLength: 8 },
    ),
    end: fc.oneof(fc.constant(genuine.length), fc.nat(genuine.length + 4096)),
  });
  fc.assert(
    fc.property(damage, ({ flips, end }) => {
      const bytes = Buffer.alloc(end);
      genuine.copy(bytes);
      for (const { at, by } of flips) if (at < end) bytes[at] = (bytes[at] ?? 0) ^ by;
      fc.pre(!bytes.equals(genuine));
      writeFileSync(copy, bytes);
      assert.throws(() => wholeObject(copy), isDamaged);
    }),
  );
});

test('an empty file is refused', () => {
  writeFileSync(copy, '');
  assert.throws(() => wholeObject(copy), isDamaged);
});
