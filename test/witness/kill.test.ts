// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga witness serve` is killed (kill -9) again and again while a log submits two histories at once: no
 * cosignature that was given is forgotten, and no size has two cosigned roots. CTGA_KILLS says how
 * often, 5 times unless given.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { CTGA, ctga } from '../support/ctga.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { addBody } from './harness.ts';

const KILLS = Number(process.env['CTGA_KILLS'] ?? 5);
const ORIGIN = 'log.test/alpha';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const [state, list] = [join(directory, 'state'), join(directory, 'list.json')];
const log = new SigningLog();
writeFileSync(list, logListOf({ alpha: log }));
const trees = [treeOf(4000, 'a', 3), treeOf(4000, 'b', 3)] as const;

async function start(t: {
  after: (end: () => void) => void;
}): Promise<{ readonly url: string; readonly kill: () => Promise<unknown> }> {
  const args = `witness serve --listen 127.0.0.1:0 --log-list ${list} --state-dir ${state} --json`;
  const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const child = spawn(CTGA, [...args.split(' '), ...stay], {
    env: { ...process.env, CTGA_NODE: process.execPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let said = '';
  for await (const part of child.stdout.iterator({ destroyOnReturn: false })) {
    said += String(part);
    if (said.includes('"listening"') && said.endsWith('\n')) break;
  }
  // What it goes on to say is not read, and must not hold it up.
  child.stdout.resume();
  const line = said.split('\n').find((each) => each.includes('"listening"')) ?? '';
  const { url } = JSON.parse(line) as { url: string };
  return { url, kill: () => (child.kill('SIGKILL'), ended) };
}

test(`killed ${KILLS} times, the witness knows all that it cosigned`, async (t) => {
  const made = await ctga(['witness', 'keygen', 'witness.test/w', '--state-dir', state]);
  assert.equal(made.code, 0, made.stderr);
  /** The root of each size that was cosigned, as its answer said. */
  const given = new Map<number, string>();
  const hash = createHash('sha256').update(ORIGIN).digest('hex');
  for (let round = 0; round < KILLS; round++) {
    const { url, kill } = await start(t);
    const published = await fetch(`${url}${hash}/checkpoint`);
    const largest = Math.max(0, ...given.keys());
    let size = 0;
    if (published.status === 200) {
      const { treeSize, rootHash } = parseCheckpoint(await published.text());
      size = Number(treeSize);
      const root = Buffer.from(rootHash).toString('base64');
      assert.equal(given.get(size) ?? root, root, `another root of size ${size}`);
      given.set(size, root);
    } else assert.equal(published.status, 404);
    assert(size >= largest, `round ${round}: ${size} is published, and ${largest} was cosigned`);
    let left = randomInt(1, 12);
    let dead: Promise<unknown> | undefined;
    while (dead === undefined) {
      const old = size;
      await Promise.all(
        trees.map(async (tree, i) => {
          const next = old + 1 + randomInt(3);
          const proof = old > 0 ? tree.consistencyProof(old, next) : [];
          const root = tree.root(next);
          const body = addBody(old, proof, log.checkpoint(next, root));
          let status: number | undefined;
          try {
            ({ status } = await fetch(`${url}add-checkpoint`, { method: 'POST', body }));
          } catch {
            return; // it was killed
          }
          if (status !== 200) return assert([409, 422].includes(status), `${status}`);
          const text = Buffer.from(root).toString('base64');
          assert.equal(given.get(next) ?? text, text, `two roots of size ${next}, branch ${i}`);
          given.set(next, text);
          size = Math.max(size, next);
          left -= 1;
          if (left === 0) dead = kill();
        }),
      );
    }
    await dead;
  }
  assert(given.size >= KILLS, `${given.size} sizes`);
});
