// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps data planes attached for an observer that has given up root: interfaces go away and come
 * back, and links are detached by force. The keeper is a process of its own, which stays as
 * privileged as whoever started it, looks at nothing but links, and parses nothing
 * (keeper-process.ts). This is the observer's side of it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { scriptPath } from '../base/scripts.ts';
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
  /** How it ended, if it did before anybody listened. */
  #ended: string | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: KeeperMessage) => {
      if (message.event === 'removed' || message.event === 'checked') this.#onAnswer(message);
      else this.#onEvent(message);
    });
    process.once('exit', (code, signal) => {
      this.#ended = signal ?? `exit code ${code ?? 'unknown'}`;
    });
    // What cannot be sent to it, or started, shows in its end.
    process.on('error', () => undefined);
  }

  /** Start it before this process gives up root: the keeper keeps the rights of this moment. */
  static start(links: readonly AttachedLink[]): Keeper {
    const process = fork(scriptPath('dataplane/keeper-process'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    // The process takes a moment to start, in which the MTU may change.
    const watched = links.map((link) => ({ ...link, mtu: mtuOf(link.options.interfaceName) }));
    const request: KeeperRequest = { do: 'watch', links: watched };
    const keeper = new Keeper(process);
    process.send(request, () => undefined);
    return keeper;
  }

  /**
   * Calls `onEvent` for what happens to the links from now on, and `onEnd` if the keeper ends by
   * itself, which it should not: from then on nobody attaches a program again.
   */
  listen(onEvent: (event: SupervisionEvent) => void, onEnd: (how: string) => void): void {
    this.#onEvent = onEvent;
    const ended = (): void => {
      if (this.#isWanted) onEnd(this.#ended ?? 'it did not start');
    };
    if (this.#ended !== undefined) ended();
    else this.#process.once('exit', ended);
  }

  /** Removes data planes, which this process may not do itself any more. */
  async remove(interfaces: readonly string[]): Promise<void> {
    await this.#ask({ do: 'remove', interfaces }, 'removed');
  }

  /**
   * Resolves when all that has happened to the links by now was told; to false if the keeper has
   * ended, and nobody knows.
   */
  check(): Promise<boolean> {
    return this.#ask({ do: 'check' }, 'checked');
  }

  /** Resolves when the keeper has answered, to true, or has ended. */
  #ask(request: KeeperRequest, wanted: KeeperAnswer['event']): Promise<boolean> {
    return new Promise((resolve) => {
      this.#onAnswer = (answer) => {
        if (answer.event === wanted) resolve(true);
      };
      this.#process.once('exit', () => resolve(false));
      if (!this.#process.connected) return resolve(false);
      this.#process.send(request, (error) => {
        if (error !== null) resolve(false);
      });
    });
  }

  /** Ends the keeper; the data planes stay attached. */
  stop(): void {
    this.#isWanted = false;
    if (this.#process.connected) this.#process.disconnect();
  }
}
