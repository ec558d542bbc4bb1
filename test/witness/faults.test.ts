// SPDX-License-Identifier: Apache-2.0
/**
 * What is left of a witness after a power cut at every system call, and when a system call fails: the
 * keys and all that was cosigned, or no answer had been given. As test/store/faults.test.ts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { buildSync } from 'esbuild';
import { isEvidence } from '../../src/evidence/write.ts';
import { parseSignerKey } from '../../src/statements/cosignature.ts';
import { WitnessStore } from '../../src/witness/store.ts';
import { DiskOfCalls } from '../support/disk-of-calls.ts';
import { random, SEED } from '../support/random.ts';
import { noStrace, parseTrace } from '../support/strace.ts';

const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const CHILD = resolve(import.meta.dirname, '../../build/test/witness-faults-child.mjs');
buildSync({
  entryPoints: [join(import.meta.dirname, 'faults-child.ts')],
  outfile: CHILD,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['better-sqlite3'],
  banner: {
    js: "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);",
  },
});
const CALLS = 'openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,link,unlink,close';
const KEYS = ['witness/ed25519.key', 'witness/ml-dsa-44.key'];

let number = 0;
function run(options: readonly string[]): {
  directory: string;
  status: number | null;
  acks: string[];
  trace: string;
  stderr: string;
} {
  const directory = join(root, `${number++}`);
  const output = `${directory}.trace`;
  const args = [
    '-o',
    output,
    '-xx',
    '-s',
    '2000000',
    ...options,
    process.execPath,
    CHILD,
    directory,
  ];
  const { status, stdout, stderr } = spawnSync('strace', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const acks = [...stdout.matchAll(/^ACK (.*)$/gm)].map(([, what = '']) => what);
  return { directory, status, acks, trace: readFileSync(output, 'latin1'), stderr };
}

/** Opens what is there as the service would, and holds it against what was acknowledged. */
function examine(
  directory: string,
  acks: readonly string[],
  keys: readonly Buffer[],
  when: string,
): void {
  const [made] = acks.filter((ack) => ack.startsWith('keys '));
  if (made === undefined) return;
  KEYS.forEach((name, i) => {
    const path = join(directory, name);
    assert(
      existsSync(path) && readFileSync(path).equals(keys[i] ?? Buffer.alloc(0)),
      `${when}: ${name}`,
    );
  });
  const { key } = parseSignerKey(keys[0]?.toString() ?? '');
  const store = WitnessStore.open(join(directory, 'witness'), made.split(' ').slice(1), key);
  try {
    const sizes = acks.flatMap((ack) => /^200 (\d+)$/.exec(ack)?.[1] ?? []).map(Number);
    const size = Number(store.all()[0]?.treeSize ?? 0n);
    assert(size >= Math.max(0, ...sizes), `${when}: ${size} is there of ${sizes.join()}`);
    if (acks.includes('422 5')) assert.equal(store.counts()['fork-proven'], 1, when);
    if (acks.includes('409 4')) assert.equal(store.counts().open, 1, when);
  } finally {
    store.close();
  }
  for (const ack of acks.filter((each) => each.startsWith('evidence '))) {
    const path = join(directory, 'evidence', basename(ack));
    assert(existsSync(path) && isEvidence(readFileSync(path, 'utf8')), `${when}: no evidence`);
  }
}

describe('a witness', { skip: noStrace }, () => {
  test('after a power cut at any moment knows all that it answered', (context) => {
    const { directory, status, acks, trace, stderr } = run(['-e', `trace=${CALLS}`]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      acks.map((ack) => ack.replace(/^(keys|evidence) .*/s, '$1')),
      ['keys', '200 3', '200 5', 'evidence', '422 5', '200 9', '409 4'],
    );
    const keys = KEYS.map((name) => readFileSync(join(directory, name)));
    const disk = new DiskOfCalls(directory, ['witness', 'evidence']);
    const below = random(SEED);
    const told: string[] = [];
    let cuts = 0;
    for (const call of parseTrace(trace)) {
      const [fd, text] = call.args;
      if (
        call.name === 'write' &&
        fd === '1' &&
        Buffer.isBuffer(text) &&
        text.toString().startsWith('ACK ')
      )
        told.push(text.toString().trim().slice(4));
      if (!disk.play(call)) continue;
      for (const [kept, keep] of [
        ['nothing', () => false],
        ['everything', () => true],
        ['some', () => below(2) === 0],
      ] as const) {
        const left = join(root, 'left');
        rmSync(left, { recursive: true, force: true });
        disk.cut(left, keep);
        examine(
          left,
          told,
          keys,
          `cut ${cuts}, after ${call.name} and ${told.at(-1) ?? 'nothing'}, ${kept} kept`,
        );
        cuts += 1;
      }
    }
    assert.deepEqual(told, acks);
    context.diagnostic(`${cuts} power cuts (CTGA_TEST_SEED=${SEED})`);
    assert(cuts > 100);
  });

  for (const call of ['pwrite64', 'fsync'])
    test(`when the N-th ${call} fails, it has said nothing that is not so`, (context) => {
      let failures = 0;
      for (let nth = 1; ; nth += call === 'pwrite64' ? 3 : 1) {
        const error = nth % 2 === 0 ? 'EIO' : 'ENOSPC';
        const filter = ['-f', '--seccomp-bpf', '-e', `trace=${call}`];
        const { directory, acks, trace } = run([
          ...filter,
          '-e',
          `inject=${call}:error=${error}:when=${nth}`,
        ]);
        if (!trace.includes('(INJECTED)')) break;
        failures += 1;
        const keys = KEYS.map((name) =>
          existsSync(join(directory, name)) ? readFileSync(join(directory, name)) : Buffer.alloc(0),
        );
        examine(directory, acks, keys, `${call} ${nth}`);
        rmSync(directory, { recursive: true });
      }
      context.diagnostic(`${failures} failures`);
      assert(failures > 10);
    });
});
