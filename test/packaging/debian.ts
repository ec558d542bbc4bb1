// SPDX-License-Identifier: Apache-2.0
/**
 * A Debian of its own (debootstrap), in a directory: commands in it, and systemd booted in it, with
 * every namespace but the user's its own. No virtual machine: the kernel is this one, so that what
 * is tried of BPF and of systemd's sandbox is real.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';

const ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C.UTF-8',
};

/** What apt here takes Debian from; the mirror that everybody has otherwise. */
function mirror(): string {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI) $(ORIGIN)'], {
    encoding: 'utf8',
  });
  return /^(\S+) Debian$/m.exec(stdout)?.[1] ?? 'http://deb.debian.org/debian/';
}

function ownRelease(): string {
  return (
    /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'bookworm'
  );
}

/**
 * As a boot loader would leave it. The devices are those that nothing can be broken with, and the
 * kernel's settings cannot be written: they are this machine's. Where udev's socket is missing,
 * systemd thinks that there is no udev and hears of no device. It makes no credentials where mounts
 * do not propagate, as a container's manager lets them.
 */
const BOOT = `
set -e
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/udev
: > run/udev/control
mount -t tmpfs -o mode=755 tmpfs dev
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0' 'kmsg 1 11'; do
  set -- $device
  mknod -m 666 dev/$1 c $2 $3
done
ln -s pts/ptmx dev/ptmx
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mkdir -p .host
pivot_root . .host
umount -l /.host
rmdir /.host
mount --make-rshared /
exec env -i container=ctga-test PATH=$PATH /lib/systemd/systemd --log-target=journal --show-status=no systemd.unit=multi-user.target`;

