// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga logs` as a user runs it: lists with signatures, from files and from a web server behind a
 * real SOCKS proxy.
 */
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { builtinLogs } from '../../src/logs/builtin.ts';
import { logIdText } from '../../src/logs/log.ts';
import { ctga, type Ran } from '../support/ctga.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { REKOR_VKEY, SUMDB_VKEY } from '../support/real-checkpoints.ts';
import { CHROME_LIST, vectorPath } from '../support/vectors.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyFile = join(directory, 'publisher.pem');
writeFileSync(keyFile, publicKey.export({ format: 'pem', type: 'spki' }));
const sign = (json: string): Buffer => createSign('sha256').update(json).sign(privateKey);

const [alpha, beta] = [new SigningLog(), new SigningLog()];
const entry = (log: SigningLog, description: string, state: string): Record<string, unknown> => ({
  description,
  key: Buffer.from(log.key.spki).toString('base64'),
  log_id: logIdText(log.key.logId),
  url: 'https://ct.example.edu/',
  state: { [state]: { timestamp: '2026-01-01T00:00:00Z' } },
});
const list = (at: string, ...logs: Record<string, unknown>[]): string =>
  JSON.stringify({ log_list_timestamp: at, operators: [{ name: 'Op', logs }] });

let stateNumber = 0;
const newState = (): string[] => ['--state-dir', join(directory, `state-${++stateNumber}`)];
async function states(state: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await ctga(['logs', 'list', '--json', ...state]);
  const logs = JSON.parse(stdout) as { description: string; state?: string }[];
  return Object.fromEntries(
    logs
      .filter(({ description }) => /^(Alpha|Beta)/.test(description))
      .map((log) => [log.description, log.state ?? '']),
  );
}

