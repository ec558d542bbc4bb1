// SPDX-License-Identifier: Apache-2.0
/** xdp/hash.h against Python, whose own hash of bytes is SipHash-1-3 too. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { projectRoot } from '../../src/base/project-root.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** Hashes messages of 0 to 5 words; Python makes its key of the seed so (_Py_HashRandomization). */
const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
int main(int count, char **arguments) {
  unsigned seed = strtoul(arguments[1], NULL, 10);
  unsigned char bytes[16] = {0};
  for (int i = 0; i < 16 && seed; i++) {
    static unsigned x, begun;
    if (!begun++) x = seed;
    x = x * 214013 + 2531011;
    bytes[i] = x >> 16;
  }
  __u64 key[2], message[5];
  memcpy(key, bytes, 16);
  for (int i = 0; i < 40; i++) ((unsigned char *)message)[i] = i * 7 + 1;
  for (int words = 1; words <= 5; words++) {
    struct siphash state = sip_begin(key);
    for (int i = 0; i < words; i++) sip_word(&state, message[i]);
    printf("%lld\\n", (long long)sip_end(&state, words));
  }
  struct sums sums = {message[0], message[1]};
  printf("%lld\\n", (long long)tag_of_sums(&sums, key));
  return count != 2;
}`;

const PYTHON = `
import sys
assert sys.hash_info.algorithm == 'siphash13'
message = bytes((i * 7 + 1) & 255 for i in range(40))
for length in (8, 16, 24, 32, 40, 16): print(hash(message[:length]))`;

test('SipHash is that of Python', (t) => {
  const source = join(directory, 'hash.c');
  const program = join(directory, 'hash');
  writeFileSync(source, PROGRAM);
  execFileSync('cc', ['-Wall', '-Werror', '-I', join(projectRoot(), 'xdp'), '-o', program, source]);
  const python = (seed: string, script: string): string =>
    execFileSync('python3', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONHASHSEED: seed },
    });
  // It is SipHash-2-4 before Python 3.11.
  if (python('0', 'import sys; print(sys.hash_info.algorithm)').trim() !== 'siphash13')
    return t.skip('this Python hashes in another way');
  for (const seed of ['0', '1', '42', '4294967295'])
    assert.equal(execFileSync(program, [seed], { encoding: 'utf8' }), python(seed, PYTHON));
});
