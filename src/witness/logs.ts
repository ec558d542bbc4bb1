// SPDX-License-Identifier: Apache-2.0
/** The logs that a witness cosigns, by origin, and the keys that it trusts to sign for each. */
import { logIdText, originOf, type Log } from '../logs/log.ts';
import {
  noteKeyId,
  treeHeadOf,
  type Checkpoint,
  type NoteSignature,
} from '../statements/checkpoint.ts';
import { verifyClaim } from '../statements/claim.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { checkSignatures } from '../statements/signature-lines.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

/** A key that a witness trusts to sign checkpoints of one origin. */
export interface TrustedKey {
  /** Of which the key is. A log with several keys is in lists once for each. */
  readonly log: Log;
  /** Whether a line has the key's name and key ID, and so must verify. */
  isOf(signature: NoteSignature): boolean;
  verifies(checkpoint: Checkpoint, signature: NoteSignature): boolean;
  /** Whether its signatures are over a checkpoint's whole text. */
  readonly coversExtensions: boolean;
}

export interface WitnessedLog {
  /** The first line of its checkpoints. */
  readonly origin: string;
  /** One at least. */
  readonly keys: readonly TrustedKey[];
}

function trustedKey(log: Log, origin: string): TrustedKey {
  const { key } = log;
  if (isCheckpointKey(key)) {
    const { noteKey } = key;
    return {
      log,
      isOf: ({ name, keyId }) =>
        name === noteKey.name && Buffer.compare(keyId, noteKey.keyId) === 0,
      verifies: (checkpoint, signature) =>
        checkSignatures({ ...checkpoint, signatures: [signature] }, [noteKey])[0]?.valid === true,
      coversExtensions: key.algorithm === 'ed25519',
    };
  }
  // RFC6962NoteSignature, type 0x05: the key's name is the origin.
  const keyId = noteKeyId(origin, key.logId);
  return {
    log,
    isOf: (signature) => signature.name === origin && keyId.equals(signature.keyId),
    verifies: (checkpoint, signature) => {
      const head = treeHeadOf({ ...checkpoint, signatures: [signature] }, key.logId);
      return head !== undefined && verifyStatement(head, key) !== undefined;
    },
    coversExtensions: false,
  };
}

/**
 * By origin. `ownNames` are those under which the witness signs itself: who signed a line would be told
 * by the key ID alone. Calls `warn` for each log that is left out.
 */
export function witnessedLogs(
  logs: readonly Log[],
  ownNames: readonly string[],
  warn: (line: string) => void,
): Map<string, WitnessedLog> {
  const found = new Map<string, WitnessedLog>();
  /** What a CT log signs names no origin: under two of them it would have two histories cosigned. */
  const originsOfCtKeys = new Map<string, string>();
  for (const log of logs) {
    const origin = originOf(log);
    const id = isCheckpointKey(log.key) ? undefined : logIdText(log.key.logId);
    const former = id === undefined ? undefined : originsOfCtKeys.get(id);
    const others = origin === undefined ? undefined : found.get(origin);
    if (origin === undefined)
      warn(`${log.description}: its list does not say where it takes submissions: not witnessed`);
    else if (ownNames.includes(origin))
      warn(`${log.description}: its origin is the name of a key of this witness: not witnessed`);
    else if (others !== undefined && !isSameLog(others, log))
      warn(`${log.description}: another log has its origin, "${origin}": not witnessed`);
    else if (former !== undefined)
      warn(`${log.description}: the log "${former}" has its key: not witnessed`);
    else {
      found.set(origin, { origin, keys: [...(others?.keys ?? []), trustedKey(log, origin)] });
      if (id !== undefined) originsOfCtKeys.set(id, origin);
    }
  }
  return found;
}

/** Whether it is only another key of the same log: those of CT logs are logs of their own. */
function isSameLog({ keys }: WitnessedLog, { key }: Log): boolean {
  return isCheckpointKey(key) && keys.every((other) => isCheckpointKey(other.log.key));
}

/**
 * One key of the log that signed all of these checkpoints, and what it signed, in the same order.
 * Undefined where there is none.
 */
export function signedByOne(
  { keys }: WitnessedLog,
  checkpoints: readonly string[],
): { readonly log: Log; readonly heads: readonly VerifiedStatement[] } | undefined {
  for (const { log } of keys) {
    const heads = checkpoints.flatMap((note) => {
      const claim = verifyClaim({ log, bytes: Buffer.from(note), form: 'checkpoint' });
      return claim.kind === 'verified' ? claim.statement : [];
    });
    if (heads.length === checkpoints.length) return { log, heads };
  }
  return undefined;
}
