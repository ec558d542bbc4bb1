// SPDX-License-Identifier: Apache-2.0
/**
 * A static-ct log's files in memory (c2sp.org/static-ct-api), so that every form of answer can be
 * tried quickly.
 */
import type { HttpError } from '../../src/http/error.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import type { MerkleTree } from '../../src/merkle/tree.ts';
import { readTile, type SigningLog } from './signing-log.ts';

export class TiledFiles {
  readonly log: SigningLog;
  readonly requests: string[] = [];
  tree: MerkleTree;
  size: number;
  /** When it signs its tree heads, in ms since the epoch. */
  timestamp = 1_700_000_000_000n;
  /** Answers instead of the log where it returns something. */
  instead: (path: string) => HttpAnswer | HttpError | undefined = () => undefined;

  constructor(log: SigningLog, tree: MerkleTree, size = tree.size) {
    this.log = log;
    this.tree = tree;
    this.size = size;
  }

  readonly fetch: Fetch = (url) => {
    const path = url.slice('https://log.test/alpha/'.length);
    this.requests.push(path);
    const instead = this.instead(path);
    if (instead instanceof Error) return Promise.reject(instead);
    return Promise.resolve(instead ?? this.read(path));
  };

  read(path: string): HttpAnswer {
    if (path === 'checkpoint') {
      return {
        status: 200,
        retryAfter: undefined,
        body: Buffer.from(
          this.log.checkpoint(this.size, this.tree.root(this.size), this.timestamp),
        ),
      };
    }
    const match = /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    if (match === null) return { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    const level = Number(match[1]);
    const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''));
    const width = Number(match[3] ?? TILE_WIDTH);
    const hashes = Math.floor(this.size / TILE_WIDTH ** level);
    if (index * TILE_WIDTH + width > hashes)
      return { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    const body = Buffer.from(readTile(this.tree, { level, index: BigInt(index), width }));
    return { status: 200, retryAfter: undefined, body };
  }
}
