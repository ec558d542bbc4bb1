// SPDX-License-Identifier: Apache-2.0
/** What members send each other over TLS, and how little those who are slow or strange cost others. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
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
