// SPDX-License-Identifier: Apache-2.0
/**
 * The directory of evidence: files that everybody may read and that are never written again, and
 * the chain that names them (see chain.ts). Of several processes that keep evidence in one
 * directory, each adds to it; what one left undone, the next one does.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { makeDirectory, syncDirectory } from '../disk/directory.ts';
import { alone } from '../disk/lock.ts';
import { spendReserve } from '../disk/reserve.ts';
import { CHAIN, isChainable, linesFor, readChain, sha256, type Chain } from './chain.ts';

/** Names of one fork's files: where one was damaged or is lost, the next is written beside it. */
const MOST_COPIES = 9;

export interface KeepOptions {
  /** The file's name, which ends in `.json`. */
  readonly name: string;
  readonly text: string;
  /** Whether what is in a file is evidence. */
  readonly holds: (text: string) => boolean;
}

/**
 * Puts evidence into the directory, unless a file of that name is there and holds, and has the
 * chain name it. Returns the file's name: another one, `NAME.2.json` for instance, where that file
 * is damaged or lost. The file survives a power cut once this returns. Throws the system's error
 * where it cannot be written; where only the chain cannot, `ctga evidence list` tells of that.
 */
export function keepFile(directory: string, { name, text, holds }: KeepOptions): string {
  const { links } = readChain(bytesOf(join(directory, CHAIN)) ?? new Uint8Array());
  const copies = Array.from({ length: MOST_COPIES }, (_, i) =>
    i === 0 ? name : name.replace(/\.json$/, `.${i + 1}.json`),
  );
  for (const file of copies) {
    const link = links.find((each) => each.file === file);
    const path = join(directory, file);
    const isKept = (): boolean => {
      const found = textOf(path);
      return (
        found !== undefined && (link === undefined || link.sha256 === sha256(found)) && holds(found)
      );
    };
    const isFree =
      textOf(path) === undefined && (link === undefined || link.sha256 === sha256(text));
    const isPlaced = isFree && withReserve(directory, () => place(directory, file, text));
    if (!isPlaced) {
      // Where another process was faster, its file is looked at.
      if (!isKept()) continue;
      syncDirectory(directory);
    }
    chainUp(directory, holds);
    return file;
  }
  throw new Error(`${name} and ${MOST_COPIES - 1} copies of it are damaged`);
}

/**
 * Has the chain name every file of the directory that holds, and removes what a process that was
 * killed left unfinished. Does what it can, and throws nothing.
 */
export function chainUp(directory: string, holds: KeepOptions['holds']): void {
  try {
    if (!existsSync(directory)) return;
    const known = new Set(chainIn(directory).links.map(({ file }) => file));
    const isOpen = (name: string): boolean => isEvidence(name) && !known.has(name);
    if (!readdirSync(directory).some((name) => isOpen(name) || isUnfinished(name))) return;
    withReserve(directory, () => alone(join(directory, CHAIN), () => addTo(directory, holds)));
  } catch {
    // Evidence that is on the disk stands without the chain too.
  }
}

