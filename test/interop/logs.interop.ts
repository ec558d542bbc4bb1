// SPDX-License-Identifier: Apache-2.0
/**
 * ctga against logs that nobody here wrote (peers.ts). They grow by real certificates, are stopped
 * and started, and are copied to equivocate: one key, two histories. Heads are imported as files,
 * and challenged by the real `ctga challenge` through microsocks.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { checkEvidence, Installation, verdictsOf } from './installation.ts';
import { Classic, removeLogs, Tiled } from './peers.ts';

let microsocks: Microsocks;

before(async () => {
  microsocks = await startMicrosocks();
});
after(() => {
  microsocks.stop();
  removeLogs();
});

for (const kind of [new Tiled(), new Classic()]) {
  describe(kind.name, () => {
    test('as it grows, and over a restart: every head is proven', async () => {
      const ours = new Installation(kind, microsocks.port);
      let log = await kind.make();
      for (const growth of [1, 1, 1, 1, 3, 1]) {
        await log.grow(growth);
        await ours.see(await log.head());
      }
      const before = await ours.challenge(log.url);
      assert.equal(before.code, 0, before.stdout + before.stderr);
      log = await log.restart();
      await log.grow(5);
      await ours.see(await log.head());
      await log.grow(4);
      const after = await ours.challenge(log.url);
      assert.equal(after.code, 0, after.stdout + after.stderr);
      const all = [before, after].flatMap(verdictsOf).map(({ verdict }) => verdict);
      assert(all.length >= 8 && all.every((verdict) => verdict === 'consistent'), all.join());
    });

    for (const [which, one, other] of [
      ['of one size', 3, 3],
      ['the hidden one smaller', 6, 2],
      ['the hidden one larger', 2, 6],
      ['forked at a power of two', 4, 0],
    ] as const) {
      test(`two copies of one key that go on differently, ${which}: proven, with evidence that stands`, async () => {
        const ours = new Installation(kind, microsocks.port);
        const [shown, hidden] = await kind.makeTwo(3);
        await hidden.grow(other + 1);
        await shown.grow(one + 1);
        await ours.see(await hidden.head());
        let ran = await ours.challenge(shown.url);
        if (other > one) {
          // The log that is asked has no such tree yet: that accuses nobody, until it grows past
          // it.
          assert.equal(ran.code, 0, ran.stdout);
          assert(
            verdictsOf(ran).some(({ verdict }) => verdict === 'skewed'),
            ran.stdout,
          );
          await shown.grow(other - one + 1);
          ran = await ours.challenge(shown.url);
        }
        assert.equal(ran.code, 3, ran.stdout + ran.stderr);
        assert(
          verdictsOf(ran).some(({ verdict }) => verdict === 'fork-proven'),
          ran.stdout,
        );
        await checkEvidence(ran);
      });
    }
  });
}
