// SPDX-License-Identifier: Apache-2.0
/**
 * The whole session of docs/TRUST.md, as `ctga trust lab` plays it with a registry, skopeo, Podman and btcd. What is
 * typed and answered is told as the test's diagnostics.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { isOnPath } from '../../src/lab/processes.ts';
import type { TrustLabResult } from '../../src/trust-lab/story.ts';
import { noBtcd } from '../support/btcd.ts';
import { ctga, ctgaProcess, startCtga, type Ran } from '../support/ctga.ts';
import { noPodman } from './podman.ts';

const skip =
  noBtcd ||
  noPodman ||
  (!(isOnPath('docker-registry') && isOnPath('skopeo')) &&
    'docker-registry or skopeo is missing: sudo apt-get install docker-registry skopeo');

const MARK = /^CTGA_LAB=ctga-trust-lab-/;

/** What labs of this test left on the machine. */
function leftovers(): string[] {
  const processes = readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1')
        .split('\0')
        .some((each) => MARK.test(each));
    } catch {
      return false;
    }
  });
  const directories = readdirSync(tmpdir()).filter((name) => name.startsWith('ctga-trust-lab-'));
  return [...processes, ...directories];
}

const resultOf = ({ stdout, stderr }: Ran): TrustLabResult => {
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as TrustLabResult;
};

test(
  'an image from its push to its refusal: all of it holds, and nothing is left',
  { skip },
  async (t) => {
    const before = leftovers();
    const ran = await ctga(['trust', 'lab', '--json']);
    for (const line of ran.stderr.trim().split('\n'))
      t.diagnostic((JSON.parse(line) as { progress?: string }).progress ?? line);
    const { held, failure, steps, figures } = resultOf(ran);
    assert.equal(held, true, JSON.stringify(failure));
    assert.equal(ran.code, 0);
    assert.equal(steps.length, 17);
    assert.deepEqual(
      steps.filter((step) => !step.held),
      [],
    );
    // Three packets of at most 60 bytes, a proof of kilobytes: docs/TRUST.md has these figures.
    assert.equal(figures.chain?.transactions, 3);
    const { bytes } = figures.chain;
    assert(bytes > 600 && bytes < 1200, `${bytes} bytes`);
    assert.deepEqual(figures.original, { transactions: 8, bytes: 426, digests: 8 });
    assert.equal(figures.anchor?.entries, 3);
    assert((figures.log?.wholeProof ?? 0) > 0);
    assert.deepEqual(leftovers(), before);
  },
);

test('a Podman that asks no hook is found out', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-session-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const path = process.env['PATH'] ?? '';
  const script = `#!/bin/sh
for word do
  shift
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  if [ "$word" = --hooks-dir ]; then skip=1; continue; fi
  set -- "$@" "$word"
done
PATH='${path}' exec podman "$@"
`;
  writeFileSync(join(bin, 'podman'), script);
  chmodSync(join(bin, 'podman'), 0o755);
  const env = { PATH: `${bin}${delimiter}${path}` };
  const ran = await ctgaProcess(['trust', 'lab', '--json'], { env });
  const { held, failure, steps } = resultOf(ran);
  assert.equal(ran.code, 1);
  assert.equal(held, false);
  assert.match(failure?.message ?? '', /^Podman ran other: nobody signed this$/);
  assert.equal(steps.at(-1)?.title, 'Podman runs what is signed, and nothing else');
});

test('who breaks it off finds nothing of it', { skip }, async () => {
  const before = leftovers();
  const running = startCtga(['trust', 'lab', '--json']);
  await running.until(() => running.said().includes('skopeo copies it'), 'the registry');
  const ran = await running.stop();
  const { held, failure } = resultOf(ran);
  assert.equal(ran.code, 1);
  assert.equal(held, false);
  assert.match(failure?.message ?? '', /interrupted/);
  assert.deepEqual(leftovers(), before);
});

test('without btcd it says which program is missing, and how to get it', async () => {
  const { CTGA_BTCD } = process.env;
  process.env['CTGA_BTCD'] = '/nowhere/btcd';
  try {
    const { code, stdout, stderr } = await ctga(['trust', 'lab']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /there is no btcd on this machine\n.*go install github\.com\/btcsuite\/btcd.*CTGA_BTCD/,
    );
  } finally {
    if (CTGA_BTCD === undefined) delete process.env['CTGA_BTCD'];
    else process.env['CTGA_BTCD'] = CTGA_BTCD;
  }
});
