/** What both versions of HTTP make of an answer, and of a connection that breaks. */

export interface Response {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws CutShort if it ends before its end. */
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Nobody answered this request, and it may be sent again: a kept connection was closed before any
 * answer came on it, or the server says that it did nothing with the request. `cause` is what
 * happened.
 */
export class Unanswered extends Error {}

/** The connection, or the server, ended an answer that had begun. */
export class CutShort extends Error {}