describe('ctga logs import', () => {
  test('of what is no list, or has nothing to use: one sentence, exit code 2', async () => {
    const file = join(directory, 'none.json');
    const cases: readonly (readonly [text: string, want: RegExp])[] = [
      [JSON.stringify({ logs: [], operators: [] }), /in Google's first form/],
      [list('2026-05-01T00:00:00Z'), /has no log that ctga can use/],
      ['<html>', /is a web page/],
    ];
    for (const [text, want] of cases) {
      writeFileSync(file, text);
      const { code, stdout, stderr } = await ctga(['logs', 'import', file, ...newState()]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, want);
    }
  });
  test('says what it leaves out, and why', async () => {
    const file = join(directory, 'some.json');
    const ofNoUse = { ...entry(beta, 'Beta', 'usable'), url: undefined };
    writeFileSync(file, list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'usable'), ofNoUse));
    const { code, stdout, stderr } = await ctga(['logs', 'import', file, ...newState()]);
    assert.equal(code, 0);
    assert.match(stdout, /^1 log imported/);
    assert.match(stderr, /left out: Op, logs\[1\] "Beta": it has no URL/);
  });
  test('of logs that are no CT logs: lines of keys, a policy; what they are is listed', async () => {
    const file = join(directory, 'keys.txt');
    const state = newState();
    writeFileSync(file, `${SUMDB_VKEY}\n`);
    const keys = await ctga(['logs', 'import', file, ...state]);
    assert.deepEqual([keys.code, keys.stderr], [0, '']);
    assert.match(keys.stdout, /^1 log imported from .*: 1 new, 0 changed\.\n$/);
    writeFileSync(file, `log ${REKOR_VKEY}\nquorum none\n`);
    const policy = await ctga(['logs', 'import', file, ...state]);
    assert.match(policy.stdout, /1 log of them has no URL here/);
    // With a URL it is another one no more, and a list without one takes it from no log.
    writeFileSync(file, `${REKOR_VKEY} https://log2025-1.rekor.sigstore.dev\n`);
    const again = await ctga(['logs', 'import', file, ...state]);
    assert.match(again.stdout, /0 new, 1 changed\.\n {2}~ log2025-1\.rekor.*: url: none -> https/);
    writeFileSync(file, `logs/v0\nvkey ${REKOR_VKEY}\n`);
    const without = await ctga(['logs', 'import', file, ...state]);
    assert.match(without.stdout, /0 new, 0 changed\.\n/);
    const { stdout } = await ctga(['logs', 'list', '--json', ...state]);
    const listed = (JSON.parse(stdout) as Record<string, unknown>[]).filter(({ vkey }) => vkey);
    assert.deepEqual(
      listed.map(({ name, url, api, algorithm, origin }) => [name, url, api, algorithm, origin]),
      [
        [
          'log2025-1-rekor-sigstore-dev',
          'https://log2025-1.rekor.sigstore.dev/api/v2/',
          'tlog-tiles',
          'ed25519',
          'log2025-1.rekor.sigstore.dev',
        ],
        ['sum-golang-org', 'https://sum.golang.org/', 'sumdb', 'ed25519', 'go.sum database tree'],
      ],
    );
    const table = await ctga(['logs', 'list', ...state]);
    assert.match(table.stdout, /sum-golang-org +.*sumdb\/ed25519/);
  });
  test('of a signed list: refused when one byte is another', async () => {
    const [file, signature] = [join(directory, 'list.json'), join(directory, 'list.sig')];
    const json = list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'usable'));
    writeFileSync(signature, sign(json));
    const state = newState();
    const run = (text: string): Promise<Ran> => {
      writeFileSync(file, text);
      return ctga([
        'logs',
        'import',
        file,
        '--signature',
        signature,
        '--list-key',
        keyFile,
        ...state,
      ]);
    };
    const tampered = await run(json.replace('Alpha', 'Alphb'));
    assert.equal(tampered.code, 2);
    assert.match(tampered.stderr, /list\.sig is not the signature of/);
    assert(!existsSync(state[1] ?? ''), 'no store is made');
    assert.equal((await run(json)).code, 0);
    assert.deepEqual(await states(state), { Alpha: 'usable' });
  });

  test('shows what it changes, and takes nothing back for an older list', async () => {
    const file = join(directory, 'dated.json');
    const state = newState();
    const run = (text: string, ...more: string[]): Promise<Ran> => {
      writeFileSync(file, text);
      return ctga(['logs', 'import', file, ...state, ...more]);
    };
    const old = list('2026-01-01T00:00:00Z', entry(alpha, 'Alpha', 'usable'));
    assert.match((await run(old)).stdout, /^1 log imported from .*: 1 new, 0 changed\./);
    const fresh = list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'retired'));
    const { stdout } = await run(fresh);
    assert.match(stdout, /: 0 new, 1 changed\.\n {2}~ Alpha: state: usable -> retired\n/);
    const refused = await run(old);
    assert.deepEqual([refused.code, refused.stdout], [2, '']);
    assert.match(
      refused.stderr,
      /would change 1 log of which a newer list has told, of 2026-05-01 .*\n.*--allow-older/,
    );
    assert.deepEqual(await states(state), { Alpha: 'retired' });
    // What changes nothing and what brings other logs is no step back.
    const others = list('2026-02-01T00:00:00Z', entry(beta, 'Beta', 'usable'));
    assert.equal((await run(others)).code, 0);
    assert.equal((await run(old)).code, 2);
    const forced = await run(old, '--allow-older', '--json');
    assert.equal(forced.code, 0);
    const { changes } = JSON.parse(forced.stdout) as { changes: { fields: string[] }[] };
    assert.deepEqual(
      changes.map(({ fields }) => fields),
      [['state: retired -> usable']],
    );
    assert.deepEqual(await states(state), { Alpha: 'usable', Beta: 'usable' });
  });

  test('takes nothing back that the built-in list says', async () => {
    const [builtin] = builtinLogs().filter((log) => log.state === 'usable');
    assert(builtin !== undefined);
    const { key, url, description } = builtin;
    const log = {
      ...{ description, url, key: Buffer.from(key.spki).toString('base64') },
      state: { retired: {} },
    };
    const file = join(directory, 'before-builtin.json');
    for (const [year, code] of [
      ['2024', 2],
      ['2030', 0],
    ] as const) {
      writeFileSync(file, list(`${year}-01-01T00:00:00Z`, log));
      assert.equal((await ctga(['logs', 'import', file, ...newState()])).code, code);
    }
  });

  test("with a signature and no key: Chrome's, which is built in", async () => {
    const [json, signature] = [vectorPath(CHROME_LIST.json), vectorPath(CHROME_LIST.signature)];
    const ran = await ctga(['logs', 'import', json, '--signature', signature, ...newState()]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^98 logs imported/);
    assert.match(ran.stderr, /left out: Geomys.*placeholder/);
  });
});

