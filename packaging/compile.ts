// SPDX-License-Identifier: Apache-2.0
/** Compiles what is not JavaScript for another Node, or for another architecture than this one. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { NODE_ARCHITECTURES, obtainNode, RELEASES, type Architecture, type Line } from './node.ts';

const ROOT = resolve(import.meta.dirname, '..');
const GNU = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;

export const HERE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** npm packages that are compiled for one ABI of Node, and what of each is the result. */
export const NATIVE_MODULES = {
  'better-sqlite3': 'build/Release/better_sqlite3.node',
  'raw-socket': 'build/Release/raw.node',
} as const;
export const isNative = (name: string): name is keyof typeof NATIVE_MODULES =>
  name in NATIVE_MODULES;

/** What compilers and what looks for them are told. */
function toolchain(architecture: Architecture): NodeJS.ProcessEnv {
  if (architecture === HERE) return process.env;
  const prefix = GNU[architecture];
  if (spawnSync(`${prefix}-g++`, ['--version']).error !== undefined)
    throw new Error(`${prefix}-g++ is missing: apt-get install g++-${prefix.replaceAll('_', '-')}`);
  const sysroot = obtainLibraries(architecture);
  return {
    ...process.env,
    CC: `${prefix}-gcc`,
    CXX: `${prefix}-g++`,
    AR: `${prefix}-ar`,
    LINK: `${prefix}-g++`,
    npm_config_arch: NODE_ARCHITECTURES[architecture],
    PKG_CONFIG_LIBDIR: join(sysroot, 'usr/lib', prefix, 'pkgconfig'),
    PKG_CONFIG_SYSROOT_DIR: sysroot,
  };
}

export function strip(files: readonly string[], architecture: Architecture): void {
  const program = architecture === HERE ? 'strip' : `${GNU[architecture]}-strip`;
  execFileSync(program, ['--strip-unneeded', ...files]);
}

/**
 * A directory with `NAME/build/Release/*.node` of each of NATIVE_MODULES, for a Node of this line.
 * They are compiled once and kept in build/; those that this Node runs with serve for its like.
 */
export function obtainModules(line: Line, architecture: Architecture): string {
  const { abi } = RELEASES[line];
  if (architecture === HERE && Number(process.versions.modules) === abi)
    return join(ROOT, 'node_modules');
  const directory = join(ROOT, 'build/modules', `${abi}-${architecture}`);
  const [made, modules] = [join(directory, 'made-of'), join(directory, 'node_modules')];
  const sources = [...Object.keys(NATIVE_MODULES), 'bindings', 'file-uri-to-path', 'nan'];
  const madeOf = [
    RELEASES[line].version,
    ...sources.map((name) =>
      readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'),
    ),
    readFileSync(join(ROOT, 'bin/node-headers'), 'utf8'),
  ].join('\n');
  if (existsSync(made) && readFileSync(made, 'utf8') === madeOf) return modules;
  const node = obtainNode(line, architecture);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const name of sources)
    cpSync(join(ROOT, 'node_modules', name), join(modules, name), {
      recursive: true,
      filter: (path) => path !== join(ROOT, 'node_modules', name, 'build'),
    });
  const names = Object.keys(NATIVE_MODULES);
  const project = {
    private: true,
    dependencies: Object.fromEntries(names.map((name) => [name, '*'])),
    allowScripts: Object.fromEntries(names.map((name) => [name, true])),
  };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(project));
  const headers = execFileSync(
    'sh',
    [join(ROOT, 'bin/node-headers'), node, join(directory, 'headers')],
    { encoding: 'utf8' },
  ).trim();
  const env = {
    ...toolchain(architecture),
    npm_config_nodedir: headers,
    npm_config_build_from_source: 'true',
  };
  execFileSync('npm', ['rebuild', '--silent'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const [name, file] of Object.entries(NATIVE_MODULES))
    if (!existsSync(join(modules, name, file))) throw new Error(`npm rebuild made no ${file}`);
  writeFileSync(made, madeOf);
  return modules;
}

