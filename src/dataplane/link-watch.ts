// SPDX-License-Identifier: Apache-2.0
/**
 * Looks after the link that holds the XDP or TC program on one interface, and attaches the program
 * again when it has come off. This is what the keeper's process does, as root.
 */
import { systemClock } from '../base/clock.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { Sight, type SupervisionEvent } from './sight.ts';
import {
  attachXdp,
  detachPins,
  followLink,
  mtuOf,
  type AttachedLink,
  type AttachXdpOptions,
} from './xdp.ts';

/** A link as it was when its plane was attached. */
export interface WatchedLink extends AttachedLink {
  /** In bytes; undefined if the interface was gone already. */
  readonly mtu: number | undefined;
}

const CHECK_MS = 250;
/** Somebody who insists on being first is not fought, but told of. */
const OVERTAKE_MS = 60_000;

export class LinkWatch {
  readonly #options: AttachXdpOptions;
  /** It moves when the interface comes back with another index. */
  #pinDirectory: string;
  /** The interface's present name, or the last it had. */
  #name: string;
  readonly #tell: (event: SupervisionEvent) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #sight: Sight;
  #isOver = false;
  #mtu: number | undefined;
  #overtakesFrom = 0;

  constructor(
    { options, pinDirectory, mtu }: WatchedLink,
    tell: (event: SupervisionEvent) => void,
  ) {
    this.#options = options;
    this.#pinDirectory = pinDirectory;
    this.#name = options.interfaceName;
    this.#tell = tell;
    this.#mtu = mtu;
    this.#sight = new Sight(options.interfaceName);
    this.#timer = setInterval(() => this.check(), CHECK_MS);
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  /** Takes the program off, if it is still pinned, and looks after it no more. */
  detach(): void {
    this.stop();
    try {
      detachPins(this.#pinDirectory, this.#name);
    } catch (error) {
      if (!(error instanceof CtgaError && error.code === 'not-attached')) throw error;
    }
  }

  /** Looks at the link now, and tells what has happened to it. */
  check(): void {
    if (this.#isOver) return;
    const { interfaceName } = this.#options;
    try {
      const state = followLink(this.#pinDirectory);
      if (state === undefined) {
        this.stop();
        this.#tell({ event: 'detached', interface: interfaceName });
        return;
      }
      if (state.interfaceName !== this.#name && state.interfaceName !== '') {
        this.#name = state.interfaceName;
        this.#tell({ event: 'renamed', interface: interfaceName, to: this.#name });
      }
      this.#checkMtu();
      if (state.link.attached) this.#report(this.#sight.seeing(state.link.mode));
      else this.#attachAgain();
      if (state.link.overtaken) this.#overtake(state.link.behind);
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      this.#report(this.#sight.blind(messageOf(error)));
    }
  }

  #attachAgain(): void {
    this.#report(this.#sight.blind());
    // Without its interface there is nothing to attach to. The observer goes on reading what was
    // copied before.
    if (mtuOf(this.#name) === undefined) return;
    this.#report(this.#sight.seeing(this.#attach()));
  }

  /** Returns the mode. */
  #attach(): string {
    // The maps are the observer's too, and what it has set in them stays.
    const plane = attachXdp({ ...this.#options, interfaceName: this.#name, reader: false });
    this.#pinDirectory = plane.link.pinDirectory;
    plane.close();
    return plane.mode;
  }

  /** Puts the program before those that got before it. */
  #overtake(by: readonly string[]): void {
    const now = systemClock.elapsed();
    if (now < this.#overtakesFrom) return;
    this.#overtakesFrom = now + OVERTAKE_MS;
    let isFirstAgain = true;
    try {
      this.#attach();
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      isFirstAgain = false;
    }
    const { interfaceName } = this.#options;
    this.#tell({ event: 'overtaken', interface: interfaceName, by, isFirstAgain });
  }

  #report(events: readonly SupervisionEvent[]): void {
    for (const event of events) this.#tell(event);
  }

  #checkMtu(): void {
    const { interfaceName } = this.#options;
    const mtu = mtuOf(this.#name);
    if (mtu === undefined) return;
    if (this.#mtu !== undefined && mtu !== this.#mtu)
      this.#tell({ event: 'mtu-changed', interface: interfaceName, from: this.#mtu, to: mtu });
    this.#mtu = mtu;
  }
}
