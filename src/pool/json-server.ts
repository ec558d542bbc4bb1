// SPDX-License-Identifier: Apache-2.0
/**
 * An HTTP server for JSON that anybody may send, behind a web server or an onion service: bounded in
 * all that a request can cost, and without a word on who asked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../base/errors.ts';
import { hasMore } from '../base/json.ts';
import { listenAt, type Listening } from '../base/listen.ts';
import { StoreError } from '../disk/error.ts';
import { bodyOf, pathOf, Refused, restOf, send, stopServer } from '../http/serving.ts';

export { Refused, send };

/** In bytes. A chain has some 5,000. */
const MAX_BODY = 2 ** 20;
/** Of 256 SCTs with as many chains, or 500 tree heads, there are some 4,000. */
const MAX_COMMAS = 20_000;
/** Requests whose bodies are read or checked at once; others are told to come again. */
const MAX_AT_ONCE = 32;
const RETRY_AFTER_SECONDS = '60';
export const JSON_TYPE = 'application/json';

export interface JsonEndpoint {
  readonly method: 'GET' | 'POST';
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

export interface JsonServerOptions {
  readonly address: string;
  readonly port: number;
  /** By path. */
  readonly endpoints: ReadonlyMap<string, JsonEndpoint>;
  /** What GET /metrics gives, for Prometheus, and where each request is counted. */
  readonly metrics: {
    readonly contentType: string;
    render(): Promise<string>;
    /** `path` is one of the endpoints', or `other`. */
    countRequest(path: string, status: number): void;
  };
  /** Called with an error that is nobody's outside. */
  readonly onError: (error: unknown) => void;
}

export function tooMany(): Refused {
  return new Refused(503, 'Too many at once.', { 'retry-after': RETRY_AFTER_SECONDS });
}

export class JsonServer {
  readonly #options: JsonServerOptions;
  readonly #server: Server;
  #at: Listening = { port: 0, url: '' };
  #atOnce = 0;

  private constructor(options: JsonServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { headersTimeout: 10_000, requestTimeout: 30_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = 1024;
    // One that reads nothing of its answer gives its place to others.
    this.#server.setTimeout(60_000);
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: JsonServerOptions): Promise<JsonServer> {
    const server = new JsonServer(options);
    server.#at = await listenAt(server.#server, options);
    return server;
  }

  get at(): Listening {
    return this.#at;
  }

  async stop(): Promise<void> {
    await stopServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    try {
      if (path === '/metrics' && request.method === 'GET') {
        const { contentType } = this.#options.metrics;
        return send(response, 200, await this.#options.metrics.render(), contentType);
      }
      const found = this.#options.endpoints.get(path);
      if (found === undefined) throw new Refused(404, 'Nothing is here.');
      if (request.method !== found.method)
        throw new Refused(405, `Only ${found.method}.`, { allow: found.method });
      await this.#limited(() => found.handle(request, response));
    } catch (error) {
      // A web server in between that is still sending may not see an answer that comes before.
      await restOf(request);
      this.#fail(response, error);
    } finally {
      this.#options.metrics.countRequest(
        this.#options.endpoints.has(path) ? path : 'other',
        response.statusCode,
      );
    }
  }

  async #limited(work: () => Promise<void>): Promise<void> {
    if (this.#atOnce >= MAX_AT_ONCE) throw tooMany();
    this.#atOnce += 1;
    try {
      await work();
    } finally {
      this.#atOnce -= 1;
    }
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy();
    if (error instanceof Refused) {
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      return send(response, error.status, `${error.message}\n`);
    }
    this.#options.onError(error);
    const isStore = error instanceof StoreError;
    if (isStore) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
    send(response, isStore ? 503 : 500, 'It cannot be kept now.\n');
  }
}

/** The body of a request. Rejects with Refused unless it is JSON and says so. */
export async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== JSON_TYPE) throw new Refused(415, `The content type must be ${JSON_TYPE}.`);
  if (request.headers['content-encoding'] !== undefined)
    throw new Refused(415, 'No content encoding is understood.');
  const body = await bodyOf(request, MAX_BODY);
  if (hasMore(body, MAX_COMMAS, ','))
    throw new Refused(413, 'There are more values in it than anybody has to send.');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refused(400, 'The body is no JSON.');
  }
}

/** What `read` makes of it; its RangeError becomes Refused. */
export function readAs<T>(json: unknown, read: (json: unknown) => T): T {
  try {
    return read(json);
  } catch (error) {
    if (error instanceof RangeError) throw new Refused(400, messageOf(error));
    throw error;
  }
}
