// SPDX-License-Identifier: Apache-2.0
/** What may be a log's statement: one claim, verified once, however often it is seen. */
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { Seen } from './sightings.ts';

export class Candidate {
  readonly log: Log;
  #state: 'pending' | 'forged' | VerifiedStatement;
  /** Sightings while the signature is being checked, in as few entries as there are sources. */
  #waiting: Seen[] = [];
  #whenSettled: (() => void)[] = [];

  constructor(log: Log, state: 'pending' | VerifiedStatement = 'pending') {
    this.log = log;
    this.#state = state;
  }

  /** The statement, once its signature was verified; `forged` if the log did not sign it. */
  get state(): 'pending' | 'forged' | VerifiedStatement {
    return this.#state;
  }

  /** Keeps a sighting until `settle` hands it back. */
  defer(seen: Seen): void {
    const same = this.#waiting.findIndex(
      ({ source, reassembled }) =>
        source === seen.source && reassembled > 0 === seen.reassembled > 0,
    );
    const known = this.#waiting[same];
    if (known === undefined) {
      this.#waiting.push(seen);
    } else {
      this.#waiting[same] = {
        ...known,
        count: known.count + seen.count,
        reassembled: known.reassembled + seen.reassembled,
      };
    }
  }

  /** Calls back when the candidate is no longer pending, which may be at once. */
  whenSettled(call: () => void): void {
    if (this.#state === 'pending') this.#whenSettled.push(call);
    else call();
  }

  /** Ends `pending`, and returns the sightings that were deferred. */
  settle(statement: VerifiedStatement | undefined): Seen[] {
    this.#state = statement ?? 'forged';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of this.#whenSettled.splice(0)) call();
    return waiting;
  }
}
