// SPDX-License-Identifier: Apache-2.0
/**
 * What a challenge shows to its proxy and to the log. The SOCKS5 server is the test's own, because
 * it has to tell what it was asked; test/cli/challenge.test.ts goes through microsocks.
 */
import assert from 'node:assert/strict';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import {
  connect,
  createServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { after, before, describe, test } from 'node:test';
import { openIdentity } from '../../src/http/proxy.ts';
import { parseProxy, type ProxyAddress } from '../../src/http/proxy-address.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { HttpError, ProxyError } from '../../src/http/error.ts';

/** The tests' hosts are on this machine. */
const HERE = { allowPrivateAddress: true };

interface Asked {
  readonly user: string;
  /** 3: a name (RFC 1928, Section 4). */
  readonly addressType: number;
  readonly host: string;
}

describe('through a proxy', () => {
  const asked: Asked[] = [];
  const requests: IncomingMessage[] = [];
  const opened: Socket[] = [];
  let refuse = false;
  let socks: TcpServer;
  let web: Server;
  let proxy: ProxyAddress;
  let webPort: number;

  before(async () => {
    web = createHttpServer((request, response) => {
      requests.push(request);
      if (request.url === '/redirect')
        response.writeHead(302, { location: 'http://elsewhere.test/' });
      if (request.url === '/flood') response.write('x'.repeat(1024 * 1024));
      response.end('hello');
    });
    socks = createServer((client) => {
      opened.push(client);
      client.on('error', () => undefined);
      void serveSocks(
        client,
        (request) => asked.push(request),
        () => (refuse ? undefined : webPort),
      );
    });
    webPort = await listen(web);
    proxy = { host: '127.0.0.1', port: await listen(socks) };
  });
  after(() => {
    for (const socket of opened) socket.destroy();
    web.closeAllConnections();
    web.close();
    socks.close();
  });

  test('names are resolved there, credentials belong to one identity, connections are not shared', async () => {
    const [one, two] = [openIdentity(proxy, HERE), openIdentity(proxy, HERE)];
    for (const identity of [one, one, two]) {
      const { status, body } = await identity.fetch('http://log.nowhere.test/lab/ct/v1/get-sth');
      assert.deepEqual([status, body.toString()], [200, 'hello']);
    }
    one.close();
    two.close();
    // One connection an identity, kept for its second request.
    assert.equal(asked.length, 2);
    assert.ok(
      asked.every(({ addressType, host }) => addressType === 3 && host === 'log.nowhere.test'),
    );
    assert.notEqual(asked[0]?.user, asked[1]?.user);
    assert.match(asked[0]?.user ?? '', /^[0-9a-f]{24}$/);
  });

  test('every request looks the same: constant headers, nothing that tells one installation from another', async () => {
    requests.length = 0;
    for (const path of ['a', 'b']) {
      const identity = openIdentity(proxy, HERE);
      await identity.fetch(`http://log.test/${path}`);
      identity.close();
    }
    const [first, second] = requests.map(({ rawHeaders }) => rawHeaders);
    assert.deepEqual(first, second);
    // curl.test.ts compares them with curl's own.
    const want = ['Host', 'log.test', 'User-Agent', 'curl/7.88.1', 'Accept', '*/*'];
    assert.deepEqual(first, want);
  });

  test('a redirect is an answer, not a way to another host', async () => {
    asked.length = 0;
    const identity = openIdentity(proxy, HERE);
    assert.equal((await identity.fetch('http://log.test/redirect')).status, 302);
    identity.close();
    assert.deepEqual(
      asked.map(({ host }) => host),
      ['log.test'],
    );
  });

  test('an answer without end is cut off', async () => {
    const identity = openIdentity(proxy, HERE);
    await assert.rejects(identity.fetch('http://log.test/flood'), /longer than \d+ bytes/);
    identity.close();
  });

  test('a host that the proxy cannot reach is the log, a proxy that is down is the proxy', async () => {
    refuse = true;
    const identity = openIdentity(proxy, HERE);
    await assert.rejects(
      identity.fetch('http://log.test/'),
      (error) => error instanceof HttpError && /cannot reach log\.test:80/.test(error.message),
    );
    identity.close();
    refuse = false;
    const free = createServer();
    const port = await listen(free);
    await new Promise((closed) => free.close(closed));
    const nowhere = openIdentity({ host: '127.0.0.1', port }, HERE);
    await assert.rejects(nowhere.fetch('http://log.test/'), ProxyError);
    nowhere.close();
  });
});

test('a proxy is given as socks5h://HOST:PORT and in no other way', () => {
  assert.deepEqual(parseProxy('socks5h://127.0.0.1:9050'), { host: '127.0.0.1', port: 9050 });
  assert.deepEqual(parseProxy('socks5h://[::1]:9050'), { host: '::1', port: 9050 });
  for (const wrong of [
    '',
    'tor',
    '127.0.0.1:9050',
    'socks5://127.0.0.1:9050',
    'http://x:1',
    'socks5h://x',
    'socks5h://me:secret@x:1',
  ]) {
    assert.throws(() => parseProxy(wrong), CtgaError, wrong);
  }
});

function listen(server: TcpServer | Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

/** RFC 1928 with the user name and password of RFC 1929, and CONNECT alone. */
async function serveSocks(
  client: Socket,
  tell: (asked: Asked) => void,
  port: () => number | undefined,
): Promise<void> {
  const take = async (length: number): Promise<Buffer> => {
    for (;;) {
      const bytes = client.read(length) as Buffer | null;
      if (bytes !== null) return bytes;
      await new Promise((readable) => client.once('readable', readable));
    }
  };
  const counted = async (): Promise<string> => (await take((await take(1))[0] ?? 0)).toString();
  const [, methods = 0] = await take(2);
  assert.ok((await take(methods)).includes(2), 'no user name is offered');
  client.write(Uint8Array.of(5, 2));
  await take(1);
  const user = await counted();
  await counted();
  client.write(Uint8Array.of(1, 0));
  const [, , , addressType = 0] = await take(4);
  const host =
    addressType === 3 ? await counted() : (await take(addressType === 1 ? 4 : 16)).join('.');
  await take(2);
  const to = port();
  if (to === undefined) return void client.end(Uint8Array.of(5, 4, 0, 1, 0, 0, 0, 0, 0, 0));
  tell({ user, addressType, host });
  const upstream = connect(to, '127.0.0.1');
  upstream.on('error', () => client.destroy());
  upstream.once('connect', () => {
    client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    client.pipe(upstream).pipe(client);
  });
}
