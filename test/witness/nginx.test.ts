// SPDX-License-Identifier: Apache-2.0
/** `ctga witness serve` behind Debian's nginx, with the lines that docs/WITNESS.md has. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ctga, startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { nginxConfig } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { addBody } from './harness.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/WITNESS.md'), 'utf8');
const isMissing =
  spawnSync('nginx', ['-v']).error !== undefined &&
  'there is no nginx here: the lines for it are NOT tried';

test(
  'nginx passes on what is the witness\u2019s, and nothing else',
  { skip: isMissing },
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const log = new SigningLog();
    const [state, list] = [join(directory, 'state'), join(directory, 'list.json')];
    writeFileSync(list, logListOf({ alpha: log }));
    assert.equal(
      (await ctga(['witness', 'keygen', 'witness.test/w', '--state-dir', state])).code,
      0,
    );
    const [own, port] = [await freePort(), await freePort()];
    const serve = ['--listen', `127.0.0.1:${own}`, '--log-list', list, '--state-dir', state];
    const witness = startCtga(['witness', 'serve', ...serve]);
    t.after(() => witness.stop());
    await witness.until(() => witness.said().includes('The witness is at '), 'to listen');
    const [lines = '', outside = ''] = [...DOCUMENT.matchAll(/```nginx\n(.*?)```/gs)].map(
      ([, block = '']) => block.replaceAll('127.0.0.1:8423', `127.0.0.1:${own}`),
    );
    const config = join(directory, 'nginx.conf');
    writeFileSync(config, nginxConfig(directory, `listen 127.0.0.1:${port};\n${lines}`, outside));
    const nginx = spawn('nginx', ['-c', config, '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    nginx.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const ended = new Promise((done) => nginx.once('exit', done));
    t.after(async () => {
      nginx.kill('SIGQUIT');
      await ended;
    });
    const base = `http://127.0.0.1:${port}/`;
    await eventually(
      async () => (await fetch(base).catch(() => undefined))?.status === 200,
      () => `nginx to listen: ${said}`,
    );
    const post = async (
      path: string,
      body: Buffer | string,
    ): Promise<[number, string, string | null]> => {
      const response = await fetch(`${base}${path}`, { method: 'POST', body });
      return [response.status, await response.text(), response.headers.get('content-type')];
    };
    const tree = treeOf(9);
    const [status, cosigned] = await post(
      'add-checkpoint',
      addBody(0, [], log.checkpoint(5, tree.root(5))),
    );
    assert.equal(status, 200, cosigned);
    assert.deepEqual(
      await post('add-checkpoint', addBody(0, [], log.checkpoint(9, tree.root(9)))),
      [409, '5\n', 'text/x.tlog.size'],
    );
    const hash = createHash('sha256').update('log.test/alpha').digest('hex');
    const published = await (await fetch(`${base}${hash}/checkpoint`)).text();
    assert(published.endsWith(cosigned));
    assert.equal((await post('add-checkpoint', 'x'.repeat(65_536)))[0], 400);
    assert.equal((await post('add-checkpoint', 'x'.repeat(65_537)))[0], 413);
    assert.equal((await post('sign-subtree', 'x'))[0], 400);
    for (const path of ['metrics', 'add-checkpoint/', `${hash}/checkpoint/x`, 'x'])
      assert.equal((await fetch(`${base}${path}`)).status, 404, path);
    // It says who asks, whatever the client says: the limits go by that.
    assert.match(lines, /proxy_set_header X-Forwarded-For \$remote_addr;/);
  },
);
