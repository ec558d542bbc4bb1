/**
 * Limits how much one client may ask. A client is an IPv4 address or an IPv6 /64. Over UDP the
 * address may be forged. So a client that asks too much is first told to ask over TCP, in a
 * response no larger than the question, and then gets no response: nobody is sent more bytes by us
 * than somebody sent in his name.
 */
import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../base/bounded-map.ts';

export interface RateLimitOptions {
  /** Answers per second in the long run. */
  readonly perSecond: number;
  /** Answers in one burst. */
  readonly burst: number;
  readonly now: () => number;
}

export type Permission = 'answer' | 'over TCP' | 'nothing';

interface Bucket {
  tokens: number;
  at: number;
}

/** Clients that are remembered. The one that has not asked for longest is forgotten first. */
const MAX_CLIENTS = 100_000;

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new BoundedMap<string, Bucket>(MAX_CLIENTS);

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Counts a question of this client. The bucket goes as far below zero as it goes above. */
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

function clientOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
}
