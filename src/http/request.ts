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
  readonly maxBytes?: number;
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
/** The longest proof is 129 hashes, some 6 KB; nobody here asks for entries. */
const MAX_BODY_BYTES = 256 * 1024;
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
  const settings = { keepAlive: true, maxSockets: 4, lookup: publicOnly(options, resolve) };
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

function send(
  url: URL,
  agents: Agents,
  { ifNoneMatch, post, headers: more = {}, maxBytes = MAX_BODY_BYTES }: FetchOptions,
): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  const signal = AbortSignal.timeout(DEADLINE_MS);
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
    request.once('error', (error) => reject(asFailure(error, signal)));
    request.once('response', (response) => {
      readBody(response, maxBytes).then(
        (body) => {
          const { 'retry-after': retryAfter, etag } = response.headers;
          resolve({ status: response.statusCode ?? 0, retryAfter, etag, body });
        },
        (error: unknown) => reject(asFailure(error, signal)),
      );
    });
    request.end(post);
  });
}

async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new HttpError('http-bad-answer', `the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip')
    throw new HttpError('http-bad-answer', `the answer is packed as '${encoding}'`);
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw new HttpError('http-bad-answer', messageOf(cause), { cause });
  }
}

/** What a request failed with, as one of our own errors; a proxy's pass unchanged. */
function asFailure(cause: unknown, deadline: AbortSignal): Error {
  if (cause instanceof CtgaError) return cause;
  const message = deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : messageOf(cause);
  return new HttpError('http-no-answer', message, { cause });
}
