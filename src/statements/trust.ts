// SPDX-License-Identifier: Apache-2.0
/**
 * Holding a checkpoint, or a proof of inclusion in it, against a trust policy (c2sp.org/tlog-policy).
 * Here notes are read as strictly as c2sp.org/signed-note wants it, for the text is about to be
 * trusted: elsewhere whatever a log signed counts, however it is wrapped.
 */
import { foldInclusion } from '../merkle/proof.ts';
import { equalHash, type MerkleHash } from '../merkle/hash.ts';
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { hasExtensionLines, timeOfCosignature } from './cosignature.ts';
import { isNoteName, NOTE_KEY_TYPE, originOfKey, type NoteKey } from './note-key.ts';
import { meetsQuorum, type Policy } from './policy.ts';
import { checkSignatures, linesBy } from './signature-lines.ts';
import type { TlogProof } from './tlog-proof.ts';

export interface TrustedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Names of the policy's logs whose key signed it. */
  readonly logs: readonly string[];
  readonly cosigned: readonly Cosigned[];
  /** Why the policy does not accept it, each a sentence without its full stop; none: it does. */
  readonly faults: readonly string[];
  /** Whether it has lines that no ML-DSA-44 signature covers. */
  readonly hasExtensionLines: boolean;
}

export interface Cosigned {
  /** As the policy calls the witness. */
  readonly witness: string;
  /** Seconds since the epoch; 0 where the witness does not say. */
  readonly time: bigint;
}

/** Throws RangeError with the reason where the bytes are no checkpoint. */
export function checkCheckpoint(bytes: Uint8Array, policy: Policy): TrustedCheckpoint {
  const checkpoint = parseStrictly(bytes);
  const extended = hasExtensionLines(checkpoint);
  const faults: string[] = [];
  /** Whether the key made its lines; a line that says so and is not good spoils the note. */
  const isSignedBy = (key: NoteKey, whose: string): boolean => {
    const signatures = linesBy(checkpoint, key);
    const checked = checkSignatures({ ...checkpoint, signatures }, [key]);
    if (checked.some(({ valid }) => valid !== true))
      faults.push(`a signature that says it is by ${whose} is not good`);
    return checked.length > 0 && checked.every(({ valid }) => valid === true);
  };

  const logs: string[] = [];
  for (const { key } of policy.logs) {
    if (!isSignedBy(key, `the log ${key.name}`)) continue;
    if (originOfKey(key.name) !== checkpoint.origin)
      faults.push(`the log ${key.name} signed it, but its origin is "${checkpoint.origin}"`);
    else if (extended && key.type === NOTE_KEY_TYPE.mlDsa44)
      faults.push(
        `it has extension lines, which the ML-DSA-44 signature of the log ${key.name} does not cover`,
      );
    else logs.push(key.name);
  }
  if (logs.length === 0) faults.push('no log of the policy signed it');

  const cosigned: Cosigned[] = [];
  for (const [witness, { key }] of policy.witnesses) {
    if (!isSignedBy(key, `the witness ${witness}`)) continue;
    const [line] = linesBy(checkpoint, key);
    cosigned.push({ witness, time: (line && timeOfCosignature(line.body)) ?? 0n });
  }
  if (!meetsQuorum(policy, new Set(cosigned.map(({ witness }) => witness))))
    faults.push(
      `its cosignatures (${cosigned.length} of ${policy.witnesses.size}) are no quorum: "${policy.quorum ?? 'none'}" is wanted`,
    );
  return { checkpoint, logs, cosigned, faults, hasExtensionLines: extended };
}

/**
 * The latest time of which a quorum says that it saw the checkpoint then or later, in seconds since the
 * epoch. Undefined if the policy wants no quorum, or if those that say no time are needed for one.
 */
export function quorumTime(policy: Policy, cosigned: readonly Cosigned[]): bigint | undefined {
  if (policy.quorum === undefined) return undefined;
  const times = cosigned.map(({ time }) => time).filter((time) => time > 0n);
  times.sort((a, b) => (a < b ? 1 : -1));
  return times.find((time) => {
    const since = cosigned.filter((each) => each.time >= time).map(({ witness }) => witness);
    return meetsQuorum(policy, new Set(since));
  });
}

/**
 * Holds a proof file against the policy; the leaf's hash is what its reader knows the entry by. Throws
 * RangeError where the checkpoint in it is none.
 */
export function checkProof(
  { index, hashes, checkpoint: bytes }: TlogProof,
  leafHash: MerkleHash,
  policy: Policy,
): TrustedCheckpoint {
  const trusted = checkCheckpoint(bytes, policy);
  const { treeSize, rootHash } = trusted.checkpoint;
  return { ...trusted, faults: [...trusted.faults, ...faultsOfProof()] };

  function faultsOfProof(): string[] {
    if (index >= treeSize) return [`entry ${index} is not in a tree of ${treeSize} entries`];
    const folded = foldInclusion(index, treeSize, leafHash, hashes);
    if (folded.kind !== 'folded') return [`the proof of inclusion is malformed: ${folded.reason}`];
    if (equalHash(folded.root, rootHash)) return [];
    return [`the proof does not lead from this entry at index ${index} to the root of the tree`];
  }
}

/** c2sp.org/signed-note and c2sp.org/tlog-checkpoint, to the letter. */
function parseStrictly(bytes: Uint8Array): Checkpoint {
  let note: string;
  try {
    note = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new RangeError('it is not UTF-8', { cause: error });
  }
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\0-\x09\x0b-\x1f]/.test(note))
    throw new RangeError('it has a control character: lines end in a newline alone');
  const checkpoint = parseCheckpoint(note);
  const [, , , ...extension] = checkpoint.text.slice(0, -1).split('\n');
  if (extension.includes(''))
    throw new RangeError('it has an empty line among its extension lines');
  const block = note.slice(checkpoint.text.length + 1, -1).split('\n');
  if (block.length !== checkpoint.signatures.length)
    throw new RangeError('a line below its blank line is no signature: want "\u2014 name base64"');
  if (!checkpoint.signatures.every(({ name }) => isNoteName(name)))
    throw new RangeError('the name in a signature line has a space or a plus');
  return checkpoint;
}
