// SPDX-License-Identifier: Apache-2.0
/** The names of MatchRules as code over the bytes of a DNS message: see filter.ts. */
import { Verdict } from './verdict.ts';

const DNS_HEADER = 12;
const MAX_LABEL = 63;
/** The first byte of a compression pointer (RFC 1035, Section 4.1.4) is no less. */
const POINTER = 0xc0;
/** Of a question: its type and its class. */
const TXT_IN = [0, 16, 0, 1] as const;

const fold = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
/** FNV-1a. Names of an attacker's choice that share a slot cost one comparison each. */
const [HASH_START, HASH_PRIME] = [0x811c_9dc5, 0x0100_0193];

/**
 * Whether a DNS message answers a question for one of the names, IN TXT: they are found by a hash of
 * their bytes. A compressed question may be for any of them.
 */
export class MessageFilter {
  /** What all names begin with, up to the end of the first label. */
  readonly #prefix: Uint8Array;
  readonly #longest: number;
  /** A power of two of slots, each with the names whose hash has these lower bits. */
  readonly #slots: Uint8Array[][];

  constructor(names: readonly Uint8Array[]) {
    this.#prefix = commonPrefix(names);
    this.#longest = Math.max(0, ...names.map(({ length }) => length));
    const size = 2 ** Math.ceil(Math.log2(2 * names.length + 1));
    this.#slots = Array.from({ length: size }, () => []);
    for (const name of names) {
      const hash = name.reduce((sum, byte) => Math.imul(sum ^ byte, HASH_PRIME), HASH_START);
      this.#slots[hash & (size - 1)]?.push(name);
    }
  }

  /** Judges the message in bytes[start, end): it may be anything. */
  judge(bytes: Uint8Array, start: number, end: number): Verdict {
    if (end - start < DNS_HEADER) return Verdict.malformed;
    const isResponse = (bytes[start + 2] as number) >= 0x80;
    const [questions, answers] = [start + 4, start + 6].map(
      (at) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number),
    );
    // Some clients take answers of what says that it is a query.
    if (questions === 0 || (!isResponse && answers === 0)) return Verdict.notTreeHead;
    return this.#judgeQuestion(bytes, start + DNS_HEADER, end);
  }

  #judgeQuestion(bytes: Uint8Array, start: number, messageEnd: number): Verdict {
    const prefix = this.#prefix;
    if (this.#longest > 0 && start < messageEnd && (bytes[start] as number) >= POINTER)
      return judgeCompressed(bytes, start, messageEnd);
    for (let i = 0; i < prefix.length; i++) {
      if (start + i >= messageEnd) return Verdict.malformed;
      if (fold(bytes[start + i] as number) !== prefix[i]) return Verdict.notTreeHead;
    }
    let hash = HASH_START;
    let at = start;
    let labelEnd = start;
    for (;;) {
      if (at >= messageEnd) return Verdict.malformed;
      if (at - start >= this.#longest) return Verdict.unknownName;
      const byte = bytes[at] as number;
      hash = Math.imul(hash ^ fold(byte), HASH_PRIME);
      if (at++ !== labelEnd) continue;
      if (byte === 0) break;
      if (byte >= POINTER) return judgeCompressed(bytes, at - 1, messageEnd);
      if (byte > MAX_LABEL) return Verdict.malformed;
      labelEnd = at + byte;
    }
    const slot = this.#slots[hash & (this.#slots.length - 1)] as Uint8Array[];
    for (const name of slot) {
      if (!isName(name, bytes, start, at)) continue;
      if (at + 4 > messageEnd) return Verdict.malformed;
      return isTxtIn(bytes, at) ? Verdict.answer : Verdict.notTreeHead;
    }
    return Verdict.unknownName;
  }
}

/**
 * A question whose name goes on elsewhere, with a pointer at `at`. Some clients follow it, and no
 * honest server sends it, so whoever decodes it may look where it leads.
 */
function judgeCompressed(bytes: Uint8Array, at: number, messageEnd: number): Verdict {
  if (at + 6 > messageEnd) return Verdict.malformed;
  return isTxtIn(bytes, at + 2) ? Verdict.answer : Verdict.unknownName;
}

function isTxtIn(bytes: Uint8Array, at: number): boolean {
  return TXT_IN.every((byte, i) => bytes[at + i] === byte);
}

/** Whether bytes[start, end) in lower case are the name. */
function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++)
    if (fold(bytes[start + i] as number) !== name[i]) return false;
  return true;
}

/** The first label of all names, if it is the same. */
function commonPrefix([first, ...others]: readonly Uint8Array[]): Uint8Array {
  if (first === undefined) return new Uint8Array(0);
  const label = first.subarray(0, 1 + (first[0] ?? 0));
  const isCommon = others.every((name) => label.every((byte, i) => byte === name[i]));
  return isCommon ? label : new Uint8Array(0);
}
