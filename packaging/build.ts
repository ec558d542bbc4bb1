// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run package:deb [-- --version V]` builds build/ctga_VERSION_ARCH.deb, with everything that
 * Debian 12 and 13 do not have. It includes the Node that builds it, because Debian 12's is too
 * old.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { bashCompletion } from './completion.ts';
import { manPage } from './man.ts';
import { allCommands } from './program.ts';

const ROOT = resolve(import.meta.dirname, '..');
const packageJson = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
});
const { version: own } = packageJson.parse(
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')),
);
const { values } = parseArgs({ options: { version: { type: 'string', default: own } } });
const { version } = values;

const BUILD = join(ROOT, 'build/deb');
const STAGE = join(BUILD, 'stage');
const LIB = join(STAGE, 'usr/lib/ctga');
const say = (what: string): void => console.error(`package: ${what}`);

/** Packages that are needed only to build ctga or to run it from source. */
const NOT_AT_RUN_TIME = new Set([
  'cmake-js',
  'nan',
  'node-addon-api',
  'node-api-headers',
  'prebuild-install',
  'tsx',
]);
/** Files of packages that ctga does not use: tests, types, source maps, programs, documentation. */
const NOT_NEEDED =
  /^(tests?|examples?|benchmarks?|docs?)(\/|$)|(^|\/)(bin|\.[^/]+)(\/|$)|\.(md|ts|map)$|test_extension\.node$/;

function put(text: string, path: string, mode = 0o644): void {
  const file = join(STAGE, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, dereference: true });
}

rmSync(BUILD, { recursive: true, force: true });
say('compiling');
execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, 'packaging/tsconfig.json')], {
  stdio: 'inherit',
});
copy(join(BUILD, 'src'), join(LIB, 'src'));
copy(join(ROOT, 'src/web/assets'), join(LIB, 'src/web/assets'));
put(
  `${JSON.stringify({ name: 'ctga', version, type: 'module', private: true })}\n`,
  'usr/lib/ctga/package.json',
);
for (const built of [
  'build/native/Release/ctga.node',
  'build/xdp/ctga.bpf.o',
  'build/xdp/ctga.unprivileged.o',
])
  copy(join(ROOT, built), join(LIB, built));
for (const directory of ['p4', 'docs']) copy(join(ROOT, directory), join(LIB, directory));

say('gathering what it depends on');
const gathered = new Set<string>();
function gather(name: string, from: string): void {
  // Look where Node would: in this directory, then upwards.
  let directory = from;
  while (!existsSync(join(directory, 'node_modules', name))) {
    if (directory === dirname(directory)) throw new Error(`${name} is not installed`);
    directory = dirname(directory);
  }
  const source = join(directory, 'node_modules', name);
  if (gathered.has(source)) return;
  gathered.add(source);
  const target = join(LIB, source.slice(ROOT.length + 1));
  cpSync(source, target, {
    recursive: true,
    filter: (path) => {
      const inside = path.slice(source.length + 1);
      if (inside === '') return true;
      const [first = '', second] = inside.split('/');
      if (first === 'node_modules' || NOT_NEEDED.test(inside)) return false;
      if (!isNative(name)) return true;
      // Of a compiled package, take the result alone.
      if (first === 'build')
        return second === undefined || /^build\/Release(\/[^/]+\.node)?$/.test(inside);
      return !['deps', 'src'].includes(first);
    },
  });
  const { dependencies } = packageJson
    .partial({ version: true })
    .parse(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')));
  for (const each of Object.keys(dependencies))
    if (!NOT_AT_RUN_TIME.has(each)) gather(each, source);
}
const isNative = (name: string): boolean => ['better-sqlite3', 'raw-socket'].includes(name);
const { dependencies } = packageJson.parse(
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')),
);
for (const name of Object.keys(dependencies)) if (!NOT_AT_RUN_TIME.has(name)) gather(name, ROOT);

copyFileSync(process.execPath, join(LIB, 'node'));
const addons = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.node'),
);
execFileSync('strip', ['--strip-unneeded', ...[...addons, 'node'].map((name) => join(LIB, name))]);
// Only what a person may start is executable.
for (const entry of readdirSync(LIB, { recursive: true, withFileTypes: true }))
  if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), 0o644);
for (const program of ['node', 'docs/verify-evidence.sh']) chmodSync(join(LIB, program), 0o755);

say('writing the man page, completion, units and the rest');
const commands = allCommands(join(LIB, 'src/cli/main.js'));
const man = gzipSync(manPage(commands, version), { level: 9 });
mkdirSync(join(STAGE, 'usr/share/man/man1'), { recursive: true });
writeFileSync(join(STAGE, 'usr/share/man/man1/ctga.1.gz'), man);
put(bashCompletion(commands), 'usr/share/bash-completion/completions/ctga');
const debian = (name: string): string => readFileSync(join(ROOT, 'packaging/debian', name), 'utf8');
put(debian('ctga'), 'usr/bin/ctga', 0o755);
put(debian('ctga.toml'), 'etc/ctga/ctga.toml');
for (const unit of readdirSync(join(ROOT, 'packaging/systemd')))
  put(readFileSync(join(ROOT, 'packaging/systemd', unit), 'utf8'), `lib/systemd/system/${unit}`);
for (const file of [
  'README.md',
  'CHANGELOG.md',
  'docs/OPERATIONS.md',
  'docs/EVIDENCE.md',
  'docs/verify-evidence.sh',
])
  put(readFileSync(join(ROOT, file), 'utf8'), `usr/share/doc/ctga/${file.split('/').at(-1) ?? ''}`);
put(debian('copyright'), 'usr/share/doc/ctga/copyright');
put(debian('lintian-overrides'), 'usr/share/lintian/overrides/ctga');
const changelog = `ctga (${version}) unstable; urgency=medium

  * See /usr/share/doc/ctga/CHANGELOG.md.

 -- ctga <ctga@localhost>  ${new Date().toUTCString().replace('GMT', '+0000')}
`;
writeFileSync(join(STAGE, 'usr/share/doc/ctga/changelog.gz'), gzipSync(changelog, { level: 9 }));
for (const file of readdirSync(join(ROOT, 'monitoring')))
  put(
    readFileSync(join(ROOT, 'monitoring', file), 'utf8'),
    `usr/share/doc/ctga/monitoring/${file}`,
  );

const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
put(
  debian('control').replace('@VERSION@', version).replace('@ARCHITECTURE@', architecture),
  'DEBIAN/control',
);
put('/etc/ctga/ctga.toml\n', 'DEBIAN/conffiles');
for (const script of ['postinst', 'prerm', 'postrm'])
  put(debian(script), `DEBIAN/${script}`, 0o755);

say('packing');
const file = join(ROOT, `build/ctga_${version}_${architecture}.deb`);
execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', STAGE, file], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
rmSync(BUILD, { recursive: true, force: true });
console.log(file);
