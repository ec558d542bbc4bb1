// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run package:deb [-- --version V] [--arch amd64|arm64] [--node bundled|debian]` builds
 * build/ctga_VERSION_ARCH.deb, with everything that Debian 12 and 13 do not have.
 *
 * A Node is part of that (packaging/node.ts says which) because Debian 12's is too old. `--node
 * debian` makes a package for Debian 13, whose own Node it depends on; it is the default where
 * Debian's Node runs this.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
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
import {
  HERE,
  isNative,
  NATIVE,
  NATIVE_MODULES,
  neededLibraries,
  obtainAddon,
  obtainModules,
  strip,
} from './compile.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completion.ts';
import { debianCopyright } from './copyright.ts';
import { manPage } from './man.ts';
import { LICENSE_FILE, licenseText, runtimeModules, type Module } from './modules.ts';
import { obtainNode, RELEASES, type Architecture, type Line } from './node.ts';
import { allCommands } from './program.ts';
import { assertStarts, runner } from './start.ts';

const ROOT = resolve(import.meta.dirname, '..');
const { version: own } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: own },
    arch: { type: 'string', default: HERE },
    node: { type: 'string', default: isDistributed() ? 'debian' : 'bundled' },
  },
});
const architecture: Architecture = choice('arch', ['amd64', 'arm64']);
const origin = choice('node', ['bundled', 'debian']);
/** The Node in the package: the line that gets security releases for longest. */
const BUNDLED: Line = 24;
/** Debian 13's. */
const DEBIANS: Line = 20;
const line = origin === 'bundled' ? BUNDLED : DEBIANS;
const { abi } = RELEASES[line];
const version = origin === 'bundled' ? values.version : `${values.version}+libnode${abi}`;

function choice<const T extends string>(option: 'arch' | 'node', choices: readonly T[]): T {
  const chosen = choices.find((each) => each === values[option]);
  if (chosen !== undefined) return chosen;
  console.error(`package: --${option} is one of: ${choices.join(', ')}`);
  process.exit(2);
}

/** Whether the Node that runs this is a stub before a shared library, as Debian's is. */
function isDistributed(): boolean {
  return (process.config.variables as { node_shared?: unknown }).node_shared === true;
}

const BUILD = join(ROOT, 'build/deb');
const STAGE = join(BUILD, 'stage');
const LIB = join(STAGE, 'usr/lib/ctga');
const say = (what: string): void => console.error(`package: ${what}`);

/** Files of packages that ctga does not use: tests, types, source maps, programs, documentation. */
const NOT_NEEDED =
  /^(tests?|examples?|benchmarks?|docs?)(\/|$)|(^|\/)(bin|\.[^/]+)(\/|$)|\.(md|ts|map)$|test_extension\.node$/;

/** Modules that node reads as files: those with addons, and what finds the addons. */
const BESIDE_THE_PROGRAM = new Set([
  ...Object.keys(NATIVE_MODULES),
  'bindings',
  'file-uri-to-path',
]);

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
const bundle = join(LIB, 'build/js');
execFileSync(process.execPath, ['--import', 'tsx', 'packaging/bundle.ts', bundle], {
  cwd: ROOT,
  stdio: 'inherit',
});
// It lists what a checkout's program is compiled from; here are no sources.
rmSync(join(bundle, 'sources'));
copy(join(ROOT, 'src/web/assets'), join(LIB, 'src/web/assets'));
put(
  `${JSON.stringify({ name: 'ctga', version: values.version, type: 'module', private: true })}\n`,
  'usr/lib/ctga/package.json',
);
for (const built of ['build/xdp/ctga.bpf.o', 'build/xdp/ctga.unprivileged.o'])
  copy(join(ROOT, built), join(LIB, built));
for (const directory of ['p4', 'docs', 'extension'])
  copy(join(ROOT, directory), join(LIB, directory));

say('gathering what it depends on');
const modules = runtimeModules(ROOT);
for (const module of modules) gather(module);
function gather(module: Module): void {
  const { name, directory } = module;
  const target = join(LIB, directory.slice(ROOT.length + 1));
  cpSync(directory, target, {
    recursive: true,
    filter: (path) => {
      const inside = path.slice(directory.length + 1);
      if (inside === '' || LICENSE_FILE.test(inside)) return true;
      const [first = ''] = inside.split('/');
      // Of what is compiled into the program, the license stays.
      if (!BESIDE_THE_PROGRAM.has(name)) return inside === 'package.json';
      if (first === 'node_modules' || NOT_NEEDED.test(inside)) return false;
      // What is compiled comes from where it was compiled for the package.
      return !isNative(name) || !['build', 'deps', 'src'].includes(first);
    },
  });
  // Where the README has it, which stays behind.
  if (!readdirSync(target).some((each) => LICENSE_FILE.test(each)))
    writeFileSync(join(target, 'LICENSE'), `${licenseText(module)}\n`);
}

say(`compiling what is not JavaScript for Node ${line} on ${architecture}`);
const built = obtainAddon(architecture, line);
const natives = NATIVE.map((name) => {
  const file = join('build/native/Release', name);
  copy(join(built, name), join(LIB, file));
  return file;
});
const compiled = obtainModules(line, architecture);
const addons: readonly string[] = Object.entries(NATIVE_MODULES).map(([name, file]) => {
  copy(join(compiled, name, file), join(LIB, 'node_modules', name, file));
  return join('node_modules', name, file);
});
const node = origin === 'bundled' ? obtainNode(line, architecture) : undefined;
if (node !== undefined) copyFileSync(join(node, 'bin/node'), join(LIB, 'node'));
const binaries = [...natives, ...addons, ...(node === undefined ? [] : ['node'])].map((name) =>
  join(LIB, name),
);
strip(binaries, architecture);
// Only what a person may start is executable.
for (const entry of readdirSync(LIB, { recursive: true, withFileTypes: true }))
  chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
chmodSync(join(LIB, 'docs/verify-evidence.sh'), 0o755);
if (node !== undefined) chmodSync(join(LIB, 'node'), 0o755);

// What this Node compiled of the program is of no use to another.
const cache = join(bundle, 'cli/main.cache');
rmSync(cache);
const run = runner(architecture);
const starting = node === undefined ? '/usr/bin/node' : join(LIB, 'node');
if (run === undefined) say('NOT tried: what is for another architecture (qemu-user-static)');
else if (node === undefined && !isDistributed()) say("NOT tried: Debian's nodejs is not here");
else {
  assertStarts([...run, starting], LIB);
  const [command, ...before] = [...run, starting];
  execFileSync(command, [...before, 'packaging/cache.cjs', bundle], { cwd: ROOT });
  chmodSync(cache, 0o644);
}

say('writing the man page, completion, units and the rest');
const commands = allCommands(join(LIB, 'build/js/cli/main.cjs'));
const man = gzipSync(manPage(commands, version), { level: 9 });
mkdirSync(join(STAGE, 'usr/share/man/man1'), { recursive: true });
writeFileSync(join(STAGE, 'usr/share/man/man1/ctga.1.gz'), man);
put(bashCompletion(commands), 'usr/share/bash-completion/completions/ctga');
put(zshCompletion(commands), 'usr/share/zsh/vendor-completions/_ctga');
put(fishCompletion(commands), 'usr/share/fish/vendor_completions.d/ctga.fish');
const debian = (name: string): string => readFileSync(join(ROOT, 'packaging/debian', name), 'utf8');
const program = node === undefined ? '/usr/bin/node' : '/usr/lib/ctga/node';
put(debian('ctga').replace('@NODE@', program), 'usr/bin/ctga', 0o755);
put(debian('ctga.toml'), 'etc/ctga/ctga.toml');
for (const unit of readdirSync(join(ROOT, 'packaging/systemd')))
  put(readFileSync(join(ROOT, 'packaging/systemd', unit), 'utf8'), `lib/systemd/system/${unit}`);
for (const unit of readdirSync(join(ROOT, 'packaging/systemd-user')))
  put(
    readFileSync(join(ROOT, 'packaging/systemd-user', unit), 'utf8'),
    `usr/lib/systemd/user/${unit}`,
  );
for (const file of [
  'README.md',
  'CHANGELOG.md',
  'docs/OPERATIONS.md',
  'docs/EVIDENCE.md',
  'docs/AUDIT.md',
  'docs/verify-evidence.sh',
])
  put(readFileSync(join(ROOT, file), 'utf8'), `usr/share/doc/ctga/${file.split('/').at(-1) ?? ''}`);
const nodeLicense =
  node === undefined ? undefined : readFileSync(join(node, 'LICENSE'), 'utf8').trim();
put(debianCopyright(modules, ROOT, nodeLicense), 'usr/share/doc/ctga/copyright');
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

const needed = neededLibraries(binaries, architecture);
if (node === undefined)
  needed.push(`libnode${abi}`, 'nodejs (>= 20.19)', `nodejs (<< ${line + 1}~)`);
put(
  debian('control')
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@LIBRARIES@', needed.join(', ')),
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
