// SPDX-License-Identifier: Apache-2.0
/** A challenger that loses its lease of a log while it connects, or while it waits, sends nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Connections, connectTcp, MAX_CONNECTIONS } from '../../src/http/connections.ts';
import { wayOver, type Fetch } from '../../src/http/request.ts';
import { makeCertificate } from '../../src/lab/api.ts';
import { eventually } from '../support/eventually.ts';
import { trust } from '../support/trust.ts';

const HOST = 'log.example.com';
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const certificate = await makeCertificate(directory, HOST);
const { distrust } = trust(certificate);
after(() => {
  distrust();
  rmSync(directory, { recursive: true });
});
const keys = {
  key: readFileSync(certificate.keyPath),
  cert: readFileSync(certificate.certificatePath),
};

/** What the client may do, what the server has heard, and how it is let go on. */
interface Scene {
  isOurs: boolean;
  /** Called when a TCP connection is open, before anything is sent. */
  onConnected: () => void;
  readonly asked: string[];
  readonly answer: RequestListener;
}

type Served = Server | Http2SecureServer;

async function play(
  [scheme, listen]: readonly [string, (answer: RequestListener) => Served],
  work: (scene: Scene, fetch: Fetch, url: string) => Promise<void>,
  answer: (scene: Scene) => RequestListener = () => (_, response) => response.end('hello'),
): Promise<void> {
  const scene: Scene = {
    isOurs: true,
    onConnected: () => undefined,
    asked: [],
    answer: (request, response) => {
      scene.asked.push(request.url ?? '');
      answer(scene)(request, response);
    },
  };
  const server = listen(scene.answer);
  const sockets = new Set<{ destroy: () => void }>();
  server.on('connection', (socket: { destroy: () => void }) => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const connections = new Connections(async (_host, _port, signal) => {
    const socket = await connectTcp({ host: '127.0.0.1', port, signal });
    scene.onConnected();
    return socket;
  }, 30_000);
  const { fetch } = wayOver(connections, { maySend: () => scene.isOurs });
  try {
    await work(scene, fetch, `${scheme}://${HOST}/`);
  } finally {
    connections.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const KINDS = {
  'HTTP/1.1 without TLS': ['http', (answer) => createHttpServer(answer)],
  'HTTP/1.1': ['https', (answer) => createHttpsServer(keys, answer)],
  'HTTP/2': ['https', (answer) => createSecureServer(keys, answer as never)],
} satisfies Record<string, readonly [string, (answer: RequestListener) => Served]>;

const notOurs = { code: 'not-ours-to-ask' };

for (const [name, kind] of Object.entries(KINDS))
  describe(`over ${name}, a right that is lost`, () => {
    test('before anything: nobody is connected to', () =>
      play(kind, async (scene, fetch, url) => {
        scene.isOurs = false;
        scene.onConnected = () => assert.fail('it connected');
        await assert.rejects(fetch(url), notOurs);
        assert.deepEqual(scene.asked, []);
      }));

    test('while the first connection opens: nothing is sent on it', () =>
      play(kind, async (scene, fetch, url) => {
        scene.onConnected = () => (scene.isOurs = false);
        await assert.rejects(fetch(`${url}lost`), notOurs);
        scene.isOurs = true;
        scene.onConnected = () => undefined;
        await fetch(`${url}ours`);
        assert.deepEqual(scene.asked, ['/ours']);
      }));

    test('between two requests of one connection: the second is not sent', () =>
      play(kind, async (scene, fetch, url) => {
        await fetch(`${url}1`);
        scene.isOurs = false;
        await assert.rejects(fetch(`${url}2`), notOurs);
        assert.deepEqual(scene.asked, ['/1']);
      }));
  });

for (const name of ['HTTP/1.1 without TLS', 'HTTP/1.1'] as const)
  test(`over ${name}, one that is lost while requests wait for a place: they are not sent`, () => {
    const held: (() => void)[] = [];
    return play(
      KINDS[name],
      async (scene, fetch, url) => {
        const first = [fetch(`${url}0`)];
        await eventually(() => held.length === 1, 'the first request');
        held.pop()?.();
        await first[0];
        const under = Array.from({ length: MAX_CONNECTIONS }, (_, i) => fetch(`${url}${i + 1}`));
        await eventually(() => held.length === MAX_CONNECTIONS, 'all places to be taken');
        const waiting = [fetch(`${url}late`), fetch(`${url}later`)].map((each) =>
          assert.rejects(each, notOurs),
        );
        scene.isOurs = false;
        for (const answer of held) answer();
        await Promise.all([...under, ...waiting]);
        assert.equal(scene.asked.length, 1 + MAX_CONNECTIONS);
        assert(!scene.asked.some((path) => path.includes('late')));
      },
      () => (_, response) => held.push(() => response.end('hello')),
    );
  });
