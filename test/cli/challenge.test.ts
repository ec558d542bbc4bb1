// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga challenge` as a user runs it: a real SOCKS proxy (microsocks), HTTPS, the
 * lab's log.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LabApi, makeCertificate, type LabCertificate } from '../../src/lab/api.ts';
import { LabLog } from '../../src/lab/log.ts';
import { logIdText } from '../../src/logs/log.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { noteKeyId } from '../../src/statements/checkpoint.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { ctga, CTGA, startCtga, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { freePort } from '../support/ports.ts';
import { trust } from '../support/trust.ts';

describe('ctga challenge, through microsocks', { skip: noMicrosocks }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  // As root, the challenger becomes nobody, who must be able to walk in here.
  chmodSync(directory, 0o755);
  const log = new LabLog();
  let certificate: LabCertificate;
  let trusted: ReturnType<typeof trust>;
  let api: LabApi;
  let microsocks: Microsocks;
  let proxyPort: number;
  let logList: string;
  let runs = 0;

  before(async () => {
    log.grow(40);
    certificate = await makeCertificate(directory, 'localhost');
    trusted = trust(certificate);
    api = await LabApi.listen({
      log,
      certificate,
      submissionPath: '/lab/',
      host: '127.0.0.1',
      port: 0,
    });
    microsocks = await startMicrosocks();
    proxyPort = microsocks.port;
    logList = join(directory, 'list.json');
    const url = api.url.replace('127.0.0.1', 'localhost');
    const entry = {
      description: 'Lab log',
      key: Buffer.from(log.key.spki).toString('base64'),
      log_id: logIdText(log.key.logId),
      url,
      allow_private_address: true,
    };
    writeFileSync(logList, JSON.stringify({ operators: [{ name: 'Lab', logs: [entry] }] }));
  });
  after(async () => {
    trusted.distrust();
    microsocks.stop();
    await api.close();
    rmSync(directory, { recursive: true });
  });

  /** Imports the heads into a state of its own. */
  async function seen(...heads: Statement[]): Promise<string[]> {
    const state = ['--state-dir', join(directory, `state-${++runs}`)];
    const file = join(directory, 'heads.json');
    writeFileSync(
      file,
      JSON.stringify({
        sths: heads.map((head) => ({ log_id: logIdText(log.key.logId), ...treeHeadToJson(head) })),
      }),
    );
    const ran = await ctga(['heads', 'import', file, '--log-list', logList, ...state]);
    assert.equal(ran.code, 0, ran.stderr);
    return state;
  }

  const DIRECT = '--direct-questions';
  function challenge(
    state: readonly string[],
    {
      ports = [proxyPort],
      more = [],
    }: { ports?: readonly number[]; more?: readonly string[] } = {},
  ): Promise<Ran> {
    const proxy = ports.flatMap((port) => ['--proxy', `socks5h://127.0.0.1:${port}`]);
    const args = [
      'challenge',
      '--once',
      '--json',
      '--max-delay',
      '0',
      '--log-list',
      logList,
      ...proxy,
      ...state,
      ...more,
    ];
    return ctga(args);
  }

  type Event = Record<string, unknown> & { event: string };
  const events = ({ stdout }: Ran): Event[] =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
  const verdicts = (ran: Ran): unknown[][] =>
    events(ran)
      .filter(({ event }) => event === 'verdict')
      .map(({ treeSize, verdict }) => [treeSize, verdict]);

  for (const more of [[], [DIRECT]])
    test(`${['an honest log', ...more].join(' ')}: consistent, exit code 0, and what asking reveals is said first`, async () => {
      const early = log.tree().signedTreeHead;
      log.grow(24);
      const ran = await challenge(await seen(early), { more });
      assert.equal(ran.code, 0, ran.stderr);
      assert.deepEqual(verdicts(ran), [
        [log.tree().size, 'consistent'],
        [Number(early.treeSize), 'consistent'],
      ]);
      const [first] = events(ran);
      assert.deepEqual([first?.event, first?.['whatWasSeen']], ['reveals', more.length > 0]);
    });

  for (const [size, ...more] of [[110], [128], [140, DIRECT], [256, DIRECT]] as const) {
    test(`${['a log that showed another tree of size', size, ...more].join(' ')}: fork-proven, exit code 3, and the evidence stands`, async () => {
      const shown = log.equivocate(log.tree().size - 10, size);
      log.grow(size + 5 - log.tree().size);
      const ran = await challenge(await seen(shown), { more });
      log.stopEquivocating();
      assert.equal(ran.code, 3, ran.stderr);
      const evidence = events(ran).find(({ verdict }) => verdict === 'fork-proven')?.['evidence'];
      assert(typeof evidence === 'string');
      const verified = await ctga([
        'evidence',
        'verify',
        evidence,
        '--state-dir',
        join(evidence, '../..'),
      ]);
      assert.equal(verified.code, 0, verified.stdout);
      assert.match((await ctga(['evidence', 'show', evidence])).stdout, /Lab log/);
    });
  }

  const misbehaviours = [
    [{ kind: 'html' }, /get-sth: the answer is not JSON/],
    [{ kind: 'server-error' }, /get-sth: HTTP 500/],
    [{ kind: 'rate-limit', retryAfterSeconds: 3600 }, /get-sth: HTTP 429/],
  ] as const;
  for (const [misbehaviour, says] of misbehaviours) {
    test(`a log that answers with ${misbehaviour.kind}: unreachable, exit code 1, nothing lost`, async () => {
      const state = await seen(log.tree().signedTreeHead);
      api.misbehave(misbehaviour);
      const ran = await challenge(state);
      api.misbehave(undefined);
      assert.equal(ran.code, 1, ran.stderr);
      assert.match(
        String(events(ran).find(({ event }) => event === 'log-failed')?.['message']),
        says,
      );
      // A Retry-After is for the identities that were told, and these are no more.
      assert.equal((await challenge(state)).code, 0);
    });
  }

  test('a log that wants to be left alone is not asked directly until then', async () => {
    const state = await seen(log.tree().signedTreeHead);
    api.misbehave({ kind: 'rate-limit', retryAfterSeconds: 3600 });
    const ran = await challenge(state, { more: [DIRECT] });
    api.misbehave(undefined);
    assert.equal(ran.code, 1, ran.stderr);
    const again = await challenge(state, { more: [DIRECT] });
    assert.equal(again.code, 1);
    assert.match(again.stdout, /asked not to be asked before/);
  });

  for (const [verdict, ...more] of [['consistent'], ['bad-proof', DIRECT]] as const)
    test(`${['a log that gives garbage for a proof', ...more].join(' ')}: ${verdict}, never a fork`, async () => {
      const early = log.tree().signedTreeHead;
      log.grow(9);
      const state = await seen(early);
      api.misbehave({ kind: 'garbage-proof' });
      const ran = await challenge(state, { more });
      api.misbehave(undefined);
      assert.equal(ran.code, 0, ran.stderr);
      assert.deepEqual(verdicts(ran).at(-1), [Number(early.treeSize), verdict]);
    });

  test('a certificate that nobody vouches for: nothing is asked', async () => {
    const state = await seen(log.tree().signedTreeHead);
    const before = api.requests;
    trusted.distrust();
    const ran = await challenge(state);
    trusted = trust(certificate);
    assert.equal(ran.code, 1);
    assert.match(ran.stdout, /self-signed certificate/);
    assert.equal(api.requests, before);
  });

  test('a pollination endpoint gets no heads that were seen; what it gives is verified and challenged', async () => {
    const passing = log.tree().signedTreeHead;
    const state = await seen(passing);
    log.grow(5);
    log.equivocate(10, 30);
    const fork = log.tree('victim').signedTreeHead;
    log.stopEquivocating();
    const posted: { sths: { tree_size: number }[] }[] = [];
    const endpoint = createHttpServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        posted.push(JSON.parse(body) as (typeof posted)[number]);
        const good = { log_id: logIdText(log.key.logId), ...treeHeadToJson(fork) };
        response.end(JSON.stringify({ sths: [good, { ...good, tree_size: 31 }, 'nonsense'] }));
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    const { port } = endpoint.address() as AddressInfo;
    const pollinated = ['--pollinate', `http://127.0.0.1:${port}`];
    try {
      const ran = await challenge([...state, ...pollinated]);
      assert.equal(ran.code, 3, ran.stderr + ran.stdout);
      const [event] = events(ran).filter((each) => each.event === 'pollinated');
      assert.deepEqual([event?.['received'], event?.['fresh'], event?.['refused']], [1, 1, 2]);
      assert(verdicts(ran).some(([size, verdict]) => size === 30 && verdict === 'fork-proven'));
      await challenge([...state, ...pollinated]);
      // The head that was seen in passing is nobody's business; the one that the log shows is.
      const sizes = posted.map(({ sths }) => sths.map((each) => each.tree_size));
      assert.equal(sizes.length, 2);
      assert.deepEqual(new Set([...sizes.flat(), log.tree().size]), new Set([log.tree().size]));
    } finally {
      endpoint.close();
    }
  });

  test('a view is sent nothing but questions for the logs that are listed; what it has convicts', async () => {
    const state = await seen(log.tree().signedTreeHead);
    log.grow(5);
    log.equivocate(10, 30);
    const { treeSize, timestamp, rootHash, signature } = log.tree('victim').signedTreeHead;
    log.stopEquivocating();
    const origin = api.url.replace('https://127.0.0.1', 'localhost').replace(/\/$/, '');
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(timestamp);
    const line = Buffer.concat([noteKeyId(origin, log.key.logId), time, signature]);
    const root = Buffer.from(rootHash).toString('base64');
    const note = `${origin}\n${treeSize}\n${root}\n\n\u2014 ${origin} ${line.toString('base64')}\n`;
    const asked: unknown[] = [];
    const endpoint = createHttpServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        asked.push([request.method, request.url, body]);
        response.end(note);
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    const { port } = endpoint.address() as AddressInfo;
    try {
      const ran = await challenge([...state, '--view', `http://127.0.0.1:${port}/w1/`]);
      assert.equal(ran.code, 3, ran.stderr + ran.stdout);
      const viewed = events(ran).filter((each) => each.event === 'viewed');
      assert.deepEqual(
        viewed.map(({ sent, received, fresh, refused }) => [sent, received, fresh, refused]),
        [[1, 1, 1, 0]],
      );
      assert(verdicts(ran).some(([size, verdict]) => size === 30 && verdict === 'fork-proven'));
      const hash = createHash('sha256').update(origin).digest('hex');
      assert.deepEqual(asked, [['GET', `/w1/${hash}/checkpoint`, '']]);
    } finally {
      endpoint.close();
    }
  });

  test('a proxy that is down: one sentence, the remedy, exit code 1, and nothing is sent', async () => {
    const state = await seen(log.tree().signedTreeHead);
    const before = api.requests;
    const ran = await challenge(state, { ports: [await freePort()] });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /no SOCKS5 proxy answers at 127\.0\.0\.1/);
    assert.match(ran.stderr, /logs are never asked directly/);
    assert.equal(api.requests, before);
    assert.equal((await challenge(state)).code, 0);
  });

  test('one of two proxies that is down: that is said, and the log is asked through the other', async () => {
    const state = await seen(log.tree().signedTreeHead);
    const ran = await challenge(state, { ports: [await freePort(), proxyPort] });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /did not answer everything: no SOCKS5 proxy answers/);
    assert.deepEqual(verdicts(ran).at(-1)?.[1], 'consistent');
  });

  /** What makes it go on challenging by itself. */
  const daemon = (state: readonly string[]): string[] => [
    'challenge',
    '--every',
    '0.2',
    '--log-list',
    logList,
    '--proxy',
    `socks5h://127.0.0.1:${proxyPort}`,
    ...state,
  ];

  test('as a daemon: at random times, and SIGTERM ends it cleanly in the middle of a challenge', async () => {
    const state = await seen(log.tree().signedTreeHead);
    api.misbehave({ kind: 'hang' });
    const before = api.requests;
    const child = spawn(CTGA, daemon(state), {
      env: {
        ...process.env,
        CTGA_NODE: process.execPath,
        NODE_EXTRA_CA_CERTS: certificate.certificatePath,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await eventually(
      () => {
        assert.equal(child.exitCode, null, said);
        return api.requests > before;
      },
      () => `a question to the log; ctga has said:\n${said}`,
    );
    child.kill('SIGTERM');
    assert.equal(await ended, 0, said);
    api.misbehave(undefined);
    // Its two outputs may arrive in any order.
    assert.match(
      said,
      /^Visiting 1 log, each every 0\.2 s on average, with 2 questions at a time\./m,
    );
    assert.doesNotMatch(said, /unreachable/);
  });

  test('as a daemon goes on in a new database when its own turns out damaged', async () => {
    const state = await seen(log.tree().signedTreeHead);
    const { until, said, stop } = startCtga(daemon(state));
    await until(() => /consistent/.test(said()), 'a verdict');
    // Another connection writes, so that the program has to read again; then the disk holds noise.
    const database = join(state[1] ?? '', 'ctga.db');
    const other = openDatabase(database);
    other.exec("INSERT INTO counters VALUES ('test', 'x', 1)");
    other.pragma('wal_checkpoint(TRUNCATE)');
    other.close();
    const file = openSync(database, 'r+');
    writeSync(file, Buffer.alloc(statSync(database).size, 'noise'), 0);
    closeSync(file);
    await until(() => /damaged; it is kept as .*\.damaged-/.test(said()), 'word of the damage');
    const { length } = said();
    await until(() => /consistent/.test(said().slice(length)), 'a verdict in a new database');
    assert.equal((await stop()).code, 0, said());
  });
});
