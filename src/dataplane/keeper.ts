// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps data planes attached for an observer that has given up root: interfaces go away and come
 * back, and links are detached by force. The keeper is a process of its own, which stays as
 * privileged as whoever started it, looks at nothing but links, parses nothing, and obeys nobody
 * once it runs (keeper-process.ts). This is the observer's side of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { scriptPath } from '../base/scripts.ts';
import type { WatchedLink } from './link-watch.ts';
import type { SupervisionEvent } from './sight.ts';
import { mtuOf, type AttachedLink } from './xdp.ts';

/** What the keeper is told, at its start alone. */
export interface KeeperTask {
  readonly links: readonly WatchedLink[];
  /** Those that were not there before: taken off if the observer ends before it parses anything. */
  readonly made: readonly string[];
}

export type KeeperEvent = SupervisionEvent;

export class Keeper {
  readonly #process: ChildProcess;
  /** Resolves to its exit code. */
  readonly #closed: Promise<number | null>;
  #onEvent: (event: KeeperEvent) => void = () => undefined;
  #isWanted = true;
  /** How it ended, if it has. */
  #ended: string | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#closed = new Promise((resolve) => process.once('close', resolve));
    process.once('exit', (code, signal) => {
      this.#ended = signal ?? `exit code ${code ?? 'unknown'}`;
    });
    // One that cannot be started shows in its end.
    process.on('error', () => undefined);
    const events = createInterface({ input: process.stdio[3] as Readable });
    events.on('line', (line) => this.#onEvent(JSON.parse(line) as KeeperEvent));
    // It may have ended.
    process.stdin?.on('error', () => undefined);
  }

  /**
   * Start it before this process gives up root: the keeper keeps the rights of this moment. `made`
   * names the interfaces whose planes were not there before.
   */
  static start(links: readonly AttachedLink[], made: readonly string[]): Keeper {
    const script = scriptPath('dataplane/keeper-process');
    // The process takes a moment to start, in which the MTU may change.
    const watched = links.map((link) => ({ ...link, mtu: mtuOf(link.options.interfaceName) }));
    const task: KeeperTask = { links: watched, made };
    return new Keeper(
      spawn(process.execPath, [...process.execArgv, script, JSON.stringify(task)], {
        stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
      }),
    );
  }

  /**
   * Calls `onEvent` for what happens to the links from now on, and `onEnd` if the keeper ends by
   * itself, which it should not: from then on nobody attaches a program again.
   */
  listen(onEvent: (event: KeeperEvent) => void, onEnd: (how: string) => void): void {
    this.#onEvent = onEvent;
    const ended = (): void => {
      if (this.#isWanted) onEnd(this.#ended ?? 'it did not start');
    };
    if (this.#ended !== undefined) ended();
    else this.#process.once('exit', ended);
  }

  /** Call it before the first packet is parsed: from then on the keeper takes nothing off. */
  parsing(): void {
    this.#process.stdin?.write('.');
  }

  /**
   * Ends the keeper, which looks once more. Resolves when all that has happened to the links by now
   * was told, and what was made is taken off if nothing has been parsed; it stays otherwise. To
   * false if the keeper had ended before, and nobody knows.
   */
  async stop(): Promise<boolean> {
    this.#isWanted = false;
    if (this.#ended !== undefined) return false;
    this.#process.stdin?.end();
    return (await this.#closed) === 0;
  }
}
