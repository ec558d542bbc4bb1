/**
 * Keeps data planes attached for an observer that has given root up: interfaces go away and come
 * back, links are detached by force. The keeper is a process of its own, which stays as privileged
 * as whoever started it, looks at nothing but links, and parses nothing: keeper-process.ts.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import { CtgaError, messageOf } from '../base/errors.ts';
import { attachXdp, detachXdp, linkStateOf, mtuOf, type AttachXdpOptions } from './xdp.ts';

export type SupervisionEvent =
  /**
   * No packet is looked at any more; `since` (ms since the epoch) is when it was last known to be.
   */
  | { readonly event: 'blind'; readonly interface: string; readonly since: number }
  | {
      readonly event: 'seeing-again';
      readonly interface: string;
      readonly mode: string;
      readonly blindMilliseconds: number;
    }
  /**
   * It cannot be attached again for a reason that is not the interface's absence; said once a
   * reason.
   */
  | { readonly event: 'still-blind'; readonly interface: string; readonly message: string }
  /** Somebody ran `ctga detach`: it is left alone from now on. */
  | { readonly event: 'detached'; readonly interface: string }
  | {
      readonly event: 'mtu-changed';
      readonly interface: string;
      readonly from: number;
      readonly to: number;
    };

/** `mtu` as it was when the plane was attached. */
interface KeptOptions {
  readonly options: AttachXdpOptions;
  readonly mtu: number | undefined;
}

/** What the keeper is told. */
export type KeeperRequest =
  | { readonly do: 'keep'; readonly planes: readonly KeptOptions[] }
  /** Then it answers with 'let go': for planes that were made in vain. */
  | { readonly do: 'detach'; readonly interfaces: readonly string[] };

export type KeeperMessage = SupervisionEvent | { readonly event: 'let go' };

const CHECK_MS = 250;

/** One interface, in the keeper's process. */
export class Kept {
  readonly #options: AttachXdpOptions;
  readonly #tell: (event: SupervisionEvent) => void;
  readonly #timer: NodeJS.Timeout;
  /** By the monotonic clock, as every time here. */
  #lastSeeing = performance.now();
  #isBlind = false;
  #reason = '';
  #mtu: number | undefined;

  /** It was attached with `options`. */
  constructor({ options, mtu }: KeptOptions, tell: (event: SupervisionEvent) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#mtu = mtu;
    this.#timer = setInterval(() => this.#check(performance.now()), CHECK_MS);
  }

  leave(): void {
    clearInterval(this.#timer);
  }

  #check(now: number): void {
    const { interfaceName } = this.#options;
    try {
      const state = linkStateOf(interfaceName);
      if (state === undefined) {
        this.leave();
        this.#tell({ event: 'detached', interface: interfaceName });
        return;
      }
      this.#checkMtu();
      if (state.attached) this.#seeing(now, state.mode);
      else this.#blind();
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      const message = messageOf(error);
      if (message !== this.#reason)
        this.#tell({ event: 'still-blind', interface: interfaceName, message });
      this.#reason = message;
    }
  }

  #seeing(now: number, mode: string): void {
    const blindMilliseconds = Math.round(now - this.#lastSeeing);
    if (this.#isBlind)
      this.#tell({
        event: 'seeing-again',
        interface: this.#options.interfaceName,
        mode,
        blindMilliseconds,
      });
    [this.#isBlind, this.#reason, this.#lastSeeing] = [false, '', now];
  }

  #blind(): void {
    const { interfaceName } = this.#options;
    if (!this.#isBlind) {
      this.#isBlind = true;
      this.#tell({
        event: 'blind',
        interface: interfaceName,
        since: Math.round(Date.now() - (performance.now() - this.#lastSeeing)),
      });
    }
    // Without its interface there is nothing to attach to, and what was copied can go on being
    // read.
    if (mtuOf(interfaceName) === undefined) return;
    // The observer's maps are shared, and what it has set in them stays.
    const plane = attachXdp({ ...this.#options, reader: false });
    this.#seeing(performance.now(), plane.mode);
    plane.close();
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

/** Removes what was attached in vain; what is gone already is fine. */
export function letGo(interfaces: readonly string[]): void {
  for (const name of interfaces) {
    try {
      detachXdp(name);
    } catch (error) {
      if (!(error instanceof CtgaError && error.code === 'not-attached')) throw error;
    }
  }
}

/** The keeper's process, from the observer's side. */
export class Keeper {
  readonly #process: ChildProcess;
  #onEvent: (event: SupervisionEvent) => void = () => undefined;
  #onLetGo: () => void = () => undefined;
  #isWanted = true;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: KeeperMessage) => {
      if (message.event === 'let go') this.#onLetGo();
      else this.#onEvent(message);
    });
  }

  /** Started before root is given up: it is then what this process is now. */
  static start(planes: readonly AttachXdpOptions[]): Keeper {
    const script = join(import.meta.dirname, `keeper-process${extname(import.meta.filename)}`);
    const process = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    // It takes a moment to start, in which an interface may change.
    const kept = planes.map((options) => ({ options, mtu: mtuOf(options.interfaceName) }));
    const request: KeeperRequest = { do: 'keep', planes: kept };
    process.send(request);
    return new Keeper(process);
  }

  /**
   * `onEnd` is called where the keeper ends by itself, which it should not: nobody attaches again
   * then.
   */
  listen(onEvent: (event: SupervisionEvent) => void, onEnd: (how: string) => void): void {
    this.#onEvent = onEvent;
    this.#process.once('exit', (code, signal) => {
      if (this.#isWanted) onEnd(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  }

  /** Has it remove data planes, which this process may not do any more. */
  async detach(interfaces: readonly string[]): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#onLetGo = resolve;
      this.#process.once('exit', () => resolve());
    });
    const request: KeeperRequest = { do: 'detach', interfaces };
    this.#process.send(request);
    await done;
  }

  /** It ends with the connection; the data planes stay attached. */
  stop(): void {
    this.#isWanted = false;
    if (this.#process.connected) this.#process.disconnect();
  }
}
