// SPDX-License-Identifier: Apache-2.0
/** What can go wrong with an HTTP request, whomever it asks. */
import { CtgaError } from '../base/errors.ts';

export type HttpErrorCode =
  /** Nobody answered: the host cannot be reached, TLS failed, or the time was up. */
  | 'http-no-answer'
  /** There is an answer, and it is not what was asked for: its status, its length, its form. */
  | 'http-bad-answer'
  /** The host is private, or its name leads to a private address. Nothing was sent. */
  | 'http-private-address';

/**
 * A request that failed. It says nothing about what a log did: a client of a log turns it into a
 * LogError, and a webhook or the publisher of a list is no log at all.
 */
export class HttpError extends CtgaError<HttpErrorCode> {}

export type ProxyErrorCode =
  /** No SOCKS5 proxy answers. */
  | 'proxy-unavailable'
  /** It is not this process any more that may send something to the host; see HttpOptions. */
  | 'not-ours-to-ask';

/** Nothing was sent. This says nothing about whoever was to be asked. */
export class ProxyError extends CtgaError<ProxyErrorCode> {}

export function notOursToAsk(): ProxyError {
  return new ProxyError(
    'not-ours-to-ask',
    'another challenger asks this log now: nothing was sent',
  );
}
