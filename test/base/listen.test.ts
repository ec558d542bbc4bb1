// SPDX-License-Identifier: Apache-2.0
/** Where HTTP servers listen, and what is said where they cannot. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { listenAt } from '../../src/base/listen.ts';

for (const address of ['127.0.0.1', '::1'])
  test(`a server at ${address} has a URL, and keeps its address from others`, async () => {
    const [server, other] = [createServer((_, response) => response.end('well')), createServer()];
    try {
      const { port, url } = await listenAt(server, { address, port: 0 });
      assert.equal(url, `http://${address === '::1' ? '[::1]' : address}:${port}/`);
      assert.equal(await (await fetch(url)).text(), 'well');
      await assert.rejects(listenAt(other, { address, port }), {
        code: 'kernel',
        message: `cannot listen on ${address} port ${port}: another program has this address and port`,
        remedy: 'Choose another with --listen ADDRESS:PORT.',
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

test('connections that cannot be accepted end no server', async () => {
  const server = createServer();
  await listenAt(server, { address: '127.0.0.1', port: 0 });
  for (let i = 0; i < 3; i++) assert(server.emit('error', new Error('accept EMFILE')));
  server.close();
});
