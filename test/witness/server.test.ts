// SPDX-License-Identifier: Apache-2.0
/** `ctga witness` over HTTP: by itself with TLS, slow, huge and wrong requests, many at once. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { WitnessServer, type WitnessServerOptions } from '../../src/witness/server.ts';
import { WitnessMetrics } from '../../src/witness/metrics.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { ctga, startCtga, type Running } from '../support/ctga.ts';
import { freePort } from '../support/ports.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, validKinds, type Harness } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const log = new CheckpointLog();
const tree = treeOf(200);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function post(url: string, body: string | Uint8Array, headers = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Sends bytes as they are, and returns what comes until the other side ends. */
async function raw(port: number, send: (socket: Socket) => void): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (part) => (said += part.toString('latin1')));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  send(socket);
  await once(socket, 'close');
  return said;
}

describe('the server', () => {
  let made: Harness;
  let server: WitnessServer;
  const errors: unknown[] = [];
  const options = (): WitnessServerOptions => ({
    address: '127.0.0.1',
    port: 0,
    tls: undefined,
    witness: made.witness,
    perClient: { perSecond: 1000, burst: 10_000 },
    metrics: new WitnessMetrics(made.store),
    page: () => '<p>page</p>',
    onError: (error) => errors.push(error),
  });
  before(async () => {
    made = makeWitness([log.asLog()]);
    server = await WitnessServer.start(options());
  });
  after(async () => {
    await server.stop();
    made.end();
  });
  const at = (path: string): string => `${server.at.url}${path}`;

  test('answers with the status, the body and the type of the specification', async () => {
    const add = (old: number, size: number): Promise<Answer> =>
      post(
        at('add-checkpoint'),
        addBody(
          old,
          old > 0 && old < size ? tree.consistencyProof(old, size) : [],
          log.checkpoint(size, tree.root(size)),
        ),
      );
    const hash = createHash('sha256').update(log.origin).digest('hex');
    assert.equal((await fetch(at(`${hash}/checkpoint`))).status, 404);
    const first = await add(0, 10);
    assert.equal(first.status, 200);
    const conflict = await add(5, 12);
    assert.deepEqual(
      [conflict.status, conflict.body, conflict.headers.get('content-type')],
      [409, '10\n', 'text/x.tlog.size'],
    );
    assert.equal((await add(10, 20)).status, 200);
    const published = await (await fetch(at(`${hash}/checkpoint`))).text();
    assert(published.startsWith(`${log.origin}\n20\n`));
    assert.equal(validKinds(made, published, published.split('\n\n')[1] ?? '').length, 2);
    for (const path of [
      `${hash.toUpperCase()}/checkpoint`,
      `${hash}/checkpoint/`,
      hash,
      `${'0'.repeat(64)}/checkpoint`,
      'checkpoint',
      '../../etc/passwd',
      'witness/add-checkpoint',
    ])
      assert.equal((await fetch(at(path))).status, 404, path);
  });

  test('knows its methods, and no others', async () => {
    for (const [method, path, status] of [
      ['GET', 'add-checkpoint', 405],
      ['PUT', 'add-checkpoint', 405],
      ['GET', 'sign-subtree', 405],
      ['POST', '', 405],
      ['POST', `${'0'.repeat(64)}/checkpoint`, 405],
      ['DELETE', 'metrics', 405],
      ['HEAD', '', 200],
      ['GET', '', 200],
      ['GET', '?x=1', 200],
    ] as const)
      assert.equal((await fetch(at(path), { method })).status, status, `${method} ${path}`);
  });

  test('takes 64 KiB, and not a byte more, whether or not its length is told', async () => {
    const body = addBody(0, [], log.checkpoint(0, EMPTY_ROOT));
    const filled = Buffer.concat([body, Buffer.alloc(64 * 1024 - body.length, 'x')]);
    assert.equal((await post(at('add-checkpoint'), filled)).status, 400, 'read, and malformed');
    const more = Buffer.concat([filled, Buffer.from('x')]);
    assert.equal((await post(at('add-checkpoint'), more)).status, 413);
    const chunked = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        at('add-checkpoint'),
        { method: 'POST', headers: { 'transfer-encoding': 'chunked' } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.on('error', reject);
      for (let i = 0; i < 20; i++) request.write(Buffer.alloc(8192, 'x'));
      request.end();
    });
    assert.equal(chunked, 413);
  });

  test('many requests go over one connection, refused ones among them', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number>();
    for (let i = 0; i < 12; i++)
      await new Promise<void>((resolve, reject) => {
        const request = httpRequest(at('add-checkpoint'), { method: 'POST', agent }, (response) => {
          ports.add(response.socket.localPort ?? 0);
          response.resume().on('end', resolve);
        });
        request.on('error', reject);
        request.end(i % 3 === 0 ? Buffer.alloc(70_000) : 'old 0\n');
      });
    agent.destroy();
    assert.equal(ports.size, 1);
  });

  test('who is slow is told so by 408, and nothing happens; garbage is 400', async () => {
    const { port } = server.at;
    const before = made.store.cosigned(log.origin)?.note;
    const note = addBody(0, [], log.checkpoint(0, EMPTY_ROOT));
    const [slow, dripping, garbage, lied] = await Promise.all([
      raw(port, (socket) => {
        socket.write(
          'POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nold 0\n',
        );
      }),
      raw(port, (socket) => {
        socket.write(
          'POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
        );
        // A byte of a good request now and then: each comes in time, and the whole does not.
        let sent = 0;
        const drip = setInterval(() => {
          socket.write(`1\r\n${note.toString('latin1', sent, ++sent)}\r\n`, 'latin1');
        }, 200);
        socket.once('close', () => clearInterval(drip));
      }),
      raw(port, (socket) => socket.end('\x16\x03\x01 hello\r\n\r\n')),
      raw(port, (socket) =>
        socket.end(
          'POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nold 0\n',
        ),
      ),
    ]);
    assert.match(slow, /^HTTP\/1\.1 408 /);
    assert.match(dripping, /^HTTP\/1\.1 408 /);
    assert.match(garbage, /^HTTP\/1\.1 400 /);
    assert(lied === '' || /^HTTP\/1\.1 400 /.test(lied), lied);
    assert.equal(made.store.cosigned(log.origin)?.note, before);
    assert.deepEqual(errors, []);
  });

  test('metrics are for this machine alone', async () => {
    const forwarded = { headers: { 'x-forwarded-for': '192.0.2.1' } };
    assert.equal((await fetch(at('metrics'), forwarded)).status, 404);
    const text = await (await fetch(at('metrics'))).text();
    assert.match(text, /ctga_witness_requests_total\{path="add-checkpoint",status="409"\} 1/);
    assert.match(text, /ctga_witness_refusals_total\{reason="other-old-size"\} 1/);
    assert.match(text, /ctga_witness_tree_size\{origin="log\.test\/beta"\} 20/);
    assert.match(
      text,
      /ctga_witness_cosigned_timestamp_seconds\{origin="log\.test\/beta"\} 1750000000/,
    );
  });

  test('nor for others that reach it without a web server', async (t) => {
    const own = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (own === undefined) return t.skip('this machine has no address of its own');
    const open = await WitnessServer.start({ ...options(), address: '0.0.0.0' });
    t.after(() => open.stop());
    const statusAt = async (host: string): Promise<number> =>
      (await fetch(`http://${host}:${open.at.port}/metrics`)).status;
    assert.deepEqual([await statusAt(own.address), await statusAt('127.0.0.1')], [404, 200]);
  });

  test('a client that asks too often waits; the one that the web server names last, and no other', async (t) => {
    const strict = await WitnessServer.start({
      ...options(),
      perClient: { perSecond: 0.01, burst: 3 },
    });
    t.after(() => strict.stop());
    const as = async (forwarded: string): Promise<number> =>
      (await post(`${strict.at.url}add-checkpoint`, 'x', { 'x-forwarded-for': forwarded })).status;
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push(await as(`198.51.100.${i}, 192.0.2.1`));
    assert.deepEqual(statuses, [400, 400, 400, 429]);
    assert.equal(await as('192.0.2.2'), 400);
    for (let i = 0; i < 3; i++) await as(`2001:db8::${i}`);
    assert.equal(await as('2001:db8::ffff'), 429, 'one network of IPv6');
    assert.equal(await as('2001:db8:0:1::1'), 400);
    const limited = await post(`${strict.at.url}add-checkpoint`, 'x', {
      'x-forwarded-for': '192.0.2.1',
    });
    assert.match(limited.headers.get('retry-after') ?? '', /^[0-9]+$/);
  });

  test('two hundred at once, for one origin: sizes and roots are one history', async () => {
    const known = new CheckpointLog({ name: 'log.test/busy' });
    const busy = makeWitness([known.asLog()]);
    const one = await WitnessServer.start({ ...options(), witness: busy.witness });
    try {
      const fork = treeOf(200, 'b', 3);
      const given = new Map<number, string>();
      let old = 0;
      for (let round = 0; round < 5; round++) {
        const tries = Array.from({ length: 40 }, (_, i) => {
          const [size, from] = [old + 1 + (i % 20), i % 2 === 0 ? tree : fork];
          const proof = old > 0 ? from.consistencyProof(old, size) : [];
          return { size, from, note: known.checkpoint(size, from.root(size)), proof };
        });
        const answers = await Promise.all(
          tries.map(({ note, proof }) =>
            post(`${one.at.url}add-checkpoint`, addBody(old, proof, note)),
          ),
        );
        answers.forEach(({ status }, i) => {
          if (status !== 200) return;
          const { size = 0, from = tree } = tries[i] ?? {};
          const root = Buffer.from(from.root(size)).toString('base64');
          assert.equal(given.get(size) ?? root, root, `two roots of size ${size}`);
          given.set(size, root);
        });
        assert.equal(answers.filter(({ status }) => status === 200).length, 1, `round ${round}`);
        assert(answers.every(({ status }) => [200, 409, 422].includes(status)));
        old = Number(busy.store.cosigned(known.origin)?.treeSize);
      }
    } finally {
      await one.stop();
      busy.end();
    }
  });
});

