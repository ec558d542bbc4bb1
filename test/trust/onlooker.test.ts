// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody learns who sees a chain or a log, is asked by those who verify, or was given a proof: of names that
 * are not published, and of who verifies what.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import { newKeyPair } from '../../src/ddt/keys.ts';
import { DDT_ID } from '../../src/ddt/ledger.ts';
import { encodeCommand, signCommand, type UnsignedCommand } from '../../src/ddt/version1.ts';
import { prove } from '../../src/services/trust.ts';
import { publishedName, type TrustName } from '../../src/trust/names.ts';
import { FakeNode, idOf, withPacket } from '../carbonchain/blocks.ts';
import { ctga } from '../support/ctga.ts';
import { OwnLog, ROOT, TAGGING, type Signed } from './logs.ts';

const { regtest } = NETWORKS;
const going = new AbortController().signal;
const SALTS = [1, 2].map((byte) => Buffer.alloc(16, byte)) as [Buffer, Buffer];
const NAMES: readonly TrustName[] = [
  { user: 'alice', image: 'app', tag: 'v1' },
  { user: 'alice', image: 'a-secret-project/with-a-long-name', tag: '2027.06-release-candidate' },
];
const digest = (n: number): string => `sha256:${`${n}a`.repeat(32)}`;

/** What signs each name under its own salt. */
function hidden(): Signed[] {
  const user = 'alice';
  const signed: Signed[] = [
    [{ kind: 'register-root-key', user, serial: 1, publicKey: ROOT.publicKey }, ROOT],
  ];
  for (const [i, name] of NAMES.entries()) {
    const { image, tag } = publishedName(name, SALTS[i]);
    const of = { user, image, keyId: 0, until: 0, serial: 2 + i };
    signed.push([{ kind: 'register-key', ...of, publicKey: TAGGING.publicKey }, ROOT]);
    signed.push([{ kind: 'register-metadata', ...of, tag, digests: [digest(i)] }, TAGGING]);
  }
  return signed;
}

/** All forms in which a text may stand somewhere. */
function forms(text: Buffer): Buffer[] {
  const hex = text.toString('hex');
  return [
    text,
    ...[hex, hex.toUpperCase(), text.toString('base64url'), text.toString('base64')].map((each) =>
      Buffer.from(each.replace(/=+$/, '')),
    ),
  ];
}

function filesIn(directory: string): Buffer[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((each) => join(directory, each))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path));
}

test('a log and a chain have neither the hidden name, nor its length, nor its salt', (t) => {
  const log = OwnLog.make(t);
  log.grow(hidden());
  const published = filesIn(join(log.path, 'public'));
  assert(published.length > 2);
  const commands = hidden().map(([command, key]) =>
    Buffer.from(encodeCommand(signCommand(command, key, regtest.genesis.hash))),
  );
  for (const bytes of [...published, ...commands]) {
    for (const salt of SALTS)
      for (const form of forms(salt)) assert.equal(bytes.includes(form), false, 'a salt');
    for (const { image, tag } of NAMES)
      for (const text of [image, tag].filter((each) => each.length > 3))
        for (const form of forms(Buffer.from(text)))
          assert.equal(bytes.includes(form), false, text);
  }
  const [, key1, data1, key2, data2] = commands.map(({ length }) => length);
  assert.deepEqual([key1, data1], [key2, data2], 'long names are as long as short ones');
});

test('who has no salt, or that of another image, cannot tell which names are hidden', () => {
  const hiddenOf = (name: TrustName, salt: Buffer | undefined): string[] => {
    const { image, tag } = publishedName(name, salt);
    return [image, tag];
  };
  const published = new Set(NAMES.flatMap((name, i) => hiddenOf(name, SALTS[i])));
  assert.equal(published.size, 4);
  const hits = (salt: Buffer | undefined): number =>
    NAMES.flatMap((name) => hiddenOf(name, salt)).filter((each) => published.has(each)).length;
  assert.equal(hits(undefined), 0);
  assert.equal(hits(Buffer.alloc(16)), 0);
  // A proof has its own salt: it opens its own name, and no other.
  assert.equal(hits(SALTS[0]), 2);
  // Under one salt two names of one user are two, and one name of two users as well.
  const other = publishedName({ ...(NAMES[0] as TrustName), user: 'bob' }, SALTS[0]);
  assert.equal(published.has(other.image), false);
});

test('whoever answers is asked the same, whatever is proven or verified', async (t) => {
  // A chain with what two people signed, in blocks of their own.
  const node = new FakeNode('node');
  const bob = newKeyPair();
  const write = (command: UnsignedCommand, by: typeof bob): void => {
    const bytes = encodeCommand(signCommand(command, by, regtest.genesis.hash));
    const transactions: Uint8Array[] = [];
    for (const packet of packetsOf(bytes, { id: DDT_ID, version: 1 })) {
      const before = transactions.at(-1);
      transactions.push(
        withPacket(packet, '55'.repeat(20), before && { id: idOf(before), index: 0 }),
      );
    }
    node.mine(transactions);
  };
  for (const [command, by] of hidden()) write(command, by);
  write({ kind: 'register-root-key', user: 'bob', serial: 1, publicKey: bob.publicKey }, bob);
  for (let i = 0; i < 6; i++) node.mine();
  const questions: string[][] = [];
  for (const name of [
    publishedName(NAMES[0] as TrustName, SALTS[0]),
    publishedName(NAMES[1] as TrustName, SALTS[1]),
    { user: 'bob', image: 'x', tag: 'y' },
    { user: 'nobody', image: 'x', tag: 'y' },
  ]) {
    const asked: string[] = [];
    const watched = new Proxy(node, {
      get: (of, what) => {
        const value: unknown = Reflect.get(of, what);
        if (typeof value !== 'function') return value;
        return (...words: unknown[]): unknown => {
          asked.push(`${String(what)} ${words.join(' ')}`);
          return (value as (...words: unknown[]) => unknown).apply(of, words);
        };
      },
    });
    const options = { network: regtest, nodes: [watched], directory: undefined };
    await prove({ ...options, onEvent: () => undefined }, name, undefined, going);
    questions.push(asked);
  }
  const [first = [], ...others] = questions;
  assert(first.some((each) => each.startsWith('block ')));
  for (const each of others) assert.deepEqual(each, first);

  const log = OwnLog.make(t);
  log.grow(hidden());
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { host: _, ...headers } = request.headers;
    asked.push(JSON.stringify([request.method, request.url, headers]));
    try {
      response.end(readFileSync(join(log.path, 'public', request.url ?? '')));
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const directory = mkdtempSync(join(tmpdir(), 'ctga-onlooker-'));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const policy = join(directory, 'policy');
  writeFileSync(policy, `log ${log.vkey} http://127.0.0.1:${port}/\nquorum none\n`);
  const seen: string[][] = [];
  for (const [i, words] of [
    ['verify', digest(0), 'alice/app:v1', '--salt', SALTS[0].toString('hex')],
    ['verify', digest(1), 'alice/app:v1'],
    ['verify', digest(1), 'nobody/none:x'],
    ['show', 'alice'],
  ].entries()) {
    const state = join(directory, `state-${i}`);
    const ran = await ctga(['trust', ...words, '--policy', policy, '--state-dir', state]);
    assert.equal(ran.code, i === 0 || i === 3 ? 0 : 1, ran.stderr);
    seen.push(asked.splice(0));
  }
  assert(seen[0] !== undefined && seen[0].length > 0);
  for (const each of seen) assert.deepEqual(each, seen[0]);
});
