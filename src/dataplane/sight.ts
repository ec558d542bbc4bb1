// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a data plane sees the packets that pass it, and what there is to report when that
 * changes.
 *
 * The caller says what it found; the clock says when. Whoever looks after a plane feeds one of
 * these: the keeper's process (link-watch.ts) and the supervisor of a P4 switch (bmv2.ts). The
 * keeper's process runs as root, so this file must not import anything that parses.
 */
import { systemClock, type Clock } from '../base/clock.ts';

export type SupervisionEvent =
  /**
   * No packet is looked at any more. `since` (ms since the epoch) is when the plane was last known
   * to see packets.
   */
  | {
      readonly event: 'blind';
      readonly interface: string;
      readonly since: number;
      /** Undefined: its interface went away, or it was taken off. */
      readonly why?: string;
    }
  | {
      readonly event: 'seeing-again';
      readonly interface: string;
      readonly mode: string;
      /** From `since` until now. */
      readonly blindMilliseconds: number;
    }
  /**
   * The plane cannot be made to see again, for another reason than that its interface is absent.
   * Reported once for each reason.
   */
  | { readonly event: 'still-blind'; readonly interface: string; readonly message: string }
  /** A P4 switch was made to look for other names than it did: DNS names, as people write them. */
  | {
      readonly event: 'names-changed';
      readonly interface: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  /** Somebody ran `ctga detach`: the plane is left alone from now on. */
  | { readonly event: 'detached'; readonly interface: string }
  /** The interface has another name now, and is watched as before. */
  | { readonly event: 'renamed'; readonly interface: string; readonly to: string }
  /**
   * Others got before the program at TC ingress and may have kept packets from it. `by` says who.
   * `isFirstAgain`: the program is before them by now.
   */
  | {
      readonly event: 'overtaken';
      readonly interface: string;
      readonly by: readonly string[];
      readonly isFirstAgain: boolean;
    }
  | {
      readonly event: 'mtu-changed';
      readonly interface: string;
      readonly from: number;
      readonly to: number;
    };

export class Sight {
  readonly #interface: string;
  readonly #clock: Clock;
  /** By the monotonic clock. */
  #lastSeeing: number;
  #isBlind = false;
  #reason: string | undefined;

  /** The plane sees packets now. */
  constructor(interfaceName: string, clock: Clock = systemClock) {
    this.#interface = interfaceName;
    this.#clock = clock;
    this.#lastSeeing = clock.elapsed();
  }

  /** The plane was found to see packets. Returns what there is to report. */
  seeing(mode: string): SupervisionEvent[] {
    const elapsed = this.#clock.elapsed();
    const blindMilliseconds = Math.round(elapsed - this.#lastSeeing);
    const wasBlind = this.#isBlind;
    this.#lastSeeing = elapsed;
    this.#isBlind = false;
    this.#reason = undefined;
    if (!wasBlind) return [];
    return [{ event: 'seeing-again', interface: this.#interface, mode, blindMilliseconds }];
  }

  /**
   * The plane was found not to see packets, or could not be asked. `reason` is why it cannot be
   * made to see again, if that was tried; `why` is why it does not see, where that is not its
   * interface. Returns what there is to report.
   */
  blind(reason?: string, why?: string): SupervisionEvent[] {
    const events: SupervisionEvent[] = [];
    if (!this.#isBlind) {
      const since = Math.round(this.#clock.now() - (this.#clock.elapsed() - this.#lastSeeing));
      events.push({
        event: 'blind',
        interface: this.#interface,
        since,
        ...(why !== undefined && { why }),
      });
    }
    this.#isBlind = true;
    if (reason !== undefined && reason !== this.#reason) {
      this.#reason = reason;
      events.push({ event: 'still-blind', interface: this.#interface, message: reason });
    }
    return events;
  }
}