/** What native/ is compiled into. */
export const NATIVE = ['ctga.node', 'loopback.so'] as const;

/** The addon, which any Node loads, for an architecture: a directory with each of NATIVE. */
export function obtainAddon(architecture: Architecture, line: Line): string {
  if (architecture === HERE) return join(ROOT, 'build/native/Release');
  const out = join('build/cross', architecture);
  const definitions = {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: architecture === 'arm64' ? 'aarch64' : 'x86_64',
    CMAKE_SHARED_LINKER_FLAGS: rpathLink(architecture),
    CMAKE_MODULE_LINKER_FLAGS: rpathLink(architecture),
    UV_INCLUDE: join(obtainNode(line, architecture), 'include/node'),
  };
  const args = ['build', '--config', 'Release', '--directory', 'native', '--out', out];
  execFileSync(
    join(ROOT, 'node_modules/.bin/cmake-js'),
    [...args, ...Object.entries(definitions).map(([name, value]) => `--CD${name}=${value}`)],
    { cwd: ROOT, env: toolchain(architecture), stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return join(ROOT, out, 'Release');
}

const rpathLink = (architecture: Architecture): string =>
  ['usr/lib', 'lib']
    .map((path) => join(obtainLibraries(architecture), path, GNU[architecture]))
    .map((path) => `-Wl,-rpath-link=${path}`)
    .join(' ');

/** Libraries to link with and to run with, of the Debian that this machine is, unpacked in build/. */
export function obtainLibraries(architecture: Architecture): string {
  const directory = join(ROOT, 'build/libraries', architecture);
  const all = join(directory, 'all');
  if (existsSync(all)) return all;
  rmSync(directory, { recursive: true, force: true });
  // An apt of its own, so that this machine's has no foreign architecture and nothing is installed.
  const archives = join(directory, 'cache/archives');
  for (const path of ['state/lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(directory, path), { recursive: true });
  writeFileSync(join(directory, 'status'), '');
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State=${directory}/state`,
    `Dir::State::status=${directory}/status`,
    `Dir::Cache=${directory}/cache`,
    `APT::Sandbox::User=${process.getuid?.() === 0 ? 'root' : ''}`,
  ].flatMap((option) => ['-o', option]);
  const wanted = ['libbpf-dev', 'libelf-dev', 'zlib1g-dev', 'libstdc++6'];
  for (const command of [
    ['update'],
    ['-y', '--no-install-recommends', '--download-only', 'install', ...wanted],
  ])
    execFileSync('apt-get', ['-q', ...options, ...command], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const unpacked = `${all}.new`;
  for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    execFileSync('dpkg-deb', ['-x', join(archives, name), unpacked]);
    // And each by itself, in which dpkg-shlibdeps looks up versions.
    const own = join(directory, 'packages', name.split('_')[0] ?? '');
    execFileSync('dpkg-deb', ['-R', join(archives, name), own]);
  }
  renameSync(unpacked, all);
  return all;
}

/** What these programs and libraries need of Debian's, with the least versions: `libc6 (>= 2.34)`. */
export function neededLibraries(files: readonly string[], architecture: Architecture): string[] {
  const directory = join(ROOT, 'build/shlibdeps');
  mkdirSync(join(directory, 'debian'), { recursive: true });
  writeFileSync(
    join(directory, 'debian/control'),
    'Source: ctga\n\nPackage: ctga\nArchitecture: any\n',
  );
  // Of this architecture they are installed.
  const packages =
    architecture === HERE ? undefined : join(obtainLibraries(architecture), '../packages');
  const search =
    packages === undefined ? [] : readdirSync(packages).map((name) => `-S${join(packages, name)}`);
  const output = execFileSync('dpkg-shlibdeps', ['-O', ...search, ...files], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, DEB_HOST_ARCH: architecture },
    // It warns of what addons take from Node, which is in no library. Of an error, all is said.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  rmSync(directory, { recursive: true });
  const [, depends = ''] = /^shlibs:Depends=(.*)$/m.exec(output) ?? [];
  return depends.split(', ');
}
