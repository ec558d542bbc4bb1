// SPDX-License-Identifier: Apache-2.0
/** `ctga attach dnstap:...` as an ordinary user runs it, and `ctga replay` of a resolver's file. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ctga, CTGA } from '../support/ctga.ts';
import { dnstapFile, dnstapFrame } from '../support/dnstap.ts';
import { eventually } from '../support/eventually.ts';
import { checkpointAnswer } from '../support/checkpoint-answer.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';
import { readVector } from '../support/vectors.ts';
import { CaptureReader } from '../../src/dataplane/capture/reader.ts';

const { list, captures } = readVector('captures.json') as {
  list: unknown;
  captures: readonly { name: string; bytes: string }[];
};
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));
const logList = join(directory, 'list.json');
writeFileSync(logList, JSON.stringify(list));
/** An account without rights. */
const NOBODY = 65534;
/** Nobody's: see that it is in nothing that is kept. */
const ADDRESS = '203.0.113.77';

/** The DNS message of a capture that has the tree head in one UDP datagram. */
function message(): Uint8Array {
  const { bytes = '' } = captures.find(({ name }) => name.includes('rrsig')) ?? {};
  let found: Uint8Array | undefined;
  const reader = new CaptureReader('capture', (packet) => {
    const at = packet.payloadAt + ((packet.bytes[packet.payloadAt] as number) & 0x0f) * 4 + 8;
    found = Uint8Array.from(packet.bytes.subarray(at, packet.payloadEnd));
  });
  reader.push(Buffer.from(bytes, 'base64'));
  reader.end();
  assert(found !== undefined);
  return found;
}

test('replay reads the files that fstrm_capture writes', async () => {
  const file = join(directory, 'some.fstrm');
  writeFileSync(file, dnstapFile([dnstapFrame(message()), dnstapFrame(message())]));
  const args = ['--state-dir', join(directory, 'replayed'), '--log-list', logList];
  const { code, stdout, stderr } = await ctga(['replay', ...args, file]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /1 verified tree head\.\n {2}field-log: size 33, /);
});

test('replay finds checkpoints, also those that no answer over UDP has room for', async () => {
  const root = treeOf(9).root();
  const logs = (['ed25519', 'ml-dsa-44'] as const).map((algorithm) => {
    const log = new CheckpointLog({ algorithm, name: `log.test/${algorithm}` });
    const answer = checkpointAnswer(`${algorithm}.example`, log.verified(9, root), log.key);
    return { log, algorithm, answer };
  });
  const [small, large] = logs.map(({ answer }) => answer.length);
  assert(small !== undefined && small < 512 && large !== undefined && large > 3000);
  const keys = join(directory, 'keys');
  writeFileSync(keys, logs.map(({ log }) => `${log.vkey}\n`).join(''));
  const file = join(directory, 'checkpoints.fstrm');
  const frames = logs.map(({ answer }) => dnstapFrame(answer, { protocol: 2 }));
  // Signed by a key that no list has.
  const stranger = new CheckpointLog({ name: 'log.test/ed25519' });
  const astray = checkpointAnswer('ml-dsa-44.example', stranger.verified(8, root), stranger.key);
  writeFileSync(file, dnstapFile([...frames, dnstapFrame(astray, { protocol: 2 })]));
  const state = ['--state-dir', join(directory, 'checkpoints')];
  const zones = logs.flatMap(({ log, algorithm }) => [
    '--zone',
    `${algorithm}.example=${log.origin}`,
  ]);
  const ran = await ctga(['replay', ...state, '--log-list', keys, ...zones, file]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /2 verified tree heads\./);
  const listed = await ctga(['heads', 'list', '--json', ...state]);
  const heads = JSON.parse(listed.stdout) as { log: string; treeSize: number }[];
  assert.deepEqual(heads.map(({ log, treeSize }) => `${log} ${treeSize}`).sort(), [
    'log.test/ed25519 9',
    'log.test/ml-dsa-44 9',
  ]);
});

test('attach sees what a resolver answers; no account, address or port of who asked is kept', async () => {
  const home = join(directory, 'home');
  mkdirSync(home);
  if (process.geteuid?.() === 0) chownSync(home, NOBODY, NOBODY);
  const [state, socket] = [join(home, 'state'), join(home, 'dnstap.sock')];
  const child = spawn(
    CTGA,
    [
      'attach',
      `dnstap:${socket}`,
      '--state-dir',
      state,
      '--log-list',
      logList,
      '--spool',
      join(home, 'spool'),
    ],
    {
      env: { ...process.env, CTGA_NODE: process.execPath, HOME: home },
      ...(process.geteuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
    },
  );
  after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await eventually(
    () => said.includes('Watching dnstap:'),
    () => said,
  );
  const resolver = connect(socket);
  const frame = dnstapFrame(message(), { address: ADDRESS, port: 54_321 });
  resolver.write(dnstapFile([frame, frame]).subarray(0, -12)); // it goes on
  await eventually(
    () => said.includes('new tree head: field-log, size 33'),
    () => said,
  );
  await eventually(
    async () =>
      /\b33\b/.test((await ctga(['heads', 'list', '--json', '--state-dir', state])).stdout),
    () => said,
  );
  resolver.destroy();
  await eventually(
    () => said.includes('no resolver is connected to it'),
    () => said,
  );
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0, said);
  assert.match(said, /Stopped/);
  assert.doesNotMatch(said, /goes on|still attached/);
  assert(!existsSync(socket), 'the socket ends with the command');
  for (const name of readdirSync(state, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const bytes = readFileSync(join(name.parentPath, name.name));
    for (const part of [
      Buffer.from(ADDRESS),
      Buffer.from(ADDRESS.split('.').map(Number)),
      Buffer.from('54321'),
    ])
      assert.equal(bytes.indexOf(part), -1, `${name.name} has ${part.toString('hex')}`);
  }
});
