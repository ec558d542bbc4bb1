// SPDX-License-Identifier: Apache-2.0
/** Datagrams in batches, by real sockets on loopback. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { clientOfPeer, ownAddress, UdpSocket, type Peer } from '../../src/dns/udp.ts';
import { addon } from '../../src/native/addon.ts';
import { projectRoot } from '../../src/base/project-root.ts';
import { eventually } from '../support/eventually.ts';

/** Answers every datagram with its own bytes, as soon as it comes or `later`. */
function echo(address: string, later = false): UdpSocket {
  const socket: UdpSocket = new UdpSocket({ address, port: 0 }, (bytes, peer) => {
    const [copy, to] = [Uint8Array.from(bytes), Uint8Array.from(peer)];
    if (later) setImmediate(() => socket.send(copy, to));
    else socket.send(copy, to);
  });
  return socket;
}

/** What comes back to one client that sends all this at once. */
async function echoed(
  from: 'udp4' | 'udp6',
  to: string,
  port: number,
  sent: readonly string[],
): Promise<string[]> {
  const client = createSocket(from);
  // Connected: it takes nothing from another address.
  client.connect(port, to);
  await once(client, 'connect');
  const got: string[] = [];
  client.on('message', (bytes) => got.push(bytes.toString()));
  for (const text of sent) client.send(text);
  await eventually(() => got.length >= sent.length, `${sent.length} answers, not ${got.length}`);
  client.close();
  return got;
}

describe('a batch', () => {
  const many = Array.from({ length: 150 }, (_, i) => `${i} ${'x'.repeat(i)}`);
  for (const later of [false, true])
    test(`is answered, each datagram by itself, ${later ? 'later' : 'at once'}`, async () => {
      const socket = echo('127.0.0.1', later);
      assert.deepEqual((await echoed('udp4', '127.0.0.1', socket.port, many)).sort(), many.sort());
      socket.close();
    });

  const places: readonly [string, 'udp4' | 'udp6', string][] = [
    ['127.0.0.1', 'udp4', '127.0.0.1'],
    ['0.0.0.0', 'udp4', '127.0.0.1'],
    ['0.0.0.0', 'udp4', '127.7.0.9'],
    ['::', 'udp4', '127.7.0.9'],
    ['::', 'udp6', '::1'],
    ['::1', 'udp6', '::1'],
  ];
  for (const [bound, family, to] of places)
    test(`to ${bound}: what ${to} was asked, ${to} answers`, async () => {
      const socket = echo(bound);
      assert.deepEqual(await echoed(family, to, socket.port, ['']), ['']);
      socket.close();
    });

  test('knows who asks, and whom', async () => {
    const seen: unknown[] = [];
    const note = (peer: Peer): number => seen.push([clientOfPeer(peer), ownAddress(peer)]);
    const sockets = ['::', '127.0.0.1'].map(
      (address) => new UdpSocket({ address, port: 0 }, (_, peer) => void note(peer)),
    );
    const client = createSocket('udp4').bind(0, '127.3.2.1');
    await once(client, 'listening');
    const { port } = client.address();
    for (const socket of sockets) {
      client.send('x', socket.port, '127.0.0.1');
      const { length } = seen;
      await eventually(() => seen.length > length, 'a datagram');
    }
    const peer = { address: '127.3.2.1', port, family: 'IPv4' };
    assert.deepEqual(seen, [
      [peer, '127.0.0.1'],
      [peer, undefined],
    ]);
    client.close();
    for (const socket of sockets) socket.close();
  });

  test('cuts what is longer than a slot, and goes on', async () => {
    const lengths: number[] = [];
    const socket = new UdpSocket({ address: '127.0.0.1', port: 0 }, (bytes) =>
      lengths.push(bytes.length),
    );
    const client = createSocket('udp4');
    for (const length of [5000, 4096, 0, 60_000, 1])
      client.send(Buffer.alloc(length), socket.port, '127.0.0.1');
    await eventually(() => lengths.length === 5, 'all of them');
    assert.deepEqual(lengths, [4096, 4096, 0, 4096, 1]);
    client.close();
    socket.close();
  });

  test('of answers that the kernel refuses loses those alone', async () => {
    const socket: UdpSocket = new UdpSocket({ address: '127.0.0.1', port: 0 }, (bytes, peer) => {
      socket.send(new Uint8Array(65_530), peer); // more than UDP over IPv4 takes
      const nobody = Uint8Array.from(peer);
      nobody[2] = nobody[3] = 0; // port 0
      socket.send(bytes, nobody);
      socket.send(bytes, peer);
    });
    const sent = ['a', 'b', 'c'];
    assert.deepEqual(await echoed('udp4', '127.0.0.1', socket.port, sent), sent);
    socket.close();
  });
});

test('a batch of answers with a length beyond its end sends what is before', () => {
  const socket = addon().openUdp('127.0.0.1', 0);
  for (const length of [0, 39, 40, 41, 1000]) {
    const batch = new Uint8Array(1000).fill(0xff);
    socket.send(batch, length);
    socket.send(batch.subarray(0, 10), 4_000_000_000);
  }
  assert.throws(() => socket.send('x' as unknown as Uint8Array, 1), TypeError);
  socket.close();
  socket.close();
  socket.send(new Uint8Array(100), 100);
  assert.throws(() => socket.start(() => undefined), /closed/);
});

test('closed within a batch, the port is free at once and nothing more comes', async () => {
  let calls = 0;
  const socket: UdpSocket = new UdpSocket({ address: '127.0.0.1', port: 0 }, (bytes, peer) => {
    calls += 1;
    socket.close();
    socket.send(bytes, peer);
    new UdpSocket({ address: '127.0.0.1', port: socket.port }, () => undefined).close();
  });
  const client = createSocket('udp4');
  for (let i = 0; i < 20; i++) client.send('x', socket.port, '127.0.0.1');
  await eventually(() => calls > 0, 'a datagram');
  client.close();
  await new Promise(setImmediate);
  assert.equal(calls, 1);
});

test('a worker that ends, or is ended, takes its socket with it', async () => {
  const path = `${projectRoot()}/build/native/Release/ctga.node`;
  for (const end of ['process.exit(0)', 'for (;;);'])
    for (let round = 0; round < 3; round++) {
      const script = `const socket = require(${JSON.stringify(path)}).openUdp('127.0.0.1', 0);
        socket.start(() => undefined);
        require('node:worker_threads').parentPort.postMessage(socket.port);
        setImmediate(() => { ${end} });`;
      const worker = new Worker(script, { eval: true });
      const [port] = (await once(worker, 'message')) as [number];
      await worker.terminate();
      await eventually(() => {
        try {
          addon().openUdp('127.0.0.1', port).close();
          return true;
        } catch {
          return false;
        }
      }, 'the port to be free');
    }
});
