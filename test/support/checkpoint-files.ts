// SPDX-License-Identifier: Apache-2.0
/** What a log of checkpoints and tiles serves, in memory: as c2sp.org/tlog-tiles, or as Go's. */
import type { Fetch } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import type { MerkleTree } from '../../src/merkle/tree.ts';
import type { CheckpointLog } from './checkpoint-log.ts';
import { SigningLog } from './signing-log.ts';
import { TiledFiles } from './tiled-files.ts';

export class CheckpointFiles {
  readonly log: CheckpointLog;
  readonly requests: string[] = [];
  readonly #form: 'tlog-tiles' | 'sumdb';
  readonly #files: TiledFiles;

  constructor(log: CheckpointLog, tree: MerkleTree, form: 'tlog-tiles' | 'sumdb' = 'tlog-tiles') {
    this.log = log;
    this.#form = form;
    this.#files = new TiledFiles(new SigningLog(), tree);
  }

  set tree(tree: MerkleTree) {
    this.#files.tree = tree;
    this.#files.size = tree.size;
  }

  set size(size: number) {
    this.#files.size = size;
  }

  asLog(overrides: Partial<Log> = {}): Log {
    return this.log.asLog({ url: 'https://log.test/alpha/', api: this.#form, ...overrides });
  }

  readonly fetch: Fetch = (url, options) => {
    const path = url.slice('https://log.test/alpha/'.length);
    this.requests.push(path);
    const { tree, size } = this.#files;
    const head = this.#form === 'sumdb' ? 'latest' : 'checkpoint';
    if (path === head) {
      const note = this.log.checkpoint(size, tree.root(size));
      return Promise.resolve({ status: 200, retryAfter: undefined, body: Buffer.from(note) });
    }
    const isTile =
      this.#form === 'sumdb' ? path.startsWith('tile/8/') : /^tile\/\d+\/[x\d]/.test(path);
    const plain = this.#form === 'sumdb' ? path.replace(/^tile\/8\//, 'tile/') : path;
    return this.#files.fetch(`https://log.test/alpha/${isTile ? plain : 'nothing'}`, options);
  };
}
