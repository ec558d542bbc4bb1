// SPDX-License-Identifier: Apache-2.0
/**
 * From a client's feedback to a conviction: a pool, an auditor that polls it through a real proxy, and
 * logs that keep their promises, break them, and are silent.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { leafHashOf, parseSct } from '../../src/scts/sct.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { SYSTEM_DIRECTORY } from '../../src/store/directories.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { CTGA, ctga, startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { freePort } from '../support/ports.ts';
import { indexExtension, SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const INDEX = 7;
const authority = new Authority();
const [honest, liar, silent] = [new SigningLog(), new SigningLog(), new SigningLog()];

/** A certificate with the promises of these logs, which are of entry INDEX. */
function certify(name: string, logs: readonly SigningLog[]): Uint8Array {
  return authority.issue([name], { logs, sctExtensions: indexExtension(INDEX) });
}

/** A tree that has what the log promised in `certificate`. */
function keeping(certificate: Uint8Array, size: number): MerkleTree {
  const leaf = new Certificate(certificate);
  const entry = leaf.precertificateEntry(new Certificate(authority.der).keyHash);
  const [sct] = leaf.embeddedScts;
  assert(entry !== undefined && sct !== undefined);
  const promised = leafHashOf(parseSct(sct), entry);
  const tree = new MerkleTree();
  for (let i = 0; i < size; i++) tree.append(i === INDEX ? promised : treeOf(i + 1).leafHash(i));
  return tree;
}

function listEntry(log: SigningLog, name: string, url: string, mmd: number): unknown {
  return {
    description: `The ${name} log`,
    key: encodeBase64(log.key.spki),
    log_id: encodeBase64(log.key.logId),
    mmd,
    allow_private_address: true,
    ...(log === silent ? { url } : { submission_url: url, monitoring_url: url }),
  };
}

