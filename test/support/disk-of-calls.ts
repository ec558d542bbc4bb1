// SPDX-License-Identifier: Apache-2.0
/** What a disk may have after a power cut, by the system calls that a program made until then. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SystemCall } from './strace.ts';

type FileChange = { readonly at: number; readonly data: Buffer } | { readonly truncateTo: number };
/** Names that a disk changes together or not at all: a rename changes two. */
type NameChange = readonly { readonly path: string; readonly file: File | undefined }[];

interface File {
  synced: Buffer;
  pending: FileChange[];
}

/**
 * What a disk may hold: changes of files and of names in directories, each on it for certain only
 * once synced.
 */
export class DiskOfCalls {
  readonly #root: string;
  readonly #directories: readonly string[];
  /** As the program sees them, and as they are on the disk for certain. */
  readonly #names = new Map<string, File>();
  readonly #synced = new Map<string, File>();
  #pendingNames: NameChange[] = [];
  readonly #open = new Map<number, { file: File; at: number } | { directory: string }>();

  /**
   * Of what the program does below `directory`. `directories`: those in it that it opens to sync them.
   * `there`: files that are on the disk from the beginning, by path.
   */
  constructor(
    directory: string,
    directories: readonly string[],
    there: ReadonlyMap<string, Buffer> = new Map(),
  ) {
    this.#root = directory;
    this.#directories = directories;
    for (const [path, synced] of there) {
      const file: File = { synced, pending: [] };
      this.#names.set(path, file);
      this.#synced.set(path, file);
    }
  }

  /** Returns whether the call changed something that a power cut could undo. */
  play({ name, args, result }: SystemCall): boolean {
    if (result < 0) return false;
    const fd = Number(args[0]);
    const open = this.#open.get(fd);
    switch (name) {
      case 'openat':
        return this.#openFile(String(args[1]), String(args[2]), result);
      case 'close':
        this.#open.delete(fd);
        return false;
      case 'write':
      case 'pwrite64': {
        if (open === undefined || !('file' in open) || !Buffer.isBuffer(args[1])) return false;
        const at = name === 'write' ? open.at : Number(args[3]);
        assert.equal(args[1].length, result);
        open.file.pending.push({ at, data: args[1] });
        if (name === 'write') open.at += result;
        return true;
      }
      case 'ftruncate':
        if (open === undefined || !('file' in open)) return false;
        open.file.pending.push({ truncateTo: Number(args[1]) });
        return true;
      case 'fsync':
      case 'fdatasync':
        if (open === undefined) return false;
        if ('file' in open) {
          open.file.synced = applied(open.file.synced, open.file.pending);
          open.file.pending = [];
        } else this.#syncNames(open.directory);
        return true;
      case 'rename':
        return this.#rename(String(args[0]), String(args[1]));
      case 'link':
        return this.#link(String(args[0]), String(args[1]));
      case 'unlink':
        return this.#setNames([{ path: String(args[0]), file: undefined }]);
      default:
        return false;
    }
  }

  #openFile(path: string, flags: string, fd: number): boolean {
    if (!path.startsWith(this.#root)) return false;
    if (path.endsWith('-shm')) return false; // never read after a crash
    if (
      path === this.#root ||
      this.#directories.some((name) => path === join(this.#root, name)) ||
      flags.includes('O_DIRECTORY')
    ) {
      this.#open.set(fd, { directory: path });
      return false;
    }
    const known = this.#names.get(path);
    const file: File = known ?? { synced: Buffer.alloc(0), pending: [] };
    this.#open.set(fd, { file, at: 0 });
    if (known === undefined) return this.#setNames([{ path, file }]);
    if (!flags.includes('O_TRUNC')) return false;
    file.pending.push({ truncateTo: 0 });
    return true;
  }

  #setNames(changes: NameChange): boolean {
    const ours = changes.filter(
      ({ path }) => path.startsWith(this.#root) && !path.endsWith('-shm'),
    );
    if (ours.length === 0) return false;
    for (const { path, file } of ours) setName(this.#names, path, file);
    this.#pendingNames.push(ours);
    return true;
  }

  #rename(from: string, to: string): boolean {
    const file = this.#names.get(from);
    if (file === undefined) return false;
    return this.#setNames([
      { path: from, file: undefined },
      { path: to, file },
    ]);
  }

  #link(from: string, to: string): boolean {
    const file = this.#names.get(from);
    return file !== undefined && this.#setNames([{ path: to, file }]);
  }

  #syncNames(directory: string): void {
    const isHere = (change: NameChange): boolean =>
      change.every(({ path }) => dirname(path) === directory);
    for (const { path, file } of this.#pendingNames.filter(isHere).flat())
      setName(this.#synced, path, file);
    this.#pendingNames = this.#pendingNames.filter((change) => !isHere(change));
  }

  /** Writes out what is left if each change that was not synced is kept where `keep` says so. */
  cut(directory: string, keep: () => boolean): void {
    const names = new Map(this.#synced);
    for (const { path, file } of this.#pendingNames.filter(keep).flat()) setName(names, path, file);
    for (const name of this.#directories) mkdirSync(join(directory, name), { recursive: true });
    for (const [path, file] of names) {
      const content = applied(file.synced, file.pending.filter(keep));
      const to = join(directory, path.slice(this.#root.length));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, content);
    }
  }
}

function setName(names: Map<string, File>, path: string, file: File | undefined): void {
  if (file === undefined) names.delete(path);
  else names.set(path, file);
}

function applied(content: Buffer, changes: readonly FileChange[]): Buffer {
  let result = content;
  for (const change of changes) {
    const size =
      'truncateTo' in change
        ? change.truncateTo
        : Math.max(result.length, change.at + change.data.length);
    const next = Buffer.alloc(size);
    result.copy(next, 0, 0, Math.min(size, result.length));
    if ('data' in change) change.data.copy(next, change.at);
    result = next;
  }
  return result;
}
