// SPDX-License-Identifier: Apache-2.0
/** A capture file as a data plane. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CtgaError } from '../../src/base/errors.ts';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { random } from '../support/random.ts';
import { answersTo } from '../support/xdp.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NAME = 'sth.log.example';
const RULES = answersTo([encodeName(NAME)]);
const MATCHES = 2500;
const wanted = frameV4(dnsAnswer({ name: NAME }));
const other = frameV4(dnsAnswer({ name: 'www.example' }));
const bytes = captureFile(
  Array.from({ length: 2 * MATCHES }, (_, i) => (i % 2 === 0 ? other : wanted)),
);

function planeOf(content: Uint8Array): CapturePlane {
  const path = join(directory, 'some.pcap');
  writeFileSync(path, content);
  const plane = new CapturePlane(path);
  plane.setMatchRules(RULES);
  return plane;
}

/** Counts what is delivered. */
function reading(plane: CapturePlane): { packets: number; batches: number } {
  const delivered = { packets: 0, batches: 0 };
  plane.start(
    ({ frame }) => {
      assert.deepEqual(Buffer.from(frame), Buffer.from(wanted));
      delivered.packets += 1;
    },
    () => (delivered.batches += 1),
  );
  return delivered;
}

test('delivers every packet that matches in batches, and is finished', async () => {
  const plane = planeOf(bytes);
  const delivered = reading(plane);
  assert(delivered.packets < MATCHES, 'others have their turn in between');
  await plane.finished;
  assert.deepEqual(delivered, { packets: MATCHES, batches: 3 });
  assert.equal(plane.summary.packets, 2 * MATCHES);
  assert.deepEqual(plane.progress, {
    packets: 2 * MATCHES,
    bytesRead: bytes.length,
    bytes: bytes.length,
  });
  const { packets, answers, answersCopied, notTreeHead } = plane.counters();
  assert.deepEqual([packets, answers, answersCopied, notTreeHead].map(Number), [
    2 * MATCHES,
    MATCHES,
    MATCHES,
    MATCHES,
  ]);
});

test('delivers nothing before it has rules', async () => {
  const path = join(directory, 'without-rules.pcap');
  writeFileSync(path, bytes);
  const plane = new CapturePlane(path);
  const delivered = reading(plane);
  await plane.finished;
  assert.equal(delivered.packets, 0);
});

test('delivers what is before the damage in a file, and then says what is wrong', async () => {
  const plane = planeOf(bytes.subarray(0, bytes.length - 1));
  const delivered = reading(plane);
  await assert.rejects(
    plane.finished,
    (error) => error instanceof CtgaError && error.code === 'bad-input',
  );
  assert.equal(delivered.packets, MATCHES - 1);
});

test('a handler that throws ends it', async () => {
  const plane = planeOf(bytes);
  plane.start(
    () => {
      throw new Error('from the handler');
    },
    () => undefined,
  );
  await assert.rejects(plane.finished, /from the handler/);
});

test('can be stopped, before it was started and while it reads', async () => {
  await planeOf(bytes).stop();
  const plane = planeOf(bytes);
  const delivered = reading(plane);
  await plane.stop();
  assert(delivered.packets < MATCHES);
});

for (const [what, path] of [
  ['a file that is not there', join(directory, 'none')],
  ['a directory', directory],
] as const)
  test(`${what} is refused`, async () => {
    const plane = new CapturePlane(path);
    reading(plane);
    await assert.rejects(
      plane.finished,
      (error) =>
        error instanceof CtgaError &&
        error.code === 'bad-input' &&
        error.message.startsWith(`cannot read ${path}: `),
    );
  });

describe('compressed captures', () => {
  const missing = (program: string): false | string =>
    spawnSync(program, ['--version']).error === undefined ? false : `no ${program} here`;
  const compressed = (program: string, content: Uint8Array): Buffer =>
    spawnSync(program, ['-c'], { input: content, maxBuffer: 1 << 26 }).stdout;

  for (const program of ['gzip', 'zstd', 'xz', 'lz4', 'bzip2'])
    test(program, { skip: missing(program) }, async () => {
      const plane = planeOf(compressed(program, bytes));
      const delivered = reading(plane);
      await plane.finished;
      assert.equal(delivered.packets, MATCHES);
    });

  test('a file of two parts', { skip: missing('gzip') }, async () => {
    const at = Math.floor(bytes.length / 3);
    const parts = [bytes.subarray(0, at), bytes.subarray(at)].map((part) => gzipSync(part));
    const plane = planeOf(Buffer.concat(parts));
    const delivered = reading(plane);
    await plane.finished;
    assert.equal(delivered.packets, MATCHES);
  });

  test('a file that is cut delivers what came before', { skip: missing('gzip') }, async () => {
    const below = random(1);
    // It must not compress well, or all packets are in its first bytes.
    const noise = Array.from({ length: 3000 }, () => [
      Uint8Array.from({ length: 200 }, () => below(256)),
      wanted,
    ]).flat();
    const whole = gzipSync(captureFile(noise));
    const plane = planeOf(whole.subarray(0, whole.length / 2));
    const delivered = reading(plane);
    await assert.rejects(plane.finished, /cannot be decompressed: gzip: .*unexpected end of file/);
    assert(delivered.packets > 1000 && delivered.packets < 2000, `${delivered.packets}`);
  });

  test('a program that is missing is named', async () => {
    const { PATH } = process.env;
    const plane = planeOf(gzipSync(bytes));
    reading(plane);
    process.env['PATH'] = directory;
    try {
      await assert.rejects(
        plane.finished,
        (error) =>
          error instanceof CtgaError &&
          (error as CtgaError).code === 'not-set-up' &&
          /some\.pcap: is compressed, but gzip cannot be run/.test(error.message) &&
          /Install gzip/.test(error.remedy ?? ''),
      );
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('can be stopped', { skip: missing('gzip') }, async () => {
    const plane = planeOf(gzipSync(bytes));
    reading(plane);
    await plane.stop();
  });
});
