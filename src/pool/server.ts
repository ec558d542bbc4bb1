// SPDX-License-Identifier: Apache-2.0
/**
 * The endpoints of a pool, for an HTTPS server to put behind its own paths. Whoever connects is
 * that web server, so nothing here goes by addresses; and no answer tells what others brought, but
 * the feedback that is for everybody and the heads that chance draws.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../base/errors.ts';
import { listenAt, type Listening } from '../base/listen.ts';
import { StoreError } from '../disk/error.ts';
import { REFUSALS, type FeedbackChecks, type Refusal } from './feedback.ts';
import { DRAFT_02, DRAFT_05, type Forms } from './forms.ts';
import type { PoolMetrics } from './metrics.ts';
import type { HeadPool } from './pollination.ts';
import type { PoolStore } from './store.ts';

/** In bytes. A chain has some 5,000. */
const MAX_BODY = 2 ** 20;
/** What is read of a body that is refused, in bytes. */
const MAX_REST = 2 ** 24;
/** In one request: what an honest client has of one server is far less. */
const MAX_PAIRS = 256;
const MAX_HEADS = 500;
/** Requests whose bodies are read or checked at once; others are told to come again. */
const MAX_AT_ONCE = 32;
/** All that was collected, sent at once: some 64 MiB each, made anew for each. */
const MAX_FETCHES = 4;
const RETRY_AFTER_SECONDS = '60';
const JSON_TYPE = 'application/json';

export interface PoolServerOptions {
  readonly address: string;
  readonly port: number;
  readonly store: PoolStore;
  readonly checks: FeedbackChecks;
  readonly heads: HeadPool;
  readonly metrics: PoolMetrics;
  /** Called with an error that is nobody's outside. */
  readonly onError: (error: unknown) => void;
}

/** What a client is told that did something wrong. */
class Refused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

function tooMany(): Refused {
  return new Refused(503, 'Too many at once.', { 'retry-after': RETRY_AFTER_SECONDS });
}

