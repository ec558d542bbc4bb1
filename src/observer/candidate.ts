/**
 * What may be a tree head: one text under one name, verified once, however often it is seen.
 */
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { Seen } from './sightings.ts';

export interface Candidate {
  readonly log: Log;
  /** The head, once its signature was verified; 'forged' if the log did not sign it. */
  state: 'pending' | 'forged' | VerifiedStatement;
  /** Sightings while it is pending, one entry a source and way. */
  readonly waiting: Seen[];
}

/** Adds to what waits for the signature to be checked, in as few entries as there are sources. */
export function wait(candidate: Candidate, seen: Seen): void {
  const { waiting } = candidate;
  const same = waiting.findIndex(
    ({ source, reassembled }) => source === seen.source && reassembled > 0 === seen.reassembled > 0,
  );
  const known = waiting[same];
  if (known === undefined) {
    waiting.push(seen);
  } else {
    const [count, reassembled] = [known.count + seen.count, known.reassembled + seen.reassembled];
    waiting[same] = { ...known, count, reassembled };
  }
}
