// SPDX-License-Identifier: Apache-2.0
/**
 * What a witness makes of checkpoints that it refuses though their log signed them: it keeps both, and
 * where the log's own material convicts it, writes evidence.
 */
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { makeEvidence } from '../evidence/bundle.ts';
import { judgeProof, judgeWithoutProof, type Finding, type Judgement } from '../evidence/judge.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { Log } from '../logs/log.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import { isMalformed, type TreeRoot, type VerifiedStatement } from '../statements/statement.ts';
import { signedByOne, type WitnessedLog } from './logs.ts';
import type { RefusedCheckpoint, WitnessStore } from './store.ts';

export type ConvictEvent =
  /** `evidence` is undefined where two keys of the log signed one each: no evidence has room for that. */
  | {
      readonly event: 'fork-proven';
      readonly origin: string;
      readonly evidence: string | undefined;
    }
  | { readonly event: 'failed'; readonly message: string };

export interface ConvictOptions {
  readonly store: WitnessStore;
  /** By origin. */
  readonly logs: ReadonlyMap<string, WitnessedLog>;
  /** Where evidence is kept. */
  readonly evidence: string;
  readonly onEvent: (event: ConvictEvent) => void;
  readonly onError: (error: unknown) => void;
}

/** A checkpoint with its log's lines alone that was refused, and the hashes that came with it. */
export type NewlyRefused = Pick<RefusedCheckpoint, 'origin' | 'note' | 'cosigned' | 'status'> & {
  /** From the tree that was cosigned to this one; empty where they are of something else. */
  readonly proof: readonly MerkleHash[];
};

/** Having the log prove that a tree is a prefix of another: prove() of src/ask, by some way. */
export type Prove = (
  log: Log,
  first: VerifiedStatement,
  second: VerifiedStatement,
) => Promise<Judgement>;

type Pair = Omit<RefusedCheckpoint, 'id'>;

/** Evidence that could not be written, of refusals that could not be kept either. */
const MAX_UNKEPT = 100;

export class Convictions {
  readonly #options: ConvictOptions;
  #unkept: Pair[] = [];

  constructor(options: ConvictOptions) {
    this.#options = options;
  }

