// SPDX-License-Identifier: Apache-2.0
/** Time that passes only when nothing is left to do now: days go by in milliseconds. */
import type { Sleep } from '../../src/base/clock.ts';

interface Event {
  readonly at: number;
  /** Events of one moment happen in the order in which they were asked for. */
  readonly order: number;
  readonly happen: () => void;
}

export class VirtualTime {
  #now: number;
  #order = 0;
  /** A binary heap, the next event first. */
  readonly #events: Event[] = [];

  /** Milliseconds since the epoch. */
  constructor(now: number) {
    this.#now = now;
  }

  /** Whole milliseconds, as Date.now() has them. */
  readonly now = (): number => Math.floor(this.#now);

  readonly sleep: Sleep = (milliseconds, signal) =>
    new Promise<void>((resolve, reject) => {
      const abort = (): void => reject(new Error('the wait was broken off'));
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.at(this.#now + Math.max(0, milliseconds), () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });

  at(time: number, happen: () => void): void {
    const event = { at: Math.max(time, this.#now), order: this.#order++, happen };
    let i = this.#events.push(event) - 1;
    for (let parent; i > 0; i = parent) {
      parent = (i - 1) >> 1;
      if (!isBefore(event, this.#event(parent))) break;
      this.#events[i] = this.#event(parent);
    }
    this.#events[i] = event;
  }

  /** Lets everything happen that happens before `end`, which is the time then. */
  async run(end: number): Promise<void> {
    for (;;) {
      await idle();
      const [next] = this.#events;
      if (next === undefined || next.at >= end) break;
      this.#removeFirst();
      this.#now = next.at;
      next.happen();
    }
    this.#now = end;
  }

  #removeFirst(): void {
    const last = this.#events.pop();
    if (last === undefined || this.#events.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#events.length) break;
      if (child + 1 < this.#events.length && isBefore(this.#event(child + 1), this.#event(child)))
        child += 1;
      if (!isBefore(this.#event(child), last)) break;
      this.#events[i] = this.#event(child);
      i = child;
    }
    this.#events[i] = last;
  }

  #event(i: number): Event {
    const event = this.#events[i];
    if (event === undefined) throw new RangeError(`no event ${i}`);
    return event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Until all that is under way waits for time to pass: nothing here waits for the machine. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
