// SPDX-License-Identifier: Apache-2.0
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
  /** Looks at every link at once, tells what has happened, and then answers with `checked`. */
  | { readonly do: 'check' }
  /** Removes data planes that it watches, and answers with `removed`. */
  | { readonly do: 'remove'; readonly interfaces: readonly string[] };

export type KeeperMessage = SupervisionEvent | KeeperAnswer;
type KeeperAnswer = { readonly event: 'checked' } | { readonly event: 'removed' };

export class Keeper {
  readonly #process: ChildProcess;
  #onEvent: (event: SupervisionEvent) => void = () => undefined;
  #onAnswer: (answer: KeeperAnswer) => void = () => undefined;
  #isWanted = true;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: KeeperMessage) => {
      if (message.event === 'removed' || message.event === 'checked') this.#onAnswer(message);
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
  remove(interfaces: readonly string[]): Promise<void> {
    return this.#ask({ do: 'remove', interfaces }, 'removed');
  }

  /** Resolves when all that has happened to the links by now was told. */
  check(): Promise<void> {
    return this.#ask({ do: 'check' }, 'checked');
  }

  /** Resolves when the keeper has answered, or has ended. */
  #ask(request: KeeperRequest, wanted: KeeperAnswer['event']): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#onAnswer = (answer) => {
        if (answer.event === wanted) resolve();
      };
      this.#process.once('exit', () => resolve());
      if (!this.#process.connected) return resolve();
      this.#process.send(request, (error) => {
        if (error !== null) resolve();
      });
    });
  }

  /** Ends the keeper; the data planes stay attached. */
  stop(): void {
    this.#isWanted = false;
    if (this.#process.connected) this.#process.disconnect();
  }
}
