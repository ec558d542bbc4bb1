// SPDX-License-Identifier: Apache-2.0
/**
 * Runs histories of one kind until an invariant breaks, and prints which and after how many, in
 * JSON: `hunt.ts KIND HISTORIES WAY`.
 */
import { fc, SEED } from '../support/random.ts';
import { killEverywhere, runHistory, Violation } from './harness.ts';
import { histories, type Kind, type Way } from './history.ts';

const [kind, limit, way] = process.argv.slice(2);
const drawn = fc.sample(histories(kind as Kind, [way as Way]), {
  numRuns: Number(limit),
  seed: SEED,
});
for (const [i, history] of drawn.entries()) {
  try {
    await (kind === 'killed' ? killEverywhere : runHistory)(history);
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'alive';
    console.log(JSON.stringify({ invariant, histories: i + 1 }));
    process.exit();
  }
}
console.log(JSON.stringify({ histories: drawn.length }));
