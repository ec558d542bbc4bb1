// SPDX-License-Identifier: Apache-2.0
/** Checks signatures for an observer. */
import type { Log } from '../logs/log.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

export type Settle = (head: VerifiedStatement | undefined) => void;

export interface Verifier {
  /**
   * Calls `settle` once, before it returns or later; with undefined if the log did not sign the
   * statement. If too many statements of this log are waiting, returns false and never calls.
   */
  submit(log: Log, head: Statement, settle: Settle): boolean;
}

/** Checks at once and on this thread: for captures, where nothing else has to go on meanwhile. */
export const immediately: Verifier = {
  submit(log, head, settle) {
    settle(verifyStatement(head, log.key));
    return true;
  },
};
