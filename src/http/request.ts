/**
 * HTTP requests that look the same wherever they go: constant headers, no cookies, no redirects,
 * bytes and time limited, and nothing sent to a private address. The agents decide which way a
 * request goes: through a proxy (proxy.ts) or directly.
 */
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { CtgaError, messageOf } from '../base/errors.ts';
import { HttpError } from './error.ts';
import { isPrivateHost } from './targets.ts';
import { tlsRemedy } from './tls-remedy.ts';

export interface HttpAnswer {
  readonly status: number;
  /** The Retry-After header as it came; see parseRetryAfter. */
  readonly retryAfter: string | undefined;
  readonly etag?: string | undefined;
  /** Unpacked, if it came packed. */
  readonly body: Buffer;
}

/** What a request may have beside its URL. Requests to logs have none of it. */
export interface FetchOptions {
  /** An ETag: the answer is 304 if there is nothing newer. */
  readonly ifNoneMatch?: string | undefined;
  /** JSON to be posted. Without it the request is a GET. */
  readonly post?: string;
  /** Further headers, such as a webhook's signature. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The most bytes that the answer may have; 256 KiB unless given. */
  readonly maxBytes?: number | undefined;
}

/**
 * Sends one request and resolves to the answer, whatever its status. Rejects with HttpError, or
 * with ProxyError if the way leads through a proxy that does not answer. May be called any number
 * of times, also at once.
 */
export type Fetch = (url: string, options?: FetchOptions) => Promise<HttpAnswer>;

/**
 * One request, from connecting to the last byte. Tor circuits can take tens of seconds to build.
 */
export const DEADLINE_MS = 90_000;
/** The longest proof is 129 hashes, some 6 KB. */
const MAX_BODY_BYTES = 256 * 1024;
/** The most connections to one host that are kept for later requests. */
const MAX_CONNECTIONS = 4;
/** The same for every log and every installation. */
const HEADERS = { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'Mozilla/5.0' };

export type Agents = Readonly<Record<'http:' | 'https:', http.Agent>>;

export interface HttpOptions {
  /** Only where the operator allows it: for a log in its list, for a webhook by an option. */
  readonly allowPrivateAddress?: boolean | undefined;
}

/** How a name becomes addresses; dns.lookup but in tests. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export function httpFetch(agents: Agents, { allowPrivateAddress }: HttpOptions): Fetch {
  return (address, request = {}) => {
    const url = new URL(address);
    if (allowPrivateAddress !== true && isPrivateHost(bareHost(url.hostname)))
      return Promise.reject(privateAddress(url.hostname));
    return send(url, agents, request);
  };
}

/**
 * Goes straight to the host, and this machine resolves its name. For requests that have nothing to
 * hide from whoever answers them; never for the challenger.
 */
export function directFetch(options: HttpOptions, resolve: Resolve = lookup): Fetch {
  const settings = {
    keepAlive: true,
    maxSockets: MAX_CONNECTIONS,
    lookup: publicOnly(options, resolve),
  };
  return httpFetch(
    { 'http:': new http.Agent(settings), 'https:': new https.Agent(settings) },
    options,
  );
}

/** Takes the brackets off an IPv6 address as URLs have it. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/**
 * Guards against DNS rebinding: a public name must not lead to a private address either. It is
 * the lookup of the connection itself, so that the address that was judged is the one connected to.
 */
function publicOnly({ allowPrivateAddress }: HttpOptions, resolve: Resolve): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '');
      const allowed = addresses.filter(
        ({ address }) => allowPrivateAddress === true || !isPrivateHost(address),
      );
      const [first] = allowed;
      if (first === undefined) return done(privateAddress(hostname), '');
      if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}

function privateAddress(host: string): HttpError {
  return new HttpError(
    'http-private-address',
    `${host} is no public address: nothing was sent. For a log, "allow_private_address": true in its list allows it; for a webhook, --webhook-allow-private`,
  );
}

/**
 * A server may close an idle connection just as the next request is sent on it: nobody answered
 * that request, so it is sent again, once for each kept connection that turns out closed. Only a
 * GET is, because whether a POST arrived cannot be told.
 */
async function send(url: URL, agents: Agents, options: FetchOptions): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (let stale = 0; ; stale++) {
    try {
      return await sendOnce(url, agents, options, signal);
    } catch (error) {
      const again = error instanceof StaleConnection && stale < MAX_CONNECTIONS;
      if (!again) throw asFailure(error instanceof StaleConnection ? error.cause : error, signal);
    }
  }
}

/** A kept connection was closed before any answer came on it. */
class StaleConnection extends Error {}

function sendOnce(
  url: URL,
  agents: Agents,
  { ifNoneMatch, post, headers: more = {}, maxBytes = MAX_BODY_BYTES }: FetchOptions,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  return new Promise<HttpAnswer>((resolve, reject) => {
    const headers = {
      ...HEADERS,
      ...(ifNoneMatch && { 'if-none-match': ifNoneMatch }),
      ...(post !== undefined && { 'content-type': 'application/json' }),
      ...more,
    };
    const method = post === undefined ? 'GET' : 'POST';
    const options = { agent: agents[secure ? 'https:' : 'http:'], headers, method, signal };
    const request = secure ? https.request(url, options) : http.request(url, options);
    let isAnswered = false;
    request.once('error', (error: NodeJS.ErrnoException) => {
      const isClosed = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      const isStale = isClosed && request.reusedSocket && !isAnswered && method === 'GET';
      reject(isStale ? new StaleConnection('', { cause: error }) : error);
    });
    request.once('response', (response) => {
      isAnswered = true;
      readBody(response, maxBytes).then((body) => {
        const { 'retry-after': retryAfter, etag } = response.headers;
        resolve({ status: response.statusCode ?? 0, retryAfter, etag, body });
      }, reject);
    });
    request.end(post);
  });
}

async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes)
        throw new HttpError('http-bad-answer', `the answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ECONNRESET') throw cause;
    throw new HttpError('http-bad-answer', `the answer was cut short after ${length} bytes`, {
      cause,
    });
  }
  return unpack(Buffer.concat(chunks), response.headers['content-encoding'] ?? '', maxBytes);
}

/** What object stores leave in the header, and what says that nothing was done to the body. */
const NO_ENCODINGS = ['', 'identity', 'aws-chunked'];

/**
 * Undoes the encodings of a Content-Encoding header (RFC 9110, Section 8.4), the last one first.
 */
function unpack(body: Buffer, header: string, maxBytes: number): Buffer {
  const encodings = header.split(',').map((each) => each.trim().toLowerCase());
  let bytes = body;
  for (const encoding of encodings.reverse()) {
    if (NO_ENCODINGS.includes(encoding) || bytes.length === 0) continue;
    if (encoding !== 'gzip' && encoding !== 'x-gzip')
      throw new HttpError(
        'http-bad-answer',
        `the answer is packed as '${encoding}', although ctga accepts nothing but gzip`,
      );
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: maxBytes });
    } catch (cause) {
      throw new HttpError('http-bad-answer', messageOf(cause), { cause });
    }
  }
  return bytes;
}

/** What a request failed with, as one of our own errors; a proxy's pass unchanged. */
function asFailure(cause: unknown, deadline: AbortSignal): Error {
  if (cause instanceof CtgaError) return cause;
  const message = deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : messageOf(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return new HttpError('http-no-answer', message, { remedy: tlsRemedy(code), cause });
}
