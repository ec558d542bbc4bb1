/**
 * A fork, from two stored trees to a file on disk that the store knows of.
 */
import type { Log } from '../logs/log.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { makeEvidence } from './bundle.ts';
import type { Finding } from './judge.ts';
import { writeEvidence } from './write.ts';

/** Returns the file's path; it is on disk before the store, or anybody else, hears of it. */
export function keepEvidence(
  store: Store,
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
