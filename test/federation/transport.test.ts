// SPDX-License-Identifier: Apache-2.0
/** What members send each other over TLS, and how little those who are slow or strange cost others. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type RequestOptions } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { hex, long } from '../../src/federation/bytes.ts';
import { Peers } from '../../src/federation/peers.ts';
import {
  FederationServer,
  MESSAGES_PATH,
  POLICY_PATH,
  UPDATE_PATH,
  type FederationServerOptions,
} from '../../src/federation/server.ts';
import { certificateOf, keyOfCertificate } from '../../src/federation/tls.ts';
import { eventually } from '../support/eventually.ts';
import { keysOf, rosterOf, type Keys } from './network.ts';

const COUNT = 4;
const roster = rosterOf(COUNT);
const MEMBERS = keysOf(COUNT);
const [server, one, other] = MEMBERS as [Keys, Keys, Keys];
/** Has keys of a member, and is none. */
const stranger = keysOf(COUNT + 1)[COUNT] as Keys;

interface Shown {
  readonly certificate: string;
  readonly privateKey: string;
}

function shownBy({ key, privateKey }: Keys): Shown {
  return {
    certificate: certificateOf('m', key, privateKey),
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

interface Received {
  readonly peer: string;
  readonly bytes: Uint8Array;
}

/** A member's server, and what it was told. */
async function serve(
  t: TestContext,
  options: Partial<FederationServerOptions> = {},
): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const errors: unknown[] = [];
  const started = await FederationServer.start({
    address: '127.0.0.1',
    port: 0,
    ...shownBy(server),
    isPeer: (peer) => MEMBERS.some(({ key }) => hex(key) === peer),
    onMessage: (peer, bytes) => void received.push({ peer, bytes }),
    version: () => '',
    update: () => '{}\n',
    policy: () => '\n',
    metrics: {
      contentType: 'text/plain',
      render: () => Promise.resolve(''),
      countRequest: () => {},
    },
    onError: (error) => void errors.push(error),
    ...options,
  });
  t.after(async () => {
    await started.stop();
    assert.deepEqual(errors, []);
  });
  return { port: started.at.port, received };
}

interface Sending {
  readonly peers: Peers;
  readonly sent: number[];
  readonly failures: string[];
}

/** Somebody who takes whoever is at a port for the member whose key it gives. */
function sendingTo(t: TestContext, port: number, from: Keys, to: Keys): Sending {
  const [member] = roster.body.members;
  assert.ok(member !== undefined);
  const [sent, failures]: [number[], string[]] = [[], []];
  const peers = new Peers({
    ...shownBy(from),
    proxy: undefined,
    deadline: 60_000,
    onSent: (_, bytes) => void sent.push(bytes),
    onFailure: (_, error) => void failures.push((error as Error).message),
  });
  peers.set([{ ...member, url: `https://127.0.0.1:${port}/`, key: to.key }]);
  t.after(() => peers.close());
  return { peers, sent, failures };
}

async function isOver({ sent, failures }: Sending): Promise<void> {
  await eventually(() => sent.length + failures.length > 0, 'an answer');
}

const HELLO = Uint8Array.of(1, 2, 3);

test('a message reaches the member whose key answers, and says whose key sent it', async (t) => {
  const { port, received } = await serve(t);
  const sending = sendingTo(t, port, one, server);
  sending.peers.send(hex(server.key), HELLO);
  await isOver(sending);
  assert.deepEqual(sending.failures, []);
  assert.deepEqual(received, [{ peer: hex(one.key), bytes: HELLO }]);
});

test('whoever answers with another key than the roster has is told nothing', async (t) => {
  const { port, received } = await serve(t);
  const sending = sendingTo(t, port, one, other);
  sending.peers.send(hex(other.key), HELLO);
  await isOver(sending);
  assert.deepEqual(sending.sent, []);
  assert.match(sending.failures.join(), /whoever answers there has not the key of m0/);
  assert.deepEqual(received, []);
});

test('whoever shows a key that the roster has not brings nothing', async (t) => {
  const { port, received } = await serve(t);
  const sending = sendingTo(t, port, stranger, server);
  sending.peers.send(hex(server.key), HELLO);
  await isOver(sending);
  assert.deepEqual(sending.failures, ['HTTP 403']);
  assert.deepEqual(received, []);
});

test("a member's certificate is of no use without its key", async (t) => {
  const { port, received } = await serve(t);
  const certificate = shownBy(one).certificate;
  assert.deepEqual(keyOfCertificate(new X509Certificate(certificate).raw), one.key);
  const options = { cert: certificate, key: shownBy(stranger).privateKey };
  await assert.rejects(post(port, options));
  assert.equal(await post(port, {}), 403);
  assert.deepEqual(received, []);
});

function of(keys: Keys): RequestOptions {
  const { certificate, privateKey } = shownBy(keys);
  return { cert: certificate, key: privateKey };
}

/** Sends one message; resolves to the status. */
function post(
  port: number,
  options: RequestOptions,
  isReused: (was: boolean) => void = () => undefined,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: MESSAGES_PATH,
        method: 'POST',
        rejectUnauthorized: false,
        agent: false,
        ...options,
      },
      (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          isReused(sent.reusedSocket);
          resolve(response.statusCode);
        });
      },
    );
    sent.once('error', reject);
    sent.end(long(HELLO));
  });
}

