// SPDX-License-Identifier: Apache-2.0
/**
 * A log of trust on the disk, as c2sp.org/tlog-tiles has it: tiles, bundles of entries, a checkpoint.
 * Any web server can serve the directory `public`.
 *
 * A log must never sign two roots of one size. So entries and tiles are on the disk before a checkpoint is
 * signed, the signed one (`signed`) before anybody sees it, and what is there at a start beyond it is not
 * taken. What is published (`public/checkpoint`) has its cosignatures.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { encodeBase64 } from '../base/base64.ts';
import { makeDirectory } from '../disk/directory.ts';
import { hold, type Held } from '../disk/lock.ts';
import { writeDurably, writeSecret } from '../disk/write.ts';
import { equalHash, hashLeaf } from '../merkle/hash.ts';
import { TILE_WIDTH, tilePath } from '../merkle/tiles.ts';
import { MerkleTree } from '../merkle/tree.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import {
  cosign,
  generateSignerKey,
  parseSignerKey,
  type NoteSigner,
} from '../statements/cosignature.ts';
import { isNoteName } from '../statements/note-key.ts';
import { bundlePath, decodeBundle, encodeBundle } from './log-entry.ts';

/** Levels of tiles that a tree in memory can have. */
const LEVELS = 4;

export class LogStore {
  readonly #directory: string;
  readonly #signer: NoteSigner;
  readonly #held: Held;
  readonly tree = new MerkleTree();
  readonly #entries: Uint8Array[] = [];
  #signed: string;

  private constructor(directory: string, signer: NoteSigner, held: Held, signed: string) {
    this.#directory = directory;
    this.#signer = signer;
    this.#held = held;
    this.#signed = signed;
  }

  /**
   * Makes a log with a new key. Throws CtgaError `bad-input` for a name that notes do not allow, or
   * if there is a log already.
   */
  static make(directory: string, name: string): NoteSigner {
    if (!isNoteName(name) || Buffer.byteLength(name) > 255)
      throw badInput(
        `"${name}" cannot be the name of a log: want a URL without scheme, such as log.example.org/trust`,
      );
    const path = join(directory, 'key');
    if (existsSync(path)) throw badInput(`there is a log in ${directory} already`);
    makeDirectory(directory);
    makeDirectory(join(directory, 'public'));
    const text = generateSignerKey(name, 'Ed25519');
    const signer = parseSignerKey(text);
    // Before its first checkpoint, a log is nobody's.
    writeDurably(join(directory, 'signed'), noteOf(signer, new MerkleTree()));
    writeSecret(path, `${text}\n`);
    return signer;
  }

  /**
   * Rejects with CtgaError `bad-input` if there is no log, `busy` if another process has it, or
   * `store-failed` if what is there is not what was signed.
   */
  static open(directory: string): LogStore {
    const path = join(directory, 'key');
    if (!existsSync(path))
      throw badInput(`there is no log in ${directory}`, 'Make one: ctga trust log new NAME');
    const held = hold(join(directory, 'held'));
    if (held === undefined) throw new CtgaError('busy', `another ctga has the log in ${directory}`);
    try {
      const signer = parseSignerKey(readFileSync(path, 'utf8'));
      const signed = readFileSync(join(directory, 'signed'), 'utf8');
      const store = new LogStore(directory, signer, held, signed);
      store.#load();
      return store;
    } catch (error) {
      held.release();
      if (error instanceof CtgaError) throw error;
      throw new StoreError(
        'store-failed',
        `the log in ${directory} is damaged: ${messageOf(error)}`,
        { remedy: 'Put back all of it from a copy, or begin a log with a new key.', cause: error },
      );
    }
  }

  get signer(): NoteSigner {
    return this.#signer;
  }

  get size(): number {
    return this.tree.size;
  }

  /** The last checkpoint that was signed, with the log's line alone. */
  get signed(): string {
    return this.#signed;
  }

  /** The last one that was published; undefined if there is none. */
  get published(): string | undefined {
    return readIfThere(this.#publicPath('checkpoint'));
  }

  entry(index: number): Uint8Array {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`no entry ${index} in a log of ${this.size}`);
    return entry;
  }

