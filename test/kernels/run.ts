// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:kernels [-- WORD...]`: boots Debian's kernels in qemu and runs the packet corpus on
 * each, with the object and the addon of this machine. Kernels whose package name holds every WORD,
 * all wanted ones unless told.
 *
 * A guest is a kernel and an initramfs with busybox, node and the tests bundled into one file each.
 * KVM where there is one, else emulation, which takes a minute or two each.
 */
import { build } from 'esbuild';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'build/kernels');
const TESTS = ['program', 'copying', 'fuzz'].map((name) => `test/xdp/${name}.root.test.ts`);
/**
 * The series that ctga is to run on. A series that this machine's package sources do not have is
 * named.
 */
const SERIES = ['6.1', '6.12'];
/** A guest that hangs says nothing more, so it is ended; emulated, a run takes a few minutes. */
const GUEST_MS = 20 * 60_000;
const PASSED = 'CTGA-CORPUS-PASSED';

const say = (what: string): void => console.error(`kernels: ${what}`);

function fail(message: string, remedy: string): never {
  console.error(`kernels: ${message}\n  ${remedy}`);
  process.exit(1);
}

/** Without what it takes, nothing is run, which is said. */
function leave(why: string): never {
  say(`NOT RUN: ${why}`);
  process.exit(0);
}

function requireTools(): void {
  for (const [tool, debian] of [
    ['qemu-system-x86_64', 'qemu-system-x86'],
    ['cpio', 'cpio'],
    ['apt-get', 'apt'],
    ['dpkg-deb', 'dpkg'],
  ] as const) {
    if (spawnSync(tool, ['--version']).error !== undefined)
      leave(`${tool} is missing (apt-get install ${debian})`);
  }
  if (!existsSync('/bin/busybox')) leave('busybox is missing (apt-get install busybox-static)');
}

/** The newest package of each series, and the newest of all. */
function choose(words: readonly string[]): string[] {
  const found = execFileSync(
    'apt-cache',
    ['search', '--names-only', '^linux-image-[0-9].*-cloud-amd64$'],
    { encoding: 'utf8' },
  );
  const names = found
    .split('\n')
    .flatMap((line) => line.split(' ')[0] ?? [])
    .filter((name) => name !== '');
  const newest = (some: readonly string[]): string | undefined =>
    [...some].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  const chosen = new Set<string>();
  for (const series of SERIES) {
    const name = newest(names.filter((each) => each.startsWith(`linux-image-${series}.`)));
    if (name === undefined) say(`LEFT OUT: no Linux ${series} in this machine's package sources`);
    else chosen.add(name);
  }
  const last = newest(names);
  if (last !== undefined) chosen.add(last);
  const wanted = [...chosen].filter((name) => words.every((word) => name.includes(word)));
  if (wanted.length === 0)
    leave('there is no such kernel package (apt-get update, or other words)');
  return wanted;
}

