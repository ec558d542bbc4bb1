/** Who checks signatures for an observer. */
import type { Log } from '../logs/log.ts';
import type { SignedTreeHead, VerifiedTreeHead } from '../statements/treehead.ts';
import { verifyTreeHead } from '../statements/verify.ts';

export type Settle = (head: VerifiedTreeHead | undefined) => void;

export interface Verifier {
  /**
   * Calls `settle` once, with undefined if the log did not sign this: before it returns, or later.
   * Returns false, and never calls, where too many heads of this log wait already.
   */
  submit(log: Log, head: SignedTreeHead, settle: Settle): boolean;
}

/** Checks at once, on this thread: for captures, which wait for nobody. */
export const immediately: Verifier = {
  submit(log, head, settle) {
    settle(verifyTreeHead(head, log.key));
    return true;
  },
};
