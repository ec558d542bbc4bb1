/**
 * A claim: bytes that say what a log has signed, before anybody has looked into them.
 *
 * Whoever brings statements into ctga (a source of copied packets, a file, a peer) makes claims;
 * `parseClaim` and `verifyClaim` are the one way from there to a statement.
 */
import type { LogKey } from './key.ts';

/** How a statement is written. */
export type StatementForm =
  /** draft-ct-over-dns-01, "STH Query": see text.ts. */
  | 'ct-over-dns'
  /** RFC 6962, Section 4.3: see json.ts. */
  | 'get-sth'
  /** c2sp.org/tlog-checkpoint: see checkpoint.ts. */
  | 'checkpoint';

export interface Claim<Log extends { readonly key: LogKey } = { readonly key: LogKey }> {
  /** The log that would have signed it. */
  readonly log: Log;
  /** The statement as it was written; nothing is left out or put right. */
  readonly bytes: Uint8Array;
  readonly form: StatementForm;
}
