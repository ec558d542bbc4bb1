// SPDX-License-Identifier: Apache-2.0
/**
 * Answers that were copied not long ago, so that their repeats are only counted: what the XDP
 * program's cache is to packets. The texts themselves are compared, so there is no hash to guess.
 *
 * One thread writes, in memory that another reads: see DataPlane.seen.
 */
import type { SeenEntry } from '../types.ts';

const SLOTS = 4096;
/** Entries of a slot follow one another by one, as SeenEntries of the observer expects. */
const PER_SLOT = 2 ** 32;

/** Of each slot: how many entries it had, and the repeats of the last. */
interface Slots {
  readonly generation: Float64Array;
  readonly repeats: Float64Array;
}

export function makeSlots(): Slots {
  const make = (): Float64Array =>
    new Float64Array(new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT));
  return { generation: make(), repeats: make() };
}

/** The entries as they are now, for the thread that only reads. Its count may lag, never lead. */
export function seenEntries({ generation, repeats }: Slots): SeenEntry[] {
  const entries: SeenEntry[] = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    const before = generation[slot] ?? 0;
    const count = repeats[slot] ?? 0;
    if (count > 0 && before === generation[slot])
      entries.push({ entry: entryOf(slot, before), repeats: count });
  }
  return entries;
}

export interface BegunEntry {
  /** Differs between all entries. */
  readonly tag: number;
  readonly entry: bigint;
  readonly ended: SeenEntry | undefined;
}

export class SeenAnswers {
  readonly #slots: Slots;
  readonly #life: number;
  readonly #slotOf = new Map<string, number>();
  readonly #texts = new Array<string | undefined>(SLOTS);
  readonly #born = new Float64Array(SLOTS);
  #next = 0;

  /** `life`: in milliseconds, after which an answer is copied again. */
  constructor(slots: Slots, life: number) {
    this.#slots = slots;
    this.#life = life;
  }

  /** Counts a repeat. False for an answer that is to be copied. `now` is in milliseconds. */
  count(text: string, now: number): boolean {
    const slot = this.#slotOf.get(text);
    if (slot === undefined || now - (this.#born[slot] as number) >= this.#life) return false;
    this.#slots.repeats[slot] = (this.#slots.repeats[slot] as number) + 1;
    return true;
  }

  /** The answer is copied now: begins an entry, which takes the place of the oldest. */
  begin(text: string, now: number): BegunEntry {
    const { generation, repeats } = this.#slots;
    const slot = this.#slotOf.get(text) ?? this.#takeSlot(text);
    const former = generation[slot] as number;
    const ended =
      former === 0 ? undefined : { entry: entryOf(slot, former), repeats: repeats[slot] as number };
    // In this order: see seenEntries.
    repeats[slot] = 0;
    generation[slot] = former + 1;
    this.#born[slot] = now;
    return { tag: slot * PER_SLOT + former + 1, entry: entryOf(slot, former + 1), ended };
  }

  /** Every answer is copied when it next comes by. What was counted stays. */
  renew(): void {
    this.#born.fill(-Infinity);
  }

  #takeSlot(text: string): number {
    const slot = this.#next;
    this.#next = (slot + 1) % SLOTS;
    const former = this.#texts[slot];
    if (former !== undefined) this.#slotOf.delete(former);
    this.#texts[slot] = text;
    this.#slotOf.set(text, slot);
    return slot;
  }
}

function entryOf(slot: number, generation: number): bigint {
  return BigInt(slot) * BigInt(PER_SLOT) + BigInt(generation);
}
