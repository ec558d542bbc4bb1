// SPDX-License-Identifier: Apache-2.0
/**
 * The checks of an HTTPS server on SCT feedback (draft-linus-trans-gossip-ct-02, Section 5.1.1).
 * What passes convicts a log if its tree has no such leaf, so everything else is left out: nobody
 * is to fill the pool with what is not.
 */
import { FormatError } from '../base/cursor.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { Certificate } from '../scts/certificate.ts';
import { parseSct, verifySct, type LogEntry } from '../scts/sct.ts';
import type { Submitted } from './forms.ts';

/** Why a pair of an SCT and a chain is not kept. */
export const REFUSALS = [
  'malformed',
  'broken-chain',
  'other-name',
  'unknown-log',
  'bad-signature',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** An SCT that its log signed for the first certificate of the chain. */
export interface Pair {
  readonly chain: readonly Uint8Array[];
  readonly sct: Uint8Array;
}

export interface Checked {
  readonly pairs: readonly Pair[];
  /** How many pairs were refused, by reason; a chain without SCTs counts as one. */
  readonly refused: ReadonlyMap<Refusal, number>;
}

/** Longer chains are none that a browser would follow. */
export const MAX_CHAIN = 10;

export class FeedbackChecks {
  readonly #names: readonly string[];
  readonly #logs: ReadonlyMap<string, Log>;

  /**
   * `names` are the DNS names that the server is authoritative for, in lower case; `*.example.net`
   * stands for all that are one label longer than `example.net`.
   */
  constructor(names: readonly string[], logs: readonly Log[]) {
    this.#names = names;
    this.#logs = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  }

  check({ chain, scts }: Submitted): Checked {
    const refused = new Map<Refusal, number>();
    const refuse = (why: Refusal, count = 1): void =>
      void refused.set(why, (refused.get(why) ?? 0) + count);
    const all = Math.max(1, scts.length);
    const pairs: Pair[] = [];
    try {
      const entries = this.#entriesOf(chain);
      if (typeof entries === 'string') refuse(entries, all);
      else
        for (const sct of scts) {
          const fault = this.#faultOf(sct, entries);
          if (fault === undefined) pairs.push({ chain, sct });
          else refuse(fault);
        }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      refuse('malformed', all - pairs.length);
    }
    return { pairs, refused };
  }

  /** What a log may have signed for the chain's first certificate. */
  #entriesOf(chain: readonly Uint8Array[]): LogEntry[] | Refusal {
    if (chain.length > MAX_CHAIN) return 'malformed';
    const [leaf, ...others] = chain.map((der) => new Certificate(der));
    if (leaf === undefined) return 'malformed';
    // First what costs least.
    if (!leaf.dnsNames.some((name) => this.#isOurs(name))) return 'other-name';
    let subject = leaf;
    for (const issuer of others) {
      if (!subject.isIssuedBy(issuer)) return 'broken-chain';
      subject = issuer;
    }
    const [issuer] = others;
    const precertificate = issuer && leaf.precertificateEntry(issuer.keyHash);
    return precertificate === undefined ? [leaf.entry] : [precertificate, leaf.entry];
  }

  #faultOf(bytes: Uint8Array, entries: readonly LogEntry[]): Refusal | undefined {
    let sct;
    try {
      sct = parseSct(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return 'malformed';
    }
    const log = this.#logs.get(logIdText(sct.logId));
    if (log === undefined) return 'unknown-log';
    return entries.some((entry) => verifySct(sct, entry, log.key)) ? undefined : 'bad-signature';
  }

  /** Whether a name in a certificate, which may be a wildcard, means a host of ours. */
  #isOurs(name: string): boolean {
    return this.#names.some((ours) => ours === name || covers(ours, name) || covers(name, ours));
  }
}

/** RFC 6125, Section 6.4.3: a wildcard is the whole of the leftmost label, and stands for one. */
function covers(pattern: string, name: string): boolean {
  return (
    pattern.startsWith('*.') &&
    !name.startsWith('*.') &&
    name.slice(name.indexOf('.')) === pattern.slice(1)
  );
}
