// SPDX-License-Identifier: Apache-2.0
/**
 * The program for the Portable Switch Architecture (p4/psa), for the kernel. Few have p4c-ebpf, so
 * the repository has what it made, in C. Its first line says with which version, and of which
 * sources.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CtgaError, messageOf } from '../base/errors.ts';
import { compilerVersion, hashOfSources, linesOf, P4_SOURCES, type Build } from './compile.ts';
import { nameEntries, type NameEntry } from './name-tables.ts';

/** Where the program is attached in the kernel, and what p4c-ebpf is told for it. */
const FORMS = {
  tc: ['--xdp2tc', 'meta'],
  // The other way to tell TC what was parsed is a map of the CPU's, which mixes up packets.
  xdp: ['--xdp', '--xdp2tc', 'head'],
} as const;
export type PsaForm = keyof typeof FORMS;
export const PSA_FORMS = Object.keys(FORMS) as readonly PsaForm[];

/** How many names each table holds: KNOWN_NAMES in p4/psa/main.p4. */
export const PSA_NAMES = 1024;

const SOURCES = ['shared', 'sume', 'psa'];
const MAIN = 'psa/main.p4';
export const PSA_COMPILER = 'p4c-ebpf';

/** The program that comes with ctga, in C. */
export const psaProgram = (form: PsaForm): string => join(P4_SOURCES, `psa/${form}.bpf.c`);

export const hashOfPsaSources = (): string => hashOfSources(SOURCES);

/** What the program that comes with ctga was compiled with and from. */
export function psaBuiltWith(form: PsaForm): Build {
  const [, p4c, sources] = /p4c-ebpf (\S+) of ([0-9a-f]{64})/.exec(
    readFileSync(psaProgram(form), 'utf8'),
  ) ?? ['', '', ''];
  return { p4c, sources };
}

/**
 * Compiles the program into C. Throws CtgaError: `not-set-up` if p4c-ebpf is not on PATH,
 * `bad-input` with its own words if it refuses the sources.
 */
export function compilePsa(form: PsaForm): string {
  const p4c = compilerVersion(PSA_COMPILER);
  if (p4c === undefined)
    throw new CtgaError('not-set-up', `there is no ${PSA_COMPILER} on PATH`, {
      remedy:
        'p4c has it when it is built with ENABLE_EBPF: https://github.com/p4lang/p4c#installing-p4c-from-source. What it makes comes with ctga, in p4/psa.',
    });
  const directory = mkdtempSync(join(tmpdir(), 'ctga-p4c-'));
  try {
    const output = join(directory, 'ctga.c');
    const { status, stderr } = spawnSync(
      PSA_COMPILER,
      ['--arch', 'psa', ...FORMS[form], '-o', output, MAIN],
      { cwd: P4_SOURCES, encoding: 'utf8' },
    );
    if (status !== 0)
      throw new CtgaError(
        'bad-input',
        `${PSA_COMPILER} ${p4c} refuses p4/${MAIN}: ${linesOf(stderr)}`,
      );
    // Its own comment in front has the time of day.
    const code = readFileSync(output, 'utf8').replace(/^\/\*[^]*?\*\/\n/, '');
    return `/* SPDX-License-Identifier: Apache-2.0 */\n/* ${PSA_COMPILER} ${p4c} of ${hashOfPsaSources()} */\n${code}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Writes a compiled program where psaProgram() says. */
export function keepPsa(form: PsaForm, code: string): void {
  try {
    writeFileSync(psaProgram(form), code);
  } catch (error) {
    throw new CtgaError('not-permitted', `cannot write ${psaProgram(form)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The action part_1 to part_4, by which a table says that it has found something. */
const FOUND = 1;
/** The number of what was found is a field of 16 bits among wider ones. */
const GAP = { key: 6, value: 2 } as const;
const LITTLE = endianness() === 'LE';

/** What an entry is in the program's map: key and value as this machine has them in memory. */
export function mapEntry({ soFar, words, id }: NameEntry): {
  readonly key: Buffer;
  readonly value: Buffer;
} {
  return {
    key: Buffer.concat([
      number(soFar, 2),
      Buffer.alloc(GAP.key),
      ...words.map((word) => (LITTLE ? Buffer.from(word).swap64() : word)),
    ]),
    value: Buffer.concat([number(FOUND, 4), number(id, 2), Buffer.alloc(GAP.value)]),
  };
}

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (LITTLE) buffer.writeUIntLE(value, 0, bytes);
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/**
 * Writes what runs the program at TC into `directory`: its C, what builds that, wire.sh, and the
 * entries for `names`, one a line as wire.sh reads them. Returns those of `names` that the program
 * cannot look for.
 */
export function writePsaProject(directory: string, names: readonly Uint8Array[]): Uint8Array[] {
  for (const name of ['Makefile', 'wire.sh', 'include', 'tc.bpf.c', 'xdp.bpf.c'])
    cpSync(join(P4_SOURCES, 'psa', name), join(directory, name), { recursive: true });
  const { entries, left } = nameEntries(names, PSA_NAMES);
  const inHex = (bytes: Buffer): string => Array.from(bytes, (byte) => byte.toString(16)).join(' ');
  const lines = entries.map((entry) => {
    const { key, value } = mapEntry(entry);
    return `${entry.table}:${inHex(key)}:${inHex(value)}\n`;
  });
  writeFileSync(join(directory, 'names'), lines.join(''));
  return left;
}