describe('ctga witness', () => {
  const state = join(directory, 'state');
  let running: Running | undefined;
  after(() => running?.stop());

  test('keygen makes two keys once, for nobody else to read, and prints none of them', async () => {
    const made = await ctga(['witness', 'keygen', 'witness.test/w', '--state-dir', state]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /witness\.test\/w\/ed25519\+[0-9a-f]{8}\+/);
    assert.match(made.stdout, /witness\.test\/w\/ml-dsa-44\+[0-9a-f]{8}\+/);
    for (const kind of ['ed25519', 'ml-dsa-44']) {
      const path = join(state, 'witness', `${kind}.key`);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      const secret = readFileSync(path, 'utf8').trim().split('+').slice(4).join('+');
      assert(secret.length > 40 && !`${made.stdout}${made.stderr}`.includes(secret));
    }
    const before = readFileSync(join(state, 'witness/ed25519.key'));
    const again = await ctga(['witness', 'keygen', 'other', '--state-dir', state]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /there is a key in .* already/);
    assert.deepEqual(readFileSync(join(state, 'witness/ed25519.key')), before);
  });

  for (const [name, why] of [
    ['a+b', 'a plus'],
    ['a b', 'a space'],
    ['', 'nothing'],
    ['a\u2003b', 'a space of Unicode'],
    ['x'.repeat(246), 'too many bytes'],
  ] as const)
    test(`keygen takes no name with ${why}`, async () => {
      const ran = await ctga(['witness', 'keygen', name, '--state-dir', join(directory, 'n')]);
      assert.equal(ran.code, 2, ran.stdout);
    });

  test('serve does so over TLS, and says on its page who it is and what it cosigns', async () => {
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1'],
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    const port = await freePort();
    running = startCtga([
      ...['witness', 'serve', '--state-dir', state, '--listen', `127.0.0.1:${port}`, '--json'],
      ...['--tls-cert', cert, '--tls-key', key],
    ]);
    const { until, said } = running;
    await until(() => said().includes('"listening"'), 'to listen');
    const page = await new Promise<string>((resolve, reject) => {
      httpsGet(`https://127.0.0.1:${port}/`, { ca: readFileSync(cert) }, (response) => {
        let body = '';
        response.on('data', (part: Buffer) => (body += part.toString()));
        response.on('end', () => resolve(body));
      }).on('error', reject);
    });
    assert.match(page, /<code>witness\.test\/w\/ed25519&#43;|<code>witness\.test\/w\/ed25519\+/);
    assert.match(page, /ct\.googleapis\.com\/logs\/us1\/argon2026h2/);
    assert.match(page, /It has cosigned nothing yet/);
    await running.stop();
  });

  for (const [what, spoil, found] of [
    [
      'keys that others can read',
      (at: string) => chmodSync(join(at, 'ed25519.key'), 0o640),
      /mode 640/,
    ],
    [
      'no store beside its keys',
      (at: string) => rmSync(join(at, 'witness.sqlite')),
      /no witness\.sqlite/,
    ],
    [
      'a store that is empty',
      (at: string) => writeFileSync(join(at, 'witness.sqlite'), ''),
      /is damaged: it is empty/,
    ],
    [
      'a store of which a page is damaged',
      (at: string) => {
        const bytes = readFileSync(join(at, 'witness.sqlite'));
        bytes.fill(0xff, 4096, 8192);
        writeFileSync(join(at, 'witness.sqlite'), bytes);
      },
      /is damaged/,
    ],
    [
      'the store of another witness',
      (at: string) => {
        const other = makeWitness([]);
        other.store.close();
        copyFileSync(join(other.directory, 'witness/witness.sqlite'), join(at, 'witness.sqlite'));
        rmSync(other.directory, { recursive: true });
      },
      /is of a witness with other keys/,
    ],
    ['one key missing', (at: string) => rmSync(join(at, 'ml-dsa-44.key')), /there is no key in/],
    [
      'a key that is cut short',
      (at: string) => writeFileSync(join(at, 'ed25519.key'), 'PRIVATE+KEY+'),
      /ed25519\.key: want PRIVATE/,
    ],
  ] as const)
    test(`serve does not begin with ${what}, and never makes a store anew`, async () => {
      const own = mkdtempSync(join(directory, 'spoilt-'));
      const made = await ctga(['witness', 'keygen', 'witness.test/w', '--state-dir', own]);
      assert.equal(made.code, 0, made.stderr);
      spoil(join(own, 'witness'));
      const ran = await ctga([
        ...['witness', 'serve', '--state-dir', own, '--listen', '127.0.0.1:0'],
      ]);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, found);
    });
});

