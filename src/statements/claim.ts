// SPDX-License-Identifier: Apache-2.0
/**
 * A claim: bytes that are said to be a statement of a log, before anybody has looked into them.
 *
 * Whoever brings statements into ctga (a source of copied packets, a file, a peer) makes claims.
 * `parseClaim` and `verifyClaim` are the way from a claim to a statement, whatever its form.
 */
import { describeIssue } from '../base/documents.ts';
import { checkpointStatement, parseCheckpoint, treeHeadOf } from './checkpoint.ts';
import { treeHeadSchema } from './json.ts';
import { isCheckpointKey, type LogKey } from './key.ts';
import type { Statement, VerifiedStatement } from './statement.ts';
import { parseTreeHeadText } from './text.ts';
import { verifyStatement } from './verify.ts';

/** How a statement is written: one of the entries of `FORMS`. */
export type StatementForm = keyof typeof FORMS;

export interface Claim<Log extends { readonly key: LogKey } = { readonly key: LogKey }> {
  /** The log that would have signed it. */
  readonly log: Log;
  /** The statement as it was written; nothing is left out or put right. */
  readonly bytes: Uint8Array;
  readonly form: StatementForm;
}

/** Why a claim is no statement; one of a few dozen sentences, so it may name a counter. */
export interface RefusedClaim {
  readonly kind: 'refused';
  readonly reason: string;
}

export type ParsedClaim = { readonly kind: 'parsed'; readonly statement: Statement } | RefusedClaim;
export type VerifiedClaim =
  { readonly kind: 'verified'; readonly statement: VerifiedStatement } | RefusedClaim;

/** Reads one form. Returns the reason, as a string, where the bytes are not of the form. */
type Parser = (bytes: Buffer, key: LogKey) => Statement | string;

/**
 * A new form is a new entry. How a statement is verified does not depend on its form but on the
 * log's key (verify.ts).
 */
const FORMS = {
  /** draft-ct-over-dns-01, "STH Query". One character a byte: what is not ASCII is refused. */
  'ct-over-dns': (bytes) => {
    const parsed = parseTreeHeadText(bytes.toString('latin1'));
    return parsed.kind === 'refused' ? parsed.reason : parsed.head;
  },
  /** The answer to get-sth: RFC 6962, Section 4.3. */
  'get-sth': (bytes) => {
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString('utf8'));
    } catch {
      return 'not JSON'; // the engine's own message quotes the bytes
    }
    const parsed = treeHeadSchema.safeParse(json);
    return parsed.success ? parsed.data : describeIssue(parsed.error);
  },
  /** c2sp.org/tlog-checkpoint; of a CT log with the signature line of c2sp.org/static-ct-api. */
  checkpoint: (bytes, key) => {
    try {
      const checkpoint = parseCheckpoint(bytes.toString('utf8'));
      const statement = isCheckpointKey(key)
        ? checkpointStatement(checkpoint, key)
        : treeHeadOf(checkpoint, key.logId);
      return statement ?? 'no signature line of this log';
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  },
} satisfies Record<string, Parser>;

/** Never throws, whatever the bytes are. */
export function parseClaim({ log, bytes, form }: Claim): ParsedClaim {
  const parse: Parser = FORMS[form];
  const result = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), log.key);
  return typeof result === 'string'
    ? { kind: 'refused', reason: result }
    : { kind: 'parsed', statement: result };
}

/** Parses the claim and checks that its log signed the statement. Never throws. */
export function verifyClaim(claim: Claim): VerifiedClaim {
  const parsed = parseClaim(claim);
  if (parsed.kind === 'refused') return parsed;
  const statement = verifyStatement(parsed.statement, claim.log.key);
  return statement === undefined
    ? { kind: 'refused', reason: BAD_SIGNATURE }
    : { kind: 'verified', statement };
}

/** The reason for a claim whose statement is well formed, but was not signed by its log. */
export const BAD_SIGNATURE = 'bad signature';
