// SPDX-License-Identifier: Apache-2.0
/** What both versions of HTTP make of an answer, and of a connection that breaks. */
import type { Readable } from 'node:stream';
import { HttpError } from './error.ts';

export interface Response {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /**
   * Rejects with HttpError `http-bad-answer` if the body is longer than it may be or ends before its
   * end.
   */
  readonly body: Promise<Buffer>;
}

/**
 * Nobody answered this request, and it may be sent again: a kept connection was closed before any
 * answer came on it, or the server says that it did nothing with the request. `cause` is what
 * happened.
 */
export class Unanswered extends Error {}

/**
 * Reads a body of at most `maxBytes`. To be called in the event that brings it: later is too late,
 * because Node may have ended it before a promise is heard of. `isWhole` tells of a body that ended after so many bytes, and `stop`
 * ends one that is too long.
 */
export function readBody(
  stream: Readable,
  maxBytes: number,
  isWhole: (length: number) => boolean,
  stop: () => void,
): Promise<Buffer> {
  const body = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const cutShort = (cause?: Error): void =>
      reject(
        new HttpError('http-bad-answer', `the answer was cut short after ${length} bytes`, {
          cause,
        }),
      );
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return chunks.push(chunk);
      reject(new HttpError('http-bad-answer', `the answer is longer than ${maxBytes} bytes`));
      return stop();
    });
    stream.on('error', (error: Error) =>
      error.name === 'AbortError' ? reject(error) : cutShort(error),
    );
    stream.once('end', () => (isWhole(length) ? resolve(Buffer.concat(chunks)) : cutShort()));
    stream.once('close', () => cutShort());
  });
  // Whoever waits for it hears of it.
  body.catch(() => undefined);
  return body;
}
