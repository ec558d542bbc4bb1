// SPDX-License-Identifier: Apache-2.0
/** What a log may grow by, and be followed leaf by leaf all the time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit } from '../../src/follow/follower.ts';
import { UniformLog } from '../support/uniform-log.ts';

const DAY = 86_400_000;
const VISITS_A_DAY = 24;
const PER_DAY = 240_000;
/** Some of a tree's partial tiles are fetched with each visit. */
const OVERHEAD = 0.1;

for (const [share, mode] of [
  [0.3, 'leaves'],
  [0.6, 'leaves'],
  [1.2, 'blocks'],
] as const) {
  test(`a log that takes ${share} of the budget in a day is followed by ${mode}`, async () => {
    const [log, hashes] = [new UniformLog(), HashStore.inMemory()];
    const budget = (PER_DAY * 32) / share;
    const notices: string[] = [];
    let now = 20_000 * DAY;
    for (let i = 0; i < 3 * VISITS_A_DAY; i++) {
      log.show(100_000_000 + (i * PER_DAY) / VISITS_A_DAY, now);
      const visited = await visit(log.log, {
        hashes,
        open: () => ({ fetch: log.fetch, close: () => undefined }),
        paths: 2,
        budget,
        window: 14 * DAY,
        blocks: 0,
        now: () => now,
        chance: () => 0,
        sleep: () => Promise.resolve(),
        signal: new AbortController().signal,
        wanted: () => [],
      });
      assert.deepEqual(visited.failures, []);
      notices.push(...visited.notices);
      const { bytes } = hashes.rows(log.log).usage(now);
      assert(bytes <= budget * (1 + OVERHEAD), `${bytes} bytes in a day of ${budget}`);
      now += DAY / VISITS_A_DAY;
    }
    assert.equal(hashes.rows(log.log).state()?.mode, mode);
    if (mode === 'leaves') assert.deepEqual(notices, []);
  });
}
