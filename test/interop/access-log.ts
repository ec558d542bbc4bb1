// SPDX-License-Identifier: Apache-2.0
/**
 * What stands before a log: a reverse proxy that writes down everything that whoever runs the log
 * sees, and that can answer in the log's place, as front ends that are broken or behind do.
 */
import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Access {
  /** Milliseconds since the front end was started. */
  readonly at: number;
  /** The request line's path and query, below the log's URL. */
  readonly path: string;
  /** As the client wrote and ordered them, names and values in turn; without Host. */
  readonly headers: readonly string[];
  /** The connections are counted from 1. */
  readonly connection: number;
  readonly status: number;
  readonly bytes: number;
}

export interface Answer {
  /** 0 breaks the connection off after the body. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export class FrontEnd {
  readonly url: string;
  readonly accesses: Access[] = [];
  /** The URL of the log behind it, which may be another one each day. */
  upstream: string;
  /** The name under which the log is asked; that of the URL unless given. */
  host: string | undefined;
  /** Answers instead of the log, or changes its answer, where it returns something. */
  instead: (
    asked: Pick<Access, 'path' | 'connection'>,
    theirs: () => Promise<Answer>,
  ) => Promise<Answer> | Answer | undefined = () => undefined;
  readonly close: () => void;

  private constructor(upstream: string, url: string, close: () => void) {
    this.upstream = upstream;
    this.url = url;
    this.close = close;
  }

  static async start(upstream: string): Promise<FrontEnd> {
    const began = performance.now();
    const numbers = new WeakMap<Socket, number>();
    let connections = 0;
    const server = createServer((request, response) => {
      const path = (request.url ?? '').slice(1);
      const at = Math.round(performance.now() - began);
      const connection = numbers.get(request.socket) ?? 0;
      const headers = withoutHost(request.rawHeaders);
      void front.#answer({ path, connection }).then((answer) => {
        const { status, body = '' } = answer;
        front.accesses.push({ at, path, headers, connection, status, bytes: body.length });
        if (status === 0) {
          response.writeHead(200, { 'content-length': body.length + 1 }).write(body);
          setImmediate(() => request.socket.destroy());
        } else response.writeHead(status, answer.headers).end(body);
      });
    });
    server.on('connection', (socket: Socket) => numbers.set(socket, ++connections));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const close = (): void => {
      server.close();
      server.closeAllConnections();
    };
    const front = new FrontEnd(upstream, `http://127.0.0.1:${port}/`, close);
    return front;
  }

  /** The accesses since the last call. */
  take(): Access[] {
    return this.accesses.splice(0);
  }

  async #answer(asked: Pick<Access, 'path' | 'connection'>): Promise<Answer> {
    const theirs = (): Promise<Answer> => ask(`${this.upstream}${asked.path}`, this.host);
    try {
      return await (this.instead(asked, theirs) ?? theirs());
    } catch (error) {
      return { status: 502, body: String(error) };
    }
  }
}

function withoutHost(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2);
    headers.push(name, name.toLowerCase() === 'host' ? '' : value);
  }
  return headers;
}

function ask(url: string, host: string | undefined): Promise<Answer> {
  return new Promise((done, failed) => {
    const headers = { 'accept-encoding': 'gzip', ...(host !== undefined && { host }) };
    const request = send(url, { headers }, (answer) => {
      read(answer).then((body) => {
        const passed = ['content-type', 'content-encoding', 'retry-after'].flatMap((name) => {
          const value = answer.headers[name];
          return typeof value === 'string' ? [[name, value] as const] : [];
        });
        done({ status: answer.statusCode ?? 502, headers: Object.fromEntries(passed), body });
      }, failed);
    });
    request.once('error', failed);
    request.end();
  });
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
