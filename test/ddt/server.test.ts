// SPDX-License-Identifier: Apache-2.0
/** DDT's REST API (seed 003, table 7), and what it must not take. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { decodePacket, packetsOf } from '../../src/carbonchain/packet.ts';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { DDT_ID, Ledger } from '../../src/ddt/ledger.ts';
import { nameOf } from '../../src/ddt/names.ts';
import {
  encodeOriginal,
  signOriginal,
  type KeyCommand,
  type MetadataCommand,
  type OriginalCommand,
  type RootKeyCommand,
} from '../../src/ddt/original.ts';
import { DdtServer } from '../../src/ddt/server.ts';
import { encodeCommand, signCommand } from '../../src/ddt/version1.ts';
import type { Packet } from '../../src/carbonchain/packet.ts';
import { eventually } from '../support/eventually.ts';

const NETWORK = NETWORKS.regtest.genesis.hash;
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A service on a chain in memory: what is written is in a block at once, and counts. */
class Service {
  readonly ledger = new Ledger(NETWORK);
  readonly fees: (bigint | undefined)[] = [];
  isUpToDate = true;
  server!: DdtServer;
  #height = 0;

  static async start(hasCoins = true): Promise<Service> {
    const service = new Service();
    const write = (
      bytes: Uint8Array,
      version: 0 | 1,
      fee: bigint | undefined,
    ): Promise<string[]> => {
      service.fees.push(fee);
      return Promise.resolve(service.include(bytes, version));
    };
    service.server = await DdtServer.start({
      address: '127.0.0.1',
      port: 0,
      ledger: service.ledger,
      isUpToDate: () => service.isUpToDate,
      write: hasCoins ? write : undefined,
      onError: (error) => assert.fail(String(error)),
    });
    after(() => service.server.stop());
    return service;
  }

