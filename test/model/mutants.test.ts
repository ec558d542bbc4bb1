// SPDX-License-Identifier: Apache-2.0
/**
 * The model notices the faults of mutants.ts: each is put into a copy of the source, and histories
 * are run against the copy until an invariant breaks. Prints which one, and after how many.
 *
 * CTGA_MODEL_MUTANTS=all tries those too that take long; any other text those whose name has it;
 * without it, half of the others, or all with CTGA_TEST_WHOLE=1.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { share } from '../support/share.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const WANTED = process.env['CTGA_MODEL_MUTANTS'];
const MOST_HISTORIES = WANTED === undefined ? 300 : 1500;

const root = resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'ctga-mutants-'));
for (const name of ['package.json', 'tsconfig.json', 'src', 'test/model', 'test/support'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
const table: string[] = [];
after(() => {
  rmSync(copy, { recursive: true });
  console.log(`invariant  histories  fault\n${table.join('\n')}`);
});

function isWanted({ name, isSlow }: Mutant): boolean {
  if (WANTED === undefined) return isSlow !== true;
  return WANTED === 'all' || name.includes(WANTED);
}

async function hunt({
  name,
  file,
  edits,
  kind,
  way = 'direct',
}: Mutant): Promise<string | undefined> {
  const path = join(copy, 'src', file);
  const source = readFileSync(path, 'utf8');
  const mutated = edits.reduce((text, [from, to]) => {
    assert.equal(text.split(from).length, 2, `${file} has this once: ${from}`);
    return text.replace(from, () => to);
  }, source);
  writeFileSync(path, mutated);
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'test/model/hunt.ts', kind, String(MOST_HISTORIES), way],
      { cwd: copy },
    );
    const { invariant, histories } = JSON.parse(stdout) as {
      invariant?: string;
      histories: number;
    };
    table.push(`${(invariant ?? 'NONE').padEnd(9)}  ${String(histories).padStart(9)}  ${name}`);
    return invariant;
  } finally {
    writeFileSync(path, source);
  }
}

describe('the model notices', () => {
  const wanted = MUTANTS.filter(isWanted);
  for (const mutant of WANTED === undefined ? share(wanted, 2) : wanted)
    test(mutant.name, async () => {
      assert.notEqual(await hunt(mutant), undefined);
    });
});
