/**
 * Lives in a data plane's cache of seen answers (AnswerPlace.life): while one lasts, the data plane
 * only counts repeats of an answer, and those belong to the sightings of the head that the answer
 * carries.
 *
 * A life's count only grows, so what was credited is remembered and the difference added. It is
 * remembered in the store too, written with the sightings: a process that takes over credits
 * neither less nor more.
 */
import type { AnswerPlace, SeenLife } from '../dataplane/types.ts';
import type { LifeChanges } from '../store/sqlite/store.ts';
import type { Candidate } from './candidate.ts';

interface Life {
  readonly source: string;
  readonly life: bigint;
  readonly candidate: Candidate;
  credited: number;
}

export class Lives {
  readonly #lives = new Map<string, Life>();
  readonly #changed = new Set<Life>();
  #over: { source: string; life: bigint }[] = [];

  /** Takes up what an earlier process credited. */
  resume(life: bigint, source: string, candidate: Candidate, credited: number): void {
    this.#lives.set(keyOf(source, life), { source, life, candidate, credited });
  }

  /**
   * A record began a life, and with it ended the one before it in its slot; `candidate` is
   * undefined if the answer was refused, whose repeats are nobody's. Returns what the ended life
   * still has to be credited.
   */
  begin(source: string, answer: AnswerPlace, candidate: Candidate | undefined): Credit | undefined {
    const { life, ended } = answer;
    if (life === undefined) return undefined;
    const credit = ended === undefined ? undefined : this.credit(source, ended);
    this.#end(source, life - 1n);
    if (candidate === undefined) return credit;
    const begun = { source, life, candidate, credited: 0 };
    this.#lives.set(keyOf(source, life), begun);
    this.#changed.add(begun);
    return credit;
  }

  /**
   * What is new of a life's repeats; nothing for lives whose record was not read yet: their count
   * comes again.
   */
  credit(source: string, { life, repeats }: SeenLife): Credit | undefined {
    const known = this.#lives.get(keyOf(source, life));
    if (known === undefined || repeats <= known.credited) return undefined;
    const count = repeats - known.credited;
    known.credited = repeats;
    this.#changed.add(known);
    return { candidate: known.candidate, count };
  }

  /** What the store is to be told. It is asked for again, if it is not `written`. */
  changes(): LifeChanges {
    const put = [...this.#changed].flatMap(({ source, life, candidate: { state }, credited }) =>
      typeof state === 'object' ? [{ source, life, head: state, credited }] : [],
    );
    return { put, over: this.#over };
  }

  written(): void {
    // Those whose signature is still being checked are written when it was.
    for (const life of this.#changed)
      if (life.candidate.state !== 'pending') this.#changed.delete(life);
    this.#over = [];
  }

  #end(source: string, life: bigint): void {
    const key = keyOf(source, life);
    const known = this.#lives.get(key);
    if (known === undefined) return;
    this.#lives.delete(key);
    this.#changed.delete(known);
    this.#over.push({ source, life });
  }
}

export interface Credit {
  readonly candidate: Candidate;
  readonly count: number;
}

function keyOf(source: string, life: bigint): string {
  return `${source} ${life}`;
}
