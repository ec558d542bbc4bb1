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

export class Intake<T extends Answerable> {
  readonly #take: (all: readonly T[]) => void;
  #waiting: T[] = [];
  #answers: (() => void)[] = [];

  /** `take` throws where it could not take them: then they are brought again. */
  constructor(take: (all: readonly T[]) => void) {
    this.#take = take;
  }

  put(message: T): void {
    this.#waiting.push(message);
  }

  /** First what was taken before is answered, so that taking what is there now delays no answer. */
  moment(): void {
    this.answer();
    const all = this.#waiting;
    this.#waiting = [];
    if (all.length === 0) return;
    try {
      // One commit for all that have come by then.
      this.#take(all);
      this.#answers = all.map((message) => () => message.ack());
    } catch {
      this.#answers = all.map((message) => () => message.nak(RETRY_MS));
    }
  }

  answer(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const each of answers) each();
  }
}
