/**
 * The compiled XDP program: which of the two objects that xdp/Makefile makes, and where it lies.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
 * default, of the one that this process may load. Throws CtgaError 'not-set-up' if it is not built.
 */
export function xdpObjectPath(readsInPlace = mayReadInPlace()): string {
  const name = readsInPlace ? 'ctga.bpf.o' : 'ctga.unprivileged.o';
  const path = join(projectRoot(), 'build/xdp', name);
  if (!existsSync(path))
    throw new CtgaError('not-set-up', `the XDP program is not built: no ${path}`, {
      remedy: 'Build it with: npm run setup',
    });
  return path;
}
