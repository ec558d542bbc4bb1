// SPDX-License-Identifier: Apache-2.0
/**
 * p4/psa at TC of real interfaces, laid out by `ctga p4 compile` and set up by wire.sh, with
 * frames that pass it from one to the other.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeName } from '../../src/dns/name.ts';
import { writePsaProject } from '../../src/p4/psa.ts';
import { capturedFrames, damaged, NAMES, NAMES_HEX, seeds } from '../support/corpus.ts';
import { SEED } from '../support/random.ts';
import { counterOf, isCopied, kernelRefusesPsa } from './pieces.ts';

const THRESHOLD = 400;
/** What veth takes, with a tag. */
const LARGEST_FRAME = 1518;
/** The kernel itself drops what ends within a tag. */
const SHORTEST_TAGGED = 18;

/** The kernel takes the outermost tag off before TC sees a frame, so there may be one more. */
const hasFourTags = (frame: Uint8Array): boolean => {
  const types = [12, 16, 20, 24].map((at) =>
    Buffer.from(frame)
      .toString('hex', at, at + 2)
      .toLowerCase(),
  );
  return types.every((type) => ['8100', '88a8', '9100', '9200', '9300'].includes(type));
};

const SESSION = `set -e
mount -t bpf bpf /sys/fs/bpf
for end in left right copies; do
  ip link add $end type veth peer name $end-far
  for device in $end $end-far; do
    echo 1 >/proc/sys/net/ipv6/conf/$device/disable_ipv6
    ip link set $device up
  done
done
"$1/wire.sh" up left right copies
python3 "$2" left-far right-far copies-far <"$1/frames" >"$1/passed"
python3 "$2" right-far left-far copies-far <"$1/frames" >"$1/passed-back"
"$1/wire.sh" up left right copies
python3 "$2" left-far right-far copies-far <"$1/frames" >"$1/passed-again"
"$1/wire.sh" down left right
find /sys/fs/bpf/tc/globals -type f >"$1/maps"
`;

test(
  'a wire at TC alters nothing, and copies what XDP copies, both ways and set up twice',
  { skip: kernelRefusesPsa },
  (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-wire-'));
    const file = (name: string): string => join(directory, name);
    try {
      const long = encodeName(`sth.${'x'.repeat(63)}.${'y'.repeat(60)}`);
      assert.deepEqual(writePsaProject(directory, [...NAMES, long]), [long]);
      context.diagnostic(`CTGA_TEST_SEED=${SEED}`);
      const frames = [...seeds, ...damaged(300, SEED), ...capturedFrames()].filter(
        (frame) =>
          frame.length >= SHORTEST_TAGGED && frame.length <= LARGEST_FRAME && !hasFourTags(frame),
      );
      const inHex = frames.map((frame) => Buffer.from(frame).toString('hex'));
      writeFileSync(file('frames'), `${inHex.join('\n')}\n`);
      const wire = join(import.meta.dirname, 'wire.py');
      execFileSync('unshare', ['-n', '-m', 'sh', '-c', SESSION, 'sh', directory, wire], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const wanted = frames.map((frame, i) => {
        const hex = inHex[i] ?? '';
        return `${hex},${isCopied(counterOf(frame, NAMES_HEX, THRESHOLD)) ? hex : ''}`;
      });
      assert(wanted.some((line) => !line.endsWith(',')));
      for (const name of ['passed', 'passed-back', 'passed-again'])
        assert.deepEqual(readFileSync(file(name), 'utf8').trimEnd().split('\n'), wanted, name);
      assert.equal(readFileSync(file('maps'), 'utf8'), '');
      context.diagnostic(`${frames.length} frames, three times`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