/** The chain as it is on the disk, an empty one where there is none. Throws the system's error. */
function chainIn(directory: string): Chain {
  try {
    return readChain(readRegular(join(directory, CHAIN)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return readChain(new Uint8Array());
    throw error;
  }
}

export interface EvidenceFile {
  readonly name: string;
  /** In the chain; undefined of a file that it does not have. */
  readonly index: number | undefined;
  readonly state:
    | 'kept'
    /** The chain has it, and it is not there. */
    | 'missing'
    /** It is another than the chain has. */
    | 'changed'
    | 'unreadable'
    /** The chain does not have it. */
    | 'unknown';
}

export interface EvidenceReport {
  /** How many files the chain has. */
  readonly length: number;
  readonly head: string;
  /** What is wrong with the chain itself, one clause each. */
  readonly faults: readonly string[];
  /** Those of the chain in its order, then those that it does not have. */
  readonly files: readonly EvidenceFile[];
}

/**
 * Looks at the directory again and again, reads only the files that changed since, and remembers
 * the head of the chain.
 */
export class EvidenceReader {
  readonly #directory: string;
  /** The head that the chain had, and that it must not lose. */
  #head: string | undefined;
  readonly #hashes = new Map<string, { readonly stamp: string; readonly sha256: string }>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws the system's error where the directory or the chain is there and cannot be read. */
  read(): EvidenceReport {
    // In this order: what is kept meanwhile is in the chain and not in the names. The file of a
    // line is there before the line is.
    const names = existsSync(this.#directory) ? readdirSync(this.#directory) : [];
    const { links, head, hashes, faults } = chainIn(this.#directory);
    const isLost = this.#head !== undefined && !hashes.includes(this.#head);
    if (links.length > 0 && !isLost) this.#head = head;
    const known = new Set(links.map(({ file }) => file));
    return {
      length: links.length,
      head,
      faults: isLost
        ? [...faults, `its last line, with the SHA-256 ${this.#head ?? ''}, is gone`]
        : faults,
      files: [
        ...links.map(({ index, file, sha256: expected }): EvidenceFile => {
          const found = this.#hash(file);
          const state = found === expected ? 'kept' : STATES.has(found) ? found : 'changed';
          return { name: file, index, state: state as EvidenceFile['state'] };
        }),
        ...names
          .filter((name) => isEvidence(name) && !known.has(name))
          .sort()
          .map((name): EvidenceFile => ({ name, index: undefined, state: 'unknown' })),
      ],
    };
  }

  /** The SHA-256 of a file, or why there is none. */
  #hash(name: string): string {
    const path = join(this.#directory, name);
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      const stamp = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
      const known = this.#hashes.get(name);
      if (known?.stamp === stamp) return known.sha256;
      const hash = sha256(readRegular(path));
      this.#hashes.set(name, { stamp, sha256: hash });
      return hash;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable';
    }
  }
}

const STATES: ReadonlySet<string> = new Set(['missing', 'unreadable']);

/** What is wrong with a directory of evidence, one sentence each; nothing if all is well. */
export function faultsOf({ files, faults }: EvidenceReport): string[] {
  const sentences: Readonly<Record<EvidenceFile['state'], string | undefined>> = {
    kept: undefined,
    missing: 'is in the chain and is missing',
    changed: 'was changed: it is not what the chain has',
    unreadable: 'cannot be read',
    unknown: 'is not in the chain',
  };
  return [
    ...faults.map((fault) => `The chain of evidence is broken: ${fault}.`),
    ...files.flatMap(({ name, state }) => {
      const sentence = sentences[state];
      return sentence === undefined ? [] : [`The evidence ${name} ${sentence}.`];
    }),
  ];
}

/** What the chain beside a file says of it; undefined where there is none, or not this file. */
export function inChain(
  directory: string,
  name: string,
  text: string,
): { readonly index: number; readonly isUnchanged: boolean } | undefined {
  const { links } = readChain(bytesOf(join(directory, CHAIN)) ?? new Uint8Array());
  const link = links.find(({ file }) => file === name);
  return link && { index: link.index, isUnchanged: link.sha256 === sha256(text) };
}

function isEvidence(name: string): boolean {
  return name.endsWith('.json');
}

/** The texts of evidence files in another directory, up to `most` of them; none where it is not. */
export function* textsIn(directory: string, most: number): Generator<string> {
  let names: string[];
  try {
    names = readdirSync(directory).filter(isEvidence);
  } catch {
    return;
  }
  for (const name of names.sort().slice(0, most)) {
    const text = textOf(join(directory, name));
    if (text !== undefined) yield text;
  }
}

const UNFINISHED = /\.json\.\d+\.tmp$/;

function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name);
}

/** Nobody else adds to the chain meanwhile. */
function addTo(directory: string, holds: KeepOptions['holds']): void {
  const chain = chainIn(directory);
  const known = new Set(chain.links.map(({ file }) => file));
  const files = readdirSync(directory)
    .sort()
    .flatMap((file) => {
      if (!isEvidence(file) || known.has(file) || !isChainable(file)) return [];
      const text = textOf(join(directory, file));
      return text !== undefined && holds(text) ? [{ file, sha256: sha256(text) }] : [];
    });
  const lines = linesFor(chain, files);
  if (lines !== '') append(directory, lines);
  for (const name of readdirSync(directory))
    if (isUnfinished(name) && !isOfRunningProcess(name))
      rmSync(join(directory, name), { force: true });
}

/** A file of this name is not to be taken from under whoever writes it. */
function isOfRunningProcess(name: string): boolean {
  const [, pid] = /\.(\d+)\.tmp$/.exec(name) ?? [];
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Lines are in the chain, and survive a power cut, once this returns. */
function append(directory: string, lines: string): void {
  const path = join(directory, CHAIN);
  const isNew = !existsSync(path);
  const file = openSync(path, 'a', 0o644);
  try {
    if (isNew) give(file, directory, 0o644, 0o664);
    writeFileSync(file, lines);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (isNew) syncDirectory(directory);
}

/** Returns false, and changes nothing, if a file of that name is there. */
function place(directory: string, name: string, text: string): boolean {
  makeDirectory(directory);
  const path = join(directory, name);
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  try {
    const file = openSync(temporary, 'wx', 0o444);
    try {
      writeFileSync(file, text);
      give(file, directory, 0o444, 0o444);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    moveAnew(temporary, path);
    syncDirectory(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Throws EEXIST where something is at `to`. */
function moveAnew(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    // This file system has no links.
    if (existsSync(to)) throw Object.assign(new Error(messageOf(error)), { code: 'EEXIST' });
    renameSync(from, to);
  }
}

/** To the account that the directory belongs to; `shared`: the mode where its group may write. */
function give(file: number, directory: string, mode: number, shared: number): void {
  const { uid, gid, mode: of } = statSync(directory);
  if (process.geteuid?.() === 0 && uid !== 0) fchownSync(file, uid, gid);
  fchmodSync(file, (of & 0o020) === 0 ? mode : shared);
}

/** There may be no bytes left, no inodes, or none of either for this account. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Does `work`, and while the disk is full, does it again in room that was reserved. */
function withReserve<T>(directory: string, work: () => T): T {
  for (;;) {
    try {
      return work();
    } catch (error) {
      const isFull = FULL.has((error as NodeJS.ErrnoException).code ?? '');
      if (!isFull || !spendReserve(directory)) throw error;
    }
  }
}

function textOf(path: string): string | undefined {
  return bytesOf(path)?.toString('utf8');
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readRegular(path);
  } catch {
    return undefined;
  }
}

/** A chain of a million lines is shorter, and so is evidence. */
const MOST_READ = 256 << 20;

/** Nothing there that somebody put in its place, a pipe for one, makes this wait. */
function readRegular(path: string): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || found.size > MOST_READ)
      throw new Error(`${path} is no file of evidence`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
