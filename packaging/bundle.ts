// SPDX-License-Identifier: Apache-2.0
/**
 * `node --import tsx packaging/bundle.ts DIRECTORY` compiles the program into DIRECTORY, with the
 * packages that it uses: node then reads a few files for a command instead of hundreds, and
 * compiles no TypeScript. `npm run build:js` does so for this checkout, where bin/ctga runs what is
 * in build/js unless bin/sources lists something else than DIRECTORY/sources does.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
/** The parts that run in a process or thread of their own: see src/base/scripts.ts. */
const PARTS = [
  'cli/main',
  'dataplane/dnstap/thread',
  'dataplane/keeper-process',
  'lab/authority',
  'lab/site',
  'observer/verify-worker',
];
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('want the directory to compile into');
const result = resolve(directory);
// Nobody runs what is half written: it has another name until it is whole.
const unfinished = `${result}.${process.pid}`;
// Listed before they are read: what changes meanwhile is then listed otherwise.
const sources = execFileSync('sh', [join(ROOT, 'bin/sources')]);
await build({
  absWorkingDir: ROOT,
  entryPoints: PARTS.map((name) => `src/${name}.ts`),
  outbase: 'src',
  outdir: unfinished,
  outExtension: { '.js': '.code.cjs' },
  bundle: true,
  // Each part is one file, whose modules run when a command first asks for them.
  format: 'cjs',
  // What runs from a code cache (cached.cjs) has no import(): all of them become require().
  supported: { 'dynamic-import': false },
  platform: 'node',
  target: 'node20.19',
  // It looks for its addon in its own directory.
  external: ['raw-socket'],
  alias: { bindings: join(import.meta.dirname, 'sqlite-addon.cjs') },
  // Names stay, for the stack of a bug.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'eof',
  logLevel: 'warning',
  define: {
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
    'import.meta.url': '__filename',
    // What is compiled loads no TypeScript.
    'import.meta.resolve': 'undefined',
  },
});
for (const name of PARTS) {
  const file = join(unfinished, `${name}.code.cjs`);
  const code = readFileSync(file, 'utf8');
  // It is read as such (cached.cjs). esbuild leaves regular expressions and templates with tags alone.
  const [foreign] = /.{0,60}[^\0-\x7f].{0,30}/.exec(code) ?? [];
  if (foreign !== undefined) throw new Error(`${name} has to be ASCII: write \\u… in ${foreign}`);
  // Here, and not at each start: that would copy it once more.
  writeFileSync(file, Module.wrap(code));
}
for (const name of PARTS)
  copyFileSync(join(import.meta.dirname, 'cached.cjs'), join(unfinished, `${name}.cjs`));
execFileSync(process.execPath, [join(import.meta.dirname, 'cache.cjs'), unfinished]);
writeFileSync(join(unfinished, 'sources'), sources);
rmSync(result, { recursive: true, force: true });
renameSync(unfinished, result);