  /**
   * Keeps what was refused, unless it is of the history that was cosigned. Evidence comes first: it
   * must not depend on a disk that takes nothing else. Throws StoreError if it cannot be kept; what
   * convicts is then tried again with `settle`.
   */
  take({ proof, ...refused }: NewlyRefused, now: number): void {
    const { store } = this.#options;
    if ((store.stateOf(refused) ?? 'open') !== 'open') return;
    // What it signs more would fill the disk with evidence, and say nothing that is new.
    if (store.isFullOfForks(refused.origin)) return;
    const pair: Pair = {
      ...refused,
      proof: proof.map(encodeBase64).join('\n'),
      at: now,
      state: 'open',
      evidence: null,
    };
    const settled = this.#settled(pair);
    if (settled === undefined) return;
    try {
      if (!store.keep(settled))
        this.#options.onEvent({
          event: 'failed',
          message: `${refused.origin}: so many of its checkpoints were refused that one is not kept`,
        });
    } catch (error) {
      if (settled.state === 'open' && this.#unkept.length < MAX_UNKEPT) this.#unkept.push(pair);
      throw error;
    }
  }

  /**
   * Goes through what nothing has shown yet whether one history has both: again by what is here, since
   * a disk may have been full, or more has been cosigned since. Throws StoreError.
   */
  settleAll(): void {
    const { store } = this.#options;
    const unkept = this.#unkept;
    this.#unkept = [];
    for (const pair of unkept) {
      const settled = this.#settled(pair);
      if (settled !== undefined) store.keep(settled);
    }
    for (const pair of store.open()) this.#settleHere(pair);
  }

  /** As settleAll, of one log, and then by what it proves when it is asked. Rejects with StoreError. */
  async settle(origin: string, prove: Prove): Promise<void> {
    const pairs = this.#options.store.open().filter((pair) => pair.origin === origin);
    for (const pair of pairs) if (!this.#settleHere(pair)) await this.#settleBy(prove, pair);
  }

  /** Whether something is shown now. */
  #settleHere(pair: RefusedCheckpoint): boolean {
    const { store } = this.#options;
    const settled = this.#settled(pair);
    if (settled?.state === 'open') return false;
    if (settled === undefined) store.drop(pair.id);
    else store.settle(pair.id, settled.state, settled.evidence);
    return true;
  }

  async #settleBy(prove: Prove, pair: RefusedCheckpoint): Promise<void> {
    const { store, logs, onError } = this.#options;
    const heads = headsOf(logs.get(pair.origin), pair);
    if (heads === undefined) return;
    const { log, first, second } = heads;
    try {
      const judgement = await prove(log, first, second);
      if (judgement.verdict === 'consistent') store.drop(pair.id);
      if (judgement.verdict !== 'fork-proven') return;
      const evidence = this.#write(pair.origin, heads, judgement);
      if (evidence !== null) store.settle(pair.id, 'fork-proven', evidence);
    } catch (error) {
      onError(error);
    }
  }

  /** The pair as it is to be kept; undefined: one history has both. Writes evidence. */
  #settled(given: Pair): Pair | undefined {
    const { store, logs, onEvent } = this.#options;
    const { origin, note, proof } = given;
    const refused = parseCheckpoint(note);
    if (isMalformed(refused)) return { ...given, state: 'malformed' };
    // Of the same size needs no proof; that of the request is between other trees.
    const past = store.past(origin, refused.treeSize);
    const pair = past === undefined ? given : { ...given, cosigned: past, proof: '' };
    const cosigned = parseCheckpoint(pair.cosigned);
    const judgement = judgePair(cosigned, refused, past === undefined ? proof : '');
    if (judgement?.verdict === 'consistent') return undefined;
    if (judgement?.verdict !== 'fork-proven') return pair;
    const heads = headsOf(logs.get(origin), pair);
    if (heads === undefined) {
      onEvent({ event: 'fork-proven', origin, evidence: undefined });
      return { ...pair, state: 'fork-proven' };
    }
    const evidence = this.#write(origin, heads, judgement);
    return evidence === null ? pair : { ...pair, state: 'fork-proven', evidence };
  }

  /** Null if it cannot be written. */
  #write(origin: string, { log, first, second }: Heads, finding: Finding): string | null {
    const { evidence: directory, onEvent, onError } = this.#options;
    try {
      const path = writeEvidence(directory, makeEvidence(log, first, second, finding, Date.now()));
      onEvent({ event: 'fork-proven', origin, evidence: path });
      return path;
    } catch (error) {
      onError(error);
      return null;
    }
  }
}

interface Heads {
  readonly log: Log;
  /** The smaller. */
  readonly first: VerifiedStatement;
  readonly second: VerifiedStatement;
}

/** Both trees, as one key of the log signed them; undefined where none signed both. */
function headsOf(
  log: WitnessedLog | undefined,
  { cosigned, note }: Pick<RefusedCheckpoint, 'cosigned' | 'note'>,
): Heads | undefined {
  const signed = log && signedByOne(log, [cosigned, note]);
  const [one, other] = signed?.heads ?? [];
  if (signed === undefined || one === undefined || other === undefined) return undefined;
  const [first, second] = one.treeSize <= other.treeSize ? [one, other] : [other, one];
  return { log: signed.log, first, second };
}

/**
 * What two trees of one log show, with the hashes of a proof from `cosigned` to `refused` (32 bytes in
 * base64, one a line; empty: there are none). Undefined where nothing is shown without asking. Pure.
 */
export function judgePair(
  cosigned: TreeRoot,
  refused: TreeRoot,
  proof: string,
): Judgement | undefined {
  const settled =
    cosigned.treeSize <= refused.treeSize
      ? judgeWithoutProof(cosigned, refused)
      : judgeWithoutProof(refused, cosigned);
  if (settled !== undefined || proof === '' || cosigned.treeSize > refused.treeSize) return settled;
  const hashes = proof
    .split('\n')
    .map((line) => toMerkleHash(decodeBase64(line) ?? new Uint8Array()));
  return judgeProof(cosigned, refused, { kind: 'consistency', hashes });
}
