// SPDX-License-Identifier: Apache-2.0
/**
 * What is left of a witness after a power cut at every system call, and when a system call fails: the
 * keys and all that was cosigned, or no answer had been given. As test/store/faults.test.ts.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isEvidence } from '../../src/evidence/write.ts';
import { parseSignerKey } from '../../src/statements/cosignature.ts';
import { WitnessStore } from '../../src/witness/store.ts';
import { FaultyRuns } from '../support/fault-loops.ts';
import { random, SEED } from '../support/random.ts';
import { WHOLE } from '../support/share.ts';
import { noStrace } from '../support/strace.ts';

const CHILD = join(import.meta.dirname, 'faults-child.ts');
const runs = new FaultyRuns(CHILD, 'witness-faults-child');
after(() => {
  runs.end();
});
const KEYS = ['witness/ed25519.key', 'witness/ml-dsa-44.key'];

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

const keysIn = (directory: string): Buffer[] =>
  KEYS.map((name) => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  });

describe('a witness', { skip: noStrace }, () => {
  test('after a power cut at any moment knows all that it answered', (context) => {
    const run = runs.whole();
    assert.deepEqual(
      run.acks.map((ack) => ack.replace(/^(keys|evidence) .*/s, '$1')),
      ['keys', '200 3', '200 5', 'evidence', '422 5', '200 9', '409 4'],
    );
    const keys = keysIn(run.directory);
    const below = random(SEED);
    const cuts = runs.cutEverywhere(run, {
      directories: ['witness', 'evidence'],
      fates: [
        ['nothing', () => false],
        ['everything', () => true],
        ['some', () => below(2) === 0],
      ],
      examine: (left, told, when) => {
        examine(left, told, keys, when);
      },
    });
    context.diagnostic(`${cuts} power cuts (CTGA_TEST_SEED=${SEED})`);
    assert(cuts > 100);
  });

  for (const [call, step] of [
    ['pwrite64', 3],
    ['fsync', 1],
  ] as const)
    test(`when the N-th ${call} fails, it has said nothing that is not so`, (context) => {
      const failures = runs.failEach(call, {
        step,
        examine: ({ directory, acks }, nth) => {
          examine(directory, acks, keysIn(directory), `${call} ${nth}`);
        },
      });
      context.diagnostic(`${failures} failures`);
      assert(failures > (WHOLE ? 10 : 5));
    });
});
