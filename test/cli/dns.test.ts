// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga dns serve` in front of logs of both kinds, asked by `ctga dns query`, dig, kdig, and
 * through unbound.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DnsServer } from '../../src/dns/server.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit } from '../../src/follow/follower.ts';
import { DEADLINE_MS, directFetch } from '../../src/http/request.ts';
import { Authority } from '../../src/mirror/authority.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { LabApi, makeCertificate } from '../../src/lab/api.ts';
import { LabLog } from '../../src/lab/log.ts';
import { logIdText } from '../../src/logs/log.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import type { ProofSource } from '../../src/mirror/authority.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { eventually } from '../support/eventually.ts';
import { ctga, startCtga, type Ran, type Running } from '../support/ctga.ts';
import { random, SEED } from '../support/random.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { trust } from '../support/trust.ts';
import { needs, startUnbound, type Unbound } from '../support/unbound.ts';

const SUFFIX = 'ct.test';
const dig = needs('dig', 'bind9-dnsutils');
const kdig = needs('kdig', 'knot-dnsutils');
const run = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args)).stdout;

describe('CT over DNS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const classic = new LabLog();
  const tiled = new TiledFiles(new SigningLog(), treeOf(3000), 2000);
  const list = join(directory, 'list.json');
  const state = join(directory, 'state');
  let api: LabApi;
  let files: Server;
  let server: Running;
  let trusted: ReturnType<typeof trust>;
  let port = 0;
  let monitoring = '';
  /** What the tiled log was asked. */
  const asked: string[] = [];

  before(async () => {
    classic.grow(700);
    const certificate = await makeCertificate(directory, 'localhost');
    trusted = trust(certificate);
    api = await LabApi.listen({
      log: classic,
      certificate,
      submissionPath: '/lab/',
      host: '127.0.0.1',
      port: 0,
    });
    files = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { status, body } = tiled.read((request.url ?? '').slice(1));
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const entry = (description: string, log: LabLog | SigningLog): Record<string, unknown> => ({
      description,
      key: Buffer.from(log.key.spki).toString('base64'),
      log_id: logIdText(log.key.logId),
      allow_private_address: true,
    });
    const url = api.url.replace('127.0.0.1', 'localhost');
    monitoring = `http://127.0.0.1:${(files.address() as AddressInfo).port}/`;
    writeFileSync(
      list,
      JSON.stringify({
        operators: [
          {
            name: 'Op',
            logs: [{ ...entry("Op 'Classic' log", classic), url }],
            tiled_logs: [{ ...entry("Op 'Tiled' log", tiled.log), monitoring_url: monitoring }],
          },
        ],
      }),
    );
    // Servers before it have published these trees of the tiled log.
    const sizes = new Set([1, 2, 3, 255, 256, 700, 1000, 1024, 1500, 1999].map(BigInt));
    const head = tiled.log.verified(1999, tiled.tree.root(1999));
    new PublishedHeads(state).put(tiled.log.asLog(), { head, at: 0, sizes });
    ({ server, port } = await serve('127.0.0.1:0'));
    await query(`tiled.${SUFFIX}`, port);
    await server.until(() => server.said().includes('"treeSize":2000'), 'word of the newest tree');
  });
  after(async () => {
    await server.stop();
    trusted.distrust();
    await api.close();
    files.close();
    rmSync(directory, { recursive: true });
  });

  async function serve(
    listen: string,
    ...more: readonly string[]
  ): Promise<{ server: Running; port: number }> {
    const where = ['--zone-suffix', SUFFIX, '--listen', listen, '--log-list', list];
    const server = startCtga(['dns', 'serve', '--json', ...where, '--state-dir', state, ...more]);
    await server.until(() => server.said().includes('"listening"'), 'word that it listens');
    const [line = ''] = server.said().split('\n');
    return { server, port: (JSON.parse(line) as { port: number }).port };
  }

  function query(zone: string, at: number, ...more: readonly string[]): Promise<Ran> {
    const where = ['--server', `127.0.0.1:${at}`, '--log-list', list, '--state-dir', state];
    return ctga(['dns', 'query', zone, '--json', ...where, ...more]);
  }
  const result = ({
    stdout,
  }: Ran): { treeSize: number; since?: { verdict: string; evidence?: string }; leaf?: unknown } =>
    JSON.parse(stdout) as ReturnType<typeof result>;

  function headFile(log: LabLog | SigningLog, head: Statement): string {
    const file = join(directory, `head-${head.treeSize}.json`);
    writeFileSync(
      file,
      JSON.stringify({ log_id: logIdText(log.key.logId), ...treeHeadToJson(head) }),
    );
    return file;
  }

  test('a tree head of either kind of log verifies', async () => {
    for (const [name, size] of [
      ['classic', 700],
      ['tiled', 2000],
    ] as const) {
      const ran = await query(`${name}.${SUFFIX}`, port);
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal(result(ran).treeSize, size);
    }
  });

  test('an older head is proven consistent, by proofs of several parts', async () => {
    for (const size of [1, 2, 255, 256, 700, 1999]) {
      const file = headFile(tiled.log, tiled.log.sign(size, tiled.tree.root(size)));
      const ran = await query(`tiled.${SUFFIX}`, port, '--since', file);
      assert.equal(ran.code, 0, ran.stderr + ran.stdout);
      assert.equal(result(ran).since?.verdict, 'consistent');
    }
  });

  test('of a head that the server never published it says so, and shows the log nothing', async () => {
    const file = headFile(tiled.log, tiled.log.sign(777, tiled.tree.root(777)));
    const ran = await query(`tiled.${SUFFIX}`, port, '--since', file);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /777\.2000\..*the zone gives no proof about this tree/);
  });

  test('a head of another tree: a split view, exit code 3, and evidence that stands', async () => {
    const other = treeOf(3000, 'b', 100);
    for (const size of [700, 1024, 2000]) {
      const file = headFile(tiled.log, tiled.log.sign(size, other.root(size)));
      const ran = await query(`tiled.${SUFFIX}`, port, '--since', file);
      assert.equal(ran.code, 3, ran.stderr + ran.stdout);
      const verified = await ctga(['evidence', 'verify', result(ran).since?.evidence ?? '']);
      assert.equal(verified.code, 4, verified.stdout);
    }
  });

  // Sizes that are powers of two need a second question, and which one depends on both sizes.
  for (const [m, n] of [
    [1, 2],
    [1, 9],
    [2, 3],
    [2, 9],
    [3, 4],
    [4, 5],
    [4, 6],
    [5, 8],
    [8, 9],
    [64, 65],
    [64, 100],
    [9, 9],
  ] as const) {
    test(`a forked log, seen at ${m} and served at ${n}: a split view, with evidence`, async () => {
      const log = new SigningLog();
      const [seen, shown] = [treeOf(n, 'a'), treeOf(n, 'b')];
      const proofs: ProofSource = {
        leafIndex: (hash) => {
          const leaves = Array.from({ length: n }, (_, i) => shown.leafHash(i));
          const index = leaves.findIndex((each) => Buffer.from(each).equals(hash));
          return Promise.resolve(BigInt(index));
        },
        consistency: (first, second) =>
          Promise.resolve(shown.consistencyProof(Number(first), Number(second))),
        inclusion: (index, size) =>
          Promise.resolve(shown.inclusionProof(Number(index), Number(size))),
      };
      const treeHead = (): string => formatTreeHeadText(log.sign(n, shown.root()));
      const zones = new Map([['forked.example', { treeHead, proofs }]]);
      const forked = new DnsServer(new Authority({ zones }));
      const { port: at } = await forked.listen({ address: '127.0.0.1', port: 0 });
      try {
        const logs = join(directory, 'forked.json');
        writeFileSync(logs, logListOf({ forked: log }));
        const since = headFile(log, log.sign(m, seen.root(m)));
        const where = ['--server', `127.0.0.1:${at}`, '--log-list', logs, '--state-dir', state];
        const ran = await ctga([
          'dns',
          'query',
          'forked.example',
          '--json',
          '--since',
          since,
          ...where,
        ]);
        assert.equal(ran.code, 3, ran.stderr + ran.stdout);
        const { verdict, evidence = '' } = result(ran).since ?? assert.fail();
        assert.equal(verdict, 'fork-proven');
        const bundle = parseEvidence(readFileSync(evidence, 'utf8'), evidence);
        assert(verifyEvidence(bundle).every(({ holds }) => holds));
      } finally {
        await forked.close();
      }
    });
  }

  test('a leaf is found by its hash and proven to be in the tree', async () => {
    const leaf = hashLeaf(classic.tree().entries(123, 124)[0] ?? assert.fail());
    const ran = await query(`classic.${SUFFIX}`, port, '--leaf', Buffer.from(leaf).toString('hex'));
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(result(ran).leaf, { leafIndex: 123, included: true });
    const none = await query(`classic.${SUFFIX}`, port, '--leaf', '00'.repeat(32));
    assert.equal(none.code, 1);
    assert.match(none.stderr, /\.hash\.classic\.ct\.test: SERVFAIL/);
  });

  test('a zone of nobody, and a head of another log: a sentence each, exit code 1', async () => {
    const nobody = await query(`elsewhere.${SUFFIX}`, port, '--log', 'Classic');
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /sth\.elsewhere\.ct\.test: no such record/);
    const another = await query(`tiled.${SUFFIX}`, port, '--log', 'Classic');
    assert.equal(another.code, 1);
    assert.match(another.stderr, /is not signed by \\?"Op 'Classic' log/);
  });

  test(
    'dig and kdig have what we have; every answer fits an IP packet of 400 bytes',
    { skip: dig || kdig },
    async () => {
      const at = ['@127.0.0.1', '-p', `${port}`];
      for (const name of [
        'sth',
        '0.3.1500.sth-consistency',
        '7.3.1500.sth-consistency',
        '0.17.2000.tree',
      ]) {
        const text = await run('dig', ...at, 'TXT', `${name}.tiled.${SUFFIX}`);
        assert.match(text, /status: NOERROR/);
        assert.match(text, /ANSWER: 1/);
        const [, size = ''] = /MSG SIZE {2}rcvd: (\d+)/.exec(text) ?? [];
        assert(Number(size) + 28 <= 400, text);
      }
      const far = await run('dig', ...at, 'TXT', `100.3.1500.sth-consistency.tiled.${SUFFIX}`);
      assert.match(far, /status: SERVFAIL/);
      for (const [type, wanted] of [
        ['SOA', /hostmaster\.ct\.test\./],
        ['NS', /IN\s+NS\s+ct\.test\./],
      ] as const) {
        assert.match(await run('kdig', '@127.0.0.1', '-p', `${port}`, SUFFIX, type), wanted);
        assert.match(
          await run('kdig', '+tcp', '@127.0.0.1', '-p', `${port}`, SUFFIX, type),
          wanted,
        );
      }
    },
  );

  test(
    'through unbound, which mixes the case of names',
    { skip: needs('unbound', 'unbound') },
    async () => {
      const unbound: Unbound = await startUnbound(SUFFIX, port);
      try {
        const file = headFile(tiled.log, tiled.log.sign(1000, tiled.tree.root(1000)));
        const ran = await query(`tiled.${SUFFIX}`, unbound.port, '--since', file);
        assert.equal(ran.code, 0, ran.stderr);
        assert.equal(result(ran).since?.verdict, 'consistent');
      } finally {
        await unbound.stop();
      }
    },
  );

  test('over IPv6, with a limit, and after a restart: the head that was published stays for its hour', async () => {
    tiled.size = 2500;
    const { server: other, port: at } = await serve('[::1]:0', '--rate', '1');
    try {
      const began = Date.now();
      const asked = await Promise.all(
        Array.from({ length: 20 }, () =>
          run(
            'dig',
            '@::1',
            '-p',
            `${at}`,
            '+ignore',
            '+tries=1',
            '+timeout=5',
            'TXT',
            `sth.tiled.${SUFFIX}`,
          ).catch((error: unknown) => String((error as { stdout?: string }).stdout)),
        ),
      );
      const answers = asked.filter((text) => text.includes('ANSWER: 1'));
      // Five at once, and one more for each second since.
      const most = 5 + Math.ceil((Date.now() - began) / 1000);
      assert(
        answers.length >= 5 && answers.length <= most,
        `${answers.length} answers, ${most} at most`,
      );
      assert(answers.every((text) => text.includes('"2000.')));
      assert(asked.some((text) => /flags: [a-z ]*\btc\b/.test(text)));
    } finally {
      assert.equal((await other.stop()).code, 0);
    }
    assert.equal(new PublishedHeads(state).get(tiled.log.asLog())?.head.treeSize, 2000n);
  });

  test('with hashes in the state directory it proves any size of the window, and asks the log nothing', async () => {
    const hashes = HashStore.open(state);
    const below = random(SEED);
    const fetch = directFetch({ allowPrivateAddress: true });
    await visit(tiled.log.asLog({ api: 'static-ct', url: monitoring }), {
      hashes,
      open: () => ({ fetch, close: () => undefined }),
      paths: 1,
      budget: 64_000_000,
      window: 14 * 86_400_000,
      blocks: 0,
      now: Date.now,
      chance: () => below(2 ** 30) / 2 ** 30,
      sleep: () => Promise.resolve(),
      signal: new AbortController().signal,
      wanted: () => [],
    });
    hashes.close();
    asked.length = 0;
    const { server: other, port: at } = await serve('127.0.0.1:0');
    try {
      const file = headFile(tiled.log, tiled.log.sign(777, tiled.tree.root(777)));
      const ran = await query(`tiled.${SUFFIX}`, at, '--since', file);
      assert.equal(ran.code, 0, ran.stderr + ran.stdout);
      assert.equal(result(ran).since?.verdict, 'consistent');
      assert.deepEqual(asked, []);
    } finally {
      assert.equal((await other.stop()).code, 0);
    }
  });

  test('without a zone it says what to give it', async () => {
    const ran = await ctga(['dns', 'serve']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /Give --zone-suffix ZONE/);
    assert.equal((await ctga(['dns', 'serve', '--zone-suffix', SUFFIX, '--every', '60'])).code, 2);
  });
});

