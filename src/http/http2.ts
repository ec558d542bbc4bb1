// SPDX-License-Identifier: Apache-2.0
/** HTTP/2 with one host (RFC 9113), by Node's own client, framed as curl's. */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { HTTP2_SETTINGS, HTTP2_WINDOW, SETTINGS_ORDER, type Request } from './curl.ts';
import { readBody, Unanswered, type Response } from './response.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants;

/**
 * The most requests on one connection. curl's RST_STREAM after each answer is counted by servers that
 * use nghttp2, and 1,000 of them at more than 33 a second end the connection in the midst of answers.
 */
const MAX_REQUESTS = 500;

/** One connection. Requests under way at once are streams of it. */
export class Http2 {
  readonly #socket: Socket;
  readonly #frames: CurlFrames;
  readonly #session: ClientHttp2Session;
  #sent = 0;
  #underWay = 0;
  #isRetired = false;

  /** Takes over a socket on which nothing was sent. */
  constructor(socket: Socket, url: URL) {
    this.#socket = socket;
    this.#frames = new CurlFrames(socket, (code) =>
      this.#session.destroy(new Error(`the server breaks HTTP/2 (code ${code})`)),
    );
    this.#session = connect(url, {
      createConnection: () => this.#frames,
      settings: HTTP2_SETTINGS,
    });
    // Each stream has it too, if it is under way.
    this.#session.on('error', () => undefined);
    this.#session.setLocalWindowSize(HTTP2_WINDOW);
  }

  /** Whether it takes another request. */
  get isOpen(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  /**
   * Rejects with Unanswered, or with what Node failed with. `isFresh` if no request was sent on this
   * connection before those that waited for it: if it ends, that is the server's answer to them.
   */
  send(request: Request, signal: AbortSignal, isFresh: boolean): Promise<Response> {
    const { method, url, headers, post, maxBytes } = request;
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(
        {
          ':method': method,
          ':path': `${url.pathname}${url.search}`,
          ':scheme': url.protocol.slice(0, -1),
          ':authority': url.host,
          ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
        },
        { endStream: post === undefined, signal },
      );
      this.#begin();
      let failure: Error | undefined;
      stream.once('response', (headers) => {
        const { ':status': status = 0 } = headers;
        const said = headers['content-length'];
        // Node ends a stream that was reset with some codes as if it were complete.
        const isWhole = (length: number): boolean =>
          stream.rstCode === NGHTTP2_NO_ERROR && (said === undefined || Number(said) === length);
        const stop = (): void => stream.close(NGHTTP2_CANCEL);
        resolve({ status, headers, body: readBody(stream, maxBytes, isWhole, stop) });
      });
      stream.on('error', (error: Error) => {
        failure = error;
      });
      // Once there is an answer, this rejects nothing: the body fails instead.
      stream.once('close', () => {
        const { rstCode } = stream;
        if (signal.aborted || rstCode === NGHTTP2_REFUSED_STREAM) this.retire();
        const isLost = this.#session.destroyed && !isFresh && rstCode !== NGHTTP2_ENHANCE_YOUR_CALM;
        const error = failure ?? new Error(`the server ended the request (code ${rstCode})`);
        const mayRepeat = method === 'GET' && (isLost || rstCode === NGHTTP2_REFUSED_STREAM);
        reject(mayRepeat ? new Unanswered('', { cause: error }) : error);
        this.#end(stream);
      });
      if (post !== undefined) stream.end(post);
    });
  }

  /** Takes no more requests, and closes when those under way are done. */
  retire(): void {
    this.#isRetired = true;
    if (this.#underWay === 0) this.close();
  }

  /** Requests under way fail. */
  close(): void {
    this.#frames.finish();
    this.#session.destroy();
  }

  #begin(): void {
    this.#underWay += 1;
    if (++this.#sent === MAX_REQUESTS) this.#isRetired = true;
    this.#socket.ref();
  }

  #end({ id, rstCode }: ClientHttp2Stream): void {
    this.#underWay -= 1;
    if (id !== undefined && rstCode === NGHTTP2_NO_ERROR)
      this.#frames.reset(id, this.#underWay > 0);
    if (this.#underWay > 0) return;
    if (this.#isRetired) this.close();
    // An idle connection keeps no process running.
    this.#socket.unref();
  }
}

const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
/** Types of frames (RFC 9113, Section 6). */
const [RST_STREAM, GOAWAY] = [3, 7];
const STREAM_CLOSED = 5;

/**
 * What Node's client writes, as curl's would look: the settings in curl's order; a RST_STREAM after
 * each answer, before whatever is sent next; no GOAWAY but for a server that breaks the protocol;
 * and each frame a TLS record. Each write of Node's client is of whole frames.
 */
class CurlFrames extends Duplex {
  readonly #socket: Socket;
  readonly #onBroken: (code: number) => void;
  #isFirst = true;
  #isFinished = false;
  /** What is to be sent with the next frame. */
  #resets: Buffer[] = [];
  #written: Promise<void> = Promise.resolve();

  /** `onBroken` is called when Node's client has told the server that it breaks the protocol. */
  constructor(socket: Socket, onBroken: (code: number) => void) {
    super();
    this.#socket = socket;
    this.#onBroken = onBroken;
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /**
   * curl says once more that a stream is closed when its answer is there: at once if it has other
   * streams, else with its next request.
   */
  reset(stream: number, now: boolean): void {
    const frame = Buffer.alloc(HEADER_BYTES + 4);
    frame.writeUIntBE(4, 0, 3);
    frame[3] = RST_STREAM;
    frame.writeUInt32BE(stream, 5);
    frame.writeUInt32BE(STREAM_CLOSED, HEADER_BYTES);
    if (now) void this.#send([frame]);
    else this.#resets.push(frame);
  }

  /** Hangs up without a word, neither GOAWAY nor close_notify, as curl does over HTTP/2. */
  finish(): void {
    this.#isFinished = true;
    this.#socket.destroy();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    const frames: Buffer[] = [];
    let brokenCode = 0;
    for (let at = this.#isFirst ? PREFACE_BYTES : 0; at < bytes.length;) {
      const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
      const code = bytes[at + 3] === GOAWAY ? bytes.readUInt32BE(at + HEADER_BYTES + 4) : undefined;
      if (code !== 0) frames.push(bytes.subarray(at, end));
      brokenCode ||= code ?? 0;
      at = end;
    }
    if (this.#isFirst) {
      // The preface, the settings and the window of the connection are one record.
      const [settings = Buffer.alloc(0), window = Buffer.alloc(0)] = frames.splice(0, 2);
      sortSettings(settings.subarray(HEADER_BYTES));
      frames.unshift(Buffer.concat([bytes.subarray(0, PREFACE_BYTES), settings, window]));
      this.#isFirst = false;
    }
    const [first] = frames;
    if (first !== undefined) frames[0] = Buffer.concat([...this.#resets.splice(0), first]);
    void this.#send(frames).then(() => {
      done();
      if (brokenCode !== 0) this.#onBroken(brokenCode);
    });
  }

  /** If the socket fails, that ends this stream as well. */
  async #send(records: readonly Buffer[]): Promise<void> {
    const before = this.#written;
    this.#written = (async () => {
      await before;
      for (const record of records) {
        if (this.#isFinished || !this.#socket.writable) return;
        await new Promise<unknown>((written) => this.#socket.write(record, written));
      }
    })();
    return this.#written;
  }

  override _final(done: () => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isFinished) this.#socket.destroy();
    done(error);
  }
}

/** Puts the six-byte entries of a SETTINGS frame's payload into curl's order, in place. */
function sortSettings(payload: Buffer): void {
  const entries = Array.from({ length: payload.length / 6 }, (_, i) =>
    Buffer.from(payload.subarray(i * 6, i * 6 + 6)),
  );
  const place = (entry: Buffer): number => SETTINGS_ORDER.indexOf(entry.readUInt16BE(0));
  Buffer.concat(entries.sort((a, b) => place(a) - place(b))).copy(payload);
}
