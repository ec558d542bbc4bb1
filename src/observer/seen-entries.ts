// SPDX-License-Identifier: Apache-2.0
/**
 * Entries in a data plane's cache of seen answers (AnswerPlace.entry). While an entry lasts, the
 * data plane only counts the repeats of its answer; they are credited to the sightings of the
 * statement that the answer carries.
 *
 * The count of an entry only grows, so this remembers what was credited and credits the difference.
 * The store remembers it too, written together with the sightings: a process that takes over
 * credits neither less nor more.
 */
import type { AnswerPlace, SeenEntry } from '../dataplane/types.ts';
import type { SeenEntryChanges } from '../store/heads.ts';
import type { Candidate } from './candidate.ts';

interface CreditedEntry {
  readonly source: string;
  readonly entry: bigint;
  readonly candidate: Candidate;
  credited: number;
}

export class SeenEntries {
  readonly #seenEntries = new Map<string, CreditedEntry>();
  readonly #changed = new Set<CreditedEntry>();
  #over: { source: string; entry: bigint }[] = [];

  /** Goes on with an entry of which an earlier process credited `credited` repeats. */
  resume(entry: bigint, source: string, candidate: Candidate, credited: number): void {
    this.#seenEntries.set(keyOf(source, entry), { source, entry, candidate, credited });
  }

  /**
   * A copied answer has begun an entry, which ended the one before it in the same slot. Returns
   * what is still to be credited to the ended one. `candidate` is undefined if the answer was
   * refused: its repeats are credited to nothing.
   */
  begin(source: string, answer: AnswerPlace, candidate: Candidate | undefined): Credit | undefined {
    const { entry, ended } = answer;
    if (entry === undefined) return undefined;
    const credit = ended === undefined ? undefined : this.credit(source, ended);
    this.#end(source, entry - 1n);
    if (candidate === undefined) return credit;
    const begun = { source, entry, candidate, credited: 0 };
    this.#seenEntries.set(keyOf(source, entry), begun);
    this.#changed.add(begun);
    return credit;
  }

  /**
   * Returns the repeats of an entry that were not credited yet. There are none of an entry whose
   * copied answer has not been read: its count comes again.
   */
  credit(source: string, { entry, repeats }: SeenEntry): Credit | undefined {
    const known = this.#seenEntries.get(keyOf(source, entry));
    if (known === undefined || repeats <= known.credited) return undefined;
    const count = repeats - known.credited;
    known.credited = repeats;
    this.#changed.add(known);
    return { candidate: known.candidate, count };
  }

  /** What the store is to be told; the same again, and more, until it is `written`. */
  changes(): SeenEntryChanges {
    const put = [...this.#changed].flatMap(({ source, entry, candidate: { state }, credited }) =>
      typeof state === 'object' ? [{ source, entry, head: state, credited }] : [],
    );
    return { put, over: this.#over };
  }

  written(): void {
    // Entries whose signature is still being checked stay changed: `changes` left them out.
    for (const entry of this.#changed)
      if (entry.candidate.state !== 'pending') this.#changed.delete(entry);
    this.#over = [];
  }

  #end(source: string, entry: bigint): void {
    const key = keyOf(source, entry);
    const known = this.#seenEntries.get(key);
    if (known === undefined) return;
    this.#seenEntries.delete(key);
    this.#changed.delete(known);
    this.#over.push({ source, entry });
  }
}

export interface Credit {
  readonly candidate: Candidate;
  readonly count: number;
}

function keyOf(source: string, entry: bigint): string {
  return `${source} ${entry}`;
}
