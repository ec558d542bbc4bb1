/** The hashes of logs on the disk: a cache that can be fetched again, never evidence. */
import type { Log } from '../logs/log.ts';
import type { KnownHashes } from './known-hashes.ts';

export interface HashStore {
  of(log: Log): KnownHashes;
}
