// SPDX-License-Identifier: Apache-2.0
/**
 * How much one client may ask. A client is an IPv4 address or an IPv6 /64. Over UDP a source may be
 * forged, so whoever asks too much is first told to come over TCP, in a response no larger than the
 * question, and then nothing: nobody gets more bytes through us than were sent in their name.
 */
import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../base/bounded-map.ts';

export interface RateLimitOptions {
  /** Answers a second, in the long run. */
  readonly perSecond: number;
  /** Answers at once. */
  readonly burst: number;
  readonly now: () => number;
}

export type Permission = 'answer' | 'over TCP' | 'nothing';

interface Bucket {
  tokens: number;
  at: number;
}

/** Clients that are remembered; the one that asked least lately goes first. */
const MAX_CLIENTS = 100_000;

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new BoundedMap<string, Bucket>(MAX_CLIENTS);

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Counts a question of this client's. Below zero the bucket goes as far as it goes above. */
  ask(address: string): Permission {
    const { perSecond, burst, now } = this.#options;
    const client = clientOf(address);
    const at = now();
    const bucket = this.#buckets.get(client) ?? { tokens: burst, at };
    this.#buckets.set(client, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    if (bucket.tokens < -burst) return 'nothing';
    bucket.tokens -= 1;
    return bucket.tokens >= 0 ? 'answer' : 'over TCP';
  }
}

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address. */
export function clientOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
}
