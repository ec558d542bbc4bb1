/**
 * A data plane that is looked after: interfaces go away and come back, links are detached by force. While one is
 * blind that is said and timed, and it is attached again as soon as that is possible; its maps stay.
 */
import { CtgaError, messageOf } from '../errors.ts';
import type { CopyBudget, DataPlane, DataPlaneCounters, PacketHandler, SeenLife } from './types.ts';
import { attachXdp, linkStateOf, mtuOf, type AttachXdpOptions, type XdpDataPlane } from './xdp.ts';

export type SupervisionEvent =
  /** No packet is looked at any more; `since` (ms since the epoch) is when it was last known to be. */
  | { readonly event: 'blind'; readonly interface: string; readonly since: number }
  | {
      readonly event: 'seeing-again';
      readonly interface: string;
      readonly mode: string;
      readonly blindMilliseconds: number;
    }
  /** It cannot be attached again for a reason that is not the interface's absence; said once a reason. */
  | { readonly event: 'still-blind'; readonly interface: string; readonly message: string }
  /** Somebody ran `ctga detach`: it is left alone from now on. */
  | { readonly event: 'detached'; readonly interface: string }
  | { readonly event: 'mtu-changed'; readonly interface: string; readonly from: number; readonly to: number };

const CHECK_MS = 250;

export class SupervisedXdp implements DataPlane {
  readonly interfaceName: string;
  readonly #options: AttachXdpOptions;
  readonly #onEvent: (event: SupervisionEvent) => void;
  #plane: XdpDataPlane | undefined;
  #feed: { readonly onPacket: PacketHandler; readonly onBatchEnd: () => void } | undefined;
  #names: readonly Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastSeeing = Date.now();
  #isBlind = false;
  #reason = '';
  #mtu: number | undefined;
  /** As they were last, for while there is no data plane to ask. */
  #counters: DataPlaneCounters;
  #budget: CopyBudget;

  /** `plane` was attached with `options`. */
  constructor(plane: XdpDataPlane, options: AttachXdpOptions, onEvent: (event: SupervisionEvent) => void) {
    this.interfaceName = plane.interfaceName;
    this.#options = options;
    this.#onEvent = onEvent;
    this.#plane = plane;
    this.#counters = plane.counters();
    this.#budget = plane.copyBudget();
    this.#mtu = mtuOf(plane.interfaceName);
  }

  get mode(): string {
    return this.#plane?.mode ?? 'blind';
  }

  get livesGoOn(): boolean {
    return this.#plane?.livesGoOn ?? false;
  }

  setKnownNames(names: readonly Uint8Array[]): void {
    this.#names = names;
    this.#plane?.setKnownNames(names);
  }

  counters(): DataPlaneCounters {
    return (this.#counters = this.#plane?.counters() ?? this.#counters);
  }

  seen(): SeenLife[] {
    return this.#plane?.seen() ?? [];
  }

  copyBudget(): CopyBudget {
    return (this.#budget = this.#plane?.copyBudget() ?? this.#budget);
  }

  setCopyBudget(budget: CopyBudget): void {
    this.#budget = budget;
    this.#plane?.setCopyBudget(budget);
  }

  start(onPacket: PacketHandler, onBatchEnd: () => void): void {
    this.#feed = { onPacket, onBatchEnd };
    this.#plane?.start(onPacket, onBatchEnd);
    this.#timer = setInterval(() => this.#check(Date.now()), CHECK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#feed = undefined;
    await this.#plane?.stop();
  }

  /** Gives up the lock; the data plane itself stays attached. */
  close(): void {
    this.#plane?.close();
    this.#plane = undefined;
  }

  #check(now: number): void {
    try {
      const state = linkStateOf(this.interfaceName);
      if (state === undefined) return this.#detached();
      this.#checkMtu();
      if (state.attached && this.#plane !== undefined) {
        this.#lastSeeing = now;
        return;
      }
      if (!this.#isBlind) {
        this.#isBlind = true;
        this.#onEvent({ event: 'blind', interface: this.interfaceName, since: this.#lastSeeing });
      }
      this.#attachAgain();
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      this.#stillBlind(error);
    }
  }

  #attachAgain(): void {
    // Without its interface there is nothing to attach to, and what was copied can go on being read.
    if (mtuOf(this.interfaceName) === undefined) return;
    if (this.#plane !== undefined) {
      this.#counters = this.#plane.counters();
      void this.#plane.stop();
      this.close();
    }
    this.#plane = attachXdp({ ...this.#options, ...this.#budget });
    this.#plane.setKnownNames(this.#names);
    if (this.#feed !== undefined) this.#plane.start(this.#feed.onPacket, this.#feed.onBatchEnd);
    const now = Date.now();
    const blindMilliseconds = now - this.#lastSeeing;
    [this.#isBlind, this.#reason, this.#lastSeeing] = [false, '', now];
    const { interfaceName, mode } = this.#plane;
    this.#onEvent({ event: 'seeing-again', interface: interfaceName, mode, blindMilliseconds });
  }

  #detached(): void {
    clearInterval(this.#timer);
    this.#onEvent({ event: 'detached', interface: this.interfaceName });
  }

  #checkMtu(): void {
    const mtu = mtuOf(this.interfaceName);
    if (mtu === undefined) return;
    if (this.#mtu !== undefined && mtu !== this.#mtu)
      this.#onEvent({ event: 'mtu-changed', interface: this.interfaceName, from: this.#mtu, to: mtu });
    this.#mtu = mtu;
  }

  #stillBlind(error: CtgaError): void {
    const message = messageOf(error);
    if (message === this.#reason) return;
    this.#reason = message;
    this.#onEvent({ event: 'still-blind', interface: this.interfaceName, message });
  }
}