describe('ctga doctor', () => {
  const look = async (state: string): Promise<string> => {
    const { stdout } = await ctga(['doctor', '--json', '--state-dir', state]);
    const results = JSON.parse(stdout) as { what: string; state: string; found: string }[];
    const [found] = results.filter(({ what }) => what === 'witness');
    return found === undefined ? 'none' : `${found.state}: ${found.found}`;
  };

  test('looks at keys, at the store, and at what convicts', async () => {
    const made = makeWitness([log.asLog()]);
    const own = join(made.directory, 'witness');
    assert.match(await look(made.directory), /^well: 0 logs in .*, nothing cosigned yet$/);
    const add = (root: typeof EMPTY_ROOT, old: number): unknown =>
      made.witness.addCheckpoint(addBody(old, [], log.checkpoint(5, root)));
    add(tree.root(5), 0);
    assert.match(await look(made.directory), /^well: 1 log in .*, last cosigned at 2025-06-15 /);
    add(tree.root(6), 5);
    assert.match(await look(made.directory), /^warning: what it refused proves 1 split view$/);
    made.store.close();
    chmodSync(join(own, 'ml-dsa-44.key'), 0o644);
    assert.match(await look(made.directory), /^failure: .* has mode 644/);
    chmodSync(join(own, 'ml-dsa-44.key'), 0o600);
    rmSync(join(own, 'witness.sqlite'));
    assert.match(await look(made.directory), /^failure: there are keys in .* no witness\.sqlite$/);
    assert.equal(await look(join(directory, 'nowhere')), 'none');
    rmSync(made.directory, { recursive: true });
  });
});