describe('the auditor', { skip: noMicrosocks }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const [state, poolState] = [join(directory, 'state'), join(directory, 'pool-state')];
  const list = join(directory, 'list.json');
  const servers: Server[] = [];
  const running: Running[] = [];
  let proxy: Microsocks | undefined;
  const good = certify('www.example.net', [honest]);
  const fraudulent = certify('www.example.net', [liar]);
  const unshown = certify('www.example.net', [silent]);

  async function serve(files: TiledFiles): Promise<string> {
    files.timestamp = BigInt(Date.now() - 60_000);
    const server = createServer((request, response) => {
      const { status, body } = files.read((request.url ?? '').slice(1));
      response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  before(async () => {
    proxy = await startMicrosocks();
    const urls = [
      await serve(new TiledFiles(honest, keeping(good, 300))),
      await serve(new TiledFiles(liar, treeOf(300))),
      `http://127.0.0.1:${await freePort()}/`,
    ];
    const [honestUrl = '', liarUrl = '', silentUrl = ''] = urls;
    const operator = {
      name: 'Test',
      logs: [listEntry(silent, 'silent', silentUrl, 2)],
      tiled_logs: [
        listEntry(honest, 'honest', honestUrl, 86_400),
        listEntry(liar, 'lying', liarUrl, 86_400),
      ],
    };
    writeFileSync(list, JSON.stringify({ operators: [operator] }));
  });
  after(async () => {
    for (const each of running) await each.stop();
    proxy?.stop();
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true });
  });

  test('convicts the log that broke its promise, and nobody else', async () => {
    const poolPort = await freePort();
    const served = startCtga([
      ...['pool', 'serve', '--domain', 'www.example.net', '--log-list', list],
      ...['--listen', `127.0.0.1:${poolPort}`, '--state-dir', poolState],
    ]);
    running.push(served);
    const pool = `http://127.0.0.1:${poolPort}`;
    await served.until(() => served.said().includes('The pool is at'), 'the pool');
    const feedback = [good, fraudulent, unshown].map((der) => ({
      x509_chain: [der, authority.der].map(encodeBase64),
      sct_data: new Certificate(der).embeddedScts.map(encodeBase64),
    }));
    const posted = await post(`${pool}/.well-known/ct/v1/sct-feedback`, { sct_feedback: feedback });
    assert.equal(posted.status, 200);
    const port = await freePort();
    const audit = startCtga([
      ...['audit', 'run', '--pool', pool, '--log-list', list, '--state-dir', state, '--json'],
      ...['--every', '0.5', '--delay', '0.1', '--listen', `127.0.0.1:${port}`],
      ...['--proxy', `socks5h://127.0.0.1:${proxy?.port ?? 0}`],
    ]);
    running.push(audit);
    await audit.until(
      () => /"convicted"/.test(audit.said()) && /"unprovable"/.test(audit.said()),
      'the conviction',
    );
    const counts = async (): Promise<Record<string, Record<string, number>>> =>
      (
        JSON.parse((await ctga(['audit', 'status', '--state-dir', state, '--json'])).stdout) as {
          counts: Record<string, Record<string, number>>;
        }
      ).counts;
    await audit.until(() => audit.said().split('"polled"').length > 3, 'further visits');
    const { scts } = await counts();
    assert.deepEqual(scts, { mixing: 0, waiting: 0, proven: 1, unprovable: 1, convicted: 1 });
    // What the logs show is pollinated, and nothing else.
    const pollinated = new Set<string>();
    await eventually(async () => {
      const given = await post(`${pool}/.well-known/ct/v1/sth-pollination`, { sths: [] });
      const { sths } = (await given.json()) as { sths: { log_id: string }[] };
      for (const { log_id } of sths) pollinated.add(log_id);
      return pollinated.size >= 2;
    }, 'heads of both logs');
    assert.deepEqual(pollinated, new Set([honest, liar].map(({ key }) => encodeBase64(key.logId))));
    // Heads as well, from clients that trust the auditor.
    const sth = {
      log_id: encodeBase64(liar.key.logId),
      ...treeHeadToJson(liar.sign(5, treeOf(5).root())),
    };
    assert.equal(
      (await post(`http://127.0.0.1:${port}/ct/v1/sct-feedback`, { sths: [sth] })).status,
      200,
    );
    assert.equal((await counts())['heads']?.['mixing'], 1);
    await audit.stop();
    await served.stop();

    const said = audit.said();
    assert.equal(said.split('"convicted"').length, 2, said);
    assert.match(
      said,
      /"log":"The silent log","what":"sct","reason":"the log has shown no tree head"/,
    );
    const evidence = /"evidence":"([^"]*)"/.exec(said)?.[1] ?? assert.fail(said);
    const verified = await ctga(['evidence', 'verify', evidence, '--log-list', list]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const script = spawnSync('sh', [SCRIPT, evidence, list], { encoding: 'utf8' });
    assert.equal(script.status, 0, script.stdout);
    assert.match(script.stdout, /holds {2}another leaf is in the promised place/);
    const status = await ctga(['audit', 'status', '--state-dir', state]);
    assert.equal(status.code, 1);
    assert.match(status.stdout, /3 SCTs: 1 proven, 0 waiting/);
    const listed = await ctga(['evidence', 'list', '--state-dir', state, '--json']);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /"kind": "promise-broken"/);
    const shown = await ctga(['evidence', 'show', evidence]);
    assert.match(shown.stdout, /promise {5}entry 7/);
    const report = await ctga(['evidence', 'report', evidence, '--log-list', list]);
    assert.match(report.stdout, /^# Broken promise by the CT log The lying log$/m);
    const webPort = await freePort();
    const web = startCtga(['web', '--listen', `127.0.0.1:${webPort}`, '--state-dir', state]);
    running.push(web);
    await web.until(() => web.said().includes('http://'), 'the page');
    const get = async (path: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${webPort}${path}`)).text();
    const page = await get('/');
    for (const words of [
      /<title>ctga: 1 broken promise proven/,
      /broke a promise/,
      /cannot show 1 certificate that it promised/,
    ])
      assert.match(page, words);
    assert.match(await get('/evidence'), /1 broken promise proven/);
    assert.match(await get('/metrics'), /^ctga_evidence_files 1$/m);
    const conditions = (JSON.parse(await get('/state.json')) as { conditions: { key: string }[] })
      .conditions;
    assert.deepEqual(conditions.map(({ key }) => key.replace(/:.*/, '')).sort(), [
      'promise',
      'promises',
    ]);
    await web.stop();
    assert(!readFileSync(evidence, 'utf8').includes(encodeBase64(honest.key.logId)));
  });

  test('without an auditor there is nothing to say, also where nobody named a directory', async (t) => {
    const status = await ctga(['audit', 'status', '--state-dir', join(directory, 'nothing')]);
    assert.deepEqual(
      [status.code, status.stdout, /there is no auditor/.test(status.stderr)],
      [1, '', true],
    );
    if (existsSync(SYSTEM_DIRECTORY)) return t.skip('this machine has a store of its own');
    const env = { ...process.env, HOME: directory, XDG_STATE_HOME: join(directory, 'nothing') };
    const own = spawnSync(CTGA, ['audit', 'status', '--json'], { encoding: 'utf8', env });
    assert.deepEqual([own.status, own.stdout], [1, '']);
    assert.match(own.stderr, /"there is no auditor in /);
  });
});

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}
