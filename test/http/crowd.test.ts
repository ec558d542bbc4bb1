// SPDX-License-Identifier: Apache-2.0
/** Slow clients, many more than there is room for, beside one that asks at once. */
import assert from 'node:assert/strict';
import { Agent, createServer, get, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { HURRY, keepRoom } from '../../src/http/crowd.ts';
import { bodyOf } from '../../src/http/serving.ts';
import { eventually } from '../support/eventually.ts';

const MOST = 20;

async function served(): Promise<{ server: Server; port: number; held: (() => void)[] }> {
  const held: (() => void)[] = [];
  const server = createServer(HURRY, (asked, response) => {
    if (asked.url === '/later') {
      // By a body that was read, and an answer that takes its time.
      bodyOf(asked, 1000).then(
        () => held.push(() => response.end('later')),
        () => undefined,
      );
      return;
    }
    response.end('fine');
  });
  keepRoom(server, MOST);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port, held };
}

function asks(port: number, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent: agent ?? false };
    get(options, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Connections that send this and then nothing; each opens another one when it is closed, so many times. */
function slowOnes(
  port: number,
  many: number,
  text: string,
): { open: Set<Socket>; closed: () => number } {
  const open = new Set<Socket>();
  let closed = 0;
  for (let i = 0; i < many; i++) {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    open.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
    socket.once('close', () => {
      closed++;
      open.delete(socket);
    });
  }
  after(() => open.forEach((each) => each.destroy()));
  return { open, closed: () => closed };
}

const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)));

for (const [what, text] of [
  ['nothing', ''],
  ['half a head', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: b\r\n'],
  ['half a body', 'POST /later HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{'],
  ['a whole request, and half of another', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT'],
] as const)
  test(`${10 * MOST} clients that send ${what} leave room for one that asks`, async () => {
    const { server, port } = await served();
    const slow = slowOnes(port, 10 * MOST, text);
    await eventually(() => slow.closed() >= 9 * MOST, 'the oldest to be closed');
    for (let i = 0; i < 5; i++) assert.equal(await asks(port), 'fine');
    await eventually(
      async () => (await connections(server)) <= MOST,
      'as many as there is room for',
    );
    assert.ok(slow.open.size > 0, 'and who is new may still be slow');
  });

test('who waits for an answer loses no place to those who are slow', async () => {
  const { port, held } = await served();
  const answer = new Promise<string>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path: '/later' },
      (response) => {
        response.on('data', (part: Buffer) => resolve(part.toString()));
      },
    );
    sent.on('error', reject);
    sent.end('x');
  });
  await eventually(() => held.length === 1, 'the request');
  const slow = slowOnes(port, 10 * MOST, 'GET / HT');
  await eventually(() => slow.closed() >= 9 * MOST, 'the oldest to be closed');
  held[0]?.();
  assert.equal(await answer, 'later');
});

test('who asks for what takes long, more often than there is room, waits in the place of the oldest', async () => {
  const { server, port, held } = await served();
  const text = 'POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1';
  const many = slowOnes(port, 3 * MOST, text);
  await eventually(
    () => held.length === 3 * MOST && many.closed() >= 2 * MOST,
    'the oldest to be closed',
  );
  assert.ok((await connections(server)) <= 2 * MOST);
  assert.equal(await asks(port), 'fine');
});

test('a connection that is used again keeps its place', async () => {
  const { port } = await served();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  after(() => agent.destroy());
  for (let i = 0; i < 3 * MOST; i++) {
    assert.equal(await asks(port, agent), 'fine');
    slowOnes(port, 1, '');
    await asks(port);
  }
});
