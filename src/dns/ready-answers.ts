// SPDX-License-Identifier: Apache-2.0
/**
 * Responses that were made once, and are given again to the same query: bytes to bytes, with
 * nothing parsed and nothing encoded. Two queries are the same if all their bytes are but those of
 * the identification and the case of the name, and both of these are echoed.
 */
import { randomInt } from 'node:crypto';

interface Ready {
  readonly query: Uint8Array;
  readonly response: Uint8Array;
  readonly holds: () => boolean;
}

const HEADER = 12;
/** Type and class. */
const BEHIND_NAME = 4;
const MAX_LABEL = 63;
/** In bytes; no question that a client repeats is longer. */
const LONGEST_QUERY = 512;

export class ReadyAnswers {
  readonly #limit: number;
  /** By a hash of the query. Of two with the same hash, the later one stays. */
  readonly #answers = new Map<number, Ready>();
  /** Nobody can choose queries that push each other out. */
  readonly #seed = randomInt(2 ** 32);

  /** Beyond `limit` answers, the oldest is forgotten. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Notes the response to a query that parses, has one question and is echoed, for as long as
   * `holds` says so.
   */
  put(query: Uint8Array, response: Uint8Array, holds: () => boolean): void {
    const hash = this.#hashOf(query);
    if (hash === undefined) return;
    this.#answers.delete(hash);
    if (this.#answers.size >= this.#limit)
      for (const oldest of this.#answers.keys()) {
        this.#answers.delete(oldest);
        break;
      }
    this.#answers.set(hash, {
      query: Uint8Array.from(query),
      response: Uint8Array.from(response),
      holds,
    });
  }

  /** The response to these bytes, to be sent as it is, if it was made before and still holds. */
  find(query: Uint8Array): Buffer | undefined {
    const hash = this.#hashOf(query);
    const ready = hash === undefined ? undefined : this.#answers.get(hash);
    if (hash === undefined || ready === undefined) return undefined;
    const nameEnd = this.#sameUpTo(query, ready.query);
    if (nameEnd === undefined) return undefined;
    if (!ready.holds()) {
      this.#answers.delete(hash);
      return undefined;
    }
    const response = Buffer.from(ready.response);
    response[0] = query[0] as number;
    response[1] = query[1] as number;
    for (let at = HEADER; at < nameEnd; at++) response[at] = query[at] as number;
    return response;
  }

  /** Undefined where there is no whole question with a plain name. */
  #hashOf(query: Uint8Array): number | undefined {
    const { length } = query;
    if (length > LONGEST_QUERY) return undefined;
    const nameEnd = nameEndOf(query);
    if (nameEnd + BEHIND_NAME > length) return undefined;
    // FNV-1a, from a beginning that nobody knows.
    let hash = this.#seed;
    for (let at = 2; at < length; at++) {
      const byte = query[at] as number;
      hash = Math.imul(hash ^ (at >= HEADER && at < nameEnd ? folded(byte) : byte), 0x01000193);
    }
    return hash >>> 0;
  }

  /** Where the name ends, if the queries are the same. */
  #sameUpTo(query: Uint8Array, other: Uint8Array): number | undefined {
    if (query.length !== other.length) return undefined;
    const nameEnd = nameEndOf(query);
    for (let at = 2; at < query.length; at++) {
      const [a, b] = [query[at] as number, other[at] as number];
      if (a !== b && (at < HEADER || at >= nameEnd || folded(a) !== folded(b))) return undefined;
    }
    return nameEnd;
  }
}

/** Infinity where no plain name ends within the bytes. */
function nameEndOf(query: Uint8Array): number {
  for (let at = HEADER; at < query.length;) {
    const length = query[at] as number;
    if (length === 0) return at + 1;
    if (length > MAX_LABEL) break;
    at += 1 + length;
  }
  return Infinity;
}

/** As foldName does: the bytes of lengths are below any letter. */
function folded(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
