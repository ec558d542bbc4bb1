// SPDX-License-Identifier: Apache-2.0
/** Sightings of verified statements, gathered until they are written together. */
import { encodeBase64 } from '../base/base64.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** One or more sightings of one claim at about one time. */
export interface Seen {
  /** Where it was seen: the name of a data plane, as the store records it. */
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly count: number;
  /** Of those, how many came as IP fragments. */
  readonly reassembled: number;
  /** A digest of the packet, where it may be met again in another reading of the same capture. */
  readonly digest?: bigint | undefined;
}

/** The sightings of one statement by one source since the last write, as the store takes them. */
export interface GatheredSighting {
  readonly head: VerifiedStatement;
  readonly log: Log;
  readonly source: string;
  firstSeen: number;
  lastSeen: number;
  count: number;
  reassembled: number;
  /** The sum of the packets' digests, modulo 2^64. */
  digest: bigint;
}

/**
 * Distinct statements that may wait in memory for the store; more wait in the backlog. Logs signed
 * them all, so only a log can flood.
 */
const MAX_GATHERED = 65_536;

export class SightingBatch {
  /**
   * By the statement as an object, so that no key has to be built for each sighting. Two spellings
   * of one statement are two objects, which `sightings` merges.
   */
  #gathered = new Map<VerifiedStatement, Map<string, GatheredSighting>>();
  #size = 0;
  #fresh: VerifiedStatement[] = [];
  readonly #most: number;

  constructor(most = MAX_GATHERED) {
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Whether a batch more might find no room. */
  get isFull(): boolean {
    return this.#size > this.#most / 2;
  }

  /** Returns false if there is no room, because the store could not be written for long. */
  add(log: Log, head: VerifiedStatement, seen: Seen): boolean {
    const { source, at, count, reassembled, digest = 0n } = seen;
    // Times in captures have fractions of a millisecond, which the store does not record.
    const timestamp = Math.round(at);
    let bySource = this.#gathered.get(head);
    const known = bySource?.get(source);
    if (known !== undefined) {
      known.lastSeen = Math.max(known.lastSeen, timestamp);
      known.firstSeen = Math.min(known.firstSeen, timestamp);
      known.count += count;
      known.reassembled += reassembled;
      known.digest = BigInt.asUintN(64, known.digest + digest);
      return true;
    }
    if (this.#size >= this.#most) return false;
    if (bySource === undefined) {
      this.#gathered.set(head, (bySource = new Map<string, GatheredSighting>()));
      this.#fresh.push(head);
    }
    const [firstSeen, lastSeen] = [timestamp, timestamp];
    bySource.set(source, { head, log, source, firstSeen, lastSeen, count, reassembled, digest });
    this.#size += 1;
    return true;
  }

  /**
   * What is gathered, one entry for each statement and source. It stays until `clear`, so a write
   * that fails loses nothing.
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

  /** The statements that have come since the last call. */
  takeFresh(): VerifiedStatement[] {
    return this.#fresh.splice(0);
  }

  clear(): void {
    this.#gathered = new Map();
    this.#fresh = [];
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
    digest: BigInt.asUintN(64, a.digest + b.digest),
  };
}
