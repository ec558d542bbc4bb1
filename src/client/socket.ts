// SPDX-License-Identifier: Apache-2.0
/**
 * The daemon's Unix socket, at which hosts of browsers bring messages. Any program of the same
 * account may: what it sends is bounded, and what it does not read ends its connection.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { CtgaError, messageOf } from '../base/errors.ts';
import { FrameReader } from './frames.ts';
import { frameFromDaemon, readToDaemon, type FromDaemon, type ToDaemon } from './messages.ts';

const MAX_CONNECTIONS = 16;
/** Bytes that may wait to be read by the other end. */
const MAX_WAITING = 8 << 20;
/** In bytes: what sockaddr_un holds, with its zero (unix(7)). */
const MAX_PATH = 107;

/** Handles one message. What it throws is said to whoever sent it. */
export type Handle = (
  message: ToDaemon,
  reply: (message: FromDaemon) => void,
) => void | Promise<void>;

export class MessageServer {
  readonly #server: Server;
  readonly #handle: Handle;
  /** The one that said something longest ago is first. */
  readonly #connections = new Set<Socket>();

  private constructor(handle: Handle) {
    this.#handle = handle;
    this.#server = createServer((socket) => void this.#serve(socket));
  }

  /**
   * Listens at a path, in the place of what a daemon left there that is gone: the caller makes sure
   * that none listens. Rejects with CtgaError.
   */
  static async start(path: string, handle: Handle): Promise<MessageServer> {
    if (Buffer.byteLength(path) > MAX_PATH)
      throw new CtgaError('bad-input', `the path of the socket is too long: ${path}`, {
        remedy: `It may have ${MAX_PATH} bytes. Name a shorter directory with --state-dir.`,
      });
    const messages = new MessageServer(handle);
    const server = messages.#server;
    try {
      rmSync(path, { force: true });
      await new Promise<void>((done, failed) => {
        server.once('error', failed).listen(path, done);
      });
      chmodSync(path, 0o600);
    } catch (cause) {
      server.close();
      throw new CtgaError('kernel', `cannot listen at ${path}: ${messageOf(cause)}`, { cause });
    }
    server.on('error', () => undefined);
    return messages;
  }

  /** Sends a message to whoever is connected. */
  push(message: FromDaemon): void {
    if (this.#connections.size === 0) return;
    const bytes = frameFromDaemon(message);
    for (const socket of this.#connections) send(socket, bytes);
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  async #serve(socket: Socket): Promise<void> {
    const [oldest] = this.#connections;
    if (this.#connections.size >= MAX_CONNECTIONS) oldest?.destroy();
    this.#connections.add(socket);
    socket.on('error', () => undefined);
    const reply = (message: FromDaemon): void => send(socket, frameFromDaemon(message));
    const reader = new FrameReader();
    try {
      // A reply to what ends it still has to go out.
      const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const bytes of chunks)
        for (const body of reader.take(bytes)) {
          this.#connections.delete(socket);
          if (socket.destroyed) return;
          this.#connections.add(socket);
          await this.#obey(body, reply);
        }
    } catch (error) {
      if (error instanceof RangeError) {
        reply({ type: 'error', message: error.message });
        socket.end();
      }
      // Else the other end is gone.
    } finally {
      this.#connections.delete(socket);
      // Whoever was told why it ends has a second to read that.
      if (socket.writableEnded) socket.resume().setTimeout(1000, () => socket.destroy());
      else socket.destroy();
    }
  }

  async #obey(body: Uint8Array, reply: (message: FromDaemon) => void): Promise<void> {
    try {
      await this.#handle(readToDaemon(body), reply);
    } catch (error) {
      const why = error instanceof CtgaError ? ({ why: 'later' } as const) : {};
      reply({ type: 'error', message: messageOf(error), ...why });
    }
  }
}

function send(socket: Socket, bytes: Buffer): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (socket.writableLength > MAX_WAITING) return void socket.destroy();
  socket.write(bytes);
}
