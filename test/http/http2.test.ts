// SPDX-License-Identifier: Apache-2.0
/** What servers do over HTTP/2, and what becomes of the request: a server for each, frame by frame. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createSecureServer, constants } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { Connections, connectTcp, MAX_CONNECTIONS } from '../../src/http/connections.ts';
import { requestOf } from '../../src/http/curl.ts';
import type { HttpErrorCode } from '../../src/http/error.ts';
import { wayOver, type Fetch } from '../../src/http/request.ts';
import { makeCertificate } from '../../src/lab/api.ts';
import { trust } from '../support/trust.ts';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  frame,
  literal,
  parseFrames,
  PREFACE,
  TYPES,
  uint32,
  type Frame,
} from './frames.ts';

const HOST = 'log.example.com';
const URL_ = `https://${HOST}/`;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const certificate = await makeCertificate(directory, HOST);
const { distrust } = trust(certificate);
after(() => {
  distrust();
  rmSync(directory, { recursive: true });
});
const tlsKeys = {
  key: readFileSync(certificate.keyPath),
  cert: readFileSync(certificate.certificatePath),
};

interface Served {
  readonly fetch: Fetch;
  readonly connections: Connections;
  /** How many TCP connections the server has had. */
  readonly accepted: () => number;
}

/** Runs `work` with a client of the server, and ends both. */
async function served(
  server: Server,
  work: (client: Served) => Promise<void>,
  patience = 30_000,
): Promise<void> {
  let accepted = 0;
  const sockets = new Set<{ destroy: () => void }>();
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connections = new Connections(
    (_host, _port, signal) => connectTcp({ host: '127.0.0.1', port, signal }),
    patience,
  );
  try {
    await work({ fetch: wayOver(connections, {}).fetch, connections, accepted: () => accepted });
  } finally {
    connections.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

interface Asked {
  /** The stream of the request. */
  readonly stream: number;
  /** How many requests came before on this connection, and on all. */
  readonly earlier: number;
  readonly earlierOnAll: number;
  readonly socket: TLSSocket;
}

/** A server that answers each request with the frames of `answer`, and tells of all that it gets. */
function framing(answer: (asked: Asked) => readonly Buffer[], got: Frame[] = []): Server {
  let earlierOnAll = 0;
  return createTlsServer({ ...tlsKeys, ALPNProtocols: ['h2'] }, (socket) => {
    let bytes = Buffer.alloc(0);
    let hasPreface = false;
    let earlier = 0;
    socket.on('error', () => undefined);
    socket.write(frame('settings'));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!hasPreface) {
        if (bytes.length < PREFACE.length) return;
        bytes = bytes.subarray(PREFACE.length);
        hasPreface = true;
      }
      const { frames, length } = parseFrames(bytes);
      bytes = bytes.subarray(length);
      for (const each of frames) {
        got.push(each);
        if (each.type === TYPES.settings && each.flags !== ACK)
          socket.write(frame('settings', ACK));
        if (each.type !== TYPES.headers) continue;
        const asked = { stream: each.stream, earlier: earlier++, earlierOnAll: earlierOnAll++ };
        const sent = answer({ ...asked, socket });
        if (sent.length > 0) socket.write(Buffer.concat(sent));
      }
    });
  });
}

/** ":status: 200" and ":status: 100" of HPACK's tables, or written out. */
const OK = Uint8Array.of(0x88);
const status = (stream: number, ...more: readonly Uint8Array[]): Buffer =>
  frame('headers', END_HEADERS, stream, Buffer.concat([OK, ...more]));
const data = (stream: number, text: string, flags = 0): Buffer =>
  frame('data', flags, stream, Buffer.from(text));
const reset = (stream: number, code: number): Buffer => frame('rstStream', 0, stream, uint32(code));
const goaway = (last: number, code: number): Buffer => frame('goaway', 0, 0, uint32(last, code));
const hello = (stream: number): Buffer[] => [status(stream), data(stream, 'hello', END_STREAM)];
const end = (socket: TLSSocket): Buffer[] => {
  setImmediate(() => socket.end());
  return [];
};

