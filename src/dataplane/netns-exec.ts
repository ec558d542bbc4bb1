// SPDX-License-Identifier: Apache-2.0
/**
 * `ip netns exec NAME` mounts a /sys of its own (ip-netns(8)), which hides the BPF file system with
 * all that is attached, and in which nothing outlives the command. `nsenter` does not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { CtgaError } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';

/** Throws CtgaError `not-set-up` in a command of `ip netns exec`, with the command to use. */
export function requireBpfFileSystem(): void {
  const name = hidingNamespace(readMounts(), (path) => existsSync(path));
  if (name === undefined) return;
  throw new CtgaError('not-set-up', '"ip netns exec" hides what is attached, and its pins', {
    remedy: `Enter the namespace with: nsenter --net=${shellWord(`/run/netns/${name}`)} ctga ...`,
  });
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mounts', 'utf8');
  } catch {
    return '';
  }
}

/**
 * The name of the network namespace whose /sys hides the BPF file system, of the lines of
 * /proc/self/mounts (proc(5)); undefined if none does.
 */
export function hidingNamespace(
  mounts: string,
  exists: (path: string) => boolean,
): string | undefined {
  const mounted = mounts.split('\n').map((line) => line.split(' '));
  const last = mounted.findLastIndex(([, path, type]) => path === '/sys' && type === 'sysfs');
  const [source = ''] = mounted[last] ?? [];
  const isSeen = mounted.slice(last + 1).some(([, path]) => path === '/sys/fs/bpf');
  return isSeen || source === 'sysfs' || !exists(`/run/netns/${source}`) ? undefined : source;
}
