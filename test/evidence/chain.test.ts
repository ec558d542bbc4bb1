// SPDX-License-Identifier: Apache-2.0
/** The chain as text: what is done to it shows, and what a crash does to it does no harm. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { linesFor, readChain, sha256 } from '../../src/evidence/chain.ts';
import { fc } from '../support/random.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const entry = (number: number): { file: string; sha256: string } => ({
  file: `fork-${number}.json`,
  sha256: sha256(String(number)),
});
const chainOf = (length: number): string =>
  linesFor(
    readChain(bytes('')),
    Array.from({ length }, (_, i) => entry(i)),
  );

describe('the chain', () => {
  test('has numbers from 1, and in each line the hash of the one before', () => {
    const text = chainOf(3);
    const chain = readChain(bytes(text));
    assert.deepEqual(
      chain.links.map(({ index, file }) => `${index} ${file}`),
      ['1 fork-0.json', '2 fork-1.json', '3 fork-2.json'],
    );
    assert.deepEqual([chain.faults, chain.isCutOff], [[], false]);
    assert.equal(text.split(' ')[3]?.slice(0, 64), '0'.repeat(64));
    // As docs/EVIDENCE.md says that anybody can check it.
    const { stdout } = spawnSync('sh', ['-c', 'sed -n 3p | sha256sum'], {
      input: text,
      encoding: 'utf8',
    });
    assert.equal(stdout.split(' ')[0], chain.head);
  });

  test('shows every change but of its last line, and that by its head', () => {
    const text = chainOf(5);
    const { head } = readChain(bytes(text));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = bytes(text);
        fc.pre(changed[at] !== value);
        changed[at] = value;
        const chain = readChain(changed);
        assert(chain.faults.length > 0 || chain.head !== head);
        if (at < text.lastIndexOf('\n', text.length - 2)) assert(chain.faults.length > 0);
      }),
    );
  });

  test('shows lines that were taken out, doubled or put in another order', () => {
    const lines = chainOf(6).trimEnd().split('\n');
    const text = (chosen: readonly string[]): Buffer => bytes(`${chosen.join('\n')}\n`);
    const { head } = readChain(text(lines));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...lines), { minLength: 1, maxLength: 9 }), (chosen) => {
        const chain = readChain(text(chosen));
        const isBeginning = chosen.every((line, i) => line === lines[i]);
        assert.equal(chain.faults.length === 0, isBeginning);
        if (isBeginning) assert.equal(chain.head === head, chosen.length === lines.length);
      }),
    );
  });

  test('goes on after any crash: a write that was cut off anywhere, or left zeros', () => {
    const step = fc.record({
      files: fc.integer({ min: 1, max: 3 }),
      lost: fc.nat(400),
      zeros: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        let text = '';
        let files = 0;
        const addMissing = (): string => {
          const chain = readChain(bytes(text));
          const known = new Set(chain.links.map(({ file }) => file));
          const missing = Array.from({ length: files }, (_, i) => entry(i));
          return linesFor(
            chain,
            missing.filter(({ file }) => !known.has(file)),
          );
        };
        for (const { files: more, lost, zeros } of steps) {
          files += more;
          const added = addMissing();
          // What was synced before stays; of this write, only a part came to the disk.
          text += added.slice(0, Math.max(0, added.length - lost));
          if (lost > 0) text += '\0'.repeat(zeros);
        }
        text += addMissing();
        const chain = readChain(bytes(text));
        assert.deepEqual(chain.faults, []);
        assert.equal(chain.isCutOff, false);
        assert.deepEqual(
          chain.links.map(({ file }) => file).sort(),
          Array.from({ length: files }, (_, i) => entry(i).file).sort(),
        );
      }),
    );
  });

  test('is read whatever is in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        const chain = readChain(garbage);
        const after = readChain(
          Buffer.concat([
            garbage,
            bytes(linesFor(chain, [{ file: 'x.json', sha256: sha256('x') }])),
          ]),
        );
        assert.equal(after.links.at(-1)?.file, 'x.json');
      }),
    );
  });
});
