/**
 * Making directories. mkdirSync's own `recursive` never returns where a parent exists in which nothing can be
 * made (/proc, for one): it takes ENOENT for "make the parent first" for ever.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes `path` and what is missing above it; nothing if it is there. Throws the system's error otherwise. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    try {
      mkdirSync(path);
    } catch (again) {
      if ((again as NodeJS.ErrnoException).code !== 'EEXIST') throw again;
    }
  }
}
