// SPDX-License-Identifier: Apache-2.0
/**
 * What `npm run lint` says about licenses: whether each file names its own, whether the GPL is on
 * what the kernel loads and on nothing else, and whether what ctga runs with may be combined with
 * Apache-2.0.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import satisfies from 'spdx-satisfies';
import { z } from 'zod';

/**
 * What code under Apache-2.0 may be combined with and passed on, where the texts go with it. The
 * GPL of version 2 is not among them, and neither is what asks for the source of the whole.
 */
const ACCEPTED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
  'Zlib',
];
const OURS = 'Apache-2.0';
const KERNELS = 'GPL-2.0-only';
const SHARED = `${KERNELS} OR ${OURS}`;
/** What p4c makes of ctga's P4 consists of two things that are under Apache-2.0. */
const isOfKernel = (path: string): boolean =>
  path.startsWith('xdp/') || (path.endsWith('.bpf.c') && !path.startsWith('p4/'));

/** The license that a file names in its first lines. */
export function declared(text: string): string | undefined {
  const head = text.split('\n', 5).join('\n');
  return /SPDX-License-Identifier: (.*?)\s*(?:\*\/|-->)?$/m.exec(head)?.[1];
}

/**
 * @param files each tracked file's text by its path
 * @param annotated patterns of REUSE.toml, by the license that it gives them
 */
export function fileFaults(
  files: ReadonlyMap<string, string>,
  annotated: readonly { readonly path: readonly string[]; readonly license: string }[],
): string[] {
  const faults: string[] = [];
  const licenses = new Map<string, string>();
  for (const [path, text] of files) {
    if (path === 'LICENSE' || path.startsWith('LICENSES/')) continue;
    const license =
      declared(text) ??
      annotated.find(({ path: globs }) => globs.some((glob) => matches(glob, path)))?.license;
    licenses.set(path, license ?? '');
    const wanted = isOfKernel(path) ? [KERNELS, SHARED] : [OURS];
    if (license === undefined)
      faults.push(`${path}: no SPDX-License-Identifier, and REUSE.toml does not cover it`);
    else if (!wanted.includes(license))
      faults.push(`${path}: ${license}, and not ${wanted.at(0) ?? OURS}`);
  }
  // The program and user space share headers, which have to be under both.
  const headers = [...licenses].filter(([path]) => path.endsWith('.h'));
  for (const [path, text] of files)
    for (const [, name = ''] of text.matchAll(/^#include "(?:.*\/)?([^"/]+)"$/gm))
      for (const [header, license] of headers)
        if (header.endsWith(`/${name}`) && isOfKernel(header) !== isOfKernel(path))
          if (license !== SHARED) faults.push(`${path}: includes ${header}, which is ${license}`);
  const used = new Set([...licenses.values()].flatMap((license) => license.split(/ OR | AND /)));
  for (const license of used)
    if (license !== '' && !files.has(`LICENSES/${license}.txt`))
      faults.push(`LICENSES/${license}.txt is missing`);
  return faults;
}

/** `*` stands for anything but a slash, `**` for anything (REUSE specification 3.3). */
function matches(glob: string, path: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${pattern}$`).test(path);
}

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({ license: z.string().default(''), dev: z.boolean().default(false) }),
  ),
});

/**
 * @param lock package-lock.json
 * @param installed the license in the package.json of a path in it, if it is installed
 */
export function dependencyFaults(
  lock: unknown,
  installed: (path: string) => string | undefined,
): string[] {
  return Object.entries(lockfile.parse(lock).packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .flatMap(([path, { license }]) =>
      [...new Set([license, installed(path) ?? license])]
        .filter((each) => !isAccepted(each))
        .map((each) => `${path}: ${each || 'no license'}, which is not accepted`),
    );
}

function isAccepted(license: string): boolean {
  try {
    return satisfies(license, ACCEPTED);
  } catch {
    // Not an SPDX expression, as "SEE LICENSE IN x": a person has to look.
    return false;
  }
}

function check(): string[] {
  const root = resolve(import.meta.dirname, '..');
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  const files = new Map(
    tracked
      .split('\0')
      .filter((path) => path !== '' && existsSync(join(root, path)))
      .map((path) => [path, read(path)]),
  );
  const { annotations } = z
    .object({
      annotations: z.array(
        z.object({ path: z.array(z.string()), 'SPDX-License-Identifier': z.string() }),
      ),
    })
    .parse(parse(read('REUSE.toml')));
  const annotated = annotations.map((each) => ({
    path: each.path,
    license: each['SPDX-License-Identifier'],
  }));
  return [
    ...fileFaults(files, annotated),
    ...dependencyFaults(JSON.parse(read('package-lock.json')), (path) => {
      const file = join(root, path, 'package.json');
      if (!existsSync(file)) return undefined;
      const { license } = z
        .object({ license: z.string().default('') })
        .parse(JSON.parse(readFileSync(file, 'utf8')));
      return license;
    }),
  ];
}

if (process.argv[1] === import.meta.filename) {
  const faults = check();
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
