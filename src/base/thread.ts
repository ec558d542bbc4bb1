// SPDX-License-Identifier: Apache-2.0
/** Starting a part of this program as a thread. */
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { isSource, scriptPath } from './scripts.ts';

/**
 * `name` is that of the part below src/ (see scriptPath), and `data` what it finds as workerData.
 * Node 20 runs no TypeScript in a thread, even where the process does, so the thread loads tsx.
 */
export function startThread(name: string, data?: unknown): Worker {
  // Few start one, and it takes long to load.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const module = pathToFileURL(scriptPath(name));
  if (!isSource) return new Worker(module, { workerData: data });
  const bootstrap = `
    import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
      register();
      return import(${JSON.stringify(module.href)});
    });`;
  return new Worker(bootstrap, { eval: true, workerData: data });
}
