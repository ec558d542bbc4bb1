// SPDX-License-Identifier: Apache-2.0
/** What it costs a collector to verify a batch and write down what is in it, by CPU time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packer } from '../src/fleet/batch.ts';
import { openForWriting, stateAt } from '../src/store/state.ts';
import { collectorOver, member, rosterOf } from '../test/support/fleet-members.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';

export interface Taking {
  readonly heads: number;
  /** Milliseconds of CPU for a batch. */
  readonly cpu: number;
}

const SITES = 40;
const SIZE = 8192;

/** Batches of so many heads, the same of each site, each batch as new. */
export function measureTaking(numbers: readonly number[]): Taking[] {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const store = openForWriting(stateAt(directory));
  store.publishing.begin('verdicts', 0);
  const signers = Array.from({ length: 16 }, () => new SigningLog());
  const sites = Array.from({ length: SITES }, (_, i) => member(`site${i}`));
  const logs = signers.map((signer) => signer.asLog());
  const { collector } = collectorOver(store, rosterOf(sites), logs, join(directory, 'evidence'));
  try {
    return numbers.map((heads, turn) => {
      const told = Array.from({ length: heads }, (_, i) => {
        const signer = signers[i % signers.length] ?? new SigningLog();
        return signer.verified(1 + turn * 1000 + i, treeOf(1).root());
      });
      const messages = sites.map(({ name, key }, i) => {
        const packer = new Packer(SIZE);
        for (const { logId, ...statement } of told) {
          const sightings = [{ source: 'eth0', firstSeen: 1, lastSeen: 2, count: 1 }];
          const what = { verdict: 'pending' as const, reason: undefined, sightings };
          if (!packer.addHead({ kind: 'head', logId, statement, ...what }))
            throw new RangeError(`a batch has no room for ${heads} heads`);
        }
        const bytes = packer.seal(
          {
            member: name,
            epoch: 1n,
            sequence: BigInt(turn),
            previous: undefined,
            store: i.toString(16).padStart(8, '0'),
            clock: 1000,
            givenUp: 0,
            waiting: 0,
          },
          key,
        );
        return { member: name, bytes, storedAt: (turn + 1) * 1e6, number: turn * SITES + i + 1 };
      });
      const before = process.cpuUsage();
      collector.take(messages);
      const { user, system } = process.cpuUsage(before);
      return { heads, cpu: (user + system) / 1000 / SITES };
    });
  } finally {
    store.close();
    rmSync(directory, { recursive: true });
  }
}
