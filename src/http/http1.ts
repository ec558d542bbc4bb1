// SPDX-License-Identifier: Apache-2.0
/** HTTP/1.1 with one host, by Node's own client, over connections that somebody else opens. */
import http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Request } from './curl.ts';
import { notOursToAsk } from './error.ts';
import { readBody, Unanswered, type Response } from './response.ts';

export class Http1 {
  readonly #agent: HostAgent;
  readonly #places: Places;

  /** `open` connects to the host; at most `most` connections are in use at once. */
  constructor(open: () => Promise<Socket>, most: number) {
    this.#agent = new HostAgent(open);
    this.#places = new Places(most);
  }

  /** Takes a connection that is open already, for the next request. */
  adopt(socket: Socket): void {
    this.#agent.waiting.push(socket);
  }

  /** Rejects with Unanswered, or with what `open` or Node failed with. */
  async send(
    { method, url, headers, post, maxBytes, maySend }: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    await this.#places.take(signal);
    if (maySend?.() === false) {
      this.#places.give();
      throw notOursToAsk();
    }
    return new Promise((resolve, reject) => {
      const path = `${url.pathname}${url.search}`;
      const asked = { agent: this.#agent, method, path, setHost: false, signal, maySend };
      const request = http.request(asked);
      request.setHeader('Host', url.host);
      for (const [name, value] of headers) request.setHeader(name, value);
      // HTTP/1.1 keeps connections anyway, and curl does not say so.
      request.removeHeader('Connection');
      request.once('close', () => this.#places.give());
      let isAnswered = false;
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isClosed = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        const mayRepeat = isClosed && request.reusedSocket && !isAnswered && method === 'GET';
        reject(mayRepeat ? new Unanswered('', { cause: error }) : error);
      });
      request.once('response', (response) => {
        isAnswered = true;
        const { statusCode: status = 0, headers } = response;
        const stop = (): void => void response.destroy();
        resolve({ status, headers, body: readBody(response, maxBytes, () => true, stop) });
      });
      request.end(post);
    });
  }

  close(): void {
    this.#agent.destroy();
    for (const socket of this.#agent.waiting.splice(0)) socket.destroy();
  }
}

/** Node's own agent: it is built in, so it reads no file after the challenger has given up root. */
class HostAgent extends http.Agent {
  /** Connections that are open and that no request has used. */
  readonly waiting: Socket[] = [];
  readonly #open: () => Promise<Socket>;

  constructor(open: () => Promise<Socket>) {
    super({ keepAlive: true });
    this.#open = open;
  }

  /** Called by Node, which takes the socket through the callback. */
  override createConnection(
    { maySend }: http.ClientRequestArgs & Partial<Pick<Request, 'maySend'>>,
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const failed = (error: unknown): void => (done as (error: unknown) => void)(error);
    const waiting = this.waiting.pop();
    const socket = waiting === undefined ? this.#open() : Promise.resolve(waiting);
    socket.then((open) => {
      // Connecting may have taken long.
      if (maySend?.() !== false) return done(null, open);
      open.destroy();
      failed(notOursToAsk());
    }, failed);
  }
}

/** So many requests at once. Node's agent counts a connection only when it is open. */
class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(free: number) {
    this.#free = free;
  }

  /** Waits for a place. Rejects with the signal's reason if that comes first. */
  take(signal: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        this.#waiting.delete(turn);
        reject(signal.reason as Error);
      };
      this.#waiting.add(turn);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
