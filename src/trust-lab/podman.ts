// SPDX-License-Identifier: Apache-2.0
/** Podman with a store of its own, and without what a container on a small machine may not have. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * How podman runs with all that it keeps in `directory`: its store is `directory`/store. The words are what
 * unshare(1) gets in front of podman's own arguments.
 */
export function podmanIn(directory: string): {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const options = [
    ['--root', join(directory, 'store')],
    ['--runroot', join(directory, 'run')],
    ['--storage-driver', 'vfs'],
    ['--cgroup-manager', 'cgroupfs'],
    ['--events-backend', 'file'],
  ].flat();
  mkdirSync(directory, { recursive: true });
  const limits = join(directory, 'containers.conf');
  writeFileSync(
    limits,
    '[containers]\ncgroups = "disabled"\nnetns = "none"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
  );
  // crun refuses version 1 and 2 of control groups side by side, which it would not use: in a mount namespace
  // of its own, there is version 2 alone.
  // Its errors go to a pipe, as in a shell: what node gives a process is a socket.
  const script = `mount -t cgroup2 none /sys/fs/cgroup
    exec 3>&1
    { podman "$@" 2>&1 1>&3; echo $? >"$STATUS"; } | cat >&2
    exit "$(cat "$STATUS")"`;
  return {
    words: ['--mount', 'sh', '-c', script, 'podman', ...options],
    env: { CONTAINERS_CONF: limits, STATUS: join(directory, 'status') },
  };
}

/** A tar file with /bin/echo of this machine and what it needs, to be imported as an image. */
export function echoRoot(directory: string): string {
  const root = join(directory, 'root');
  const needed = execFileSync('ldd', ['/bin/echo'], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const file of ['/bin/echo', ...needed].filter((each) => existsSync(each))) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
  }
  const tar = join(directory, 'root.tar');
  execFileSync('tar', ['-cf', tar, '-C', root, '.']);
  return tar;
}
