/** Asking a log over HTTP: what RFC 6962 and static-ct have in common. */
import { HttpError } from '../http/error.ts';
import type { Fetch, HttpAnswer } from '../http/request.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { LogError } from './asker.ts';

export interface LogAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Milliseconds that the log asks us to wait, if it does. Goes into every LogError. */
  readonly retryAfter: number | undefined;
}

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

  /** GETs `path`, below the log's URL. Rejects with LogError `log-unavailable`, or ProxyError. */
  async get(path: string): Promise<LogAnswer> {
    let answer: HttpAnswer;
    try {
      answer = await this.#fetch(`${this.#url}${path}`);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new LogError('log-unavailable', error.message, { cause: error });
    }
    const { status, body } = answer;
    return { status, body, retryAfter: parseRetryAfter(answer.retryAfter, this.#now()) };
  }
}
