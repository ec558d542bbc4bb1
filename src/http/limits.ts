// SPDX-License-Identifier: Apache-2.0
/** How often somebody may ask. */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { BoundedMap } from '../base/bounded-map.ts';

export interface Rate {
  readonly perSecond: number;
  /** So many at once, after a pause. */
  readonly burst: number;
}

/** Of how many at most it is remembered how often they asked. */
const MAX_REMEMBERED = 10_000;

/** A bucket of tokens for each name, which fills with time. */
export class Limit {
  readonly #rate: Rate;
  readonly #buckets = new BoundedMap<string, { tokens: number; at: number }>(MAX_REMEMBERED);

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes a token; undefined, or the whole seconds until there is one. `now` in ms. */
  take(name: string, now: number): number | undefined {
    const { perSecond, burst } = this.#rate;
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
    this.#buckets.set(name, { tokens: filled >= 1 ? filled - 1 : filled, at: now });
    return filled >= 1 ? undefined : Math.ceil((1 - filled) / perSecond);
  }
}

/** What of an address belongs to one customer of a network: all of IPv4, half of IPv6. */
export function clientOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  while (groups.length + rest.length < 8) groups.push('0');
  return [...groups, ...rest]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

/** Who sent a request; of a web server in front of us, whoever that says it has it from last. */
export function senderOf(request: IncomingMessage): string {
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',');
  const last = forwarded.split(',').at(-1)?.trim() ?? '';
  return isIP(last) === 0 ? (request.socket.remoteAddress ?? '') : last;
}
