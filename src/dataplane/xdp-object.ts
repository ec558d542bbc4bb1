// SPDX-License-Identifier: Apache-2.0
/**
 * The compiled XDP program: which of the two objects that xdp/Makefile makes, and where it lies.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CtgaError } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';

/** Capabilities by number (capabilities(7)). With either, a program may add to packet pointers. */
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;

/** Whether this process may load the object that reads packets in place. */
function mayReadInPlace(): boolean {
  const effective =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & ((1n << CAP_SYS_ADMIN) | (1n << CAP_PERFMON))) !== 0n;
}

/**
 * The path of the object that reads packets in place, or of the slower one that does not; by
 * default, of the one that this process may load. Throws CtgaError 'not-set-up' if it is not built,
 * or damaged: libbpf, which trusts what it reads, may then end the process.
 */
export function xdpObjectPath(readsInPlace = mayReadInPlace()): string {
  const name = readsInPlace ? 'ctga.bpf.o' : 'ctga.unprivileged.o';
  return wholeObject(join(projectRoot(), 'build/xdp', name));
}

/** The same path, of an object that xdp/Makefile made. Throws CtgaError 'not-set-up'. */
export function wholeObject(path: string): string {
  if (!existsSync(path))
    throw new CtgaError('not-set-up', `the XDP program is not built: no ${path}`, {
      remedy: 'Build it with: npm run setup',
    });
  const bytes = readFileSync(path);
  // Behind the object: its CRC-32 and its length.
  const length = bytes.length - 8;
  const isWhole =
    length > 0 &&
    bytes.readUInt32LE(length + 4) === length &&
    bytes.readUInt32LE(length) === crc32(bytes.subarray(0, length));
  if (!isWhole)
    throw new CtgaError('not-set-up', `the XDP program is damaged: ${path}`, {
      remedy: 'Remove that file and build it again: npm run setup',
    });
  return path;
}
