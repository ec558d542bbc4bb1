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

/** What counts as one: an IPv4 address as a number, or the /64 of an IPv6 address as text. */
export type Client = number | string;

export type Permission = 'answer' | 'over TCP' | 'nothing';

interface Bucket {
  tokens: number;
  at: number;
}

/** Clients that are remembered; the one that asked least lately goes first. */
const MAX_CLIENTS = 100_000;

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new BoundedMap<Client, Bucket>(MAX_CLIENTS);

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Counts a question of this client's. Below zero the bucket goes as far as it goes above. */
  ask(client: Client): Permission {
    const { perSecond, burst, now } = this.#options;
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

/** The client with this address, as text; what is no address is a client of its own. */
export function clientOf(address: string): Client {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.parse(address);
  const v6 = parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed;
  return clientOfBytes(Uint8Array.from(v6.toByteArray()));
}

/** The client with this address of IPv6; in 16 bytes, ::ffff:192.0.2.1 being one of IPv4. */
export function clientOfBytes(bytes: Uint8Array): Client {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const network = view.getBigUint64(0);
  if (network === 0n && view.getUint32(8) === 0xffff) return view.getUint32(12);
  return network.toString(16);
}
