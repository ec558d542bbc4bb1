// SPDX-License-Identifier: Apache-2.0
/** A Python with packages that are others' opinion: that of CTGA_PYTHON, or the system's. */
import { spawnSync } from 'node:child_process';

/** Debian's, which has what Debian packages bring. */
const DEBIAN_PYTHON = '/usr/bin/python3';
const PYTHON = process.env['CTGA_PYTHON'] ?? DEBIAN_PYTHON;

/** Why a test that asks these modules is skipped; false if they are there. */
export function needsPython(...modules: readonly string[]): string | false {
  const { status } = spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`]);
  return (
    status !== 0 &&
    `${PYTHON} has no ${modules.join(' or ')}: pip install them into a venv, and name its python in CTGA_PYTHON`
  );
}

/** What a program prints, as JSON; `input` is its standard input. Throws if it fails. */
export function python(program: string, input: string, ...args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program, ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${PYTHON}: ${stderr}`);
  return JSON.parse(stdout);
}
