// SPDX-License-Identifier: Apache-2.0
/** The questions of one challenge: whom they go to, and how many are left. */
import { randomInt } from 'node:crypto';
import type { Asker } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import type { Conclusion } from '../evidence/judge.ts';
import type { TreeRoot } from '../statements/statement.ts';

export interface Answer {
  readonly first: bigint;
  readonly second: bigint;
  readonly hashes: Awaited<ReturnType<Asker['consistencyProof']>>;
}

export class Questions {
  /** How many may be asked in all; Infinity: as many as anybody wants to. */
  readonly limit: number;
  /** Every consistency proof that the log gave, whatever it was asked for. */
  readonly answers: Answer[] = [];
  readonly #asker: Asker;
  #left: number;

  constructor(asker: Asker, limit = Infinity) {
    this.#asker = {
      treeHead: () => asker.treeHead(),
      consistencyProof: async (first, second) => {
        const hashes = await asker.consistencyProof(first, second);
        this.answers.push({ first, second, hashes });
        return hashes;
      },
      inclusionProof: (leaf, treeSize) => asker.inclusionProof(leaf, treeSize),
      leafProof: (leafHash, treeSize) => asker.leafProof(leafHash, treeSize),
      leafHashes: (start, end, treeSize) => asker.leafHashes(start, end, treeSize),
    };
    this.limit = limit;
    this.#left = limit;
  }

  /**
   * How many more pairs of trees may be asked about. The last pair may take two questions, and does
   * so only where its first answer decides nothing.
   */
  get left(): number {
    return Math.max(0, this.#left);
  }

  /** See prove in ask/prove.ts. */
  prove(first: TreeRoot, second: TreeRoot): Promise<Conclusion> {
    return prove(this.#asker, first, second, { onQuestion: () => (this.#left -= 1) });
  }

  /** Asks for a proof from some size below `treeSize`, 2 or more, and ignores the answer. */
  async askForNothing(treeSize: bigint): Promise<void> {
    this.#left -= 1;
    await this.#asker.consistencyProof(randomBelow(treeSize), treeSize);
  }
}

/** 1 <= x < limit, evenly; a limit beyond what randomInt takes is cut, and no log is that large. */
function randomBelow(limit: bigint): bigint {
  const most = Number(limit < 2n ** 48n ? limit : 2n ** 48n - 1n);
  return BigInt(randomInt(1, Math.max(2, most)));
}
