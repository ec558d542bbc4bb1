// SPDX-License-Identifier: Apache-2.0
/** From what a browser was shown by a site to what logs promised about it. Pure. */
import { FormatError } from '../base/cursor.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { Certificate } from '../scts/certificate.ts';
import {
  leafHashOf,
  leafIndexOf,
  parseSct,
  verifySct,
  type LogEntry,
  type Sct,
} from '../scts/sct.ts';
import type { ToDaemon } from './messages.ts';
import type { PromisedLeaf } from './store.ts';

type Seen = Extract<ToDaemon, { type: 'seen' }>;

export interface Collected {
  /** What a log signed. */
  readonly promised: readonly PromisedLeaf[];
  /** What names a known log that did not sign it. */
  readonly forged: readonly PromisedLeaf[];
  /** How many SCTs are left out, by reason. */
  readonly discarded: Readonly<Record<DiscardReason, number>>;
}

export type DiscardReason =
  /** The draft: "MUST discard SCTs that are not signed by a known log". */
  | 'unknown-log'
  /** An SCT, or the certificate with its SCTs, that cannot be read, or has no issuer beside it. */
  | 'malformed';

/** `logs` is by log ID in base64. Never throws because of what is in `seen`. */
export function collect({ origin, chain, scts }: Seen, logs: ReadonlyMap<string, Log>): Collected {
  const promised: PromisedLeaf[] = [];
  const forged: PromisedLeaf[] = [];
  const discarded = { 'unknown-log': 0, malformed: 0 };
  let leaf: Certificate;
  let embedded: Uint8Array[];
  try {
    leaf = certificateOf(chain[0]);
    // All of them: whoever has a certificate made chooses what stands in front of an SCT in it.
    embedded = leaf.embeddedScts;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { promised, forged, discarded: { ...discarded, malformed: Math.max(1, scts.length) } };
  }
  const add = (bytes: Uint8Array, entry: LogEntry | undefined): void => {
    try {
      const sct = parseSct(bytes);
      const log = logs.get(logIdText(sct.logId));
      if (log === undefined) return void (discarded['unknown-log'] += 1);
      if (entry === undefined) return void (discarded.malformed += 1);
      const isSigned = verifySct(sct, entry, log.key);
      const found: PromisedLeaf = {
        origin,
        logId: sct.logId,
        time: sct.timestamp,
        leafHash: leafHashOf(sct, entry),
        leafIndex: isSigned && log.api === 'static-ct' ? indexIn(sct) : undefined,
      };
      (isSigned ? promised : forged).push(found);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      discarded.malformed += 1;
    }
  };
  const precertificate = embedded.length === 0 ? undefined : precertificateOf(leaf, chain[1]);
  for (const each of embedded) add(each, precertificate);
  for (const each of scts) add(each, leaf.entry);
  return { promised, forged, discarded };
}

/**
 * Undefined also where a log wrote no list of extensions: it signed that, so it is held to what it
 * promised, and shows it by no index.
 */
function indexIn({ extensions }: Sct): bigint | undefined {
  try {
    return leafIndexOf(extensions);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

/** The entry of the SCTs inside: it needs the issuer, which a log saw beside it. */
function precertificateOf(leaf: Certificate, issuer: Uint8Array | undefined): LogEntry | undefined {
  try {
    return leaf.precertificateEntry(certificateOf(issuer).keyHash);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

/** Throws FormatError for what is no certificate. */
function certificateOf(der: Uint8Array | undefined): Certificate {
  if (der === undefined) throw new FormatError('no-certificate', 0);
  return new Certificate(der);
}