export class Debian {
  readonly #directory = mkdtempSync(join(tmpdir(), 'ctga-deb-'));
  readonly root = join(this.#directory, 'debian');
  /** Beside it, and gone with it. */
  readonly beside = join(this.#directory, 'beside');
  #booted:
    { readonly process: ChildProcess; readonly init: number; readonly cgroup: string } | undefined;

  constructor(packages: readonly string[], release = ownRelease()) {
    mkdirSync(this.beside);
    const args = [
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      release,
      this.root,
      mirror(),
    ];
    execFileSync('debootstrap', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    // Of this machine's devices, those of the namespace alone.
    const trigger = '/etc/systemd/system/systemd-udev-trigger.service.d';
    this.must(`mkdir -p ${trigger}`);
    this.write(
      `${trigger}/namespace.conf`,
      '[Service]\nExecStart=\nExecStart=udevadm trigger --action=add --subsystem-match=net\n',
    );
  }

  /** In it: among its processes once it is booted, with a /proc of its own before. */
  inside(command: string): Ran {
    const shell = ['sh', '-c', command];
    const options = { encoding: 'utf8', env: ENVIRONMENT } as const;
    const { status, stdout, stderr } =
      this.#booted === undefined
        ? spawnSync(
            'unshare',
            [
              '--mount',
              '--pid',
              '--fork',
              '--kill-child',
              `--mount-proc=${this.root}/proc`,
              'chroot',
              this.root,
              ...shell,
            ],
            options,
          )
        : spawnSync(
            'nsenter',
            [
              `--target=${this.#booted.init}`,
              '--mount',
              '--pid',
              '--net',
              '--ipc',
              '--uts',
              '--cgroup',
              ...shell,
            ],
            options,
          );
    return { code: status, stdout, stderr };
  }

  /** What it printed; a failure is an error. */
  must(command: string): string {
    const { code, stdout, stderr } = this.inside(command);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
    return stdout;
  }

  /**
   * Installs packages that this machine's apt knows, with what they need: the Debian itself need
   * not know where from.
   */
  installFromHere(names: readonly string[]): void {
    const missing = names.filter(
      (name) =>
        this.inside(`dpkg-query -W -f '\${db:Status-Status}' ${name}`).stdout !== 'installed',
    );
    const [archives, target] = [join(this.beside, 'apt'), join(this.root, 'tmp/debs')];
    mkdirSync(join(archives, 'partial'), { recursive: true });
    const options = [
      '-o',
      `Dir::State::status=${this.root}/var/lib/dpkg/status`,
      '-o',
      `Dir::Cache::archives=${archives}/`,
      '-o',
      'APT::Sandbox::User=root',
    ];
    const install = [
      '--download-only',
      '--no-install-recommends',
      ...options,
      'install',
      ...missing,
    ];
    execFileSync('apt-get', ['-q', '-y', ...install], { stdio: ['ignore', 'ignore', 'inherit'] });
    mkdirSync(target);
    execFileSync('sh', ['-c', `cp ${archives}/*.deb ${target}/`]);
    this.must('dpkg -i /tmp/debs/*.deb');
  }

  /** Everything that is there, but for what apt and dpkg note down, and what other packages do. */
  files(): Set<string> {
    const lines = this.must(
      'find / -xdev -not -path "/proc/*" -not -path "/sys/*" -not -path "/tmp/*" -not -path "/srv/*"',
    ).split('\n');
    return new Set(
      lines.filter(
        (path) =>
          !/^\/(run|var\/(lib\/(dpkg|apt|systemd)|cache|log|mail|tmp)|etc\/((passwd|group|shadow|gshadow)-|machine-id)|dev|root)/.test(
            path,
          ),
      ),
    );
  }

  /** systemd is its init, in a network namespace, until {@link halt}. */
  async boot(namespace: string): Promise<void> {
    const cgroups = execFileSync('findmnt', ['-n', '-o', 'TARGET', '-t', 'cgroup2'], {
      encoding: 'utf8',
    });
    const cgroup = join(cgroups.split('\n')[0] ?? '', `ctga-test-${process.pid}`);
    mkdirSync(cgroup, { recursive: true });
    const enter = `echo $$ > ${cgroup}/cgroup.procs && exec nsenter --net=/run/netns/${namespace} unshare --mount --pid --ipc --uts --cgroup --fork --kill-child sh -c "$0"`;
    const child = spawn('sh', ['-c', enter, BOOT], {
      cwd: this.root,
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => {
      assert.equal(child.exitCode, null, said);
      const [init = ''] = readFileSync(
        `/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`,
        'latin1',
      ).split(' ');
      const name = init === '' ? '' : readFileSync(`/proc/${init}/comm`, 'latin1');
      if (name === 'systemd\n') {
        this.#booted = { process: child, init: Number(init), cgroup };
        // Before it listens there is no bus to ask over, which is "offline", or nothing is said;
        // and then, how it is when all was started.
        const { stdout } = this.inside('systemctl is-system-running --wait');
        if (/^(running|degraded)/.test(stdout)) return true;
        this.#booted = undefined;
      }
      return false;
    }, 'systemd to be up');
  }

  /** Processes of a unit, as this machine numbers them: the main one first. Between two starts, none. */
  processesOf(unit: string): number[] {
    const { cgroup } = this.#booted ?? assert.fail('not booted');
    const path = this.must(`systemctl show -P ControlGroup ${unit}`).trim();
    const file = join(cgroup, path, 'cgroup.procs');
    try {
      return readFileSync(file, 'latin1').trim().split('\n').map(Number);
    } catch (error) {
      // It was taken away in between.
      if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  }

  async halt(): Promise<void> {
    if (this.#booted === undefined) return;
    const { process: child, init, cgroup } = this.#booted;
    this.#booted = undefined;
    const ended = new Promise((resolve) => child.once('close', resolve));
    process.kill(init, 'SIGKILL');
    await ended;
    removeCgroup(cgroup);
  }

  async remove(): Promise<void> {
    await this.halt();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text);
  }
}

/** The packages in a field like Depends, without their versions; of alternatives, the first. */
export function namesIn(field: string): string[] {
  return field.split(',').map((each) => each.trim().split(/[ |]/, 1).join(''));
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  rmdirSync(path);
}
