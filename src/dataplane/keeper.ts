/**
 * Keeps data planes attached for an observer that has given up root: interfaces go away and come
 * back, and links are detached by force. The keeper is a process of its own, which stays as
 * privileged as whoever started it, looks at nothing but links, and parses nothing
 * (keeper-process.ts). This is the observer's side of it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import type { WatchedLink } from './link-watch.ts';
import type { SupervisionEvent } from './sight.ts';
import { mtuOf, type AttachedLink } from './xdp.ts';

/** What the keeper is told. It obeys the first `watch` alone. */
export type KeeperRequest =
  | { readonly do: 'watch'; readonly links: readonly WatchedLink[] }
  /** Removes data planes that it watches, and answers with `removed`. */
  | { readonly do: 'remove'; readonly interfaces: readonly string[] };

export type KeeperMessage = SupervisionEvent | { readonly event: 'removed' };

export class Keeper {
  readonly #process: ChildProcess;
  #onEvent: (event: SupervisionEvent) => void = () => undefined;
  #onRemoved: () => void = () => undefined;
  #isWanted = true;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: KeeperMessage) => {
      if (message.event === 'removed') this.#onRemoved();
      else this.#onEvent(message);
    });
  }

  /** Start it before this process gives up root: the keeper keeps the rights of this moment. */
  static start(links: readonly AttachedLink[]): Keeper {
    const script = join(import.meta.dirname, `keeper-process${extname(import.meta.filename)}`);
    const process = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    // The process takes a moment to start, in which the MTU may change.
    const watched = links.map((link) => ({ ...link, mtu: mtuOf(link.options.interfaceName) }));
    const request: KeeperRequest = { do: 'watch', links: watched };
    process.send(request);
    return new Keeper(process);
  }

  /**
   * Calls `onEvent` for what happens to the links from now on, and `onEnd` if the keeper ends by
   * itself, which it should not: from then on nobody attaches a program again.
   */
  listen(onEvent: (event: SupervisionEvent) => void, onEnd: (how: string) => void): void {
    this.#onEvent = onEvent;
    this.#process.once('exit', (code, signal) => {
      if (this.#isWanted) onEnd(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  }

  /** Removes data planes, which this process may not do itself any more. */
  async remove(interfaces: readonly string[]): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#onRemoved = resolve;
      this.#process.once('exit', () => resolve());
    });
    const request: KeeperRequest = { do: 'remove', interfaces };
    this.#process.send(request);
    await done;
  }

  /** Ends the keeper; the data planes stay attached. */
  stop(): void {
    this.#isWanted = false;
    if (this.#process.connected) this.#process.disconnect();
  }
}
