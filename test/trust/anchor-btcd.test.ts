// SPDX-License-Identifier: Apache-2.0
/** Files anchored in a chain of btcd's, and what OpenTimestamps' own programs say of that. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { toHex } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { readOts } from '../../src/carbonchain/ots.ts';
import { wifOf } from '../../src/carbonchain/send.ts';
import { btcdFor, noBtcd } from '../support/btcd.ts';
import { CTGA, ctga, startCtga, type Ran } from '../support/ctga.ts';
import { needsPython, python } from '../support/python.ts';
import { writeWhatCounts } from './anchored-files.ts';

/** The client of OpenTimestamps: that of CTGA_OTS, or the one on the PATH. */
const OTS = process.env['CTGA_OTS'] ?? 'ots';
const noClient =
  spawnSync(OTS, ['--version']).error !== undefined &&
  'no ots: pip install opentimestamps-client into a venv, and name its program in CTGA_OTS';

async function chainWith(t: TestContext) {
  const { btcd, own, directory } = await btcdFor(t);
  const at = (name: string): string => join(directory, name);
  writeFileSync(at('auth'), `${btcd.url.username}:${btcd.url.password}\n`);
  writeFileSync(at('coins'), wifOf(own, NETWORKS.regtest));
  const chain = [
    ...['--network', 'regtest', '--node', `http://${btcd.url.host}`],
    ...['--node-auth', at('auth'), '--state-dir', at('state')],
  ];
  const names = ['one', 'two', 'three'];
  for (const name of names) writeFileSync(at(name), `what ${name} has in it`);
  const files = names.map(at);
  /** Anchors the files, and mines the blocks that it waits for. */
  const anchor = async (...which: string[]): Promise<Record<string, unknown>> => {
    const words = ['evidence', 'anchor', ...which, ...chain, '--coins', at('coins'), '--json'];
    const running = startCtga(words);
    await running.until(() => running.said().includes('waits for six blocks'), 'a transaction');
    await btcd.mine(6);
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    const [, bytes] = /\((\d+) bytes\) waits/.exec(running.said()) ?? [];
    return { ...(JSON.parse(stdout) as Record<string, unknown>), bytes };
  };
  const check = (...which: string[]): Promise<Ran> =>
    ctga(['evidence', 'anchor', '--check', ...which, ...chain]);
  return { btcd, at, chain, files, anchor, check };
}

test('three files in one transaction, with a network and without', { skip: noBtcd }, async (t) => {
  const { at, chain, files, anchor, check } = await chainWith(t);
  const { height, bytes } = await anchor(...files);
  const lengths = files.map((file) => readFileSync(`${file}.ots`).length);
  t.diagnostic(`one transaction of ${String(bytes)} bytes, stamps of ${lengths.join(', ')} bytes`);
  const blocks = files.map((file) => readOts(readFileSync(`${file}.ots`)).blocks[0]);
  assert.deepEqual(
    blocks.map((block) => block?.height),
    [height, height, height],
  );
  const good = await check(...files);
  assert.equal(good.code, 0, good.stderr);
  assert.equal(good.stdout.match(/was there at .*: block \d+ has it\.$/gm)?.length, 3);

  const wrote = await ctga(['carbonchain', 'headers', '--output', at('headers'), ...chain]);
  assert.equal(wrote.code, 0, wrote.stderr);
  const alone = (): ReturnType<typeof spawnSync> =>
    spawnSync(
      'unshare',
      [
        '--map-root-user',
        '--net',
        CTGA,
        'evidence',
        'anchor',
        '--check',
        at('two'),
        '--headers',
        at('headers'),
        '--network',
        'regtest',
      ],
      { encoding: 'utf8' },
    );
  assert.equal(alone().status, 0, String(alone().stderr));
  // The headers up to the block before say nothing of it.
  writeFileSync(at('headers'), readFileSync(at('headers')).subarray(0, 80 * (height as number)));
  assert.match(String(alone().stderr), /the chain has not what .* says of block/);

  writeFileSync(at('one'), 'something else');
  rmSync(`${at('three')}.ots`);
  writeFileSync(`${at('two')}.ots`, 'no such file');
  const bad = await check(...files);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /one: .*is of another file, or this one was changed/);
  assert.match(bad.stderr, /two: .*is no OpenTimestamps file/);
  assert.match(bad.stderr, /three: there is no .*three\.ots/);
});

test(
  'evidence and a statement of a federation hold as before, and were there by then',
  { skip: noBtcd },
  async (t) => {
    const { at, anchor, check } = await chainWith(t);
    const { evidence, statement, logList, roster } = writeWhatCounts(at);
    const before = [evidence, statement].map((file) => readFileSync(file));
    const { height } = await anchor(evidence, statement);
    const good = await check(evidence, statement);
    assert.equal(good.code, 0, good.stderr);
    assert.equal(good.stdout.match(new RegExp(`block ${String(height)} has it`, 'g'))?.length, 2);
    assert.deepEqual(
      [evidence, statement].map((file) => readFileSync(file)),
      before,
    );
    // Each says what it said, to who has the stamp beside it or not.
    const convicts = await ctga(['evidence', 'verify', evidence, '--log-list', logList]);
    assert.equal(convicts.code, 0, convicts.stdout + convicts.stderr);
    const vouches = await ctga(['federation', 'verify', '--roster', roster, statement]);
    assert.equal(vouches.code, 0, vouches.stdout + vouches.stderr);
    // Somebody who is accused writes another statement, and puts the stamp of the first beside it.
    writeFileSync(statement, before[1]?.toString().replace('"demo"', '"Demo"') ?? '');
    const forged = await check(evidence, statement);
    assert.equal(forged.code, 1);
    assert.match(forged.stdout, /evidence\.json was there at/);
    assert.match(forged.stderr, /statement\.json: .* is of another file, or this one was changed/);
  },
);

