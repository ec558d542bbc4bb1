// SPDX-License-Identifier: Apache-2.0
/**
 * Compiling the P4 programs. Users have no p4c, so the repository has what p4c made of p4/bmv2,
 * with p4c's version and a hash of the sources; a test fails when the sources have another hash.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { CtgaError, messageOf } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';
import type { CompiledProgram } from './driver.ts';

/** The directory of the P4 sources. */
export const P4_SOURCES = join(projectRoot(), 'p4');
/** The folders whose files make the program for bmv2. */
const SOURCES = ['shared', 'bmv2'];
const MAIN = 'bmv2/main.p4';
/** The program for bmv2 as p4c compiled it. */
export const PROGRAM = join(P4_SOURCES, 'bmv2/ctga.json');
/** What describes it to controllers: a P4Info of P4Runtime, in binary. */
const P4INFO = join(P4_SOURCES, 'bmv2/ctga.p4info.bin');
const BUILD = join(P4_SOURCES, 'bmv2/ctga.build.json');
const COMPILER = 'p4c-bm2-ss';
/** Where simple_switch comes from, as two READMEs of p4lang say (behavioral-model and p4c). */
export const BMV2_SOURCES =
  'p4lang has simple_switch as p4lang-bmv2 for Ubuntu and Debian 11; on Debian 12 and 13 it is built from source: https://github.com/p4lang/behavioral-model#installing-bmv2.';

const buildSchema = z.object({ p4c: z.string(), sources: z.string() });
export type Build = z.infer<typeof buildSchema>;

/** What a compiler complained of, on one line. */
export function linesOf(complaint: string): string {
  return complaint.trim().split('\n').join(' | ');
}

/** The program for bmv2 that comes with ctga. */
export function readProgram(): CompiledProgram {
  return { json: readFileSync(PROGRAM, 'utf8'), p4info: readFileSync(P4INFO) };
}

/** What the program at PROGRAM was compiled with and from. */
export function builtWith(): Build {
  return buildSchema.parse(JSON.parse(readFileSync(BUILD, 'utf8')));
}

/** SHA-256 over the names and contents of the sources in `directories`, in hexadecimal. */
export function hashOfSources(directories: readonly string[] = SOURCES): string {
  const hash = createHash('sha256');
  for (const directory of directories) {
    const names = readdirSync(join(P4_SOURCES, directory)).filter((name) => name.endsWith('.p4'));
    for (const name of names.sort()) {
      const content = readFileSync(join(P4_SOURCES, directory, name));
      hash.update(`${directory}/${name} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex');
}

/** The version of p4c, or undefined if it is not on PATH. */
export function compilerVersion(compiler = COMPILER): string | undefined {
  const { error, stdout, stderr } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  return error === undefined ? /Version (\S+)/.exec(stdout + stderr)?.[1] : undefined;
}

/**
 * Compiles the program for bmv2. Throws CtgaError: `not-set-up` if p4c is not on PATH, `bad-input`
 * with p4c's own words if it refuses the sources.
 */
export function compile(): CompiledProgram & { readonly build: Build } {
  const p4c = compilerVersion();
  if (p4c === undefined)
    throw new CtgaError('not-set-up', `there is no ${COMPILER} on PATH`, {
      remedy:
        'p4lang has it as p4lang-p4c for Ubuntu and Debian 11; on Debian 12 and 13 it is built from source: https://github.com/p4lang/p4c#installing-packaged-versions-of-p4c. All else that ctga does with a switch needs no compiler.',
    });
  const directory = mkdtempSync(join(tmpdir(), 'ctga-p4c-'));
  try {
    const output = join(directory, 'ctga.json');
    const p4info = join(directory, 'ctga.p4info.bin');
    const args = ['--std', 'p4-16', '--p4runtime-files', p4info, '-o', output, MAIN];
    const { status, stderr } = spawnSync(COMPILER, args, { cwd: P4_SOURCES, encoding: 'utf8' });
    if (status !== 0)
      throw new CtgaError('bad-input', `${COMPILER} ${p4c} refuses p4/${MAIN}: ${linesOf(stderr)}`);
    return {
      json: readFileSync(output, 'utf8'),
      p4info: readFileSync(p4info),
      build: { p4c, sources: hashOfSources() },
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const CHECKER = 'p4test';
/** The declarations of the architecture that stand in for those of SDNet. */
const DECLARATIONS = 'sume/include';

/**
 * Checks the types of the program for NetFPGA SUME with p4c's front end. Returns false if that is
 * not on PATH. Throws CtgaError `bad-input` with its own words if it refuses the sources.
 */
export function checkSume(sources = join(P4_SOURCES, 'sume')): boolean {
  const include = join(P4_SOURCES, DECLARATIONS);
  const { error, status, stderr } = spawnSync(
    CHECKER,
    ['--std', 'p4-16', '-I', include, 'main.p4'],
    { cwd: sources, encoding: 'utf8' },
  );
  if (error !== undefined) return false;
  if (status !== 0 || stderr.trim() !== '')
    throw new CtgaError('bad-input', `${CHECKER} refuses p4/sume/main.p4: ${linesOf(stderr)}`);
  return true;
}

/** Writes a compiled program where readProgram() and builtWith() find it. */
export function keepCompiled({ json, p4info, build }: ReturnType<typeof compile>): void {
  try {
    writeFileSync(PROGRAM, json);
    writeFileSync(P4INFO, p4info);
    writeFileSync(BUILD, `${JSON.stringify(build, null, 2)}\n`);
  } catch (error) {
    throw new CtgaError('not-permitted', `cannot write ${PROGRAM}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