type Handler = (forms: Forms, request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class PoolServer {
  readonly #options: PoolServerOptions;
  readonly #server: Server;
  readonly #handlers = new Map<
    string,
    { readonly method: string; readonly forms: Forms; readonly handle: Handler }
  >();
  #at: Listening = { port: 0, url: '' };
  #atOnce = 0;
  #fetches = 0;

  private constructor(options: PoolServerOptions) {
    this.#options = options;
    for (const forms of [DRAFT_02, DRAFT_05]) {
      const add = (name: string, method: string, handle: Handler): unknown =>
        this.#handlers.set(`${forms.base}/${name}`, { method, forms, handle });
      add('sct-feedback', 'POST', (...args) => this.#takeFeedback(...args));
      add('collected-sct-feedback', 'GET', (...args) => this.#giveFeedback(...args));
      add('sth-pollination', 'POST', (...args) => this.#pollinate(...args));
    }
    this.#server = createServer(
      { headersTimeout: 10_000, requestTimeout: 30_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = 1024;
    // One that reads nothing of its answer gives its place to others.
    this.#server.setTimeout(60_000);
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: PoolServerOptions): Promise<PoolServer> {
    const pool = new PoolServer(options);
    pool.#at = await listenAt(pool.#server, options);
    return pool;
  }

  get at(): Listening {
    return this.#at;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      setTimeout(() => this.#server.closeAllConnections(), 5000).unref();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*$/s, '');
    try {
      if (path === '/metrics' && request.method === 'GET') {
        const { contentType } = this.#options.metrics;
        return send(response, 200, await this.#options.metrics.render(), contentType);
      }
      const found = this.#handlers.get(path);
      if (found === undefined) throw new Refused(404, 'Nothing is here.');
      if (request.method !== found.method)
        throw new Refused(405, `Only ${found.method}.`, { allow: found.method });
      await this.#limited(() => found.handle(found.forms, request, response));
    } catch (error) {
      // A web server in between that is still sending may not see an answer that comes before.
      await restOf(request);
      this.#fail(response, error);
    } finally {
      this.#options.metrics.countRequest(
        this.#handlers.has(path) ? path : 'other',
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

  async #takeFeedback(
    forms: Forms,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { checks, store, metrics } = this.#options;
    const submitted = readAs(await jsonOf(request), (json) => forms.readFeedback(json));
    const pairs = submitted.reduce((sum, { scts }) => sum + Math.max(1, scts.length), 0);
    if (pairs > MAX_PAIRS) throw new Refused(413, `More than ${MAX_PAIRS} SCTs in one request.`);
    const refused = new Map<Refusal, number>();
    let good = 0;
    for (const each of submitted) {
      const checked = checks.check(each);
      for (const [why, count] of checked.refused) refused.set(why, (refused.get(why) ?? 0) + count);
      if (checked.pairs.length > 0)
        for (const outcome of store.addPairs(checked.pairs)) metrics.countPair(outcome);
      good += checked.pairs.length;
      // A signature takes a tenth of a millisecond: others get their turn in between.
      await new Promise(setImmediate);
    }
    for (const [why, count] of refused) metrics.countPair(why, count);
    const [worst] = REFUSALS.filter((why) => refused.has(why));
    if (good === 0 && worst !== undefined)
      throw new Refused(worst === 'other-name' ? 403 : 400, SENTENCES[worst]);
    // The same for what is kept and for what was there, which are for others to know.
    send(response, 200, '{}\n', JSON_TYPE);
  }

  async #giveFeedback(forms: Forms, _: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#fetches >= MAX_FETCHES) throw tooMany();
    response.writeHead(200, { 'content-type': JSON_TYPE, 'cache-control': 'public, max-age=3600' });
    this.#fetches += 1;
    try {
      await pipeline(Readable.from(feedbackIn(forms, this.#options.store)), response);
    } finally {
      this.#fetches -= 1;
    }
  }

  async #pollinate(
    forms: Forms,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { heads, metrics } = this.#options;
    const brought = readAs(await jsonOf(request), (json) => forms.readHeads(json));
    if (brought.length > MAX_HEADS)
      throw new Refused(413, `More than ${MAX_HEADS} tree heads in one request.`);
    // Drawn first: what is brought has no part in it.
    const drawn = heads.drawn(Date.now());
    for (const json of brought) {
      const head = forms.readHead(json);
      metrics.countHead(head === undefined ? 'malformed' : heads.take(head, Date.now()));
      await new Promise(setImmediate);
    }
    send(response, 200, forms.writeHeads(drawn), JSON_TYPE);
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

const SENTENCES: Readonly<Record<Refusal, string>> = {
  malformed: 'A certificate, a chain or an SCT is not what RFC 5280 and RFC 6962 say.',
  'broken-chain': 'Each certificate of a chain must be issued by the next.',
  'other-name': 'The certificate is for none of the names that are served here.',
  'unknown-log': 'The SCT is of no log that is known here.',
  'bad-signature': 'The log did not sign this SCT for this certificate.',
};

function* feedbackIn(forms: Forms, store: PoolStore): Generator<string, void, undefined> {
  const [before, behind] = forms.feedbackBrackets;
  let separator = before;
  for (const submitted of store.feedback()) {
    yield `${separator}${forms.writeFeedback(submitted)}`;
    separator = ',\n';
  }
  yield `${separator === before ? before : ''}${behind}\n`;
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== JSON_TYPE) throw new Refused(415, `The content type must be ${JSON_TYPE}.`);
  if (request.headers['content-encoding'] !== undefined)
    throw new Refused(415, 'No content encoding is understood.');
  const tooLarge = new Refused(413, `The body is larger than ${MAX_BODY} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge;
  const body = await bodyOf(request, tooLarge);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refused(400, 'The body is no JSON.');
  }
}

/** By events: an iterator that ends early would take the connection with it, and the answer. */
function bodyOf(request: IncomingMessage, tooLarge: Refused): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= MAX_BODY) return void parts.push(part);
      parts = [];
      reject(tooLarge);
    });
    request.once('end', () => resolve(Buffer.concat(parts)));
    request.once('error', reject);
    request.once('close', () => reject(new Refused(400, 'The request ended early.')));
  });
}

/** Reads what is left of a body, and drops it; the connection of one that goes on and on is closed. */
function restOf(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = MAX_REST;
    request.on('data', (part: Buffer) => {
      left -= part.length;
      if (left < 0) request.destroy();
    });
    for (const end of ['end', 'close'] as const) request.once(end, () => resolve());
    request.resume();
  });
}

function readAs<T>(json: unknown, read: (json: unknown) => T): T {
  try {
    return read(json);
  } catch (error) {
    if (error instanceof RangeError) throw new Refused(400, messageOf(error));
    throw error;
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(body);
}
