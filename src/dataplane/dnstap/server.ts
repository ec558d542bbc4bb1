// SPDX-License-Identifier: Apache-2.0
/**
 * Takes the streams of resolvers: Frame Streams with handshake or without, over Unix sockets or
 * TCP. A stream is read as fast as it comes, whatever becomes of its frames.
 */
import { Server, type Socket } from 'node:net';
import { CtgaError } from '../../base/errors.ts';
import { Window } from '../capture/window.ts';
import { Count } from './counts.ts';
import {
  Control,
  controlFrame,
  DNSTAP_CONTENT,
  readFrames,
  type FrameSink,
} from './frame-stream.ts';
import { listenAt } from './listen.ts';
import type { DnstapPlace } from './place.ts';
import type { Tap } from './tap.ts';
import { Tee } from './tee.ts';

/** Each takes a megabyte. */
const MAX_STREAMS = 64;

export class DnstapServer {
  readonly #server: Server;
  readonly #tap: Tap;
  readonly #tee: Tee | undefined;
  readonly #sockets = new Set<Socket>();
  #isReading = false;

  /** `tee`: the path of the socket of another reader, if there is one. */
  constructor(tap: Tap, tee: string | undefined) {
    this.#tap = tap;
    this.#tee =
      tee === undefined ? undefined : new Tee(tee, (by) => tap.count(Count.notPassedOn, by));
    this.#server = new Server({ pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Throws CtgaError as listenAt does. Streams may come from then on, and are not read yet. */
  async listen(place: DnstapPlace): Promise<void> {
    try {
      await listenAt(this.#server, place);
    } catch (error) {
      await this.#tee?.close();
      throw error;
    }
  }

  /** Reads from now on. */
  begin(): void {
    this.#isReading = true;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends every stream; what has come is taken. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#tee?.close();
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= MAX_STREAMS) {
      this.#tap.count(Count.refused);
      return void socket.destroy();
    }
    this.#sockets.add(socket);
    this.#tap.count(Count.open);
    const stream = new Stream(socket, this.#tap, this.#tee);
    socket.on('data', (chunk) => stream.push(chunk));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#tap.count(Count.open, -1);
    });
    if (this.#isReading) socket.resume();
    else socket.pause();
  }
}

/** One stream of one resolver. */
class Stream implements FrameSink {
  readonly #socket: Socket;
  readonly #tap: Tap;
  readonly #tee: Tee | undefined;
  readonly #window = new Window('the stream');
  readonly #reading = readFrames(this.#window, this);
  #handshakes = false;
  #started = false;
  #now = 0;
  /** Frames that the other reader is to have: `#frames` of them, in this part of the window. */
  #from = 0;
  #to = 0;
  #frames = 0;

  constructor(socket: Socket, tap: Tap, tee: Tee | undefined) {
    this.#socket = socket;
    this.#tap = tap;
    this.#tee = tee;
  }

  push(chunk: Uint8Array): void {
    this.#now = Date.now();
    try {
      this.#window.feed(chunk, this.#reading, this.#passOn);
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      this.#tap.count(Count.damaged);
      this.#socket.destroy();
    }
  }

  frame(start: number, end: number): void {
    if (!this.#started) throw new CtgaError('bad-input', 'a frame came before the stream began');
    this.#tap.take(this.#window.bytes, start, end, this.#now);
    if (this.#tee === undefined) return;
    if (this.#to !== start - 4) this.#passOn();
    if (this.#frames === 0) this.#from = start - 4;
    this.#to = end;
    this.#frames += 1;
  }

  tooLarge(): void {
    this.#tap.count(Count.malformed);
  }

  control(type: number, contentTypes: readonly string[]): boolean {
    const isDnstap = contentTypes.length === 0 || contentTypes.includes(DNSTAP_CONTENT);
    if (type === Control.ready && isDnstap && !this.#started) {
      this.#handshakes = true;
      this.#socket.write(controlFrame(Control.accept, true));
      return true;
    }
    if (type === Control.start && isDnstap && !this.#started) return (this.#started = true);
    if (type === Control.stop && this.#started) {
      if (this.#handshakes) this.#socket.write(controlFrame(Control.finish, false));
      this.#socket.end();
      return false;
    }
    this.#tap.count(Count.refused);
    this.#socket.destroy();
    return false;
  }

  readonly #passOn = (): void => {
    if (this.#frames > 0)
      this.#tee?.forward(this.#window.bytes.subarray(this.#from, this.#to), this.#frames);
    this.#frames = 0;
  };
}
