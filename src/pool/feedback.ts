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
import type { Promised } from '../evidence/promise.ts';
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

/** And what the log promised by it. */
export interface CheckedPair extends Pair {
  readonly log: Log;
  readonly promise: Promised;
}

export interface Checked {
  readonly pairs: readonly CheckedPair[];
  /** How many pairs were refused, by reason; a chain without SCTs counts as one. */
  readonly refused: ReadonlyMap<Refusal, number>;
}

/** Longer chains are none that a browser would follow. */
export const MAX_CHAIN = 10;

export class FeedbackChecks {
  readonly #names: readonly string[] | undefined;
  readonly #logs: ReadonlyMap<string, Log>;

  /**
   * `names` are the DNS names that the server is authoritative for, in lower case; `*.example.net`
   * stands for all that are one label longer than `example.net`. Undefined: an auditor, who is for all
   * names.
   */
  constructor(names: readonly string[] | undefined, logs: readonly Log[]) {
    this.#names = names;
    this.#logs = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  }

  check({ chain, scts }: Submitted): Checked {
    const refused = new Map<Refusal, number>();
    const refuse = (why: Refusal, count = 1): void =>
      void refused.set(why, (refused.get(why) ?? 0) + count);
    const all = Math.max(1, scts.length);
    const pairs: CheckedPair[] = [];
    try {
      const entries = this.#entriesOf(chain);
      if (typeof entries === 'string') refuse(entries, all);
      else
        for (const sct of scts) {
          const found = this.#promiseOf(sct, entries);
          if (typeof found === 'string') refuse(found);
          else pairs.push({ chain, sct, ...found });
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
    if (this.#names !== undefined && !leaf.dnsNames.some((name) => this.#isOurs(name)))
      return 'other-name';
    let subject = leaf;
    for (const issuer of others) {
      if (!subject.isIssuedBy(issuer)) return 'broken-chain';
      subject = issuer;
    }
    const [issuer] = others;
    const precertificate = issuer && leaf.precertificateEntry(issuer.keyHash);
    return precertificate === undefined ? [leaf.entry] : [precertificate, leaf.entry];
  }

  #promiseOf(
    bytes: Uint8Array,
    entries: readonly LogEntry[],
  ): Pick<CheckedPair, 'log' | 'promise'> | Refusal {
    let sct;
    try {
      sct = parseSct(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return 'malformed';
    }
    const log = this.#logs.get(logIdText(sct.logId));
    if (log === undefined) return 'unknown-log';
    const entry = entries.find((each) => verifySct(sct, each, log.key));
    return entry === undefined ? 'bad-signature' : { log, promise: { ...sct, entry } };
  }

  /** Whether a name in a certificate, which may be a wildcard, means a host of ours. */
  #isOurs(name: string): boolean {
    return (this.#names ?? []).some(
      (ours) => ours === name || covers(ours, name) || covers(name, ours),
    );
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
