/** Sightings of verified tree heads, gathered until they are written together. */
import { encodeBase64 } from '../base/base64.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

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
  readonly head: VerifiedStatement;
  readonly log: Log;
  readonly source: string;
  firstSeen: number;
  lastSeen: number;
  count: number;
  reassembled: number;
}

/**
 * Distinct heads waiting for the store; only heads that a log signed wait, so a log would have to
 * flood us.
 */
const MAX_GATHERED = 65_536;

export class SightingBatch {
  /**
   * By the head as an object, which takes no text to be made; one head in two spellings is two
   * objects.
   */
  #gathered = new Map<VerifiedStatement, Map<string, GatheredSighting>>();
  #size = 0;

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Returns false where there is no room: the store has not been written for long. */
  add(log: Log, head: VerifiedStatement, { source, at, count, reassembled }: Seen): boolean {
    // Captures have times in fractions of a millisecond; the store counts whole ones.
    const timestamp = Math.round(at);
    let bySource = this.#gathered.get(head);
    const known = bySource?.get(source);
    if (known !== undefined) {
      known.lastSeen = Math.max(known.lastSeen, timestamp);
      known.firstSeen = Math.min(known.firstSeen, timestamp);
      known.count += count;
      known.reassembled += reassembled;
      return true;
    }
    if (this.#size >= MAX_GATHERED) return false;
    if (bySource === undefined)
      this.#gathered.set(head, (bySource = new Map<string, GatheredSighting>()));
    const [firstSeen, lastSeen] = [timestamp, timestamp];
    bySource.set(source, { head, log, source, firstSeen, lastSeen, count, reassembled });
    this.#size += 1;
    return true;
  }

  /**
   * What is gathered, one for each head and source. It stays until `clear`, so a write that fails
   * loses nothing.
   */
  sightings(): GatheredSighting[] {
    const merged = new Map<string, GatheredSighting>();
    for (const bySource of this.#gathered.values()) {
      for (const sighting of bySource.values()) {
        const key = keyOf(sighting);
        const other = merged.get(key);
        merged.set(key, other === undefined ? sighting : together(other, sighting));
      }
    }
    return [...merged.values()];
  }

  clear(): void {
    this.#gathered = new Map();
    this.#size = 0;
  }
}

function keyOf({ head, source }: GatheredSighting): string {
  const { logId, treeSize, timestamp, rootHash } = head;
  return [logIdText(logId), treeSize, timestamp, encodeBase64(rootHash), source].join(' ');
}

function together(a: GatheredSighting, b: GatheredSighting): GatheredSighting {
  return {
    ...a,
    firstSeen: Math.min(a.firstSeen, b.firstSeen),
    lastSeen: Math.max(a.lastSeen, b.lastSeen),
    count: a.count + b.count,
    reassembled: a.reassembled + b.reassembled,
  };
}