describe('ctga logs update, through microsocks', { skip: noMicrosocks }, () => {
  let web: Server;
  let microsocks: Microsocks;
  let requests: { url: string; headers: IncomingHttpHeaders }[] = [];
  let served: { json: string; signature: Buffer };

  before(async () => {
    web = createServer((request, response) => {
      requests.push({ url: request.url ?? '', headers: request.headers });
      const isList = request.url === '/list.json';
      const etag = `"${served.json.length}"`;
      if (isList && request.headers['if-none-match'] === etag) return response.writeHead(304).end();
      response.writeHead(200, isList ? { etag } : {}).end(isList ? served.json : served.signature);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    microsocks = await startMicrosocks();
  });
  after(() => {
    web.close();
    microsocks.stop();
  });
  beforeEach(() => (requests = []));

  const serve = (json: string, signature = sign(json)): void => void (served = { json, signature });
  function update(state: readonly string[], ...more: readonly string[]): Promise<Ran> {
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/list.json`;
    const from = ['--from', url, '--list-key', keyFile, '--allow-private-address'];
    return ctga([
      'logs',
      'update',
      ...from,
      '--proxy',
      `socks5h://127.0.0.1:${microsocks.port}`,
      ...state,
      ...more,
    ]);
  }

  test('shows what it changes, and changes nothing before it is told to', async () => {
    const state = newState();
    serve(list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'usable')));
    const shown = await update(state);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /is signed by its publisher/);
    assert.match(shown.stdout, /^ {2}\+ Alpha \(rfc6962, usable\)$/m);
    assert.match(shown.stdout, /Nothing has changed/);
    assert.deepEqual(await states(state), {});

    assert.match((await update(state, '--yes')).stdout, /has taken the list in\.$/m);
    assert.deepEqual(await states(state), { Alpha: 'usable' });
  });

  test('asks for what is newer only; a log that is no longer listed stays known', async () => {
    const state = newState();
    serve(list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'usable')));
    await update(state, '--yes');
    requests = [];
    assert.match((await update(state, '--yes')).stdout, /has not changed/);
    assert.deepEqual(
      requests.map(({ url }) => url),
      ['/list.json'],
    );

    serve(list('2026-06-01T00:00:00Z', entry(beta, 'Beta log', 'pending')));
    const { changes, applied } = JSON.parse((await update(state, '--yes', '--json')).stdout) as {
      changes: { change: string; description: string }[];
      applied: boolean;
    };
    assert.equal(applied, true);
    assert.deepEqual(
      changes.map(({ change, description }) => [change, description]),
      [['added', 'Beta log']],
    );
    assert.deepEqual(await states(state), { Alpha: 'usable', 'Beta log': 'pending' });
  });

  test('refuses what is not signed, and what is older than what it has', async () => {
    const state = newState();
    serve(list('2026-05-01T00:00:00Z', entry(alpha, 'Alpha', 'usable')));
    await update(state, '--yes');
    serve(list('2026-07-01T00:00:00Z', entry(alpha, 'Alpha', 'retired')), sign('another list'));
    const forged = await update(state, '--yes');
    assert.equal(forged.code, 2);
    assert.match(forged.stderr, /not signed by its publisher's key/);
    serve(list('2026-04-01T00:00:00Z', entry(alpha, 'Alpha', 'pending')));
    const old = await update(state, '--yes');
    assert.equal(old.code, 2);
    assert.match(old.stderr, /offered is of 2026-04-01.* last one was of 2026-05-01/);
    assert.deepEqual(await states(state), { Alpha: 'usable' });
  });
});
