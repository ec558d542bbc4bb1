/** Sightings of verified tree heads, gathered until they are written together. */
import { encodeBase64 } from '../base64.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { VerifiedTreeHead } from '../treehead/treehead.ts';

/** One or more sightings of something by one source at about one time. */
export interface Seen {
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly count: number;
  /** Of those, how many came as IP fragments. */
  readonly reassembled: number;
}

/** What is known of one head and source since the last write; as Store.recordSightings takes it. */
export interface GatheredSighting {
  readonly head: VerifiedTreeHead;
  readonly log: Log;
  readonly source: string;
  firstSeen: number;
  lastSeen: number;
  count: number;
  reassembled: number;
}

/** Distinct heads waiting for the store; only heads that a log signed wait, so a log would have to flood us. */
const MAX_GATHERED = 65_536;

export class SightingBatch {
  #gathered = new Map<string, GatheredSighting>();

  get isEmpty(): boolean {
    return this.#gathered.size === 0;
  }

  /** Returns false where there is no room: the store has not been written for long. */
  add(log: Log, head: VerifiedTreeHead, { source, at, count, reassembled }: Seen): boolean {
    const key = keyOf(head, source);
    // Captures have times in fractions of a millisecond; the store counts whole ones.
    const timestamp = Math.round(at);
    const known = this.#gathered.get(key);
    if (known !== undefined) {
      known.lastSeen = Math.max(known.lastSeen, timestamp);
      known.firstSeen = Math.min(known.firstSeen, timestamp);
      known.count += count;
      known.reassembled += reassembled;
      return true;
    }
    if (this.#gathered.size >= MAX_GATHERED) return false;
    const [firstSeen, lastSeen] = [timestamp, timestamp];
    this.#gathered.set(key, { head, log, source, firstSeen, lastSeen, count, reassembled });
    return true;
  }

  /** What is gathered; it stays until `clear`, so that a write that fails loses nothing. */
  sightings(): GatheredSighting[] {
    return [...this.#gathered.values()];
  }

  clear(): void {
    this.#gathered = new Map();
  }
}

/** Heads are few and looked up with every sighting: each one's text is made once. */
const headKeys = new WeakMap<VerifiedTreeHead, string>();

function keyOf(head: VerifiedTreeHead, source: string): string {
  let key = headKeys.get(head);
  if (key === undefined) {
    key = [logIdText(head.logId), head.treeSize, head.timestamp, encodeBase64(head.rootHash)].join(' ');
    headKeys.set(head, key);
  }
  return `${source} ${key}`;
}
