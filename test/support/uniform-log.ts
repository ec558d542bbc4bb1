// SPDX-License-Identifier: Apache-2.0
/**
 * A static-ct log whose entries are all alike, in memory, so that it may have as many as real logs:
 * each of its perfect subtrees of one height has the same hash.
 */
import type { Fetch } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { hashChildren, hashLeaf, type MerkleHash } from '../../src/merkle/hash.ts';
import { rootOf } from '../../src/merkle/ranges.ts';
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import { SigningLog } from './signing-log.ts';

export class UniformLog {
  readonly signing = new SigningLog();
  readonly log: Log = this.signing.asLog({ api: 'static-ct' });
  readonly #nodes: MerkleHash[] = [hashLeaf(Buffer.from('entry'))];
  #size = 0;
  #checkpoint = '';

  /** Shows a tree of this size from now on. */
  show(size: number, timestamp: number): void {
    this.#size = size;
    const root = rootOf((from, to) => {
      const height = (to - from).toString(2).length - 1;
      return 1n << BigInt(height) === to - from ? this.#node(height) : undefined;
    }, BigInt(size));
    if (root === undefined) throw new Error('every perfect subtree has a hash');
    this.#checkpoint = this.signing.checkpoint(size, root, BigInt(timestamp));
  }

  readonly fetch: Fetch = (url) => {
    const body = this.#read(new URL(url).pathname.slice('/alpha/'.length));
    const status = body === undefined ? 404 : 200;
    return Promise.resolve({ status, retryAfter: undefined, body: body ?? Buffer.alloc(0) });
  };

  #read(path: string): Buffer | undefined {
    if (path === 'checkpoint') return Buffer.from(this.#checkpoint);
    const match = /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    if (match === null) return undefined;
    const height = 8 * Number(match[1]);
    const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''));
    const width = Number(match[3] ?? TILE_WIDTH);
    const isThere = index * TILE_WIDTH + width <= Math.floor(this.#size / 2 ** height);
    return isThere ? Buffer.alloc(width * 32, this.#node(height)) : undefined;
  }

  #node(height: number): MerkleHash {
    const known = this.#nodes[height];
    if (known !== undefined) return known;
    const below = this.#node(height - 1);
    return (this.#nodes[height] = hashChildren(below, below));
  }
}
