// SPDX-License-Identifier: Apache-2.0
/**
 * A log of c2sp.org/tlog-tiles that Tessera wrote, with a key that ctga made: imported by its verifier
 * key, challenged, and convicted when the key signs a second history.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { ctgaProcess, type Ran } from '../support/ctga.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';
import { checkEvidence, verdictsOf } from './installation.ts';
import { fresh, removeLogs } from './peers.ts';

const TESSERA = resolve(import.meta.dirname, '../../build/interop/posix-oneshot');
after(removeLogs);

/** Entries, and the log of them in a directory of its own. */
class TesseraLog {
  readonly directory = fresh('tessera');
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** Takes entries in, and returns the checkpoint that has them. */
  add(word: string, count: number): string {
    const entries = fresh('entries');
    mkdirSync(entries);
    for (let i = 0; i < count; i++) writeFileSync(join(entries, String(i)), `${word} ${i}\n`);
    const ran = spawnSync(TESSERA, [
      ...['--storage_dir', this.directory, '--private_key', this.#key],
      ...['--entries', join(entries, '*')],
    ]);
    assert.equal(ran.status, 0, ran.stderr.toString());
    return readFileSync(join(this.directory, 'checkpoint'), 'utf8');
  }
}

test("Tessera's tlog-tiles log, by its verifier key", { skip: noMicrosocks }, async (t) => {
  const secret = generateSignerKey('interop.example.org/tlog', 'Ed25519');
  const key = fresh('key');
  writeFileSync(key, secret, { mode: 0o600 });
  const log = new TesseraLog(key);
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(log.directory, resolve('/', request.url ?? ''))));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  const proxy = await startMicrosocks();
  t.after(() => {
    server.close();
    server.closeAllConnections();
    proxy.stop();
  });

  const list = fresh('logs');
  const { port } = server.address() as AddressInfo;
  const vkey = formatNoteKey(parseSignerKey(secret).key);
  writeFileSync(
    list,
    `logs/v0\nvkey ${vkey}\nurl http://127.0.0.1:${port}/\nallow_private_address true\n`,
  );
  const state = ['--state-dir', fresh('state')];
  const ctga = async (...args: string[]): Promise<Ran> => ctgaProcess([...args, ...state]);
  const see = async (checkpoint: string): Promise<void> => {
    const file = fresh('checkpoint');
    writeFileSync(file, checkpoint);
    const ran = await ctga('heads', 'import', file);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /^1 tree head verified/);
  };
  const challenge = (): Promise<Ran> =>
    ctga(
      ...['challenge', '--once', '--json', '--max-delay', '0', '--log-list', list],
      ...['--proxy', `socks5h://127.0.0.1:${proxy.port}`],
    );

  const imported = await ctga('logs', 'import', list);
  assert.equal(imported.code, 0, imported.stderr);
  await see(log.add('first', 300));
  log.add('second', 300);
  const honest = await challenge();
  assert.equal(honest.code, 0, honest.stderr);
  assert.deepEqual(
    verdictsOf(honest)
      .map(({ treeSize, verdict }) => [treeSize, verdict])
      .sort(),
    [
      [300, 'consistent'],
      [600, 'consistent'],
    ],
  );

  await see(new TesseraLog(key).add('other', 400));
  const forked = await challenge();
  assert.equal(forked.code, 3, forked.stderr);
  await checkEvidence(forked);
});
