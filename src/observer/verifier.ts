/** Who checks signatures for an observer. */
import type { Log } from '../logs/log.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

export type Settle = (head: VerifiedStatement | undefined) => void;

export interface Verifier {
  /**
   * Calls `settle` once, with undefined if the log did not sign this: before it returns, or later.
   * Returns false, and never calls, where too many heads of this log wait already.
   */
  submit(log: Log, head: Statement, settle: Settle): boolean;
}

/** Checks at once, on this thread: for captures, which wait for nobody. */
export const immediately: Verifier = {
  submit(log, head, settle) {
    settle(verifyStatement(head, log.key));
    return true;
  },
};
