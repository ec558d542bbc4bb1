// SPDX-License-Identifier: Apache-2.0
/**
 * What honest logs, and whatever stands before them, do over HTTP: a real server for each, asked by
 * the clients that the challenger uses. docs/OPERATIONS.md has the table of what each ends in.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { LogError, type LogErrorCode } from '../../src/ask/asker.ts';
import { Rfc6962Asker } from '../../src/ask/rfc6962.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { directFetch } from '../../src/http/request.ts';
import { tlsRemedy } from '../../src/http/tls-remedy.ts';
import { makeCertificate } from '../../src/lab/api.ts';
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { trust } from '../support/trust.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const tree = treeOf(1000);
const fetch = directFetch({ allowPrivateAddress: true });

/** Runs `work` with the URL of a server on this machine that answers with `listener`. */
async function served<T>(
  listener: RequestListener,
  work: (url: string) => Promise<T>,
  server: Server & { closeAllConnections: () => void } = createServer(listener),
): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const proof = (): string =>
  JSON.stringify({
    consistency: tree
      .consistencyProof(300, 1000)
      .map((hash) => Buffer.from(hash).toString('base64')),
  });
const [FIRST, SECOND] = [300n, 1000n];

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;
/** 'proof', or the code of the error and what it says. */
type Want = 'proof' | readonly [LogErrorCode, RegExp];

const packed =
  (encoding: string, pack: (text: string) => Buffer | string = (text) => text): Behaviour =>
  (response) =>
    response.setHeader('content-encoding', encoding).end(pack(proof()));
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}, body = ''): Behaviour =>
  (response) =>
    response.writeHead(code, headers).end(body);

describe('a log with the API of RFC 6962', () => {
  const cases: readonly (readonly [name: string, Behaviour, Want])[] = [
    ['a plain answer', (response) => response.end(proof()), 'proof'],
    ['an empty Content-Encoding', packed(''), 'proof'],
    ['Content-Encoding: identity', packed('identity'), 'proof'],
    ['Content-Encoding: aws-chunked', packed('aws-chunked'), 'proof'],
    ['Content-Encoding: gzip', packed('gzip', gzipSync), 'proof'],
    ['Content-Encoding: GZIP', packed('GZIP', gzipSync), 'proof'],
    ['Content-Encoding: x-gzip', packed('x-gzip', gzipSync), 'proof'],
    ['Content-Encoding: gzip, aws-chunked', packed('gzip, aws-chunked', gzipSync), 'proof'],
    ['Content-Encoding: aws-chunked,gzip', packed('aws-chunked,gzip', gzipSync), 'proof'],
    ['gzip twice', packed('gzip, gzip', (text) => gzipSync(gzipSync(text))), 'proof'],
    [
      'gzip that is none',
      packed('gzip', () => 'none'),
      ['log-unavailable', /get-sth-consistency: incorrect header check/],
    ],
    [
      'deflate',
      packed('deflate', deflateSync),
      ['log-unavailable', /packed as 'deflate', although ctga knows nothing but gzip/],
    ],
    ['br', packed('br', brotliCompressSync), ['log-unavailable', /packed as 'br', although/]],
    ['400', status(400, {}, 'no'), ['log-refused', /HTTP 400 \("no"\)/]],
    ['404', status(404), ['log-refused', /HTTP 404$/]],
    ['403', status(403), ['log-unavailable', /HTTP 403$/]],
    ['429', status(429), ['log-unavailable', /HTTP 429$/]],
    ['500', status(500), ['log-unavailable', /HTTP 500$/]],
    ['503', status(503, { 'retry-after': '7' }), ['log-unavailable', /HTTP 503$/]],
    [
      'a redirect',
      status(302, { location: 'http://127.0.0.1:1/' }),
      ['log-unavailable', /HTTP 302, a redirect, which ctga does not follow/],
    ],
    ['HTML with status 200', (response) => response.end('<html>'), ['log-unavailable', /not JSON/]],
    ['nothing with status 200', (response) => response.end(), ['log-unavailable', /not JSON/]],
    [
      'a body that is shorter than it says',
      (response) => {
        response.setHeader('content-length', '5000').write(proof());
        setImmediate(() => response.socket?.end());
      },
      ['log-unavailable', /the answer was cut short after \d+ bytes/],
    ],
    [
      'a chunked body that is cut short',
      (response) => {
        response.write(proof());
        setImmediate(() => response.socket?.end());
      },
      ['log-unavailable', /the answer was cut short after \d+ bytes/],
    ],
    [
      'a connection that is closed without an answer',
      (response) => response.socket?.destroy(),
      ['log-unavailable', /get-sth-consistency: socket hang up/],
    ],
  ];
  for (const [name, behaviour, want] of cases) {
    test(name, async () => {
      await served(
        (request, response) => behaviour(response, request),
        async (url) => {
          const asked = new Rfc6962Asker(url, fetch).consistencyProof(FIRST, SECOND);
          if (want === 'proof')
            return assert.deepEqual(await asked, tree.consistencyProof(300, 1000));
          await assert.rejects(asked, (error: unknown) => {
            assert(error instanceof LogError);
            assert.equal(error.code, want[0]);
            assert.match(error.message, want[1]);
            return true;
          });
        },
      );
    });
  }

  test('"consistency": null is an empty proof', async () => {
    await served(
      (_, response) => response.end('{"consistency":null}'),
      async (url) => {
        const asker = new Rfc6962Asker(url, fetch);
        assert.deepEqual(await asker.consistencyProof(512n, 1000n), []);
      },
    );
  });

  for (const [asks, want] of [
    ['7', 7000],
    ['99999999999', 86_400_000],
    [new Date(Date.now() + 10 * 365 * 86_400_000).toUTCString(), 86_400_000],
    // It does not say how long.
    [undefined, 5000],
  ] as const) {
    test(`429 with Retry-After: ${asks ?? 'none'}`, async () => {
      await served(
        (_, response) =>
          response.writeHead(429, asks === undefined ? {} : { 'retry-after': asks }).end(),
        async (url) => {
          const asked = new Rfc6962Asker(url, fetch).treeHead();
          await assert.rejects(asked, { code: 'log-unavailable', retryAfter: want });
        },
      );
    });
  }
});

