// SPDX-License-Identifier: Apache-2.0
/**
 * What a witness answers to `add-checkpoint` and `sign-subtree` (c2sp.org/tlog-witness): from a request,
 * the log it is of, and what was cosigned last, to a status. Pure: no clock, no store, no key of the
 * witness's.
 *
 * The order of the checks is that of the specification's sentences.
 */
import { encodeBase64 } from '../base/base64.ts';
import { equalHash } from '../merkle/hash.ts';
import { foldConsistency } from '../merkle/proof.ts';
import { isSubtreeConsistent } from '../merkle/subtree.ts';
import type { NoteSignature } from '../statements/checkpoint.ts';
import { isMalformed, MALFORMED, type TreeRoot } from '../statements/statement.ts';
import type { WitnessedLog } from './logs.ts';
import type { AddCheckpoint, SignSubtree } from './request.ts';

export const SIZE_TYPE = 'text/x.tlog.size';

/** Why a request is refused: one of a few words, which counters are named by. */
export type Refusal =
  | 'malformed'
  | 'unknown-origin'
  | 'bad-signature'
  | 'old-above-size'
  | 'other-old-size'
  | 'malformed-head'
  | 'bad-proof'
  | 'other-root';

export interface RefusedRequest {
  readonly kind: 'refused';
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly refusal: Refusal;
  readonly body: string;
  /** The body's content type, where it is not plain text. */
  readonly type?: string;
}

/** The lines of a checkpoint that keys of its log made, all of which verify. */
export interface Authentic {
  readonly kind: 'authentic';
  readonly signatures: readonly NoteSignature[];
}

/**
 * Whether keys that are trusted for the log signed the checkpoint. A line that has the name and the
 * key ID of such a key and does not verify spoils the whole (c2sp.org/signed-note).
 *
 * Extension lines must be signed too, and an odd spelling of the root in base64: an RFC 6962 signature
 * and one of ML-DSA-44 cover neither, so that anybody could have put them there.
 */
export function authenticate(
  { checkpoint }: Pick<AddCheckpoint, 'checkpoint'>,
  log: WitnessedLog | undefined,
): Authentic | RefusedRequest {
  if (log === undefined)
    return refused(404, 'unknown-origin', 'No log of this origin is witnessed here.');
  const signatures: NoteSignature[] = [];
  const { origin, treeSize, rootHash } = checkpoint;
  let isCovered = checkpoint.text === `${origin}\n${treeSize}\n${encodeBase64(rootHash)}\n`;
  for (const signature of distinct(checkpoint.signatures)) {
    const keys = log.keys.filter((key) => key.isOf(signature));
    if (keys.length === 0) continue;
    const key = keys.find((each) => each.verifies(checkpoint, signature));
    if (key === undefined)
      return refused(403, 'bad-signature', "A signature of the log's key does not verify.");
    if (key.coversExtensions) isCovered = true;
    signatures.push(signature);
  }
  if (signatures.length === 0)
    return refused(403, 'bad-signature', 'No key that is trusted for this origin has signed it.');
  if (!isCovered)
    return refused(
      403,
      'bad-signature',
      "The log's signature does not cover all of the text: extension lines, or how its root is spelt.",
    );
  return { kind: 'authentic', signatures };
}

/**
 * Undefined where the checkpoint may be cosigned. `latest` is the tree that was cosigned last for its
 * origin; undefined: none was. The request is authentic.
 */
export function decide(
  { old, proof, checkpoint }: AddCheckpoint,
  latest: TreeRoot | undefined,
): RefusedRequest | undefined {
  if (old > checkpoint.treeSize)
    return refused(400, 'old-above-size', 'The old size is larger than the tree.');
  const known = latest?.treeSize ?? 0n;
  if (old !== known) return { ...refused(409, 'other-old-size', `${known}\n`), type: SIZE_TYPE };
  if (isMalformed(checkpoint)) return refused(422, 'malformed-head', sentence(MALFORMED));
  if (old === 0n)
    return proof.length === 0
      ? undefined
      : refused(422, 'bad-proof', 'The proof from size 0 must be empty.');
  // There is one of this size, which is not 0.
  if (latest === undefined) return undefined;
  if (checkpoint.treeSize > old) {
    const folded = foldConsistency(old, checkpoint.treeSize, latest.rootHash, proof);
    return folded.kind === 'folded' &&
      equalHash(folded.firstRoot, latest.rootHash) &&
      equalHash(folded.secondRoot, checkpoint.rootHash)
      ? undefined
      : refused(422, 'bad-proof', 'The consistency proof does not verify.');
  }
  if (!equalHash(checkpoint.rootHash, latest.rootHash))
    return refused(422, 'other-root', 'Another root was cosigned for this size.');
  return proof.length === 0
    ? undefined
    : refused(422, 'bad-proof', 'The proof between equal sizes must be empty.');
}

/**
 * Undefined where the subtree may be signed. `isOurs`: whether a key of the witness's that signs
 * subtrees has cosigned the checkpoint.
 */
export function decideSubtree(
  { start, end, hash, proof, checkpoint }: SignSubtree,
  log: WitnessedLog | undefined,
  isOurs: boolean,
): RefusedRequest | undefined {
  if (log === undefined)
    return refused(404, 'unknown-origin', 'No log of this origin is witnessed here.');
  if (!isOurs)
    return refused(403, 'bad-signature', 'The ML-DSA-44 key of this witness did not cosign it.');
  return isSubtreeConsistent([start, end], hash, checkpoint, proof)
    ? undefined
    : refused(422, 'bad-proof', 'The subtree consistency proof does not verify.');
}

/** The answer to a body that cannot be read. */
export function malformed(reason: string): RefusedRequest {
  return refused(400, 'malformed', sentence(reason));
}

/** A line that is there many times is checked once: a check of ML-DSA-44 takes milliseconds. */
function distinct(signatures: readonly NoteSignature[]): NoteSignature[] {
  const found = new Map<string, NoteSignature>();
  for (const signature of signatures) {
    const { name, keyId, body } = signature;
    found.set(`${name} ${encodeBase64(keyId)} ${encodeBase64(body)}`, signature);
  }
  return [...found.values()];
}

function refused(status: RefusedRequest['status'], refusal: Refusal, body: string): RefusedRequest {
  return { kind: 'refused', status, refusal, body: body.endsWith('\n') ? body : `${body}\n` };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
