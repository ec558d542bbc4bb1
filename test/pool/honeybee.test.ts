// SPDX-License-Identifier: Apache-2.0
/**
 * SSLMate's ct-honeybee, which somebody else wrote, brings the heads of a log to a pool, and to an
 * auditor, behind nginx with TLS. CTGA_HONEYBEE names its file, from its public repository; only the addresses of its log
 * list and its auditor are changed.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { encodeBase64 } from '../../src/base/base64.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { nginxConfig } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const HONEYBEE = process.env['CTGA_HONEYBEE'];
const isMissing =
  HONEYBEE === undefined
    ? 'ct-honeybee is NOT run: CTGA_HONEYBEE does not name its file'
    : spawnSync('nginx', ['-v']).error !== undefined && 'ct-honeybee is NOT run: there is no nginx';

/** What takes the heads, what it says first, whether it gives what others brought, what it counts. */
const TAKERS = [
  [
    'a pool',
    ['pool', 'serve', '--domain', 'www.example.net'],
    'The pool is at ',
    true,
    /^ctga_pool_tree_heads_total{outcome="kept"} 3$/m,
  ],
  [
    'an auditor',
    // It asks nobody: its proxy is not there.
    ['audit', 'run', '--proxy', 'socks5h://127.0.0.1:1', '--every', '1000000'],
    'The auditor is at ',
    false,
    /^ctga_audit_tree_heads{state="mixing"} 3$/m,
  ],
] as const;

for (const [taker, command, said, givesThem, counted] of TAKERS)
  test(`ct-honeybee brings heads to ${taker}`, { skip: isMissing }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const [rfc6962, tiled] = [new SigningLog(), new SigningLog()];
    const now = BigInt(Date.now());
    const idOf = ({ key }: SigningLog): string => encodeBase64(key.logId);
    // What both logs show, and the list of them in SSLMate's form.
    const web = createServer((request, response) => {
      const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
      const answers: Readonly<Record<string, string>> = {
        '/list.json': JSON.stringify({
          operators: [
            {
              logs: [{ url: `${url}/alpha/`, log_id: idOf(rfc6962) }],
              tiled_logs: [{ monitoring_url: `${url}/beta/`, log_id: idOf(tiled) }],
            },
          ],
        }),
        '/alpha/ct/v1/get-sth': JSON.stringify(
          treeHeadToJson(rfc6962.sign(5, treeOf(5).root(), now)),
        ),
        '/beta/checkpoint': tiled.checkpoint(9, treeOf(9).root(), now),
      };
      const answer = answers[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    await new Promise<void>((done) => web.listen(0, '127.0.0.1', done));
    const list = join(directory, 'list.json');
    writeFileSync(list, logListOf({ alpha: rfc6962, beta: tiled }));
    const [poolPort, tlsPort] = [await freePort(), await freePort()];
    const pool = startCtga([
      ...command,
      ...['--listen', `127.0.0.1:${poolPort}`, '--log-list', list],
      ...['--state-dir', join(directory, 'state')],
    ]);
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const made = spawnSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -out ${certificate} -days 2 -subj /CN=localhost`.split(
        ' ',
      ),
    );
    assert.equal(made.status, 0, made.stderr.toString());
    const config = join(directory, 'nginx.conf');
    writeFileSync(
      config,
      nginxConfig(
        directory,
        `listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};
    location / { proxy_pass http://127.0.0.1:${poolPort}; }`,
      ),
    );
    const nginx = spawn('nginx', ['-c', config, '-e', 'stderr'], { stdio: 'ignore' });
    try {
      await pool.until(() => pool.said().includes(said), 'to listen');
      const bee = join(directory, 'ct-honeybee');
      writeFileSync(
        bee,
        readFileSync(HONEYBEE ?? '', 'utf8')
          .replace(
            'https://loglist.certspotter.org/honeybee.json',
            `http://127.0.0.1:${(web.address() as AddressInfo).port}/list.json`,
          )
          .replace('"certspotter.com"', `"127.0.0.1:${tlsPort}"`)
          .replace('#print(json.dumps(pollen))', 'print(json.dumps(pollen))'),
      );
      const fly = async (): Promise<number[]> => {
        const { stdout, stderr } = await promisify(execFile)('python3', [bee]);
        assert.equal(stderr, '');
        const { sths } = JSON.parse(stdout) as { sths: { tree_size: number }[] };
        return sths.map(({ tree_size: size }) => size).sort();
      };
      await eventually(
        () => fetch(`http://127.0.0.1:${poolPort}/metrics`).then(() => true),
        'the pool',
      );
      assert.deepEqual(await fly(), [5, 9]);
      const older = {
        log_id: idOf(rfc6962),
        sth_version: 0,
        ...treeHeadToJson(rfc6962.sign(3, treeOf(3).root(), now)),
      };
      await fetch(`http://127.0.0.1:${poolPort}/.well-known/ct/v1/sth-pollination`, {
        method: 'POST',
        body: JSON.stringify({ sths: [older] }),
        headers: { 'content-type': 'application/json' },
      });
      assert.deepEqual(
        await fly(),
        givesThem ? [3, 5, 9] : [5, 9],
        'the third is what another brought',
      );
      const metrics = await (await fetch(`http://127.0.0.1:${poolPort}/metrics`)).text();
      assert.match(metrics, counted);
    } finally {
      const ended = new Promise((done) => nginx.once('exit', done));
      nginx.kill('SIGTERM');
      await ended;
      await pool.stop();
      web.close();
      rmSync(directory, { recursive: true });
    }
  });
