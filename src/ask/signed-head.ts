// SPDX-License-Identifier: Apache-2.0
/** Asking for a log's tree head and checking that the log signed it. */
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { LogError, type Asker } from './asker.ts';

/** Rejects as the asker does, and with LogError `log-unavailable` for a head that is not signed. */
export async function askForSignedHead(
  { key }: Pick<Log, 'key'>,
  asker: Pick<Asker, 'treeHead'>,
): Promise<VerifiedStatement> {
  const head = verifyStatement(await asker.treeHead(), key);
  if (head === undefined)
    throw new LogError('log-unavailable', "the log's tree head is not signed by its key");
  return head;
}