  /** Adds entries, and signs the tree that they lead to. Nothing is published. */
  append(entries: readonly Uint8Array[]): void {
    const before = this.size;
    for (const entry of entries) this.#take(entry);
    this.#writeTiles(before);
    this.#writeBundles(before);
    this.#signed = noteOf(this.#signer, this.tree);
    writeDurably(join(this.#directory, 'signed'), this.#signed);
  }

  publish(note: string): void {
    writeDurably(this.#publicPath('checkpoint'), note);
  }

  /** The checkpoint that is being anchored, so that it goes on after a restart. */
  get anchoring(): string | undefined {
    return readIfThere(join(this.#directory, 'anchoring'));
  }

  beginAnchor(note: string): void {
    writeDurably(join(this.#directory, 'anchoring'), note);
  }

  /** The last checkpoint that was anchored. */
  get anchored(): string | undefined {
    const size = readIfThere(this.#publicPath('anchor'));
    return size === undefined ? undefined : readIfThere(this.#publicPath(`anchors/${size.trim()}`));
  }

  /** Publishes an anchored checkpoint with its OpenTimestamps file. */
  publishAnchor(note: string, stamp: Uint8Array): void {
    const { treeSize } = parseCheckpoint(note);
    writeDurably(this.#publicPath(`anchors/${treeSize}`), note);
    writeDurably(this.#publicPath(`anchors/${treeSize}.ots`), stamp);
    writeDurably(this.#publicPath('anchor'), `${treeSize}\n`);
    rmSync(join(this.#directory, 'anchoring'), { force: true });
  }

  close(): void {
    this.#held.release();
  }

  #publicPath(path: string): string {
    return join(this.#directory, 'public', path);
  }

  #take(entry: Uint8Array): void {
    this.#entries.push(entry);
    this.tree.append(hashLeaf(entry));
  }

  #load(): void {
    const { treeSize, rootHash } = parseCheckpoint(this.#signed);
    const size = Number(treeSize);
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      const partial = this.#publicPath(bundlePath(index, width));
      const full = this.#publicPath(bundlePath(index, TILE_WIDTH));
      // Once a bundle is full, there are no partial ones of it.
      const bytes = readFileSync(existsSync(partial) ? partial : full);
      for (const entry of decodeBundle(bytes, width)) this.#take(entry);
    }
    if (!equalHash(this.tree.root(), rootHash))
      throw new RangeError('its entries do not lead to the root that it signed last');
  }

  #writeTiles(before: number): void {
    for (let level = 0; level < LEVELS; level++) {
      const unit = TILE_WIDTH ** level;
      const [old, now] = [Math.floor(before / unit), Math.floor(this.size / unit)];
      for (
        let index = Math.floor(old / TILE_WIDTH);
        now > old && index * TILE_WIDTH < now;
        index++
      ) {
        const width = Math.min(TILE_WIDTH, now - index * TILE_WIDTH);
        const first = index * TILE_WIDTH;
        const hashes = Array.from({ length: width }, (_, i) =>
          this.tree.node(8 * level, first + i),
        );
        const path = (of: number): string => tilePath({ level, index: BigInt(index), width: of });
        this.#writeTile(path, width, Buffer.concat(hashes));
      }
    }
  }

  #writeBundles(before: number): void {
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < this.size; index++) {
      const entries = this.#entries.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
      const path = (of: number): string => bundlePath(index, of);
      this.#writeTile(path, entries.length, encodeBundle(entries));
    }
  }

  #writeTile(path: (width: number) => string, width: number, bytes: Uint8Array): void {
    writeDurably(this.#publicPath(path(width)), bytes);
    if (width < TILE_WIDTH) return;
    rmSync(`${this.#publicPath(path(TILE_WIDTH))}.p`, { recursive: true, force: true });
  }
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function noteOf(signer: NoteSigner, tree: MerkleTree): string {
  const rootHash = tree.root();
  const origin = signer.key.name;
  const text = `${origin}\n${tree.size}\n${encodeBase64(rootHash)}\n`;
  const line = cosign(signer, { text, origin, treeSize: BigInt(tree.size), rootHash }, 0n);
  return `${text}\n${line}`;
}