test('a log that does not answer holds up nobody who is to end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  let [opened, closed] = [0, 0];
  const sockets = new Set<Socket>();
  const silent = createTcpServer((socket) => {
    sockets.add(socket);
    opened = performance.now();
    socket.on('error', () => undefined).once('close', () => (closed = performance.now()));
    socket.resume();
  });
  try {
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const list = join(directory, 'list.json');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const { key } = new SigningLog();
    const entry = {
      description: "Op 'Silent' log",
      key: Buffer.from(key.spki).toString('base64'),
      log_id: logIdText(key.logId),
      allow_private_address: true,
      monitoring_url: url,
    };
    writeFileSync(
      list,
      JSON.stringify({ operators: [{ name: 'Op', logs: [], tiled_logs: [entry] }] }),
    );
    const at = ['--log-list', list, '--state-dir', join(directory, 'state')];
    const options = ['--zone-suffix', 'ct.test', '--json', ...at];
    const server = startCtga(['dns', 'serve', ...options, '--listen', '127.0.0.1:0']);
    await server.until(() => server.said().includes('"listening"'), 'a port');
    const { port } = JSON.parse(server.said().split('\n')[0] ?? '') as { port: number };
    const where = ['--server', `127.0.0.1:${port}`, ...at];
    const asking = ctga(['dns', 'query', 'silent.ct.test', ...where]);
    await eventually(() => opened > 0, 'a question to the log');
    assert.equal((await server.stop()).code, 0);
    await eventually(() => closed > 0, 'the end of the connection');
    assert(closed - opened < DEADLINE_MS);
    await asking;
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
