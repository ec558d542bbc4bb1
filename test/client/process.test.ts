// SPDX-License-Identifier: Apache-2.0
/**
 * The client as a process of its own, before real logs behind `ctga dns serve` and unbound: killed,
 * started twice, and reached by the host that Firefox starts.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { askDaemon } from '../../src/client/ask-daemon.ts';
import { frame, FrameReader } from '../../src/client/frames.ts';
import { EXTENSION_ID, HOST_NAME } from '../../src/client/install.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { LabApi, makeCertificate } from '../../src/lab/api.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { LabLog } from '../../src/lab/log.ts';
import { logIdText } from '../../src/logs/log.ts';
import { Authority as NameServer } from '../../src/mirror/authority.ts';
import { CTGA, ctga, ctgaProcess, startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { trust } from '../support/trust.ts';
import { needs, startUnbound, type Unbound } from '../support/unbound.ts';

const DAY = 86_400_000;

interface Status {
  readonly type: string;
  readonly message?: string;
  readonly logs: readonly { readonly name: string; readonly state: string }[];
  readonly scts: readonly { readonly log: string; readonly state: string }[];
  readonly findings: readonly { readonly evidence: string }[];
}

describe('the client as a process', { skip: needs('unbound', 'unbound') }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-client-'));
  const list = join(directory, 'list.json');
  const ca = new Authority();
  let at = (): number => Date.now();
  const logs = { classic: new LabLog({ now: () => at() }), tiled: new LabLog({ now: () => at() }) };
  const apis: LabApi[] = [];
  let chain: Uint8Array[] = [];
  let trusted: ReturnType<typeof trust>;
  let server: Running;
  let unbound: Unbound;

  before(async () => {
    // What was promised two days ago, and is in trees of today.
    at = () => Date.now() - 2 * DAY;
    for (const log of Object.values(logs)) log.grow(300);
    const { entry, finish } = ca.draft(['www.example.net']);
    chain = [finish(Object.values(logs).map((log) => log.promise(entry))), ca.der];
    at = Date.now;
    for (const log of Object.values(logs)) log.grow(41);
    const certificate = await makeCertificate(directory, 'localhost');
    trusted = trust(certificate);
    const listed = [];
    for (const [name, log] of Object.entries(logs)) {
      const api = await LabApi.listen({
        log,
        certificate,
        submissionPath: '/lab/',
        host: '127.0.0.1',
        port: 0,
      });
      apis.push(api);
      const url = api.url.replace('127.0.0.1', 'localhost');
      listed.push({
        description: `Op '${name}' log`,
        key: encodeBase64(log.key.spki),
        log_id: logIdText(log.key.logId),
        mmd: 86_400,
        allow_private_address: true,
        ...(name === 'tiled' ? { submission_url: url, monitoring_url: url } : { url }),
      });
    }
    const [classic, tiled] = listed;
    const operators = [{ name: 'Op', logs: [classic], tiled_logs: [tiled] }];
    writeFileSync(list, JSON.stringify({ operators }));
    server = startCtga([
      ...['dns', 'serve', '--json', '--zone-suffix', 'ct.test', '--listen', '127.0.0.1:0'],
      ...['--log-list', list, '--state-dir', join(directory, 'server'), '--rate', '10000'],
    ]);
    await server.until(() => server.said().includes('"listening"'), 'word that it listens');
    const { port } = JSON.parse(server.said().split('\n')[0] ?? '') as { port: number };
    unbound = await startUnbound('ct.test', port);
  });
  after(async () => {
    await unbound.stop();
    await server.stop();
    trusted.distrust();
    await Promise.all(apis.map((api) => api.close()));
    rmSync(directory, { recursive: true });
  });

  function run(state: string, ...given: readonly string[]): ChildProcess {
    const fast = ['--interval', '0.2', '--max-delay', '0.2'];
    return spawn(
      CTGA,
      ['client', 'run', '--json', '--log-list', list, '--state-dir', state, ...fast, ...given],
      { env: { ...process.env, CTGA_NODE: process.execPath }, stdio: 'ignore' },
    );
  }

  /** The status of the client in this state directory, once it is such. */
  const until = (state: string, is: (status: Status) => boolean, what: string): Promise<Status> => {
    let last: unknown;
    return eventually(
      async () => {
        const status = (await askDaemon(join(state, 'client/socket'))) as Status | undefined;
        last = status ?? last;
        return status !== undefined && is(status) && status;
      },
      () => `${what}: ${JSON.stringify(last)}`,
    );
  };

  test('proves by dns serve and unbound what Firefox brings through the host', async () => {
    const state = join(directory, 'state with "quotes" and \'blanks\'');
    const env = { HOME: directory };
    const installed = await ctgaProcess(['client', 'install', '--state-dir', state], { env });
    assert.equal(installed.code, 0, installed.stderr);
    const manifest = JSON.parse(
      readFileSync(join(directory, `.mozilla/native-messaging-hosts/${HOST_NAME}.json`), 'utf8'),
    ) as Record<string, unknown>;
    assert.equal(manifest['name'], HOST_NAME);
    assert.equal(manifest['type'], 'stdio');
    assert.deepEqual(manifest['allowed_extensions'], [EXTENSION_ID]);
    const script = String(manifest['path']);
    assert.equal(statSync(script).mode & 0o777, 0o700);
    // As Firefox starts it.
    const host = spawn(script, ['manifest.json', EXTENSION_ID], { stdio: 'pipe' });
    const answers: Status[] = [];
    const reader = new FrameReader();
    host.stdout.on('data', (bytes: Buffer) => {
      for (const body of reader.take(bytes)) answers.push(JSON.parse(body.toString()) as Status);
    });
    const say = (message: unknown): void => void host.stdin.write(frame(JSON.stringify(message)));
    say({ type: 'status' });
    const [none] = await eventually(() => answers.length > 0 && answers, 'what the host says');
    assert.equal(none?.message, 'The daemon does not run. Start it: ctga client run');
    const client = run(
      state,
      ...['--zone-suffix', 'ct.test', '--resolver', `127.0.0.1:${unbound.port}`],
    );
    try {
      await until(
        state,
        (status) => status.logs.every((log) => log.state === 'consistent'),
        'a head of each log',
      );
      say({ type: 'seen', origin: 'https://www.example.net', chain: chain.map(encodeBase64) });
      await eventually(
        () =>
          answers.some(
            ({ type, scts }) =>
              type === 'status' &&
              scts.length === 2 &&
              scts.every((each) => each.state === 'included'),
          ),
        () => `word of the proofs: ${JSON.stringify(answers.at(-1))}`,
      );
      // Another on the same state is refused, and the first goes on.
      const second = await ctga([
        ...['client', 'run', '--state-dir', state, '--log-list', list, '--zone-suffix', 'ct.test'],
      ]);
      assert.equal(second.code, 1);
      assert.match(second.stderr, /^ctga: a client runs already on /);
      const gone = once(host, 'exit');
      host.stdin.end();
      assert.deepEqual((await gone)[0], 0);
      const ended = once(client, 'exit');
      client.kill('SIGTERM');
      assert.deepEqual((await ended)[0], 0);
    } finally {
      host.kill('SIGKILL');
      client.kill('SIGKILL');
    }
  });

  test('killed at any moment, goes on where it was, and convicts the log that lied meanwhile', async () => {
    const log = new LabLog();
    log.grow(64);
    const head = (): string => log.treeHeadText('victim');
    let questions = 0;
    const zone = {
      treeHead: () => {
        questions += 1;
        return head();
      },
      proofs: {
        leafIndex: () => Promise.reject(new Error('none')),
        consistency: (first: bigint, second: bigint) =>
          Promise.resolve(log.tree('victim').consistencyProof(Number(first), Number(second))),
        inclusion: (index: bigint, size: bigint) =>
          Promise.resolve(log.tree('victim').inclusionProof(Number(index), Number(size))),
      },
    };
    const dns = new DnsServer(new NameServer({ zones: new Map([['lab.test', zone]]), ttl: 0 }));
    const { port } = await dns.listen({ address: '127.0.0.1', port: 0 });
    const logList = join(directory, 'lab.json');
    const entry = {
      description: "The 'lab' log",
      key: encodeBase64(log.key.spki),
      log_id: logIdText(log.key.logId),
      url: 'https://log.test/',
      mmd: 86_400,
      dns: 'lab.test',
    };
    writeFileSync(logList, JSON.stringify({ operators: [{ name: 'Lab', logs: [entry] }] }));
    const state = join(directory, 'killed');
    const given = ['--log-list', logList, '--resolver', `127.0.0.1:${port}`];
    let client = run(state, ...given);
    try {
      await until(state, (status) => status.logs[0]?.state === 'consistent', 'a head');
      for (let kills = 0; kills < 3; kills++) {
        const gone = once(client, 'exit');
        client.kill('SIGKILL');
        await gone;
        const before = questions;
        if (kills === 2) log.equivocate(10, 200);
        else log.grow(7);
        client = run(state, ...given);
        await eventually(() => questions > before + kills, 'the next question');
      }
      const { findings } = await until(state, (status) => status.findings.length > 0, 'a finding');
      const verified = await ctga([
        ...['evidence', 'verify', findings[0]?.evidence ?? '', '--log-list', logList],
      ]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
      const ended = once(client, 'exit');
      client.kill('SIGTERM');
      assert.deepEqual((await ended)[0], 3);
    } finally {
      client.kill('SIGKILL');
      await dns.close();
    }
  });
});
