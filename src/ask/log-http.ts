// SPDX-License-Identifier: Apache-2.0
/** Asking a log over HTTP: what RFC 6962 and static-ct have in common. */
import { HttpError } from '../http/error.ts';
import type { Fetch, HttpAnswer } from '../http/request.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { LogError, type LogErrorCode } from './asker.ts';

/** An answer with HTTP status 200. */
export interface LogAnswer {
  readonly body: Buffer;
  /** An error about what was asked, with the wait that the log asked for, if it did. */
  readonly failure: (code: LogErrorCode, what: string) => LogError;
}

/** How long to leave a log alone that answers 429 and does not say how long. */
const UNSAID_WAIT_MS = 5_000;
/** What these answers say does not change with time: the log will not or cannot give it. */
const REFUSALS: readonly number[] = [400, 404, 410];

export class LogHttp {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #now: () => number;

  /** `url` ends in '/', as that of every Log does. */
  constructor(url: string, fetch: Fetch, now: () => number) {
    this.#url = url;
    this.#fetch = fetch;
    this.#now = now;
  }

  /**
   * GETs `path`, below the log's URL; messages call it `what`. The answer has at most `maxBytes`, as
   * much as fetches allow by themselves unless given. Rejects with ProxyError, or with
   * LogError: `log-refused` for HTTP 400, 404 and 410, and `log-unavailable` for anything else that
   * is not 200, which may be the doing of whatever stands before the log.
   */
  async get(path: string, what = path, maxBytes?: number): Promise<LogAnswer> {
    if (this.#url === '')
      throw new LogError('log-unavailable', 'no list says at which URL the log is asked');
    let answer: HttpAnswer;
    try {
      answer = await this.#fetch(`${this.#url}${path}`, { maxBytes });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const { message, remedy } = error;
      throw new LogError('log-unavailable', `${what}: ${message}`, { remedy, cause: error });
    }
    const { status, body } = answer;
    const retryAfter = waitAskedFor(answer, this.#now());
    const failure = (code: LogErrorCode, message: string): LogError =>
      new LogError(code, `${what}: ${message}`, { retryAfter });
    if (REFUSALS.includes(status))
      throw failure('log-refused', `HTTP ${status}${quoted(body.toString('utf8'))}`);
    if (status >= 300 && status < 400)
      throw failure('log-unavailable', `HTTP ${status}, a redirect, which ctga does not follow`);
    if (status !== 200) throw failure('log-unavailable', `HTTP ${status}`);
    return { body, failure };
  }
}

/** How many milliseconds the answer asks to be left alone for; undefined if it does not. */
export function waitAskedFor(
  { status, retryAfter }: Pick<HttpAnswer, 'status' | 'retryAfter'>,
  now: number,
): number | undefined {
  if (status === 200) return undefined;
  return parseRetryAfter(retryAfter, now) ?? (status === 429 ? UNSAID_WAIT_MS : undefined);
}

/** The beginning of what the log said, in parentheses and made safe to print; '' for nothing. */
export function quoted(body: string): string {
  const text = body
    .slice(0, 80)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text === '' ? '' : ` (${JSON.stringify(text)})`;
}