describe('a connection that was kept and is closed just as the next request is sent', () => {
  /** Answers the first request of each connection in `silent` and closes at the second. */
  function racing(answers: (n: number) => boolean): RequestListener {
    const served = new WeakMap<object, number>();
    let connections = 0;
    return (request, response) => {
      const before = served.get(request.socket) ?? 0;
      if (before === 0) connections += 1;
      served.set(request.socket, before + 1);
      if (before > 0 || !answers(connections)) request.socket.destroy();
      else response.end(JSON.stringify(treeHeadToJson(log.sign(5, tree.root(5)))));
    };
  }

  test('is tried again on a new connection', async () => {
    await served(
      racing(() => true),
      async (url) => {
        const asker = new Rfc6962Asker(url, fetch);
        for (let i = 0; i < 3; i++) assert.equal((await asker.treeHead()).treeSize, 5n);
      },
    );
  });

  test('is tried again once: a server that answers no more is not asked for ever', async () => {
    let requests = 0;
    const answer = racing((connections) => connections === 1);
    await served(
      (request, response) => {
        requests += 1;
        answer(request, response);
      },
      async (url) => {
        const asker = new Rfc6962Asker(url, fetch);
        await asker.treeHead();
        await assert.rejects(asker.treeHead(), /socket hang up/);
        assert.equal(requests, 3);
      },
    );
  });

  test('never sends twice what is posted', async () => {
    let posts = 0;
    await served(
      (request, response) => {
        if (request.method !== 'POST') return void response.end('{}');
        posts += 1;
        request.socket.destroy();
      },
      async (url) => {
        await fetch(url);
        await assert.rejects(fetch(url, { post: '{}' }), { code: 'http-no-answer' });
        assert.equal(posts, 1);
      },
    );
  });
});

