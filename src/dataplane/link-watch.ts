/**
 * Looks after the link that holds the XDP or TC program on one interface, and attaches the program
 * again when it has come off. This is what the keeper's process does, as root.
 */
import { CtgaError, messageOf } from '../base/errors.ts';
import { Sight, type SupervisionEvent } from './sight.ts';
import { attachXdp, detachXdp, linkStateOf, mtuOf, type AttachXdpOptions } from './xdp.ts';

/** A link as it was when its plane was attached. */
export interface WatchedLink {
  readonly options: AttachXdpOptions;
  /** In bytes; undefined if the interface was gone already. */
  readonly mtu: number | undefined;
}

const CHECK_MS = 250;

export class LinkWatch {
  readonly #options: AttachXdpOptions;
  readonly #tell: (event: SupervisionEvent) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #sight: Sight;
  #mtu: number | undefined;

  constructor({ options, mtu }: WatchedLink, tell: (event: SupervisionEvent) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#mtu = mtu;
    this.#sight = new Sight(options.interfaceName);
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const { interfaceName } = this.#options;
    try {
      const state = linkStateOf(interfaceName);
      if (state === undefined) {
        this.stop();
        this.#tell({ event: 'detached', interface: interfaceName });
        return;
      }
      this.#checkMtu();
      if (state.attached) this.#report(this.#sight.seeing(state.mode));
      else this.#attachAgain();
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      this.#report(this.#sight.blind(messageOf(error)));
    }
  }

  #attachAgain(): void {
    this.#report(this.#sight.blind());
    // Without its interface there is nothing to attach to. The observer goes on reading what was
    // copied before.
    if (mtuOf(this.#options.interfaceName) === undefined) return;
    // The maps are the observer's too, and what it has set in them stays.
    const plane = attachXdp({ ...this.#options, reader: false });
    this.#report(this.#sight.seeing(plane.mode));
    plane.close();
  }

  #report(events: readonly SupervisionEvent[]): void {
    for (const event of events) this.#tell(event);
  }

  #checkMtu(): void {
    const { interfaceName } = this.#options;
    const mtu = mtuOf(interfaceName);
    if (mtu === undefined) return;
    if (this.#mtu !== undefined && mtu !== this.#mtu)
      this.#tell({ event: 'mtu-changed', interface: interfaceName, from: this.#mtu, to: mtu });
    this.#mtu = mtu;
  }
}

/** Takes the program off these interfaces, where it is still attached. */
export function detachLinks(interfaces: readonly string[]): void {
  for (const name of interfaces) {
    try {
      detachXdp(name);
    } catch (error) {
      if (!(error instanceof CtgaError && error.code === 'not-attached')) throw error;
    }
  }
}
