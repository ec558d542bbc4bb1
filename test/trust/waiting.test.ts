// SPDX-License-Identifier: Apache-2.0
/** What is written into a chain counts after an hour. Whoever goes on before then pays for nothing in vain. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { showHash } from '../../src/carbonchain/bytes.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';
import { readPurse } from '../../src/carbonchain/send.ts';
import { idOf, payTo, transaction } from '../carbonchain/blocks.ts';
import { Miner } from '../carbonchain/miner.ts';
import { served } from '../carbonchain/rpc.ts';
import { ctga, type Ran } from '../support/ctga.ts';

const COINS = '01'.repeat(32);
const OWNER = readPurse(COINS, NETWORKS.regtest).owner;
const ONE = `sha256:${'ab'.repeat(32)}`;

async function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-waiting-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string): string => join(directory, name);
  writeFileSync(at('coins'), COINS);
  const node = new Miner(OWNER);
  const chain = ['--network', 'regtest', '--node', await served(t, node)];
  chain.push('--state-dir', at('state'));
  const run = (...words: string[]): Promise<Ran> =>
    ctga(['trust', ...words, '--coins', at('coins'), ...chain]);
  const does = async (...words: string[]): Promise<void> => {
    const { code, stderr } = await run(...words);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
  };
  /** Nothing is paid for it. */
  const refuses = async (why: RegExp, ...words: string[]): Promise<void> => {
    const paid = (): number => new Set(node.sent.map(idOf)).size;
    const before = paid();
    const { code, stdout, stderr } = await run(...words);
    assert.equal(code, 2, stdout);
    assert.match(stderr, why);
    assert.equal(paid(), before);
  };
  const shows = (): Promise<Ran> => ctga(['trust', 'show', 'alice', ...chain]);
  const key = (name: string): string[] => ['--key-file', at(name)];
  return { node, run, does, refuses, shows, key, root: ['--root-key-file', at('root')] };
}

test('who registers a key twice within the hour pays once', async (t) => {
  const { node, does, refuses, key, root } = await place(t);
  await does('key', 'new', 'alice', ...key('root'));
  const again = ['key', 'new', 'alice', ...key('root')];
  await refuses(/what was written before it counts first, and then the name is taken/, ...again);
  node.settle();
  await refuses(/would be refused: the name is taken/, ...again);
  const tagging = ['key', 'new', 'alice/app', ...key('tagging'), ...root];
  await does(...tagging);
  await refuses(/alice\/app has a tagging key 0 already/, ...tagging);
});

test('who goes on while a rotation waits goes on behind it', async (t) => {
  const { node, does, refuses, shows, key, root } = await place(t);
  await does('key', 'new', 'alice', ...key('root'));
  node.settle();
  await does('key', 'new', 'alice/app', ...key('one'), ...root);
  node.settle();
  await does('key', 'rotate', 'alice/app', ...key('two'), ...root);
  // The key that was replaced would be refused by then.
  await refuses(/and then the key has expired/, 'sign', ONE, 'alice/app:v1', ...key('one'));
  await refuses(/has the tagging keys 0, 1: say which/, 'key', 'revoke', 'alice/app', ...root);
  // The third key replaces the second, and takes no number away from it.
  await does('key', 'rotate', 'alice/app', ...key('three'), ...root);
  node.settle();
  const keys = (await shows()).stdout.match(/tagging key \d is .*/g) ?? [];
  assert.equal(keys.length, 3, keys.join('\n'));
  assert.deepEqual(
    keys.map((line) => /until/.test(line)),
    [true, true, false],
  );
  await does('sign', ONE, 'alice/app:v1', ...key('three'));
  // Whoever rotates the root key signs with it at once, and with the old one no more.
  await does('key', 'rotate', 'alice', ...key('root2'), ...root);
  await refuses(/and then the signature is wrong/, 'key', 'revoke', 'alice', ...root);
});

test('whose transaction another one overtakes is told so, once, and can write it anew', async (t) => {
  const { node, does, shows, run, key } = await place(t);
  const register = ['key', 'new', 'alice', ...key('root')];
  await does(...register);
  const first = parseTransaction(node.sent[0] ?? assert.fail());
  const inputs = first.inputs.map(({ id, index }) => ({ id: showHash(id), index }));
  // The same coins go elsewhere, as in another wallet with the key, or in the same transaction with
  // another signature.
  node.mine([transaction(inputs, [payTo(OWNER)])]);
  const told = /have spent the coins of [0-9a-f]{64}, [0-9a-f]{64}: .* Write it anew/;
  for (let i = 1; i < 6; i++) {
    assert.doesNotMatch((await shows()).stderr, told, `${i} blocks have it`);
    node.mine();
  }
  assert.match((await shows()).stderr, told);
  assert.doesNotMatch((await shows()).stderr, told);
  const { code, stderr } = await run(...register);
  assert.equal(code, 0, stderr);
});
