// SPDX-License-Identifier: Apache-2.0
/** Traffic for throughput tests: sizes, shares and form; captures as tcpdump reads them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  captureFile,
  FRAME_BYTES,
  TRAFFIC_KINDS,
  TRAFFIC_ZONES,
  trafficFrames,
} from '../../src/traffic/traffic.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { readCapture } from '../support/captures.ts';
import { ctga } from '../support/ctga.ts';
import { encodeName } from '../support/packets.ts';
import { expectedOf } from '../xdp/verdict.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NAMES = new Set(
  TRAFFIC_ZONES.map((zone) => Buffer.from(encodeName(`sth.${zone}`)).toString('hex')),
);
const COUNT = 1000;

for (const kind of TRAFFIC_KINDS) {
  describe(kind, () => {
    for (const rate of [0, 1, 10, 33, 50, 99, 100]) {
      test(`${rate} % match, evenly spread, all of one size`, () => {
        const frames = [...trafficFrames(kind, rate, COUNT)];
        const matches = frames.map((frame) => expectedOf(frame, NAMES, 400).verdict === kind);
        assert.equal(matches.filter(Boolean).length, (COUNT * rate) / 100);
        assert.equal(matches.slice(0, 100).filter(Boolean).length, rate);
        assert.deepEqual(new Set(frames.map(({ length }) => length)), new Set([FRAME_BYTES[kind]]));
      });
    }
    test('what does not match is background, never malformed', () => {
      const verdicts = new Set(
        [...trafficFrames(kind, 0, 50)].map((frame) => expectedOf(frame, NAMES, 400).verdict),
      );
      assert.deepEqual(verdicts, new Set([kind === 'answers' ? 'unknownName' : 'otherPort']));
    });
  });
}

test('every frame is what it says: checksums and all', () => {
  const decoder = new DatagramDecoder();
  for (const frame of trafficFrames('answers', 50, 20))
    assert.equal(decoder.push(frame, 0, 'eth0')?.checksum, 'valid');
});

test('a capture is one to our own reader and to tcpdump', () => {
  const path = join(directory, 'answers.pcap');
  const frames = [...trafficFrames('answers', 50, 20)];
  writeFileSync(path, captureFile(frames));
  assert.deepEqual(
    readCapture(path).frames.map(({ frame }) => Buffer.from(frame)),
    frames,
  );
  const { status, stdout } = spawnSync('tcpdump', ['-n', '-r', path], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.equal(
    stdout.match(/IP 192\.0\.2\.53\.53 > 198\.51\.100\.7\.40000: .* 1\/0\/0 TXT/g)?.length,
    20,
  );
});

describe('ctga bench traffic', () => {
  for (const tool of ['osnt', 'pktgen', 'tcpreplay']) {
    test(`for ${tool}: captures of each rate, a script that a shell can read, a README`, async () => {
      const output = join(directory, tool);
      const { code, stderr } = await ctga([
        'bench',
        'traffic',
        '--tool',
        tool,
        '--output',
        output,
        '--rates',
        '0,100',
      ]);
      assert.equal(code, 0, stderr);
      const captures = [
        'answers-000.pcap',
        'answers-100.pcap',
        'fragments-000.pcap',
        'fragments-100.pcap',
      ];
      assert.deepEqual(
        readdirSync(output).sort(),
        [...captures, 'README.md', `${tool}.sh`, 'zones.txt'].sort(),
      );
      assert.equal(spawnSync('sh', ['-n', join(output, `${tool}.sh`)]).status, 0);
      assert.notEqual(statSync(join(output, `${tool}.sh`)).mode & 0o100, 0);
    });
  }
  test('a rate that is none is told', async () => {
    const { code, stderr } = await ctga([
      'bench',
      'traffic',
      '--tool',
      'osnt',
      '--output',
      directory,
      '--rates',
      '101',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /want per cents from 0 to 100/);
  });
});
