// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga dns query` of `checkpoint.NAME.ZONE`, a process, of `ctga dns serve`, another, in front of logs
 * of c2sp.org/tlog-tiles; and dig, which shows what is on the wire.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { encodeBase64 } from '../../src/base/base64.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { CTGA, ctga, ctgaProcess, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { needs } from '../support/unbound.ts';

const SUFFIX = 'ct.test';
const SIZE = 700;
const tree = treeOf(SIZE);
const logs = {
  '/ed/': new CheckpointLog({ name: 'log.test/ed' }),
  '/ml/': new CheckpointLog({ name: 'log.test/ml', algorithm: 'ml-dsa-44' }),
};
const witness = noteSigner('w.test', 'Ed25519 cosignature', Buffer.alloc(32, 1));

describe('checkpoints over DNS, of processes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const [list, state] = [join(directory, 'list.txt'), join(directory, 'state')];
  const tiles = new TiledFiles(new SigningLog(), tree);
  const files = createServer(({ url = '' }, response) => {
    const [, prefix = '', path = ''] = /^(\/..\/)(.*)$/.exec(url) ?? [];
    const log = logs[prefix as keyof typeof logs];
    if (path !== 'checkpoint') {
      const { status, body } = tiles.read(path);
      response.writeHead(status).end(body);
      return;
    }
    const note = log.checkpoint(SIZE, tree.root());
    response.end(note + cosign(witness, parseCheckpoint(note), 1_800_000_000n));
  });
  let server: ReturnType<typeof spawn> | undefined;
  let port = 0;

  before(async () => {
    await once(files.listen(0, '127.0.0.1'), 'listening');
    const at = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
    const entries = Object.entries(logs).map(
      ([prefix, { vkey }]) => `vkey ${vkey}\nurl ${at}${prefix}\nallow_private_address true\n`,
    );
    writeFileSync(list, `logs/v0\n\n${entries.join('\n')}`);
    // Servers before it have published these trees.
    for (const log of Object.values(logs)) {
      const head = log.verified(300, tree.root(300));
      const sizes = new Set([256n, 300n]);
      new PublishedHeads(state).put(log.asLog(), { head, at: 0, sizes });
    }
    const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    const where = ['--zone-suffix', SUFFIX, '--log-list', list, '--state-dir', state];
    const child = spawn(
      CTGA,
      ['dns', 'serve', '--json', '--listen', '127.0.0.1:0', ...where, ...stay],
      { env: { ...process.env, CTGA_NODE: process.execPath }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    server = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part: Buffer) => (said += part.toString()));
    await eventually(
      () => {
        assert.equal(child.exitCode, null, said);
        return said.includes('"listening"') && said.includes('\n');
      },
      () => `dns serve to listen: ${said}`,
    );
    const line = said.split('\n').find((each) => each.includes('"listening"')) ?? '';
    ({ port } = JSON.parse(line) as { port: number });
    for (const name of ['ed', 'ml']) await query(`checkpoint.log-test-${name}.${SUFFIX}`);
    await eventually(
      () => said.split(`"treeSize":${SIZE}`).length > 2,
      () => `word of both newest trees: ${said}`,
    );
  });
  after(() => {
    server?.kill('SIGKILL');
    files.close();
    rmSync(directory, { recursive: true });
  });

  const query = (name: string, ...more: readonly string[]): Promise<Ran> =>
    ctgaProcess([
      ...['dns', 'query', name, '--json', '--server', `127.0.0.1:${port}`, '--log-list', list],
      ...['--state-dir', join(directory, 'asker'), '--zone-suffix', SUFFIX, ...more],
    ]);

  for (const [name, log, cosigned] of [
    ['log-test-ed', logs['/ed/'], [true]],
    // One of ML-DSA-44 fills a message: there is no room for lines of others.
    ['log-test-ml', logs['/ml/'], []],
  ] as const)
    test(`${name}: it is verified, and an older tree is proven to be of its history, or not`, async () => {
      const asked = `checkpoint.${name}.${SUFFIX}`;
      const older = (of: typeof tree, size: number): string => {
        const file = join(directory, `${name}-${size}.txt`);
        writeFileSync(file, log.checkpoint(size, of.root(size)));
        return file;
      };
      const vkey = formatNoteKey(witness.key);
      const ran = await query(asked, '--witness', vkey, '--since', older(tree, 256));
      assert.equal(ran.code, 0, ran.stderr + ran.stdout);
      const { treeSize, since, cosignatures } = JSON.parse(ran.stdout) as {
        treeSize: number;
        since: { verdict: string };
        cosignatures: { valid: boolean }[];
      };
      assert.deepEqual([treeSize, since.verdict], [SIZE, 'consistent']);
      assert.deepEqual(
        cosignatures.map(({ valid }) => valid),
        cosigned,
      );
      const other = await query(asked, '--since', older(treeOf(SIZE, 'b', 9), 300));
      assert.equal(other.code, 3, other.stderr + other.stdout);
      const { evidence } = (JSON.parse(other.stdout) as { since: { evidence: string } }).since;
      const verified = await ctga(['evidence', 'verify', evidence, '--log-list', list]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    });

  const dig = needs('dig', 'bind9-dnsutils');
  test(
    'on the wire the lines are character-strings, within 1,232 bytes',
    { skip: dig },
    async () => {
      const at = ['@127.0.0.1', '-p', String(port), '+bufsize=1232', '+ignore'];
      const asked = [`checkpoint.log-test-ed.${SUFFIX}`, 'TXT'];
      const { stdout } = await promisify(execFile)('dig', [...at, ...asked]);
      assert(stdout.includes(`"log.test/ed" "${SIZE}" "${encodeBase64(tree.root())}"`), stdout);
      assert(Number(/MSG SIZE {2}rcvd: (\d+)/.exec(stdout)?.[1] ?? 9999) <= 1232, stdout);
    },
  );
});
