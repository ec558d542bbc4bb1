// SPDX-License-Identifier: Apache-2.0
/** Requests that go straight to a host. What they look like is tested in proxy.test.ts. */
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { webhookChannel, type Alert } from '../../src/alert/channels.ts';
import { HttpError } from '../../src/http/error.ts';
import { directFetch, type Resolve } from '../../src/http/request.ts';

/** A name that looks public. The tests' resolver alone knows it. */
const NAME = 'hooks.example.com';

describe('a direct request', () => {
  let server: Server;
  let port: number;
  let requests = 0;
  before(async () => {
    server = createServer((request, response) => {
      requests += 1;
      if (request.url === '/gzip') response.setHeader('content-encoding', 'gzip').end('no gzip');
      else if (request.url === '/zip') response.setHeader('content-encoding', 'zip').end('x');
      else if (request.url === '/bomb')
        response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(1024 * 1024)));
      else response.end('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    requests = 0;
  });

  const leadsTo =
    (...addresses: readonly string[]): Resolve =>
    (hostname, _, done) => {
      assert.equal(hostname, NAME);
      done(
        null,
        addresses.map((address): LookupAddress => {
          return { address, family: address.includes(':') ? 6 : 4 };
        }),
      );
    };
  const isPrivate = (error: unknown): boolean =>
    error instanceof HttpError && error.code === 'http-private-address';

  for (const addresses of [
    ['127.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['10.0.0.1', '169.254.169.254'],
    [],
  ]) {
    test(`a public name that leads to ${addresses.join(' and ') || 'nothing'}: nothing is sent`, async () => {
      const fetch = directFetch({}, leadsTo(...addresses));
      await assert.rejects(fetch(`http://${NAME}:${port}/`), isPrivate);
      assert.equal(requests, 0);
    });
  }

  test('a webhook whose name leads to a private address: nothing is sent', async () => {
    const alert: Alert = {
      event: 'test',
      key: 'test',
      severity: 'warning',
      message: 'A test.',
      remedy: 'None.',
      time: '2026-11-20T21:48:03Z',
      host: 'here',
    };
    const options = {
      url: `http://${NAME}:${port}/`,
      secret: undefined,
      resolve: leadsTo('127.0.0.1'),
    };
    const guarded = webhookChannel({ ...options, allowPrivateAddress: false });
    await assert.rejects(guarded.send(alert), isPrivate);
    assert.equal(requests, 0);
    // The resolver above is the one that is used: allowed, the same request arrives.
    await webhookChannel({ ...options, allowPrivateAddress: true }).send(alert);
    assert.equal(requests, 1);
  });

  test('an answer that is not packed as it says, or too large: a bad answer', async () => {
    const fetch = directFetch({ allowPrivateAddress: true });
    for (const path of ['gzip', 'zip', 'bomb'])
      await assert.rejects(fetch(`http://127.0.0.1:${port}/${path}`), { code: 'http-bad-answer' });
  });

  test('nobody there: no answer', async () => {
    const fetch = directFetch({ allowPrivateAddress: true });
    await assert.rejects(fetch('http://127.0.0.1:1/'), { code: 'http-no-answer' });
  });
});