test('who is interrupted goes on, and pays once', { skip: noBtcd }, async (t) => {
  const { btcd, at, chain, files, anchor, check } = await chainWith(t);
  const words = ['evidence', 'anchor', ...files, ...chain, '--coins', at('coins')];
  const first = startCtga(words);
  await first.until(() => first.said().includes('waits for six blocks'), 'a transaction');
  const stopped = await first.stop();
  assert.equal(stopped.code, 1);
  assert.match(stopped.stderr, /run the same command again/);
  const [waiting] = (await btcd.call('getrawmempool')) as string[];
  const { transaction } = await anchor(...files);
  assert.equal(transaction, waiting);
  assert.equal((await check(...files)).code, 0);
});

test(
  'a stamp is replaced by none, and who is interrupted between two writes both',
  { skip: noBtcd },
  async (t) => {
    const { btcd, at, chain, files, anchor, check } = await chainWith(t);
    const [one, two] = files as [string, string];
    const words = (...which: string[]): string[] => [
      ...['evidence', 'anchor', ...which, ...chain, '--coins', at('coins')],
    ];
    await anchor(one);
    const before = readFileSync(`${one}.ots`);
    const again = await ctga(words(one, two));
    assert.equal(again.code, 2);
    assert.match(again.stderr, /there is a stamp already: \S*one\.ots\n.*older stamp/);
    assert.deepEqual(readFileSync(`${one}.ots`), before);
    assert.deepEqual(await btcd.call('getrawmempool'), []);
    // Interrupted between two stamps, it goes on: what it wrote is its own.
    const running = startCtga(words(two, at('three')));
    await running.until(() => running.said().includes('waits for six blocks'), 'a transaction');
    await running.stop();
    writeFileSync(`${two}.ots`, 'half of it');
    await anchor(two, at('three'));
    assert.equal((await check(...files)).code, 0);
  },
);

test('an anchor that leaves the chain is noticed, and made anew', { skip: noBtcd }, async (t) => {
  const { btcd, at, files, anchor, check } = await chainWith(t);
  const [file] = files as [string];
  const { height } = await anchor(file);
  assert.equal((await check(file)).code, 0);
  // The block and the five above it leave, and the transaction is in another one, or in none.
  await btcd.call('invalidateblock', await btcd.node.hashAt(height as number));
  await btcd.mine(8);
  const gone = await check(file);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /the chain has not what .* says of block/);
  const before = readFileSync(`${file}.ots`);
  rmSync(`${file}.ots`);
  await anchor(file);
  assert.notDeepEqual(readFileSync(`${file}.ots`), before);
  assert.equal((await check(file)).code, 0);
  assert.equal(existsSync(at('state/anchors')), true);
});

test(
  'python-opentimestamps reads what we write, and we what it writes',
  { skip: noBtcd || needsPython('opentimestamps') },
  async (t) => {
    const { files, anchor, at } = await chainWith(t);
    await anchor(...files);
    const shown = python(
      `
import json, sys
from opentimestamps.core.timestamp import DetachedTimestampFile
from opentimestamps.core.serialize import StreamDeserializationContext, StreamSerializationContext
found = []
for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        stamp = DetachedTimestampFile.deserialize(StreamDeserializationContext(file))
    with open(path + '.again', 'wb') as file:
        stamp.serialize(StreamSerializationContext(file))
    found.append([[message.hex(), attestation.height] for message, attestation in stamp.timestamp.all_attestations()])
print(json.dumps(found))`,
      '',
      ...files.map((file) => `${file}.ots`),
    );
    const ours = files.map((file) =>
      readOts(readFileSync(`${file}.ots`)).blocks.map(({ root, height }) => [toHex(root), height]),
    );
    assert.deepEqual(shown, ours);
    assert.deepEqual(readFileSync(`${at('one')}.ots.again`), readFileSync(`${at('one')}.ots`));
  },
);

test("OpenTimestamps' own client believes it", { skip: noBtcd || noClient }, async (t) => {
  const { btcd, files, anchor, at } = await chainWith(t);
  await anchor(...files);
  const url = await bitcoindLike(t, btcd.url);
  const verify = async (file: string): Promise<{ code: number | null; stderr: string }> => {
    const node = ['--btc-regtest', '--bitcoin-node', url];
    const child = spawn(OTS, ['--no-cache', ...node, 'verify', `${file}.ots`]);
    let stderr = '';
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stderr };
  };
  for (const file of files) {
    const { code, stderr } = await verify(file);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Success! Bitcoin block \d+ attests existence as of/);
  }
  writeFileSync(at('one'), 'something else');
  assert.notEqual((await verify(at('one'))).code, 0);
});

/**
 * btcd as clients of bitcoind want it: python-bitcoinlib names no version of JSON-RPC that btcd knows, and
 * gets no answer.
 */
async function bitcoindLike(t: TestContext, node: URL): Promise<string> {
  const { username, password, origin } = node;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    void (async () => {
      const asked = JSON.parse(await text(request)) as object;
      const body = JSON.stringify({ ...asked, jsonrpc: '1.0' });
      const answer = await fetch(origin, { method: 'POST', headers: { authorization }, body });
      response.end(await answer.text());
    })();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return `http://a:b@127.0.0.1:${(server.address() as AddressInfo).port}`;
}
