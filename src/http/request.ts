// SPDX-License-Identifier: Apache-2.0
/**
 * HTTP requests that look the same wherever they go (curl.ts says how): no cookies, no redirects,
 * bytes and time limited, and nothing sent to a private address. The connections decide which way a
 * request goes: through a proxy (proxy.ts) or directly.
 */
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { CtgaError, messageOf } from '../base/errors.ts';
import { connectTcp, Connections, MAX_CONNECTIONS, type Dial } from './connections.ts';
import { requestOf, type Request, type FetchOptions } from './curl.ts';
import { HttpError } from './error.ts';
import { Unanswered } from './response.ts';
import { bareHost, isPrivateHost } from './targets.ts';
import { tlsRemedy } from './tls-remedy.ts';

export interface HttpAnswer {
  readonly status: number;
  /** The Retry-After header as it came; see parseRetryAfter. */
  readonly retryAfter: string | undefined;
  readonly etag?: string | undefined;
  /** Unpacked, if it came packed. */
  readonly body: Buffer;
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
export interface HttpOptions {
  /** Only where the operator allows it: for a log in its list, for a webhook by an option. */
  readonly allowPrivateAddress?: boolean | undefined;
  /**
   * Whether anything may be sent at this moment; always unless given. It is looked at before a
   * connection is opened and right before a request is handed to one, which may be long after.
   */
  readonly maySend?: (() => boolean) | undefined;
  /** Instead of DEADLINE_MS, where whoever answers is known to be near. */
  readonly deadline?: number;
  /** Where what comes is checked by its own signatures, so that it does not matter who answers. */
  readonly anyCertificate?: boolean;
}

/** The options of TLS for a way, beside curl's. */
export function tlsOf({ anyCertificate }: HttpOptions): { readonly rejectUnauthorized?: boolean } {
  return anyCertificate === true ? { rejectUnauthorized: false } : {};
}

/** How a name becomes addresses; dns.lookup but in tests. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export function wayOver(
  connections: Connections,
  { allowPrivateAddress, maySend, deadline = DEADLINE_MS }: HttpOptions,
): Way {
  return {
    fetch: (address, options) => {
      const url = new URL(address);
      if (allowPrivateAddress !== true && isPrivateHost(bareHost(url.hostname)))
        return Promise.reject(privateAddress(url.hostname));
      return send({ ...requestOf(url, options), maySend }, connections, deadline);
    },
    close: () => connections.close(),
  };
}

/** A way to hosts, with connections of its own. */
export interface Way {
  readonly fetch: Fetch;
  /** Ends its connections, for good; requests under way fail. */
  readonly close: () => void;
}

/**
 * Goes straight to the host, and this machine resolves its name. For requests that have nothing to
 * hide from whoever answers them; never for the challenger.
 */
export function directWay(options: HttpOptions, resolve: Resolve = lookup): Way {
  const guarded = publicOnly(options, resolve);
  const dial: Dial = (host, port, signal) => connectTcp({ host, port, signal, lookup: guarded });
  return wayOver(new Connections(dial, options.deadline ?? DEADLINE_MS, tlsOf(options)), options);
}

/** As directWay, for whoever closes nothing. */
export function directFetch(options: HttpOptions, resolve: Resolve = lookup): Fetch {
  return directWay(options, resolve).fetch;
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
 * A server may close an idle connection just as the next request is sent on it, or say that it did
 * nothing with a request: nobody answered that request, so it is sent again, once for each kept
 * connection that turns out closed. Only a GET is, because whether a POST arrived cannot be told.
 */
async function send(
  request: Request,
  connections: Connections,
  deadline: number,
): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(deadline);
  for (let repeats = 0; ; repeats++) {
    try {
      const { status, headers, body } = await connections.send(request, signal);
      const packed = await body;
      const text = (name: string): string | undefined => headers[name]?.toString();
      return {
        status,
        retryAfter: text('retry-after'),
        etag: text('etag'),
        body: unpack(packed, text('content-encoding') ?? '', request.maxBytes),
      };
    } catch (error) {
      const isUnanswered = error instanceof Unanswered;
      if (!isUnanswered || repeats === MAX_CONNECTIONS)
        throw asFailure(isUnanswered ? error.cause : error, signal, deadline);
    }
  }
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
        `the answer is packed as '${encoding}', although ctga knows nothing but gzip`,
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
function asFailure(cause: unknown, signal: AbortSignal, deadline: number): Error {
  if (cause instanceof CtgaError) return cause;
  const message = signal.aborted ? `no answer within ${deadline / 1000} s` : messageOf(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return new HttpError('http-no-answer', message, { remedy: tlsRemedy(code), cause });
}
