// SPDX-License-Identifier: Apache-2.0
/**
 * When what comes again and again is done: between one and two intervals after it was done last, at
 * a moment that chance draws, for every client alike and whatever it saw. What was drawn is on the
 * disk before it is done, so that a process that is killed and started again does nothing sooner.
 */
import { uniform } from '../base/chance.ts';
import { hasCome } from '../base/clock.ts';

/** Where turns are kept. */
export interface TurnStore {
  turns(): Map<string, number>;
  setTurn(name: string, next: number): void;
}

/**
 * In ms. What is due for longer than this was put off by a machine that slept or was off, and is
 * done within this time, so that not all is done in the moment of waking.
 */
const SPREAD_MS = 300_000;

export class Turns {
  readonly #store: TurnStore;
  readonly #chance: () => number;
  readonly #next: Map<string, number>;

  /** `chance` is at least 0 and below 1. */
  constructor(store: TurnStore, chance: () => number = uniform) {
    this.#store = store;
    this.#chance = chance;
    this.#next = store.turns();
  }

  /**
   * Whether it is the turn of `name`, whose interval is given in ms; if so, its next turn is drawn.
   * `onFailure` is told if the disk does not take it: then it holds for this process alone. A turn
   * that is more than `longest` ms ahead was drawn while the clock was wrong.
   */
  take(
    name: string,
    interval: number,
    now: number,
    onFailure: (error: unknown) => void = () => undefined,
    longest = 2 * interval,
  ): boolean {
    const spread = Math.min(SPREAD_MS, interval);
    const next = this.#next.get(name);
    if (next !== undefined && !hasCome(next, now, longest)) return false;
    const isLate = next === undefined || next > now || now - next > spread;
    const wait = isLate ? this.#chance() * spread : interval * (1 + this.#chance());
    this.#next.set(name, now + wait);
    try {
      this.#store.setTurn(name, Math.round(now + wait));
    } catch (error) {
      onFailure(error);
    }
    return !isLate;
  }

  /** Puts the next turn off for so many ms. */
  putOff(name: string, now: number, wait: number): void {
    this.#next.set(name, now + wait);
    this.#store.setTurn(name, Math.round(now + wait));
  }

  /** When the first of these is, in ms since the epoch. */
  soonest(names: Iterable<string>): number | undefined {
    let soonest: number | undefined;
    for (const name of names) {
      const next = this.#next.get(name) ?? 0;
      if (soonest === undefined || next < soonest) soonest = next;
    }
    return soonest;
  }

  /** Forgets the turns of which `isGone` says so; the store's are its caller's. */
  forget(isGone: (name: string) => boolean): void {
    for (const name of this.#next.keys()) if (isGone(name)) this.#next.delete(name);
  }
}
