// SPDX-License-Identifier: Apache-2.0
/** The npm packages that are needed at run time, and the texts of their licenses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const packageJson = z.object({
  name: z.string().default(''),
  version: z.string().default(''),
  license: z.string().default(''),
  author: z
    .union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)])
    .optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
});

export interface Module {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly author?: string | undefined;
  /** Where it is installed. */
  readonly directory: string;
}

/** Packages that are needed only to build ctga or to run it from source. */
const NOT_AT_RUN_TIME = new Set([
  'cmake-js',
  'nan',
  'node-addon-api',
  'node-api-headers',
  'prebuild-install',
  'tsx',
]);

/** The packages that a package.json in `root` depends on, with what they depend on. */
export function runtimeModules(root: string): Module[] {
  const found = new Map<string, Module>();
  function gather(directory: string): void {
    const { dependencies } = read(directory);
    for (const name of Object.keys(dependencies)) {
      if (NOT_AT_RUN_TIME.has(name)) continue;
      const module = resolveFrom(directory, name);
      if (found.has(module)) continue;
      found.set(module, { ...read(module), name, directory: module });
      gather(module);
    }
  }
  gather(root);
  return [...found.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

/** Looks where Node would: in this directory, then upwards. */
function resolveFrom(from: string, name: string): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const module = join(directory, 'node_modules', name);
    if (existsSync(module)) return module;
    if (directory === dirname(directory)) throw new Error(`${name} is not installed`);
  }
}

function read(directory: string): z.infer<typeof packageJson> {
  return packageJson.parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')));
}

/** Files that have to go wherever the package goes. */
export const LICENSE_FILE = /^(licen[cs]e|copying|notice|copyright)([.-]|$)/i;

/**
 * The text of a package's license, and of its notices: the files that are named so, or else the
 * chapter of its README. An error if there is none, since it may not be passed on without.
 */
export function licenseText({ name, directory }: Pick<Module, 'name' | 'directory'>): string {
  const names = readdirSync(directory);
  const texts = names.filter((each) => LICENSE_FILE.test(each)).sort();
  if (texts.length > 0)
    return texts.map((each) => readFileSync(join(directory, each), 'utf8').trim()).join('\n\n');
  const readme = names.find((each) => /^readme(\.|$)/i.test(each));
  const text = readme === undefined ? '' : readFileSync(join(directory, readme), 'utf8');
  const [, chapter] = /^#+ *licen[cs]e *\n([^]+?)(?=^# |(?![^]))/im.exec(text) ?? [];
  if (chapter === undefined || !/permission|redistribution|copyright/i.test(chapter))
    throw new Error(`${name} has no text of its license`);
  return chapter.trim();
}

/** Who holds the copyright, as the license says. */
export function copyrightHolders(text: string, author: string | undefined, name: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/^[*#>-]+ */, ''))
    .filter((line) => /^(copyright\b.*(\d{4}|\(c\)|©)|\(c\) \d|©)/i.test(line))
    .filter((line) => !/\[yyyy\]|copyright owner|holders?\b.*\bbe liable/i.test(line))
    .map((line) => line.replace(/^copyright\s*/i, '').replace(/^:?\s*(\(c\)|©)\s*/i, ''));
  return lines.length > 0 ? [...new Set(lines)] : [author ?? `the authors of ${name}`];
}