/** The kernel image of a package, downloaded if it was not yet. */
function imageOf(name: string): string {
  const unpacked = join(CACHE, name);
  const boot = join(unpacked, 'boot');
  if (!existsSync(boot)) {
    say(`downloading ${name}`);
    execFileSync('apt-get', ['-q', 'download', name], {
      cwd: CACHE,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const file = readdirSync(CACHE).find((each) => each.startsWith(`${name}_`));
    if (file === undefined) fail(`${name} was not downloaded`, 'apt-get update');
    execFileSync('dpkg-deb', ['-x', join(CACHE, file), unpacked]);
    rmSync(join(CACHE, file));
  }
  const image = readdirSync(boot).find((each) => each.startsWith('vmlinuz-'));
  if (image === undefined)
    fail(`${name} has no kernel image`, `Remove ${unpacked} and run this again.`);
  return join(boot, image);
}

/** Everything a guest needs, as an initramfs: the same for all kernels. */
async function makeInitramfs(): Promise<string> {
  say('making the initramfs');
  const root = join(CACHE, 'initramfs');
  rmSync(root, { recursive: true, force: true });
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'tmp', 'ctga/test/xdp']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  const put = (path: string, to = path): void =>
    cpSync(path, join(root, to), { dereference: true, recursive: true });
  put('/bin/busybox');
  put(process.execPath, '/bin/node');
  for (const binary of [process.execPath, join(ROOT, 'build/native/Release/ctga.node')]) {
    for (const [library] of execFileSync('ldd', [binary], { encoding: 'utf8' }).matchAll(
      /\/[^ ]+\.so[^ ]*/g,
    )) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      put(library);
    }
  }
  for (const path of ['package.json', 'build/native/Release/ctga.node', 'build/xdp'])
    put(join(ROOT, path), join('ctga', path));
  await build({
    entryPoints: TESTS.map((test) => join(ROOT, test)),
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: join(root, 'ctga/test/xdp'),
    outExtension: { '.js': '.mjs' },
    // What CommonJS packages expect to find.
    banner: {
      js: "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);",
    },
  });
  writeFileSync(
    join(root, 'init'),
    `#!/bin/busybox sh
export PATH=/bin HOME=/tmp CTGA_MUTATIONS=200 UV_USE_IO_URING=0
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t bpf bpf /sys/fs/bpf
ulimit -l unlimited; ulimit -n 65536
cd /ctga
uname -r
passed=yes
for test in test/xdp/*.mjs; do node --test-reporter=spec --test-reporter-destination=stdout "$test" || passed=no; done
[ $passed = yes ] && echo ${PASSED}
poweroff -f
`,
    { mode: 0o755 },
  );
  const image = join(CACHE, 'initramfs.cpio');
  execFileSync('sh', ['-c', `find . | cpio --quiet -o -H newc > "$0"`, image], { cwd: root });
  return image;
}

/**
 * /dev/kvm may be there though the processor cannot: then a guest starts and dies at once, or
 * hangs.
 */
function acceleration(): readonly string[] {
  const able = /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
  if (able && existsSync('/dev/kvm')) return ['-accel', 'kvm', '-cpu', 'host'];
  say('no KVM here: the guests are emulated, which takes a few minutes each');
  return ['-accel', 'tcg', '-cpu', 'max'];
}

/** Whether the corpus passed; what the guest printed is in `log`. */
async function boot(
  image: string,
  initramfs: string,
  accelerated: readonly string[],
  log: string,
): Promise<boolean> {
  const machine = ['-m', '2048', '-smp', '2', '-nographic', '-no-reboot', '-nic', 'none'];
  // On a busy machine an emulated timer is late: the kernel takes it for broken, and panics.
  const parameters = 'console=ttyS0 panic=1 quiet no_timer_check';
  const kernel = ['-kernel', image, '-initrd', initramfs, '-append', parameters];
  const guest = spawn('qemu-system-x86_64', [...accelerated, ...machine, ...kernel], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const file = createWriteStream(log);
  let said = '';
  guest.stdout.on('data', (chunk: Buffer) => {
    file.write(chunk);
    said += chunk.toString();
  });
  const timer = setTimeout(() => guest.kill(), GUEST_MS);
  await new Promise((ended) => guest.once('close', ended));
  clearTimeout(timer);
  file.end();
  for (const line of said.split(/\r?\n/))
    if (/^ℹ (tests|pass|fail|skipped) /.test(line)) say(`  ${line.slice(2)}`);
  return said.includes(PASSED);
}

requireTools();
mkdirSync(CACHE, { recursive: true });
const kernels = choose(process.argv.slice(2)).map((name) => ({ name, image: imageOf(name) }));
const initramfs = await makeInitramfs();
const accelerated = acceleration();
let passed = true;
for (const { name, image } of kernels) {
  const log = join(CACHE, `${name}.log`);
  say(`booting ${basename(image)}`);
  const well = await boot(image, initramfs, accelerated, log);
  say(`  ${well ? 'passed' : 'FAILED'}; what the guest printed is in ${log}`);
  passed &&= well;
}
process.exitCode = passed ? 0 : 1;