/** Begins to send a body, and never ends. Resolves when the server reads it, or has ended it. */
function dawdle(t: TestContext, port: number, keys: Keys): Promise<{ isOpen: boolean }> {
  const state = { isOpen: true };
  const sent = request({
    host: '127.0.0.1',
    port,
    path: MESSAGES_PATH,
    method: 'POST',
    rejectUnauthorized: false,
    agent: false,
    headers: { 'content-length': 1000, expect: '100-continue' },
    ...of(keys),
  });
  t.after(() => sent.destroy());
  return new Promise((resolve) => {
    sent.on('error', () => undefined);
    sent.once('continue', () => (sent.write('x'), resolve(state)));
    sent.once('close', () => {
      state.isOpen = false;
      resolve(state);
    });
    sent.flushHeaders();
  });
}

test('a member that sends without end keeps two bodies waiting, and nobody else', async (t) => {
  const { port, received } = await serve(t);
  const bodies: { isOpen: boolean }[] = [];
  for (let i = 0; i < 70; i++) bodies.push(await dawdle(t, port, one));
  const openOnes = (): number => bodies.filter(({ isOpen }) => isOpen).length;
  await eventually(
    () => openOnes() <= 2,
    () => `${openOnes()} of one member are open`,
  );
  assert.equal(openOnes(), 2);
  assert.equal(await post(port, of(other)), 204);
  // Its own newest is heard too.
  assert.equal(await post(port, of(one)), 204);
  assert.deepEqual(
    received.map(({ peer }) => peer),
    [hex(other.key), hex(one.key)],
  );
});

/** A member's server that does with requests what a test says. */
async function serveOddly(
  t: TestContext,
  keys: Keys,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const { certificate: cert, privateKey: key } = shownBy(keys);
  const odd = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, answer);
  odd.listen(0, '127.0.0.1');
  await once(odd, 'listening');
  t.after(() => (odd.closeAllConnections(), odd.close()));
  return (odd.address() as AddressInfo).port;
}

test('a member that does not answer is told the newest of what waits for it, and others all', async (t) => {
  const bodies: Buffer[] = [];
  const waiting: ServerResponse[] = [];
  let isDeaf = true;
  const deaf = await serveOddly(t, other, (request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      bodies.push(Buffer.concat(parts));
      if (isDeaf) waiting.push(response);
      else response.writeHead(204).end();
    })();
  });
  const { port, received } = await serve(t);
  const [member] = roster.body.members;
  assert.ok(member !== undefined);
  const failures: string[] = [];
  const peers = new Peers({
    ...shownBy(one),
    proxy: undefined,
    deadline: 600_000,
    onSent: () => undefined,
    onFailure: (_, error) => void failures.push((error as Error).message),
  });
  t.after(() => peers.close());
  peers.set([
    { ...member, url: `https://127.0.0.1:${deaf}/`, key: other.key },
    { ...member, url: `https://127.0.0.1:${port}/`, key: server.key },
  ]);
  peers.send(hex(other.key), HELLO);
  await eventually(() => waiting.length === 1, 'the first message');
  // Sixty mebibytes that it does not take, each with its number in front.
  for (let i = 0; i < 240; i++) peers.send(hex(other.key), new Uint8Array(2 ** 18).fill(i, 0, 1));
  peers.send(hex(server.key), HELLO);
  await eventually(() => received.length === 1, 'what the other is told');
  isDeaf = false;
  waiting[0]?.writeHead(204).end();
  const numbers = (): number[] => bodies.slice(1).flatMap(numbersIn);
  await eventually(
    () => numbers().at(-1) === 239,
    () => `${numbers().length} of those that waited`,
  );
  assert(numbers().length <= 32, `${numbers().length}`);
  assert.deepEqual(
    numbers(),
    numbers().map((_, i, all) => 240 - all.length + i),
  );
  assert.deepEqual(failures, []);
});