describe('a static-ct log', () => {
  const files = new TiledFiles(log, tree);

  /** Asks for a proof of a log whose partial and full tiles answer in these ways. */
  async function tiles(
    partial: Behaviour | undefined,
    full: Behaviour | undefined,
    size = 1000,
  ): Promise<unknown> {
    return served(
      (request, response) => {
        const path = (request.url ?? '').slice(1);
        const instead = path.includes('.p/') ? partial : full;
        if (instead !== undefined) return instead(response, request);
        // The log has grown: each of its tiles is full by now.
        const [, level, index] = /^tile\/(\d)\/(\d{3})$/.exec(path) ?? [];
        const { status, body } = files.read(path);
        if (status === 200 || level === undefined) return void response.writeHead(status).end(body);
        const grown = treeOf(TILE_WIDTH * 4 + 4);
        const nodes = Array.from({ length: TILE_WIDTH }, (_, i) => {
          const at = Number(index) * TILE_WIDTH + i;
          return level === '0' && at < grown.size ? grown.leafHash(at) : Buffer.alloc(32);
        });
        const known =
          level === '1' ? Buffer.concat([0, 1, 2].map((i) => tree.node(8, i))) : undefined;
        const filled = Buffer.concat(nodes);
        known?.copy(filled);
        response.end(filled);
      },
      async (url) => {
        const asker = new TiledAsker(url, log.key, fetch);
        return asker.consistencyProof(300n, BigInt(size)).then(
          (hashes) => {
            assert.deepEqual(hashes, tree.consistencyProof(300, size));
            return 'proof';
          },
          (error: unknown) => {
            assert(error instanceof LogError);
            return error.code;
          },
        );
      },
    );
  }
  const cut: Behaviour = (response) => {
    response.setHeader('content-length', '96').write('x');
    setImmediate(() => response.socket?.end());
  };
  const short: Behaviour = (response) => response.end(Buffer.alloc(31));
  const gone: Behaviour = (response) => response.socket?.destroy();

  // What becomes of a proof, by what the partial and the full tiles answer.
  const cases: readonly (readonly [
    string,
    Behaviour | undefined,
    Behaviour | undefined,
    string,
  ])[] = [
    ['both there', undefined, undefined, 'proof'],
    ['partial 403, full there', status(403), undefined, 'proof'],
    ['partial 404, full there', status(404), undefined, 'proof'],
    ['partial 410, full there', status(410), undefined, 'proof'],
    ['partial 500, full there', status(500), undefined, 'proof'],
    ['partial cut, full there', cut, undefined, 'proof'],
    ['partial of the wrong length, full there', short, undefined, 'proof'],
    ['partial a page, full there', (response) => response.end('<html>'), undefined, 'proof'],
    ['partial no answer, full there', gone, undefined, 'proof'],
    ['partial 404, full 404', status(404), status(404), 'log-refused'],
    ['partial 404, full 410', status(404), status(410), 'log-refused'],
    ['partial 404, full 500', status(404), status(500), 'log-unavailable'],
    ['partial 403, full 403', status(403), status(403), 'log-unavailable'],
    // The full tile need not be there yet, so its 404 alone says nothing.
    ['partial 500, full 404', status(500), status(404), 'log-unavailable'],
    ['partial 429, full there', status(429), undefined, 'log-unavailable'],
  ];
  for (const [name, partial, full, want] of cases)
    test(name, async () => assert.equal(await tiles(partial, full), want));
});

describe('certificates', () => {
  const cases: readonly (readonly [code: string, says: RegExp | undefined])[] = [
    ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /NODE_EXTRA_CA_CERTS/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another host name/],
    ['ECONNREFUSED', undefined],
  ];
  for (const [code, says] of cases) {
    test(code, () => {
      if (says === undefined) assert.equal(tlsRemedy(code), undefined);
      else assert.match(tlsRemedy(code) ?? '', says);
    });
  }

  /** Asks a server with the certificate for its tree head, which fails; returns how. */
  async function failureOf(host: string, key: string, certificate: string): Promise<LogError> {
    const [keyText, cert] = [readFileSync(key), readFileSync(certificate)];
    const server = createTlsServer({ key: keyText, cert });
    return served(
      () => undefined,
      async (url) => {
        const { port } = new URL(url);
        const error: unknown = await new Rfc6962Asker(`https://${host}:${port}/`, fetch)
          .treeHead()
          .catch((thrown: unknown) => thrown);
        assert(error instanceof LogError);
        return error;
      },
      server,
    );
  }

  test('one that nobody vouches for, and one of another host', async () => {
    const { keyPath, certificatePath } = await makeCertificate(directory, 'localhost');
    const unknown = await failureOf('localhost', keyPath, certificatePath);
    assert.match(unknown.remedy ?? '', /NODE_EXTRA_CA_CERTS/);
    const trusted = trust({ keyPath, certificatePath });
    try {
      const other = await failureOf('127.0.0.1', keyPath, certificatePath);
      assert.match(other.remedy ?? '', /another host name/);
    } finally {
      trusted.distrust();
    }
  });

  test('one that has expired', async () => {
    const { keyPath, certificatePath } = await makeCertificate(directory, 'localhost');
    const old = join(directory, 'old.pem');
    execFileSync(
      'openssl',
      ['x509', '-in', certificatePath, '-signkey', keyPath, '-days', '-1', '-out', old],
      { stdio: 'pipe' },
    );
    const trusted = trust({ keyPath, certificatePath: old });
    try {
      assert.match((await failureOf('localhost', keyPath, old)).remedy ?? '', /has expired/);
    } finally {
      trusted.distrust();
    }
  });
});