  include(bytes: Uint8Array, version: 0 | 1): string[] {
    const packets = packetsOf(bytes, { id: DDT_ID, version }).map(
      (each) => decodePacket(each) as Packet,
    );
    const ids = packets.map((_, i) => `${this.#height}-${i}`);
    const placed = packets.map((packet, place) => ({
      packet,
      owner: 'o',
      transaction: ids[place] as string,
      ownerOutput: 0,
      spends: place === 0 ? [] : [`${ids[place - 1] ?? ''}:0`],
      place,
    }));
    for (let i = 0; i < 6; i++) {
      this.#height++;
      this.ledger.connect(this.#height, 1_800_000_000 + this.#height, i === 0 ? placed : []);
    }
    return ids;
  }

  ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{
    status: number;
    answer: Record<string, unknown>;
    headers: Record<string, unknown>;
  }> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          port: this.server.at.port,
          host: '127.0.0.1',
          method,
          path,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...headers,
          },
        },
        (response) => {
          let got = '';
          response.on('data', (part: Buffer) => (got += part.toString()));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              answer: JSON.parse(got) as Record<string, unknown>,
              headers: response.headers,
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

const user = nameOf('alice');
const image = nameOf('app');
const tag = nameOf('v1');

function signed(root: KeyPair, key: KeyPair): Record<string, OriginalCommand> {
  const keyOf = (kind: KeyCommand['kind']): KeyCommand =>
    signOriginal({ kind, user, image, keyId: 0, publicKey: key.publicKey }, root);
  const metadata = (kind: MetadataCommand['kind'], digests: string[]): MetadataCommand =>
    signOriginal({ kind, user, image, tag, keyId: 0, digests }, key);
  return {
    deleteRoot: signOriginal<RootKeyCommand>(
      { kind: 'delete-root-key', user, publicKey: root.publicKey },
      root,
    ),
    registerKey: keyOf('register-key'),
    deleteKey: keyOf('delete-key'),
    register: metadata('register-metadata', [DIGEST]),
    withdraw: metadata('delete-metadata', []),
  };
}

test('every route of table 7, with its statuses', async () => {
  const service = await Service.start();
  const [root, key] = [newKeyPair(), newKeyPair()];
  const commands = signed(root, key);
  const signature = (name: string): string => hex((commands[name] as OriginalCommand).signature);
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<[number, Record<string, unknown>]> => {
    const { status, answer } = await service.ask(method, path, { body });
    return [status, answer];
  };
  const rootBody = { publicKey: hex(root.publicKey) };
  const keyBody = { publicKey: hex(key.publicKey), keyId: 0 };
  const notFound = { error: 'Root Key not found' };
  assert.deepEqual(await ask('GET', '/alice'), [400, notFound]);
  assert.deepEqual(await ask('GET', '/alice/app'), [400, { error: 'Key not found' }]);
  assert.deepEqual(await ask('GET', '/alice/app:v1'), [400, { error: 'Signature does not exist' }]);
  const early = await ask('POST', '/alice/app', {
    ...keyBody,
    signature: signature('registerKey'),
  });
  assert.deepEqual(early, [400, { error: 'Root key does not exist' }]);
  assert.equal((await ask('POST', '/alice', rootBody))[0], 200);
  assert.deepEqual(await ask('POST', '/alice', rootBody), [
    400,
    { error: 'Username already taken' },
  ]);
  const metadataBody = { keyId: 0, digests: [DIGEST], signature: signature('register') };
  assert.deepEqual(await ask('POST', '/alice/app:v1', metadataBody), [
    400,
    { error: 'Key does not exist' },
  ]);
  const wrong = await ask('POST', '/alice/app', { ...keyBody, signature: signature('deleteRoot') });
  assert.deepEqual(wrong, [400, { error: 'Private key has no access' }]);
  const [status, answer] = await ask('POST', '/alice/app', {
    ...keyBody,
    signature: signature('registerKey'),
  });
  assert.equal(status, 200);
  assert.equal((answer['txIds'] as string[]).length, 2);
  assert.equal((await ask('POST', '/alice/app:v1', metadataBody))[0], 200);
  assert.deepEqual(await ask('GET', '/alice'), [
    200,
    { publicKey: rootBody.publicKey, images: ['app:v1'], registeredRepo: ['app'] },
  ]);
  const keys = {
    0: {
      publicKey: keyBody.publicKey,
      signature: signature('registerKey'),
      status: 'SIGNATURE_VALID',
    },
  };
  assert.deepEqual(await ask('GET', '/alice/app'), [200, { publicKeys: keys }]);
  const shown = {
    name: 'alice/app:v1',
    hashes: [DIGEST],
    keyId: 0,
    signature: signature('register'),
    status: 'SIGNATURE_VALID',
    coveredDigestBytes: 0,
    note: 'signed, but the digest is not covered',
  };
  assert.deepEqual(await ask('GET', '/alice/app:v1'), [200, shown]);
  assert.equal(
    (await ask('DELETE', '/alice', { ...rootBody, signature: signature('deleteRoot') }))[0],
    200,
  );
  assert.deepEqual(await ask('GET', '/alice'), [400, notFound]);
  assert.deepEqual(await ask('GET', '/alice/app:v1'), [200, shown], 'as the original');
  keys[0].status = 'ROOT_KEY_MISSING';
  assert.deepEqual(await ask('GET', '/alice/app'), [200, { publicKeys: keys }]);
  service.include(
    encodeOriginal({
      kind: 'register-root-key',
      user,
      publicKey: key.publicKey,
      signature: new Uint8Array(64),
    }),
    0,
  );
  keys[0].status = 'SIGNATURE_INVALID';
  assert.deepEqual(await ask('GET', '/alice/app'), [200, { publicKeys: keys }]);
  const withdrawal = { keyId: 0, signature: signature('withdraw') };
  assert.equal((await ask('DELETE', '/alice/app:v1', withdrawal))[0], 200);
  assert.deepEqual(await ask('DELETE', '/alice/app:v1', withdrawal), [
    400,
    { error: 'Signature does not exist' },
  ]);
});

test('a deleted key leaves its image without keys: 404', async () => {
  const service = await Service.start();
  const [root, key] = [newKeyPair(), newKeyPair()];
  const commands = signed(root, key);
  service.include(
    encodeOriginal({
      kind: 'register-root-key',
      user,
      publicKey: root.publicKey,
      signature: new Uint8Array(64),
    }),
    0,
  );
  for (const name of ['registerKey', 'register', 'deleteKey'])
    service.include(encodeOriginal(commands[name] as OriginalCommand), 0);
  assert.equal((await service.ask('GET', '/alice/app')).status, 404);
  const { answer } = await service.ask('GET', '/alice/app:v1');
  assert.equal(answer['status'], 'KEY_MISSING');
});

test('no private key is taken, however it is named or sent', async () => {
  const service = await Service.start();
  const privateKey = '01'.repeat(32);
  const publicKey = hex(newKeyPair().publicKey);
  for (const name of ['privateKey', 'PRIVATEKEY', 'privatekey', 'PrivateKey', 'private_key'])
    for (const [method, path] of [
      ['POST', '/alice'],
      ['DELETE', '/alice'],
      ['POST', '/alice/app'],
      ['DELETE', '/alice/app'],
      ['POST', '/alice/app:v1'],
      ['DELETE', '/alice/app:v1'],
      ['POST', '/signMessage'],
      ['POST', '/verifyMessage'],
    ] as const) {
      const { status, answer } = await service.ask(method, path, {
        body: { [name]: privateKey, publicKey, message: 'm' },
      });
      assert.equal(status, 400, `${method} ${path} ${name}`);
      assert.match(answer['error'] as string, /takes no private key.*ctga ddt sign/);
    }
  const inUrl = await service.ask('GET', `/alice?privateKey=${privateKey}`);
  assert.match(inUrl.answer['error'] as string, /takes no private key/);
  const made = await service.ask('GET', '/createKeyPair');
  assert.match(made.answer['error'] as string, /takes no private key/);
  assert.equal(service.fees.length, 0);
  const fine = await service.ask('POST', '/alice', { body: { privateKey: '', publicKey } });
  assert.equal(fine.status, 200, 'as the original\u2019s own client sends it to register');
});

test('a signed command of version 1 is written where it belongs, and shown', async () => {
  const service = await Service.start();
  const root = newKeyPair();
  const command = signCommand(
    { kind: 'register-root-key', user: 'alice', serial: 1, publicKey: root.publicKey },
    root,
    NETWORK,
  );
  const body = { command: hex(encodeCommand(command)) };
  for (const path of ['/bob', '/alice/app'])
    assert.equal((await service.ask('POST', path, { body })).status, 400);
  assert.equal((await service.ask('DELETE', '/alice', { body })).status, 400);
  assert.equal((await service.ask('POST', '/alice', { body })).status, 200);
  assert.deepEqual((await service.ask('POST', '/alice', { body })).answer, {
    error: 'the name is taken',
  });
  const { answer } = await service.ask('GET', '/alice?set=1');
  assert.deepEqual(answer, { publicKey: hex(root.publicKey), images: [], registeredRepo: [] });
});

test('what may have been revoked since is not shown as valid', async () => {
  const service = await Service.start();
  const root = newKeyPair();
  const register = signCommand(
    { kind: 'register-root-key', user: 'alice', serial: 1, publicKey: root.publicKey },
    root,
    NETWORK,
  );
  service.include(encodeCommand(register), 1);
  assert.equal((await service.ask('GET', '/alice?set=1')).status, 200);
  service.isUpToDate = false;
  for (const path of ['/alice?set=1', '/alice', '/alice/app', '/alice/app:v1', '/bob?set=1']) {
    const { status, answer, headers } = await service.ask('GET', path);
    assert.equal(status, 503, path);
    assert.match(String(answer['error']), /may have been revoked since/);
    assert.equal(headers['retry-after'], '10');
  }
  // Nor is anything paid for that may be refused by what is not read yet.
  const name = { publicKey: hex(newKeyPair().publicKey) };
  for (const [method, path, body] of [
    ['POST', '/bob', name],
    ['POST', '/alice', { command: hex(encodeCommand(register)) }],
    ['DELETE', '/alice', { ...name, signature: '00'.repeat(64) }],
  ] as const) {
    const { status, headers } = await service.ask(method, path, { body });
    assert.equal(status, 503, `${method} ${path}`);
    assert.equal(headers['retry-after'], '10');
  }
  assert.equal(service.fees.length, 0);
  // Whether a signature is right is no matter of the chain.
  const asked = { message: 'x', publicKey: hex(root.publicKey), signature: '00'.repeat(64) };
  assert.equal((await service.ask('POST', '/verifyMessage', { body: asked })).status, 200);
});

test('the fee is the header\u2019s, within reason', async () => {
  const service = await Service.start();
  const fee = async (header: string): Promise<number> => {
    const body = { publicKey: hex(newKeyPair().publicKey) };
    const { status } = await service.ask('POST', `/u${service.fees.length}`, {
      body,
      headers: { 'x-btc-fee': header },
    });
    return status;
  };
  for (const header of ['0.00001', '', 'x', '-1', 'NaN', '1e-5'])
    assert.equal(await fee(header), 200, header);
  assert.deepEqual(service.fees, [1000n, undefined, undefined, undefined, undefined, 1000n]);
  for (const header of ['1', 'Infinity', '0.01']) assert.equal(await fee(header), 400, header);
});

test('the page of another host cannot write, and nobody is helped across origins', async () => {
  const service = await Service.start();
  const body = { publicKey: hex(newKeyPair().publicKey) };
  const rebound = await service.ask('POST', '/alice', { body, headers: { host: 'evil.example' } });
  assert.equal(rebound.status, 403);
  const simple = await service.ask('POST', '/alice', {
    body,
    headers: { 'content-type': 'text/plain' },
  });
  assert.equal(simple.status, 415);
  const options = await service.ask('OPTIONS', '/alice', {
    headers: { origin: 'https://evil.example' },
  });
  assert.equal(options.status, 405);
  assert.equal(options.headers['access-control-allow-origin'], undefined);
  assert.equal(service.fees.length, 0);
  await assert.rejects(
    DdtServer.start({
      address: '0.0.0.0',
      port: 0,
      ledger: service.ledger,
      isUpToDate: () => true,
      write: undefined,
      onError: () => undefined,
    }),
    /no loopback address/,
  );
});

test('malformed requests are refused in words', async () => {
  const service = await Service.start();
  const publicKey = hex(newKeyPair().publicKey);
  const sig = '00'.repeat(64);
  const cases: [string, string, unknown, RegExp][] = [
    ['POST', '/alice', {}, /33 bytes/],
    ['POST', '/alice', { publicKey: '02' }, /33 bytes/],
    ['POST', '/alice', { publicKey: `02${'ff'.repeat(32)}` }, /33 bytes/],
    ['POST', '/alice', [], /object/],
    ['POST', '/alice/app', { publicKey }, /signature/],
    ['POST', '/alice/app:v1', { signature: sig }, /Digests cannot be empty/],
    [
      'POST',
      '/alice/app:v1',
      { signature: sig, digests: ['x'] },
      /Digests should be in the format/,
    ],
    [
      'POST',
      '/alice/app:v1',
      { signature: sig, digests: [`sha256:${'a'.repeat(63)}`] },
      /Digests should be/,
    ],
    ['POST', '/alice/app', { publicKey, signature: sig, keyId: 256 }, /keyId/],
    ['POST', '/alice/app:', { signature: sig, digests: [DIGEST] }, /username/],
    ['POST', '/', {}, /username/],
    ['POST', '/a/b/c', {}, /Not Found/],
    ['POST', '/%ff', {}, /username/],
    ['POST', 'http://[/', {}, /username/],
    ['GET', 'http://[/', undefined, /username/],
    ['POST', '/alice', { command: 'zz' }, /malformed/],
    ['DELETE', '/alice', { publicKey, signature: sig }, /Root key does not exist/],
  ];
  for (const [method, path, body, want] of cases) {
    const { status, answer } = await service.ask(method, path, { body });
    assert.ok(status === 400 || status === 404, `${method} ${path}: ${status}`);
    assert.match(answer['error'] as string, want, `${method} ${path} ${JSON.stringify(body)}`);
  }
  const large = await service.ask('POST', '/alice', { body: { x: 'x'.repeat(300_000) } });
  assert.equal(large.status, 413);
});

test('without coins nothing is written, and that is said', async () => {
  const service = await Service.start(false);
  const { status, answer } = await service.ask('POST', '/alice', {
    body: { publicKey: hex(newKeyPair().publicKey) },
  });
  assert.equal(status, 400);
  assert.match(answer['error'] as string, /no coins/);
});

test('a thousand clients that never end their request leave room for one that does', async () => {
  const service = await Service.start();
  const { port } = service.server.at;
  let [closed, told] = [0, 0];
  const slow = Array.from({ length: 1024 }, (_, i) => {
    const socket = connect(port, '127.0.0.1', () =>
      // Of both kinds: half a head, and half a body with a command in it.
      socket.write(
        i % 2 === 0
          ? 'GET /alice HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: b\r\n'
          : 'POST /alice HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
      ),
    );
    return socket
      .on('error', () => undefined)
      .on('close', () => closed++)
      .on('data', () => told++);
  });
  after(() => slow.forEach((each) => each.destroy()));
  await eventually(() => closed >= 512, 'the oldest to be closed');
  assert.ok(told < 512, 'by who came after them, and not by their time (408)');
  const body = { publicKey: hex(newKeyPair().publicKey) };
  assert.equal((await service.ask('POST', '/alice', { body })).status, 200);
  assert.equal((await service.ask('GET', '/alice')).status, 200);
});
