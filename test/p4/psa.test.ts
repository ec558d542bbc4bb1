// SPDX-License-Identifier: Apache-2.0
/** What p4c's compilers make of p4/psa; psa.root.test.ts runs it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compilerVersion, P4_SOURCES } from '../../src/p4/compile.ts';
import {
  compilePsa,
  hashOfPsaSources,
  PSA_COMPILER,
  PSA_FORMS,
  psaBuiltWith,
  psaProgram,
} from '../../src/p4/psa.ts';

const version = compilerVersion(PSA_COMPILER);
const DPDK = 'p4c-dpdk';

for (const form of PSA_FORMS)
  describe(`the program for ${form.toUpperCase()} that comes with ctga`, () => {
    test('was compiled from these sources', () =>
      assert.equal(
        psaBuiltWith(form).sources,
        hashOfPsaSources(),
        'sources have changed since: ctga p4 compile --target psa',
      ));

    const missing =
      version !== psaBuiltWith(form).p4c &&
      `p4c-ebpf does NOT run: it was ${psaBuiltWith(form).p4c} that compiled the program, and on PATH is ${version ?? 'none'}`;
    test('is what p4c-ebpf makes of them', { skip: missing }, () =>
      assert.equal(compilePsa(form), readFileSync(psaProgram(form), 'utf8')),
    );
  });

test(
  'p4c-dpdk compiles it for SWX, with all its tables',
  { skip: compilerVersion(DPDK) === undefined && `${DPDK} does NOT run: it is not on PATH` },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-swx-'));
    try {
      const spec = join(directory, 'ctga.spec');
      const { status, stderr } = spawnSync(
        DPDK,
        ['--arch', 'psa', '-DCTGA_SWX', '-o', spec, 'psa/main.p4'],
        { cwd: P4_SOURCES, encoding: 'utf8' },
      );
      assert.equal(status, 0, stderr);
      const tables = [...readFileSync(spec, 'utf8').matchAll(/^table (\S+)/gm)].map(
        ([, name]) => name,
      );
      // p4c-dpdk numbers the tables of known names in its own way.
      const known = ['', '_0', '_1', '_2'].map((suffix) => `_known_names${suffix}`);
      assert.deepEqual(tables, [...known, 'route']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
