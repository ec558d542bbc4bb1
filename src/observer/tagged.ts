// SPDX-License-Identifier: Apache-2.0
/** An answer that was met before, and what was decided of it. */
import type { AnswerPlace } from '../dataplane/types.ts';

/**
 * A tag is too short to be trusted: whoever can compute it makes a forged answer with the tag of a
 * genuine one and sends it first. So the texts are kept and compared, and a decision is of these
 * texts alone.
 */
export class Tagged<Decision> {
  readonly decision: Decision;
  /** Of the name, in lower case, and of the RDATA after it. */
  readonly #bytes: Buffer;
  readonly #nameLength: number;

  /** Copies the texts. Throws RangeError for a place that is not in the frame. */
  constructor(frame: Uint8Array, place: AnswerPlace, decision: Decision) {
    const { nameOffset, nameLength, rdataOffset, rdataLength } = place;
    if (!isWithin(frame, place)) throw new RangeError('the answer is not in its frame');
    this.decision = decision;
    this.#nameLength = nameLength;
    this.#bytes = Buffer.allocUnsafeSlow(nameLength + rdataLength);
    for (let i = 0; i < nameLength; i++) this.#bytes[i] = lowerCase(frame[nameOffset + i]);
    this.#bytes.set(frame.subarray(rdataOffset, rdataOffset + rdataLength), nameLength);
  }

  /** Whether the answer has these texts; the case of its name does not matter. */
  isOf(
    frame: Uint8Array,
    { nameOffset, nameLength, rdataOffset, rdataLength }: AnswerPlace,
  ): boolean {
    const bytes = this.#bytes;
    if (rdataOffset + rdataLength > frame.length) return false;
    if (nameLength !== this.#nameLength || nameLength + rdataLength !== bytes.length) return false;
    for (let i = 0; i < nameLength; i++)
      if (bytes[i] !== lowerCase(frame[nameOffset + i])) return false;
    return bytes.compare(frame, rdataOffset, rdataOffset + rdataLength, nameLength) === 0;
  }
}

export function isWithin(frame: Uint8Array, place: AnswerPlace): boolean {
  const { nameOffset, nameLength, rdataOffset, rdataLength } = place;
  return Math.max(nameOffset + nameLength, rdataOffset + rdataLength) <= frame.length;
}

/** Of A to Z; lengths of labels are below 64, so they stay as they are. */
function lowerCase(byte = 0): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
