// SPDX-License-Identifier: Apache-2.0
/**
 * What the bus has brought and nobody has taken in yet. It is taken in at the next of the member's
 * moments, and answered at the one after: an answer that came as soon as it was ready would tell an
 * onlooker how much there was to do. It knows no bus.
 */

/** As of a message of JetStream's. */
export interface Answerable {
  /** The bus may forget it. */
  ack(): void;
  /** The bus is to bring it again after so many ms. */
  nak(millis: number): void;
}

/** After which what could not be written is brought again. */
const RETRY_MS = 5000;
/** That the bus needs to bring it. */
const ON_ITS_WAY_MS = 1000;
/** By when who ends has no connection to the bus any more, so that it brings nothing to it. */
const ENDED_MS = 1000;

export class Intake<T extends Answerable> {
  readonly #take: (all: readonly T[]) => void;
  #waiting: T[] = [];
  #answers: (() => void)[] = [];
  readonly #elapsed: () => number;
  #waitsUntil = 0;

  /**
   * `take` throws where it could not take them: then they are brought again, and what comes meanwhile
   * waits for them, or it would look as if they were missing. `elapsed`: the monotonic clock, in ms.
   */
  constructor(take: (all: readonly T[]) => void, elapsed = (): number => performance.now()) {
    this.#take = take;
    this.#elapsed = elapsed;
  }

  put(message: T): void {
    this.#waiting.push(message);
  }

  /** First what was taken before is answered, so that taking what is there now delays no answer. */
  moment(): void {
    this.#answer();
    if (this.#elapsed() < this.#waitsUntil) return;
    const all = this.#waiting;
    this.#waiting = [];
    if (all.length === 0) return;
    try {
      // One commit for all that have come by then.
      this.#take(all);
      this.#answers = all.map((message) => () => message.ack());
    } catch {
      this.#answers = all.map((message) => () => message.nak(RETRY_MS));
      this.#answers.push(() => {
        this.#waitsUntil = this.#elapsed() + RETRY_MS + ON_ITS_WAY_MS;
      });
    }
  }

  /**
   * At the end: what was taken is answered, and the bus brings to who comes next what was not. It would
   * do so a minute later by itself, behind what is new, and until then that would look as if it were
   * missing.
   */
  end(): void {
    this.#answer();
    for (const message of this.#waiting) message.nak(ENDED_MS);
    this.#waiting = [];
  }

  #answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const each of answers) each();
  }
}
