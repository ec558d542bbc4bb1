// SPDX-License-Identifier: Apache-2.0
/**
 * One alert for the fleet, and not one for each that alerts: who of several alerters tells a finding.
 * Each finding has an entry on the bus, which is replaced only if it is still the one that was read
 * (compare-and-set). Who puts itself into it tells; when somebody has been told, it says so. Pure but
 * for the store that `tick` is given.
 *
 * Twice is better than never. Who dies, or stands still, between telling and saying so has another
 * tell it again, after that one has seen the same entry for WAIT_MS. With the bus away for longer than
 * PATIENCE_MS everybody tells alone. No two clocks are compared (lease by watching: Gray and Cheriton, SOSP 1989): who tells
 * counts from before it wrote, HOLD_MS at most, and others from when they saw it, WAIT_MS at least.
 *
 * Whoever runs a server of the bus can drop and repeat entries, and can make none: each is signed by
 * its member, for one finding. Sites write none.
 */
import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import type { LeaseStore } from './leases.ts';

/** That it begins, or that it is over. */
export type News = 'alert' | 'recovery';

export const POLL_MS = 5_000;
/** For so long after it was sent that it tells, an alerter may begin to tell. */
const HOLD_MS = 20_000;
const WAIT_MS = 45_000;
/** With the bus away for longer, it tells alone. */
export const PATIENCE_MS = 120_000;

/**
 * After which it tells whatever the entry says: who tells may find no channel that works, and who runs
 * a server can bring old entries again.
 */
const LONGEST_MS = 600_000;

/** What becomes of news that an alerter has. */
export type Claim =
  /** It tells. */
  | 'ours'
  /** Somebody has been told. */
  | 'told'
  /** It is not known yet, or another is telling. */
  | 'open';

interface Entry {
  readonly event: News;
  readonly isTold: boolean;
  readonly by: string;
  readonly run: string;
}

const schema = z.object({
  key: z.string(),
  event: z.enum(['alert', 'recovery']),
  isTold: z.boolean(),
  by: z.string(),
  run: z.string(),
});
/** No other signature of ctga is over bytes that begin so. */
const MAGIC = 'ctga fleet alert 1\n';

export interface TellersOptions {
  /** The name of this member, and its key. */
  readonly me: string;
  readonly key: KeyObject;
  /** Drawn when the process began. */
  readonly run: string;
  readonly clock: Clock;
  /** The keys of those that may tell, by name. */
  readonly keyOf: (member: string) => KeyObject | undefined;
  /** Called when somebody has been told: the sooner `tick` says so, the better. */
  readonly onDelivered?: () => void;
}

interface Wanted {
  readonly key: string;
  event: News;
  claim: Claim;
  /** It was told by this member, be it in an earlier run. */
  isByUs: boolean;
  isDelivered: boolean;
  readonly began: number;
  /** The entry that was seen last, and since when. */
  revision: number | undefined;
  since: number;
  /** When that was sent by which it is ours. */
  sent: { readonly now: number; readonly elapsed: number } | undefined;
}

export class Tellers {
  readonly #options: TellersOptions;
  readonly #wanted = new Map<string, Wanted>();
  #lastAnswer: number;

  constructor(options: TellersOptions) {
    this.#options = options;
    this.#lastAnswer = options.clock.elapsed();
  }

