// SPDX-License-Identifier: Apache-2.0
/**
 * Passes frames on to another reader of dnstap, for resolvers that write to one alone. What it does
 * not take in time is dropped and counted, so that it never holds the resolver up.
 */
import { connect, type Socket } from 'node:net';
import { Window } from '../capture/window.ts';
import { Control, controlFrame, DNSTAP_CONTENT, readFrames } from './frame-stream.ts';

/** In bytes: so much may wait for the other reader. */
const MAX_WAITING = 8 << 20;
const RETRY_MS = 1000;

export class Tee {
  readonly #path: string;
  readonly #onDropped: (frames: number) => void;
  #socket: Socket | undefined;
  #isReady = false;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  /** `path` is of the Unix socket at which the other reader listens. */
  constructor(path: string, onDropped: (frames: number) => void) {
    this.#path = path;
    this.#onDropped = onDropped;
    this.#connect();
  }

  /** Passes on whole frames, each with its length in front. Copies them. */
  forward(bytes: Uint8Array, frames: number): void {
    const socket = this.#socket;
    if (!this.#isReady || socket === undefined || socket.writableLength > MAX_WAITING)
      return this.#onDropped(frames);
    socket.write(Buffer.from(bytes));
  }

  /** Ends the stream as Frame Streams has it; resolves when the other reader has all, or is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!this.#isReady) return void socket.destroy();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(controlFrame(Control.stop, false));
    const patience = setTimeout(() => socket.destroy(), RETRY_MS);
    await closed;
    clearTimeout(patience);
  }

  #connect(): void {
    const socket = (this.#socket = connect(this.#path));
    const window = new Window(this.#path);
    const reading = readFrames(window, {
      frame: () => undefined,
      tooLarge: () => undefined,
      control: (type, contentTypes) => {
        if (type === Control.accept && contentTypes.includes(DNSTAP_CONTENT)) {
          socket.write(controlFrame(Control.start, true));
          this.#isReady = true;
          return true;
        }
        socket.end();
        return false;
      },
    });
    socket.on('connect', () => socket.write(controlFrame(Control.ready, true)));
    socket.on('data', (chunk) => {
      try {
        window.feed(chunk, reading);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.#socket = undefined;
      this.#isReady = false;
      if (!this.#isClosed) this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
  }
}
