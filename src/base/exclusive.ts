// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';
import type { CtgaError } from './errors.ts';

/** Of an address in Linux's abstract namespace (unix(7)), less the zero before it. */
const MAX_NAME = 107;

/**
 * Does `work` unless another process of this network namespace does something under the same name;
 * then it rejects with `busy`. The lock is a socket in Linux's abstract namespace, which the kernel
 * releases however the process ends.
 */
export async function exclusively<T>(
  name: string,
  busy: CtgaError,
  work: () => Promise<T>,
): Promise<T> {
  const lock = createServer();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? busy : error),
    );
    lock.listen(`\0${name.slice(0, MAX_NAME)}`, resolve);
  });
  try {
    return await work();
  } finally {
    lock.close();
  }
}
