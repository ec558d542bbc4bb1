// SPDX-License-Identifier: Apache-2.0
/** How `ctga alert run` of several collectors agree who of them tells: see fleet/tellers.ts. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { realSleep } from '../base/clock.ts';
import { Bus, BusError, readCredentials } from '../fleet/bus.ts';
import { FollowedRoster } from '../fleet/followed-roster.ts';
import { keysOf, readMembership } from '../fleet/roster.ts';
import { PATIENCE_MS, POLL_MS, Tellers } from '../fleet/tellers.ts';
import type { AlertFleet } from './alert.ts';

export class AlertAgreement {
  readonly tellers: Tellers;
  readonly #bus: Bus;
  readonly #warn: (message: string) => void;
  /** What is wrong with it `ctga collect` tells, which may read it where this account may not. */
  readonly #roster: FollowedRoster;
  #isDown = false;
  #hurry = new AbortController();

  /** Throws CtgaError `bad-input` where the directory is not whole, or is that of a site. */
  constructor({ servers, directory }: AlertFleet, clock: Clock, warn: (message: string) => void) {
    const membership = readMembership(directory, 'collector', 'challenger');
    const { member, key } = membership;
    const credentials = readCredentials(directory, member);
    this.#warn = warn;
    this.#roster = new FollowedRoster(directory, membership);
    this.#bus = new Bus({ servers, credentials, member: member.name, role: member.role });
    this.tellers = new Tellers({
      me: member.name,
      key,
      run: randomBytes(8).toString('hex'),
      clock,
      onDelivered: () => this.#hurry.abort(),
      // What a site signs suppresses nothing.
      keyOf: (name) =>
        keysOf(
          this.#roster.current.members.filter((each) => each.name === name && each.role !== 'site'),
        ).get(name),
    });
  }

  /** Until `stop`. A bus that is away is looked for at each turn. */
  async run(stop: AbortSignal): Promise<void> {
    try {
      while (!stop.aborted) {
        await this.#turn();
        this.#hurry = new AbortController();
        await realSleep(POLL_MS, AbortSignal.any([stop, this.#hurry.signal])).catch(
          () => undefined,
        );
      }
    } finally {
      await this.#bus.close();
    }
  }

  async #turn(): Promise<void> {
    try {
      await this.#bus.connect();
      this.#roster.look();
      await this.tellers.tick(await this.#bus.alertEntries(this.#roster.current, POLL_MS));
      if (this.#isDown) this.#warn('the bus answers again');
      this.#isDown = false;
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (!this.#isDown)
        this.#warn(
          `${error.message}. If that lasts longer than ${PATIENCE_MS / 1000} s, this machine alerts whether or not another does.`,
        );
      this.#isDown = true;
    }
  }
}