const {
  NGHTTP2_CANCEL,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_NO_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;

type Answer = (asked: Asked) => readonly Buffer[];
/** The body, or how it fails. */
type Want = string | readonly [HttpErrorCode, RegExp];

describe('one request, which a server answers with', () => {
  const cutShort = ['http-bad-answer', /the answer was cut short after [05] bytes/] as const;
  const cases: readonly (readonly [name: string, Answer, Want, requests?: number])[] = [
    ['an answer', ({ stream }) => hello(stream), 'hello'],
    ['no body', ({ stream }) => [frame('headers', END_HEADERS + END_STREAM, stream, OK)], ''],
    [
      '103 and then an answer',
      ({ stream }) => [
        frame('headers', END_HEADERS, stream, literal(':status', '103')),
        ...hello(stream),
      ],
      'hello',
    ],
    [
      'trailers',
      ({ stream }) => [
        status(stream),
        data(stream, 'hello'),
        frame('headers', END_HEADERS + END_STREAM, stream, literal('a', 'b')),
      ],
      'hello',
    ],
    [
      'an answer, and RST_STREAM(NO_ERROR) after it',
      ({ stream }) => [...hello(stream), reset(stream, NGHTTP2_NO_ERROR)],
      'hello',
    ],
    [
      'half an answer and RST_STREAM(CANCEL)',
      ({ stream }) => [status(stream), data(stream, 'hello'), reset(stream, NGHTTP2_CANCEL)],
      cutShort,
    ],
    [
      'half an answer and RST_STREAM(INTERNAL_ERROR)',
      ({ stream }) => [
        status(stream),
        data(stream, 'hello'),
        reset(stream, NGHTTP2_INTERNAL_ERROR),
      ],
      cutShort,
    ],
    [
      'half an answer of known length and RST_STREAM(NO_ERROR)',
      ({ stream }) => [
        status(stream, literal('content-length', '10')),
        data(stream, 'hello'),
        reset(stream, NGHTTP2_NO_ERROR),
      ],
      cutShort,
    ],
    [
      'less than it says',
      ({ stream }) => [
        status(stream, literal('content-length', '10')),
        data(stream, 'hello', END_STREAM),
      ],
      cutShort,
    ],
    [
      'half an answer and the end of the connection',
      ({ stream, socket }) => [status(stream), data(stream, 'hello'), ...end(socket)],
      cutShort,
    ],
    [
      'half an answer, GOAWAY and the end of the connection',
      ({ stream, socket }) => [
        status(stream),
        data(stream, 'hello'),
        goaway(stream, NGHTTP2_NO_ERROR),
        ...end(socket),
      ],
      cutShort,
    ],
    [
      'GOAWAY and then the answer',
      ({ stream }) => [goaway(stream, NGHTTP2_NO_ERROR), ...hello(stream)],
      'hello',
    ],
    [
      'the end of the connection',
      ({ socket }) => end(socket),
      ['http-no-answer', /the server ended the request \(code 8\)/],
    ],
    [
      'RST_STREAM(CANCEL)',
      ({ stream }) => [reset(stream, NGHTTP2_CANCEL)],
      ['http-no-answer', /the server ended the request \(code 8\)/],
    ],
    [
      'RST_STREAM(NO_ERROR)',
      ({ stream }) => [reset(stream, NGHTTP2_NO_ERROR)],
      ['http-no-answer', /the server ended the request \(code 0\)/],
    ],
    [
      'RST_STREAM(INTERNAL_ERROR)',
      ({ stream }) => [reset(stream, NGHTTP2_INTERNAL_ERROR)],
      ['http-no-answer', /NGHTTP2_INTERNAL_ERROR/],
    ],
    [
      'RST_STREAM(REFUSED_STREAM), and an answer the second time',
      ({ stream, earlierOnAll }) =>
        earlierOnAll === 0 ? [reset(stream, NGHTTP2_REFUSED_STREAM)] : hello(stream),
      'hello',
      2,
    ],
    [
      'RST_STREAM(REFUSED_STREAM) always',
      ({ stream }) => [reset(stream, NGHTTP2_REFUSED_STREAM)],
      ['http-no-answer', /NGHTTP2_REFUSED_STREAM/],
      MAX_CONNECTIONS + 1,
    ],
    [
      'GOAWAY that leaves it out, and an answer on the next connection',
      ({ stream, earlierOnAll }) =>
        earlierOnAll === 0 ? [goaway(0, NGHTTP2_NO_ERROR)] : hello(stream),
      'hello',
      2,
    ],
    [
      'GOAWAY(ENHANCE_YOUR_CALM)',
      () => [goaway(0, NGHTTP2_ENHANCE_YOUR_CALM)],
      ['http-no-answer', /code 11/],
    ],
    [
      'a push',
      ({ stream }) => [
        frame(
          'pushPromise',
          END_HEADERS,
          stream,
          Buffer.concat([uint32(2), Uint8Array.of(0x82, 0x84, 0x87), literal(':authority', HOST)]),
        ),
      ],
      ['http-no-answer', /Protocol error|the server breaks HTTP\/2 \(code 1\)/],
    ],
    [
      'HTTP/1.1',
      () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['http-no-answer', /Protocol error|the server breaks HTTP\/2 \(code 6\)/],
    ],
    [
      '300 headers',
      ({ stream }) => [
        status(stream, ...Array.from({ length: 300 }, (_, i) => literal(`x-${i}`, 'y'))),
        data(stream, 'hello', END_STREAM),
      ],
      ['http-no-answer', /NGHTTP2_ENHANCE_YOUR_CALM/],
    ],
    [
      'a header of 80,000 bytes',
      ({ stream }) => {
        const block = Buffer.concat([OK, literal('x', 'y'.repeat(80_000))]);
        const parts = Array.from({ length: 6 }, (_, i) =>
          block.subarray(i * 16000, i * 16000 + 16000),
        );
        return parts.map((part, i) => {
          const bytes = frame('headers', i === parts.length - 1 ? END_HEADERS : 0, stream, part);
          if (i > 0) bytes[3] = 9; // CONTINUATION
          return bytes;
        });
      },
      ['http-no-answer', /./],
    ],
    [
      'a body that is too long',
      ({ stream }) => [
        status(stream),
        ...Array.from({ length: 20 }, () => data(stream, 'x'.repeat(16_000))),
      ],
      ['http-bad-answer', /longer than 262144 bytes/],
    ],
  ];
  for (const [name, answer, want, requests = 1] of cases) {
    test(name, async () => {
      const got: Frame[] = [];
      await served(framing(answer, got), async ({ fetch, accepted }) => {
        if (typeof want === 'string') assert.equal((await fetch(URL_)).body.toString(), want);
        else await assert.rejects(fetch(URL_), { code: want[0], message: want[1] });
        assert.equal(got.filter(({ type }) => type === TYPES.headers).length, requests);
        // Whatever is tried again is tried on a connection of its own.
        assert.equal(accepted(), requests);
      });
    });
  }
});

describe('a kept connection that ends just as the next request is sent', () => {
  const once: Answer = ({ stream, earlier, socket }) =>
    earlier === 0 ? hello(stream) : end(socket);

  test('is tried again on a new one', async () => {
    await served(framing(once), async ({ fetch, accepted }) => {
      for (let i = 0; i < 3; i++) assert.equal((await fetch(URL_)).body.toString(), 'hello');
      assert.equal(accepted(), 3);
    });
  });

  test('is tried again once: a server that answers no more is not asked for ever', async () => {
    const answer: Answer = (asked) =>
      asked.earlierOnAll === 0 ? hello(asked.stream) : end(asked.socket);
    await served(framing(answer), async ({ fetch, accepted }) => {
      await fetch(URL_);
      await assert.rejects(fetch(URL_), { code: 'http-no-answer' });
      assert.equal(accepted(), 2);
    });
  });

  test('never sends twice what is posted', async () => {
    for (const answer of [
      once,
      ({ stream, earlier }: Asked) =>
        earlier === 0 ? hello(stream) : [reset(stream, NGHTTP2_REFUSED_STREAM)],
    ]) {
      const got: Frame[] = [];
      await served(framing(answer, got), async ({ fetch }) => {
        await fetch(URL_);
        await assert.rejects(fetch(URL_, { post: '{}' }), { code: 'http-no-answer' });
        assert.equal(got.filter(({ type }) => type === TYPES.headers).length, 2);
      });
    }
  });

  test('is not tried again when its identity was closed', async () => {
    const answer: Answer = ({ stream, earlier }) => (earlier === 0 ? hello(stream) : []);
    await served(framing(answer), async ({ fetch, connections, accepted }) => {
      await fetch(URL_);
      const asked = fetch(URL_);
      setImmediate(() => connections.close());
      await assert.rejects(asked, { code: 'http-no-answer' });
      await assert.rejects(fetch(URL_), { code: 'http-no-answer' });
      assert.equal(accepted(), 1);
    });
  });
});

test('a stream that hangs fails at the deadline, and its connection is used no more', async () => {
  const got: Frame[] = [];
  const answer: Answer = ({ stream, earlierOnAll }) => (earlierOnAll === 0 ? [] : hello(stream));
  await served(framing(answer, got), async ({ connections, fetch, accepted }) => {
    const signal = AbortSignal.timeout(100);
    await assert.rejects(connections.send(requestOf(new URL(URL_)), signal), {
      name: 'AbortError',
    });
    assert.equal((await fetch(URL_)).body.toString(), 'hello');
    assert.equal(accepted(), 2);
  });
});

test('a body that hangs fails at the deadline', async () => {
  const answer: Answer = ({ stream }) => [status(stream), data(stream, 'hello')];
  await served(framing(answer), async ({ connections }) => {
    const signal = AbortSignal.timeout(100);
    const { body } = await connections.send(requestOf(new URL(URL_)), signal);
    await assert.rejects(body, { name: 'AbortError' });
  });
});

test('a body that is too long is told to stop, and the connection goes on', async () => {
  const got: Frame[] = [];
  const answer: Answer = ({ stream, earlier }) =>
    earlier > 0 ? hello(stream) : [status(stream), data(stream, 'x'.repeat(1000))];
  await served(framing(answer, got), async ({ fetch, accepted }) => {
    await assert.rejects(fetch(URL_, { maxBytes: 999 }), { code: 'http-bad-answer' });
    assert.equal((await fetch(URL_)).body.toString(), 'hello');
    assert.equal(accepted(), 1);
    const resets = got.filter(({ type }) => type === TYPES.rstStream);
    assert.deepEqual(
      resets.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
      [[1, NGHTTP2_CANCEL]],
    );
  });
});

test('a server that never finishes the handshake: no answer, and the next request tries anew', async () => {
  await served(
    createTcpServer(),
    async ({ fetch, accepted }) => {
      for (let i = 1; i <= 2; i++) {
        await assert.rejects(fetch(URL_), { message: /no connection within 0.3 s/ });
        assert.equal(accepted(), i);
      }
    },
    300,
  );
});

describe('requests at once', () => {
  const paths = Array.from({ length: 20 }, (_, i) => `${URL_}${i}`);

  test('are streams of one connection over HTTP/2', async () => {
    // None is answered before all are there, or will not be.
    const waiting: (() => void)[] = [];
    let most = 0;
    const answerAll = (): void => {
      most = Math.max(most, waiting.length);
      for (const answer of waiting.splice(0)) answer();
    };
    const server = createSecureServer(tlsKeys, (_, response) => {
      waiting.push(() => response.end('hello'));
      if (waiting.length === paths.length) answerAll();
      else setTimeout(answerAll, 5000).unref();
    });
    await served(server, async ({ fetch, accepted }) => {
      await Promise.all(paths.map((path) => fetch(path)));
      assert.deepEqual([accepted(), most], [1, paths.length]);
    });
  });

  test(`are on ${MAX_CONNECTIONS} connections over HTTP/1.1`, async () => {
    const server = createHttpsServer(tlsKeys, (_, response) => {
      setTimeout(() => response.end('hello'), 20);
    });
    await served(server, async ({ fetch, accepted }) => {
      await Promise.all(paths.map((path) => fetch(path)));
      assert.equal(accepted(), MAX_CONNECTIONS);
    });
  });

  test('that wait for a place give up at their deadlines and keep nobody waiting', async () => {
    const server = createHttpsServer(tlsKeys, (request, response) => {
      if (request.url === '/hello') response.end('hello');
    });
    await served(server, async ({ fetch, connections }) => {
      const signal = AbortSignal.timeout(200);
      const asked = paths.map((path) => connections.send(requestOf(new URL(path)), signal));
      for (const each of await Promise.allSettled(asked)) assert.equal(each.status, 'rejected');
      assert.equal((await fetch(`${URL_}hello`)).body.toString(), 'hello');
    });
  });
});

test('a server that turns from HTTP/1.1 to HTTP/2 and back is followed', async () => {
  let version = 'http/1.1';
  const server = createSecureServer(
    { ...tlsKeys, allowHTTP1: true, ALPNCallback: () => version },
    (request, response) => {
      // One answer a connection.
      if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
      else setImmediate(() => request.stream.session?.close());
      response.end(request.httpVersion);
    },
  );
  await served(server, async ({ fetch }) => {
    for (const [speaks, want] of [
      ['http/1.1', '1.1'],
      ['h2', '2.0'],
      ['h2', '2.0'],
      ['http/1.1', '1.1'],
    ] as const) {
      version = speaks;
      assert.equal((await fetch(URL_)).body.toString(), want);
      await sleep(20);
    }
  });
});

test('40 MB pass a window of 32', async () => {
  const body = Buffer.alloc(40_000_000, 'x');
  const server = createSecureServer(tlsKeys, (_, response) => response.end(body));
  await served(server, async ({ fetch }) => {
    const answer = await fetch(URL_, { maxBytes: body.length });
    assert(answer.body.equals(body));
  });
});

test('a server that counts resets (nghttp2 does, 1,000 and 33 a second) still answers', async () => {
  const tile = Buffer.alloc(8192, 'x');
  const server = createSecureServer(tlsKeys, (_, response) => response.end(tile));
  await served(server, async ({ fetch, accepted }) => {
    const ask = async (): Promise<void> => {
      for (let i = 0; i < 400; i++) assert((await fetch(URL_)).body.equals(tile));
    };
    await Promise.all(Array.from({ length: 8 }, ask));
    // It closed none: there are 500 requests to each.
    assert.equal(accepted(), 7);
  });
});

test('an idle connection keeps no process running', async () => {
  const local = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const { keyPath, certificatePath } = await makeCertificate(local, 'localhost');
  const keys = { key: readFileSync(keyPath), cert: readFileSync(certificatePath) };
  const server = createSecureServer(keys, (_, response) => response.end('hello'));
  await served(server, async () => {
    const script = `
      import { directFetch } from ${JSON.stringify(join(import.meta.dirname, '../../src/http/request.ts'))};
      const url = 'https://localhost:${(server.address() as AddressInfo).port}/';
      console.log((await directFetch({ allowPrivateAddress: true })(url)).body.toString());`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificatePath }, timeout: 30_000 },
    );
    assert.equal(stdout, 'hello\n');
  });
  rmSync(local, { recursive: true });
});

test('a server below TLS 1.2 is offered its version, and refused', async () => {
  const options = {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL@SECLEVEL=0',
  } as const;
  const server = createHttpsServer({ ...tlsKeys, ...options }, (_, response) => response.end('x'));
  await served(server, async ({ fetch }) => {
    await assert.rejects(fetch(URL_), { code: 'http-no-answer' });
  });
});
