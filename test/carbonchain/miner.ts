// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../src/carbonchain/bytes.ts';
import { FakeNode, idOf, payTo, transaction } from './blocks.ts';

/** A node that mines what it was sent, if it is told to; the purse has coins in its second block. */
export class Miner extends FakeNode {
  readonly #mined = new Set<string>();

  /** `owner` is the hash of the purse's key, in hexadecimal. */
  constructor(owner: string) {
    super('node');
    this.mine([
      transaction(
        [{}],
        Array.from({ length: 60 }, () => payTo(owner)),
      ),
    ]);
  }

  /** Puts all that waits into a block, with five more above. Returns the IDs of what it put there. */
  settle(seed = 0): string[] {
    const waiting = new Map(this.sent.map((bytes) => [idOf(bytes), bytes]));
    for (const id of this.#mined) waiting.delete(id);
    this.mine([...waiting.values()], seed);
    for (let i = 0; i < 5; i++) this.mine([], seed);
    for (const id of waiting.keys()) this.#mined.add(id);
    return [...waiting.keys()];
  }

  /** Takes the last blocks off, and all that is in them waits again. */
  undo(blocks: number, ids: readonly string[]): void {
    this.cut(this.chain.length - 1 - blocks);
    for (const id of ids) this.#mined.delete(id);
  }

  /** The Merkle root of a block, in hexadecimal. */
  rootAt(height: number): string {
    return toHex((this.chain[height] as { header: Uint8Array }).header.subarray(36, 68));
  }
}
