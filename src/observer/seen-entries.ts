/**
 * SeenEntries in a data plane's cache of seen answers (AnswerPlace.entry): while one lasts, the data plane
 * only counts repeats of an answer, and those belong to the sightings of the head that the answer
 * carries.
 *
 * A entry's count only grows, so what was credited is remembered and the difference added. It is
 * remembered in the store too, written with the sightings: a process that takes over credits
 * neither less nor more.
 */
import type { AnswerPlace, SeenEntry } from '../dataplane/types.ts';
import type { SeenEntryChanges } from '../store/sqlite/store.ts';
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

  /** Takes up what an earlier process credited. */
  resume(entry: bigint, source: string, candidate: Candidate, credited: number): void {
    this.#seenEntries.set(keyOf(source, entry), { source, entry, candidate, credited });
  }

  /**
   * A record began a entry, and with it ended the one before it in its slot; `candidate` is
   * undefined if the answer was refused, whose repeats are nobody's. Returns what the ended entry
   * still has to be credited.
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
   * What is new of a entry's repeats; nothing for entries whose record was not read yet: their count
   * comes again.
   */
  credit(source: string, { entry, repeats }: SeenEntry): Credit | undefined {
    const known = this.#seenEntries.get(keyOf(source, entry));
    if (known === undefined || repeats <= known.credited) return undefined;
    const count = repeats - known.credited;
    known.credited = repeats;
    this.#changed.add(known);
    return { candidate: known.candidate, count };
  }

  /** What the store is to be told. It is asked for again, if it is not `written`. */
  changes(): SeenEntryChanges {
    const put = [...this.#changed].flatMap(({ source, entry, candidate: { state }, credited }) =>
      typeof state === 'object' ? [{ source, entry, head: state, credited }] : [],
    );
    return { put, over: this.#over };
  }

  written(): void {
    // Those whose signature is still being checked are written when it was.
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
