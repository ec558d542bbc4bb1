// SPDX-License-Identifier: Apache-2.0
/** `ctga replay` over captures as people have them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCtga } from '../../src/cli/program.ts';
import { ctga, CTGA, type Ran } from '../support/ctga.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { readVector } from '../support/vectors.ts';

const { list, captures } = readVector('captures.json') as {
  list: unknown;
  captures: readonly { what: string; name: string; bytes: string }[];
};

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const logList = join(directory, 'list.json');
writeFileSync(logList, JSON.stringify(list));

function write(name: string, content: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}
const files = captures.map(({ name, bytes }) => write(name, Buffer.from(bytes, 'base64')));
const fileOf = (part: string): string => files.find((path) => path.includes(part)) ?? assert.fail();

let states = 0;
function options(): string[] {
  states += 1;
  return ['--state-dir', join(directory, `state-${states}`), '--log-list', logList];
}
const replay = (...args: readonly string[]): Promise<Ran> =>
  ctga(['replay', ...options(), ...args]);

describe('one tree head in', () => {
  for (const { what, name } of captures)
    test(what, async () => {
      const { code, stdout } = await replay(fileOf(name));
      assert.equal(code, 0);
      assert.match(stdout, /, 1 verified tree head\.\n {2}field-log: size 33, .*, seen 1x\n/);
    });
});

test('what was not read is said, by link type, with the tool to convert it', async () => {
  const { stderr } = await replay(fileOf('multi-linktype'));
  assert.match(
    stderr,
    /multi-linktype\.pcapng: 1 packet has link type 227 \(CAN\), which ctga does not read\. .*tshark -r FILE -U IP -w IP\.pcapng/,
  );
});

test('packets that are cut are counted', async () => {
  const bytes = Buffer.from(
    captures.find(({ name }) => name.includes('rrsig'))?.bytes ?? '',
    'base64',
  );
  const wireLength = bytes.readUInt32LE(24 + 12);
  bytes.writeUInt32LE(wireLength + 100, 24 + 12);
  const { code, stderr } = await replay(write('cut.pcap', bytes));
  assert.equal(code, 0);
  assert.match(
    stderr,
    /cut\.pcap: 1 packet is cut short, and a tree head in what is missing is lost/,
  );
});

test('several files, compressed or not, are one replay', async () => {
  const compressed = captures.map(({ bytes }, i) =>
    write(`${i}.gz`, gzipSync(Buffer.from(bytes, 'base64'))),
  );
  const { code, stdout } = await replay('--json', ...files, ...compressed);
  assert.equal(code, 0);
  const found = JSON.parse(stdout) as {
    packets: number;
    files: { file: string; packets: number; unread: unknown[] }[];
    treeHeads: { seen: number }[];
  };
  assert.deepEqual(
    found.files.map(({ file }) => file),
    [...files, ...compressed],
  );
  assert.equal(found.packets, 2 * (captures.length + 1));
  assert.deepEqual(
    found.treeHeads.map(({ seen }) => seen),
    [2 * captures.length],
  );
  assert.deepEqual(
    found.files.flatMap(({ unread }) => unread),
    Array(2).fill({ linkType: 227, packets: 1 }),
  );
});

test('a capture that is replayed again is counted once, whatever its name and form', async () => {
  const state = join(directory, 'again');
  const again = (...paths: string[]): ReturnType<typeof ctga> =>
    ctga(['replay', '--state-dir', state, '--log-list', logList, ...paths]);
  const seen = async (): Promise<number[]> => {
    const { stdout } = await ctga(['heads', 'list', '--state-dir', state, '--json']);
    return (JSON.parse(stdout) as { count: number }[]).map(({ count }) => count);
  };
  const [first, ...others] = files;
  assert(first !== undefined);
  const { stdout } = await again(first);
  assert.doesNotMatch(stdout, /earlier replay/);
  assert.deepEqual(await seen(), [1]);
  const copy = write('copy.gz', gzipSync(readFileSync(first)));
  for (const path of [first, copy]) {
    const { code, stdout: said } = await again(path);
    assert.equal(code, 0);
    assert.match(said, /seen 1x/);
    assert.match(said, /An earlier replay has counted 1 of these sightings; ctga does not/);
    assert.deepEqual(await seen(), [1]);
  }
  await again(...others);
  // Two of them hold the same packet.
  assert.deepEqual(await seen(), [files.length - 1]);
  await again(...files, copy);
  assert.deepEqual(await seen(), [files.length - 1]);
});

test('a file that cannot be read does not keep the others from it', async () => {
  const { code, stdout, stderr } = await replay(join(directory, 'none'), ...files, logList);
  assert.equal(code, 2);
  assert.match(stdout, /seen 5x/);
  assert.match(stderr, /cannot read .*none/);
  assert.match(stderr, /list\.json: not a capture file/);
});

test('standard input', () => {
  const { stdout, status } = spawnSync(CTGA, ['replay', ...options(), '-'], {
    input: gzipSync(Buffer.from(captures[0]?.bytes ?? '', 'base64')),
    encoding: 'utf8',
    env: { ...process.env, CTGA_NODE: process.execPath },
  });
  assert.equal(status, 0);
  assert.match(stdout, /1 packet, 1 verified tree head/);
});

test('without a terminal nothing is said of progress', async () => {
  const { stderr } = await replay(fileOf('rrsig'));
  assert.equal(stderr, '');
});

test('on a terminal, progress is taken away at the end', async () => {
  let shown = '';
  const terminal = { write: (text: string) => void (shown += text), isTTY: true };
  const code = await runCtga(['replay', ...options(), fileOf('rrsig')], {
    stdout: { write: () => undefined },
    stderr: terminal,
  });
  assert.equal(code, 0);
  assert.equal(shown, '\r\u001b[K');
});

describe('the inputs beside the project', { skip: needsShared('cases') }, () => {
  for (const name of ['loglist-v1.json'])
    test(`${name} is refused, and its form is named`, async () => {
      const path = sharedPath(`cases/${name}`) ?? assert.fail();
      const { code, stdout, stderr } = await ctga([
        'logs',
        'import',
        path,
        '--state-dir',
        join(directory, 'imported'),
      ]);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /is a log list in Google's first form/);
    });
});
