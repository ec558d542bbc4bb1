/**
 * HTTP requests to logs, and to whoever publishes lists of them: constant headers, no cookies, no
 * redirects, bytes and time capped, nothing sent to a private address. Which way they go is the
 * agents' matter.
 */
import { lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { CtgaError, messageOf } from '../base/errors.ts';
import { LogError, type Fetch, type FetchOptions, type HttpAnswer } from '../ask/rfc6962.ts';
import { isPrivateHost } from './targets.ts';

/**
 * One request, from connecting to the last byte. Tor circuits can take tens of seconds to build.
 */
export const DEADLINE_MS = 90_000;
/** The longest proof is 129 hashes, some 6 KB; entries are not asked for. */
const MAX_BODY_BYTES = 256 * 1024;
/** The same for every log and every installation. */
const HEADERS = { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'Mozilla/5.0' };

export type Agents = Readonly<Record<'http:' | 'https:', http.Agent>>;

export interface HttpOptions {
  /** Only for logs whose list says so. */
  readonly allowPrivateAddress?: boolean | undefined;
}

export function httpFetch(agents: Agents, { allowPrivateAddress }: HttpOptions): Fetch {
  return (address, request = {}) => {
    const url = new URL(address);
    if (allowPrivateAddress !== true && isPrivateHost(bareHost(url.hostname)))
      return Promise.reject(privateAddress(url.hostname));
    return send(url, agents, request);
  };
}

/**
 * Straight from here, names resolved by this machine: for whoever has nothing to hide from logs.
 * Never the challenger.
 */
export function directFetch(options: HttpOptions): Fetch {
  const settings = { keepAlive: true, maxSockets: 4, lookup: publicOnly(options) };
  return httpFetch(
    { 'http:': new http.Agent(settings), 'https:': new https.Agent(settings) },
    options,
  );
}

/** URLs have IPv6 addresses in brackets. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** A public name must not lead to a private address either. */
function publicOnly({ allowPrivateAddress }: HttpOptions): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
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

function privateAddress(host: string): LogError {
  return new LogError(
    'log-unavailable',
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
      throw new LogError('log-unavailable', `the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip')
    throw new LogError('log-unavailable', `the answer is packed as '${encoding}'`);
  return gunzipSync(body, { maxOutputLength: maxBytes });
}

function asFailure(error: unknown, deadline: AbortSignal): CtgaError {
  if (error instanceof CtgaError) return error;
  if (deadline.aborted)
    return new LogError('log-unavailable', `no answer within ${DEADLINE_MS / 1000} s`);
  return new LogError('log-unavailable', messageOf(error));
}
