// SPDX-License-Identifier: Apache-2.0
/** What servers of HTTP have in common that strangers send something to. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** What is read of a body that is refused, in bytes. */
const MAX_REST = 2 ** 24;

/** What a client is told that did something wrong. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * A request's body, of at most so many bytes. Rejects with Refused. By events: an iterator that ends
 * early would take the connection with it, and the answer.
 */
export function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLarge = new Refused(413, `The body is larger than ${most} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > most) return Promise.reject(tooLarge);
  return new Promise((resolve, reject) => {
    let parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length <= most) return void parts.push(part);
      parts = [];
      reject(tooLarge);
    });
    request.once('end', () => resolve(Buffer.concat(parts)));
    // Whoever sent it went, which is nobody's failure here.
    for (const end of ['error', 'close'] as const)
      request.once(end, () => reject(new Refused(400, 'The request ended early.')));
  });
}

/** Reads what is left of a body, and drops it; the connection of one that goes on and on is closed. */
export function restOf(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = MAX_REST;
    request.on('data', (part: Buffer) => {
      left -= part.length;
      if (left < 0) request.destroy();
    });
    for (const end of ['end', 'close'] as const) request.once(end, () => resolve());
    request.resume();
  });
}

export function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** Takes no more connections, and gives requests that are being answered so many ms to end. */
export async function stopServer(
  server: Pick<Server, 'close' | 'closeIdleConnections' | 'closeAllConnections'>,
  grace = 5000,
): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), grace).unref();
  });
}

/** The path of a request's URL, without what is behind a question mark. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  return url.replace(/\?.*$/s, '');
}
