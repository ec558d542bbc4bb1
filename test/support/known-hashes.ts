// SPDX-License-Identifier: Apache-2.0
/** What is known of a log's hashes, as a table: the side of src/follow that the challenger sees. */
import { LogError } from '../../src/ask/asker.ts';
import type { Comparison, KnownHashes, Outlook } from '../../src/follow/known-hashes.ts';
import type { MerkleTree } from '../../src/merkle/tree.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';

export interface HashTableOptions {
  /** What the log shows to everybody. */
  readonly tree: MerkleTree;
  /** The heads that it showed, of trees of `tree`, each proven to extend the one before. */
  readonly heads: readonly VerifiedStatement[];
  /** What is to be expected of sizes up to the largest public one; 'here' unless given. */
  readonly outlook?: (size: number) => Outlook;
}

export class HashTable implements KnownHashes {
  readonly #options: HashTableOptions;

  constructor(options: HashTableOptions) {
    this.#options = options;
  }

  comparison(size: bigint): Comparison | undefined {
    const { tree, heads } = this.#options;
    const against = heads.at(-1);
    if (against === undefined || this.outlook(size) !== 'here') return undefined;
    return {
      root: tree.root(Number(size)),
      against,
      asker: {
        consistencyProof: (first, second) =>
          this.#answer(() => tree.consistencyProof(Number(first), Number(second))),
        inclusionProof: ({ leafIndex }, treeSize) =>
          this.#answer(() => tree.inclusionProof(Number(leafIndex), Number(treeSize))),
      },
    };
  }

  outlook(size: bigint): Outlook {
    const { heads, outlook = () => 'here' } = this.#options;
    if (size > (heads.at(-1)?.treeSize ?? -1n)) return 'beyond';
    return outlook(Number(size));
  }

  publicLinks(): (readonly [VerifiedStatement, VerifiedStatement])[] {
    const { heads } = this.#options;
    return heads.slice(1).map((head, i) => [heads[i] ?? head, head] as const);
  }

  #answer<T>(answer: () => T): Promise<T> {
    try {
      return Promise.resolve(answer());
    } catch (error) {
      return Promise.reject(new LogError('log-refused', 'not here', { cause: error }));
    }
  }
}
