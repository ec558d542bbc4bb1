// SPDX-License-Identifier: Apache-2.0
/**
 * The endpoints of a pool, for an HTTPS server to put behind its own paths. Whoever connects is
 * that web server, so nothing here goes by addresses; and no answer tells what others brought, but
 * the feedback that is for everybody and the heads that chance draws.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Listening } from '../base/listen.ts';
import { REFUSALS, type FeedbackChecks, type Refusal } from './feedback.ts';
import { DRAFT_02, DRAFT_05, type Forms } from './forms.ts';
import {
  JSON_TYPE,
  jsonOf,
  JsonServer,
  readAs,
  Refused,
  send,
  tooMany,
  type JsonEndpoint,
} from './json-server.ts';
import type { PoolMetrics } from './metrics.ts';
import type { HeadPool } from './pollination.ts';
import type { PoolStore } from './store.ts';

/** In one request: what an honest client has of one server is far less. */
const MAX_PAIRS = 256;
const MAX_HEADS = 500;
/** All that was collected, sent at once: some 64 MiB each, made anew for each. */
const MAX_FETCHES = 4;

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

type Handler = (forms: Forms, request: IncomingMessage, response: ServerResponse) => Promise<void>;

export class PoolServer {
  readonly #options: PoolServerOptions;
  #server: JsonServer | undefined;
  #fetches = 0;

  private constructor(options: PoolServerOptions) {
    this.#options = options;
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: PoolServerOptions): Promise<PoolServer> {
    const pool = new PoolServer(options);
    pool.#server = await JsonServer.start({ ...options, endpoints: pool.#endpoints() });
    return pool;
  }

  get at(): Listening {
    return this.#server?.at ?? { port: 0, url: '' };
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  #endpoints(): Map<string, JsonEndpoint> {
    const endpoints = new Map<string, JsonEndpoint>();
    for (const forms of [DRAFT_02, DRAFT_05]) {
      const add = (name: string, method: JsonEndpoint['method'], handler: Handler): unknown =>
        endpoints.set(`${forms.base}/${name}`, {
          method,
          handle: (request, response) => handler(forms, request, response),
        });
      add('sct-feedback', 'POST', (...args) => this.#takeFeedback(...args));
      add('collected-sct-feedback', 'GET', (...args) => this.#giveFeedback(...args));
      add('sth-pollination', 'POST', (...args) => this.#pollinate(...args));
    }
    return endpoints;
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