/** The first byte of each message of a body. */
function numbersIn(body: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < body.length; at += 4 + body.readUInt32BE(at))
    numbers.push(body[at + 4] ?? -1);
  return numbers;
}

test('a member that answers a byte at a time, without end, is given up and tried again', async (t) => {
  let requests = 0;
  const port = await serveOddly(t, other, (request, response) => {
    request.resume();
    requests += 1;
    if (requests > 1) return void response.writeHead(204).end();
    response.writeHead(200, { 'content-length': 1e9 });
    const drip = setInterval(() => response.write('.'), 20);
    response.once('close', () => clearInterval(drip));
  });
  const [member] = roster.body.members;
  assert.ok(member !== undefined);
  const [sent, failures]: [number[], string[]] = [[], []];
  const peers = new Peers({
    ...shownBy(one),
    proxy: undefined,
    deadline: 2000,
    onSent: (_, bytes) => void sent.push(bytes),
    onFailure: (_, error) => void failures.push((error as Error).message),
  });
  t.after(() => peers.close());
  peers.set([{ ...member, url: `https://127.0.0.1:${port}/`, key: other.key }]);
  await eventually(() => {
    if (sent.length + failures.length < 1) peers.send(hex(other.key), HELLO);
    return failures.length > 0;
  }, 'that it is given up');
  await eventually(() => {
    peers.send(hex(other.key), HELLO);
    return sent.length > 0;
  }, 'that it is told again');
});

test('who becomes a member while it is connected is counted as one', async (t) => {
  const members = new Set([hex(other.key)]);
  const { port } = await serve(t, { isPeer: (peer) => members.has(peer) });
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  t.after(() => agents.forEach((agent) => agent.destroy()));
  for (const agent of agents) assert.equal(await post(port, { ...of(one), agent }), 403);
  members.add(hex(one.key));
  for (const agent of agents) assert.equal(await post(port, { ...of(one), agent }), 204);
  const openOnes = (): number =>
    agents.filter(({ freeSockets }) => Object.keys(freeSockets).length > 0).length;
  await eventually(
    () => openOnes() <= 2,
    () => `${openOnes()} are open`,
  );
  assert.equal(openOnes(), 2);
});

test('strangers take their places from each other, and none from a member', async (t) => {
  const { port } = await serve(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal(await post(port, { ...of(one), agent }), 204);
  const strangers: Socket[] = [];
  t.after(() => strangers.forEach((socket) => socket.destroy()));
  for (let i = 0; i < 1100; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    strangers.push(socket);
    await once(socket, 'connect');
  }
  const openOnes = (): number => strangers.filter(({ closed }) => !closed).length;
  await eventually(
    () => openOnes() <= 512,
    () => `${openOnes()} are open`,
  );
  assert.equal(openOnes(), 512);
  // Who was there is, who comes gets in, and so does a stranger.
  let isReused: boolean | undefined;
  assert.equal(await post(port, { ...of(one), agent }, (was) => (isReused = was)), 204);
  assert.equal(isReused, true);
  assert.equal(await post(port, of(other)), 204);
  assert.equal(await post(port, of(stranger)), 403);
});

test('what anybody asks for is made once, until there is news', async (t) => {
  let version = 0;
  const made = { update: 0, policy: 0 };
  const { port } = await serve(t, {
    version: () => String(version),
    update: () => `update ${(made.update += 1)}`,
    policy: () => `policy ${(made.policy += 1)}`,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (version = 1; version <= 2; version++)
    for (let i = 0; i < 20; i++) {
      assert.equal(await get(port, UPDATE_PATH, agent), `update ${version}`);
      assert.equal(await get(port, POLICY_PATH, agent), `policy ${version}`);
    }
  assert.deepEqual(made, { update: 2, policy: 2 });
});

function get(port: number, path: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent };
    const sent = request(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.once('end', () => resolve(body));
    });
    sent.once('error', reject);
    sent.end();
  });
}