  /** Says that this alerter has news, again and again until it is told by somebody. */
  claim(key: string, event: News): Claim {
    const wanted = this.#want(key, event);
    if (wanted.claim === 'open' && this.#isAlone(wanted)) wanted.claim = 'ours';
    return wanted.claim;
  }

  /** Right before news is sent: `told`: another has told it. */
  maySend(key: string, event: News): Claim {
    const claim = this.claim(key, event);
    const wanted = this.#want(key, event);
    const { isByUs, isDelivered, sent } = wanted;
    // What was told by one channel goes on over the others.
    if (isDelivered || (claim === 'told' && isByUs)) return 'ours';
    if (claim !== 'ours' || this.#isAlone(wanted)) return claim;
    const { now, elapsed } = this.#options.clock;
    const isHeld =
      sent !== undefined && elapsed() - sent.elapsed < HOLD_MS && now() - sent.now < HOLD_MS;
    return isHeld ? 'ours' : 'open';
  }

  /** Somebody has been told by this alerter. */
  delivered(key: string, event: News): void {
    this.#want(key, event).isDelivered = true;
    this.#options.onDelivered?.();
  }

  /** Looks at what is not settled. Rejects as the store does. */
  async tick(store: LeaseStore): Promise<void> {
    for (const wanted of this.#wanted.values())
      if (wanted.claim !== 'told') await this.#look(store, wanted);
    // It answered, or there was nothing to ask.
    this.#lastAnswer = this.#options.clock.elapsed();
  }

  #isAlone({ began }: Wanted): boolean {
    const at = this.#options.clock.elapsed();
    return at - this.#lastAnswer > PATIENCE_MS || at - began > LONGEST_MS;
  }

  #want(key: string, event: News): Wanted {
    const known = this.#wanted.get(key);
    if (known?.event === event) return known;
    const wanted: Wanted = {
      key,
      event,
      claim: 'open',
      isByUs: false,
      isDelivered: false,
      began: this.#options.clock.elapsed(),
      revision: undefined,
      since: 0,
      sent: undefined,
    };
    this.#wanted.set(key, wanted);
    return wanted;
  }

  async #look(store: LeaseStore, wanted: Wanted): Promise<void> {
    const { me, run, clock } = this.#options;
    const { key, event } = wanted;
    const found = await store.get(entryKey(key));
    const revision = found?.revision ?? 0;
    if (revision !== wanted.revision) {
      wanted.revision = revision;
      wanted.since = clock.elapsed();
    }
    // What nobody who may tell has signed is as if it were not there.
    const entry = found && this.#open(key, found.text);
    if (entry?.event === event && entry.isTold) {
      wanted.claim = 'told';
      wanted.isByUs = entry.by === me;
      return;
    }
    const isOthers = entry !== undefined && !entry.isTold && entry.by !== me;
    if (isOthers && !wanted.isDelivered && clock.elapsed() - wanted.since < WAIT_MS) {
      // It had been ours, and we were away for too long.
      wanted.claim = 'open';
      wanted.sent = undefined;
      return;
    }
    const sent = { now: clock.now(), elapsed: clock.elapsed() };
    const isTold = wanted.isDelivered;
    const text = this.#seal({ event, isTold, by: me, run }, key);
    const written = await store.put(entryKey(key), text, revision);
    if (written === undefined) {
      if (!isTold) wanted.claim = 'open';
      return;
    }
    wanted.revision = written;
    wanted.since = clock.elapsed();
    wanted.sent = sent;
    wanted.claim = isTold ? 'told' : 'ours';
    wanted.isByUs = true;
  }

  #seal(entry: Entry, key: string): string {
    const text = JSON.stringify({ key, ...entry });
    const signature = sign(null, Buffer.from(MAGIC + text), this.#options.key);
    return `${signature.toString('base64')} ${text}`;
  }

  #open(key: string, sealed: string): Entry | undefined {
    const [, signature = '', text = ''] = /^([A-Za-z0-9+/=]+) (.*)$/s.exec(sealed) ?? [];
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return undefined;
    }
    const { data } = schema.safeParse(json);
    const by = data && this.#options.keyOf(data.by);
    if (data?.key !== key || by === undefined) return undefined;
    const isSigned = verify(null, Buffer.from(MAGIC + text), by, Buffer.from(signature, 'base64'));
    return isSigned ? data : undefined;
  }
}

/** A token of a subject, which says nothing to whoever sees it. */
export function entryKey(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}
