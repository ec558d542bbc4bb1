// SPDX-License-Identifier: Apache-2.0
/** The XDP program with something changed, so that a test can show that it would notice. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectRoot } from '../../src/base/project-root.ts';

/** Compiles the program into `directory` with one text of one of its files replaced. */
export function compileMutant(directory: string, file: string, from: string, to: string): string {
  const source = join(directory, 'xdp');
  cpSync(join(projectRoot(), 'xdp'), source, { recursive: true });
  const path = join(source, file);
  const text = readFileSync(path, 'utf8');
  assert.equal(text.split(from).length, 2, `${file} has this once: ${from}`);
  writeFileSync(path, text.replace(from, to));
  const object = join(directory, 'ctga.bpf.o');
  execFileSync('make', ['-s', '-C', source, `OUT=${directory}`, object]);
  return object;
}
