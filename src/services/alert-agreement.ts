// SPDX-License-Identifier: Apache-2.0
/** How `ctga alert run` of several collectors agree who of them tells: see fleet/tellers.ts. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { realSleep } from '../base/clock.ts';
import { Bus, BusError, readCredentials } from '../fleet/bus.ts';
import { keysOf, readMembership, readRoster, type Roster } from '../fleet/roster.ts';
import { PATIENCE_MS, POLL_MS, Tellers } from '../fleet/tellers.ts';
import type { AlertFleet } from './alert.ts';

export class AlertAgreement {
  readonly tellers: Tellers;
  readonly #bus: Bus;
  readonly #directory: string;
  readonly #warn: (message: string) => void;
  #roster: Roster;
  #isDown = false;
  #hurry = new AbortController();

  /** Throws CtgaError `bad-input` where the directory is not whole, or is that of a site. */
  constructor({ servers, directory }: AlertFleet, clock: Clock, warn: (message: string) => void) {
    const { roster, member, key } = readMembership(directory, 'collector', 'challenger');
    const credentials = readCredentials(directory);
    this.#directory = directory;
    this.#warn = warn;
    this.#roster = roster;
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
          this.#roster.members.filter((each) => each.name === name && each.role !== 'site'),
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
      this.#followRoster();
      await this.tellers.tick(await this.#bus.alertEntries(this.#roster, POLL_MS));
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

  #followRoster(): void {
    try {
      this.#roster = readRoster(this.#directory);
    } catch {
      // It may not be for this account to read: who joins later is known after a restart.
    }
  }
}
