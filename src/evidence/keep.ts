/** Writing down a fork: from two stored trees to an evidence file that the store knows of. */
import type { Log } from '../logs/log.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { makeEvidence } from './bundle.ts';
import type { Finding } from './judge.ts';
import { writeEvidence } from './write.ts';

/**
 * Writes the evidence of a fork and returns its path. The file is durably on the disk before the
 * store, or anybody else, hears of it. Throws StoreError `store-failed`; calling it again is safe.
 */
export function keepEvidence(
  store: Pick<Store, 'evidence' | 'heads'>,
  directory: string,
  log: Log,
  [first, second]: readonly [StoredTree, StoredTree],
  finding: Finding,
  now: number,
): string {
  const evidence = makeEvidence(
    log,
    store.heads.earliestOf(first),
    store.heads.earliestOf(second),
    finding,
    now,
  );
  const path = writeEvidence(directory, evidence);
  store.evidence.add(path, first, second, now);
  return path;
}
