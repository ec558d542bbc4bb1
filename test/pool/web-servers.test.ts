// SPDX-License-Identifier: Apache-2.0
/** `ctga pool serve` behind Debian's web servers, with the lines that docs/GOSSIP.md has for each. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { nginxConfig } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/GOSSIP.md'), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const log = new SigningLog();
const authority = new Authority();
const leaf = authority.issue(['www.example.net'], { logs: [log] });
const FEEDBACK = {
  sct_feedback: [
    {
      x509_chain: [leaf, authority.der].map(encodeBase64),
      sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
    },
  ],
};

function linesFor(server: string, pool: number): string {
  const block = new RegExp(`\`\`\`${server}\n(.*?)\`\`\``, 's').exec(DOCUMENT)?.[1];
  assert(block !== undefined);
  return block.replaceAll('127.0.0.1:8421', `127.0.0.1:${pool}`);
}

interface WebServer {
  readonly name: string;
  readonly program: string;
  readonly config: (lines: string, port: number) => string;
  readonly args: (path: string) => string[];
}

const SERVERS: readonly WebServer[] = [
  {
    name: 'nginx',
    program: 'nginx',
    config: (lines, port) => nginxConfig(directory, `listen 127.0.0.1:${port};\n${lines}`),
    args: (path) => ['-c', path, '-e', 'stderr'],
  },
  {
    name: 'apache',
    program: 'apache2',
    config: (lines, port) => `ServerRoot /usr/lib/apache2
ServerName localhost
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
Mutex posixsem
Listen 127.0.0.1:${port}
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
${process.getuid?.() === 0 ? 'User nobody\nGroup nogroup' : ''}
ErrorLog ${directory}/apache.log
${lines}`,
    args: (path) => ['-f', path, '-DFOREGROUND'],
  },
  {
    name: 'caddy',
    program: 'caddy',
    config: (lines, port) => `{\n admin off\n}\nhttp://127.0.0.1:${port} {\n${lines}}\n`,
    args: (path) => ['run', '--adapter', 'caddyfile', '--config', path],
  },
];

describe('behind a web server', () => {
  let pool: Running;
  let poolPort = 0;
  before(async () => {
    const list = join(directory, 'list.json');
    writeFileSync(list, logListOf({ alpha: log }));
    // What an observer saw, and nobody else: no answer may have it.
    const store = openForWriting(stateAt(join(directory, 'state')));
    const head = log.verified(7, treeOf(7).root(), BigInt(Date.now()));
    store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
    store.close();
    poolPort = await freePort();
    pool = startCtga([
      'pool',
      'serve',
      '--domain',
      'www.example.net',
      '--listen',
      `127.0.0.1:${poolPort}`,
      '--log-list',
      list,
      '--state-dir',
      join(directory, 'state'),
    ]);
    await pool.until(() => pool.said().includes('The pool is at '), 'to listen');
  });
  after(async () => {
    await pool.stop();
    rmSync(directory, { recursive: true });
  });

  for (const { name, program, config, args } of SERVERS) {
    const isMissing =
      spawnSync(program, ['-v']).error !== undefined &&
      `there is no ${program} here: the lines for ${name} are NOT tried`;
    test(
      `${name} passes on what is the pool's, and nothing else`,
      { skip: isMissing },
      async () => {
        const port = await freePort();
        const path = join(directory, name);
        writeFileSync(path, config(linesFor(name, poolPort), port));
        const child: ChildProcess = spawn(program, args(path), {
          stdio: ['ignore', 'ignore', 'pipe'],
          env: { ...process.env, HOME: directory },
        });
        let said = '';
        child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
        const ended = new Promise((done) => child.once('exit', done));
        const base = `http://127.0.0.1:${port}`;
        const post = (where: string, body: string): Promise<Response> =>
          fetch(base + where, {
            method: 'POST',
            body,
            headers: { 'content-type': 'application/json' },
          });
        try {
          await eventually(
            () =>
              fetch(base).then(
                () => true,
                () => {
                  assert.equal(child.exitCode, null, said);
                  return false;
                },
              ),
            () => `${name} to answer; it said ${said}`,
          );
          const path = '/.well-known/ct/v1';
          assert.equal((await post(`${path}/sct-feedback`, JSON.stringify(FEEDBACK))).status, 200);
          const collected = await fetch(`${base}${path}/collected-sct-feedback`);
          assert.deepEqual(await collected.json(), FEEDBACK);
          const heads = await post(
            '/.well-known/ct-gossip/v1/sth-pollination',
            '{"v1":[],"v2":[]}',
          );
          assert.deepEqual(await heads.json(), { v1: [], v2: [] });
          assert.equal(
            (await post(`${path}/sct-feedback`, `"${'x'.repeat(2 ** 21)}"`)).status,
            413,
          );
          const metrics = await fetch(`${base}/metrics`);
          assert(!(await metrics.text()).includes('ctga_pool'), 'not for outside');
        } finally {
          child.kill('SIGTERM');
          await ended;
        }
      },
    );
  }
});
