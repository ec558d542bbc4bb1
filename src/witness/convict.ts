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
import { parseCheckpoint, type Checkpoint } from '../statements/checkpoint.ts';
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

/** A checkpoint with its log's lines alone that was refused, and what came with it. */
export type NewlyRefused = Pick<RefusedCheckpoint, 'origin' | 'note' | 'cosigned' | 'status'> & {
  /** The size from which the request said that the proof is. */
  readonly old: bigint;
  readonly proof: readonly MerkleHash[];
};

/** Having the log prove that a tree is a prefix of another: prove() of src/ask, by some way. */
export type Prove = (
  log: Log,
  first: VerifiedStatement,
  second: VerifiedStatement,
) => Promise<Judgement>;

type Pair = Omit<RefusedCheckpoint, 'id'>;

/** What a refused checkpoint is held against: another of the log's, and a proof from that to it. */
interface Other {
  readonly note: string;
  /** 32 bytes in base64, one a line; empty: there is none. */
  readonly proof: string;
  /** Was refused too. */
  readonly refused?: RefusedCheckpoint;
}

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
  take({ old, proof, ...refused }: NewlyRefused, now: number): void {
    const { store } = this.#options;
    if ((store.stateOf(refused) ?? 'open') !== 'open') return;
    // What it signs more would fill the disk with evidence, and say nothing that is new.
    if (store.isFullOfForks(refused.origin)) return;
    const pair: Pair = { ...refused, proof: '', at: now, state: 'open', evidence: null };
    // What the proof begins from may have been cosigned long ago: 409.
    const isLatest = parsed(refused.cosigned)?.treeSize === old;
    const from = isLatest ? refused.cosigned : store.past(refused.origin, old);
    this.#keep(pair, { note: from ?? '', proof: proof.map(encodeBase64).join('\n') });
  }

  /** Settles the pair by what is here, and keeps it. Throws StoreError as `take` does. */
  #keep(pair: Pair, brought?: Other): void {
    const settled = this.#settled(pair, brought);
    if (settled === undefined) return;
    try {
      if (!this.#options.store.keep(settled))
        this.#options.onEvent({
          event: 'failed',
          message: `${pair.origin}: so many of its checkpoints were refused that one is not kept`,
        });
    } catch (error) {
      if (settled.state === 'open' && this.#unkept.length < MAX_UNKEPT) this.#unkept.push(settled);
      throw error;
    }
  }

  /**
   * Goes through what nothing has shown yet whether one history has both: again by what is here, since
   * a disk may have been full, or more has been cosigned since. Throws StoreError; what could not be
   * kept is then still in mind.
   */
  settleAll(): void {
    const unkept = this.#unkept;
    this.#unkept = [];
    const failures: unknown[] = [];
    for (const pair of unkept)
      try {
        this.#keep(pair);
      } catch (error) {
        failures.push(error);
      }
    if (failures.length > 0) throw failures[0];
    for (const pair of this.#options.store.open()) this.#settleHere(pair);
  }

  /** As settleAll, of one log, and then by what it proves when it is asked. Rejects with StoreError. */
  async settle(origin: string, prove: Prove): Promise<void> {
    const pairs = this.#options.store.open().filter((pair) => pair.origin === origin);
    for (const pair of pairs) if (!this.#settleHere(pair)) await this.#settleBy(prove, pair);
  }

  /** Whether something is shown now. */
  #settleHere(pair: RefusedCheckpoint): boolean {
    const { store } = this.#options;
    // Another may have been held against it just now.
    if (store.stateOf(pair) !== 'open') return true;
    const settled = this.#settled(pair);
    if (settled?.state === 'open') return false;
    if (settled === undefined) store.drop(pair.id);
    else store.keep(settled);
    return true;
  }

  /**
   * Asks the log about the refused tree and the one that was cosigned last. A tree that only goes on
   * from that one may still turn out to be of another history, so it is asked about again later.
   */
  async #settleBy(prove: Prove, pair: RefusedCheckpoint): Promise<void> {
    const { store, logs, onError } = this.#options;
    const cosigned = store.cosigned(pair.origin)?.note;
    const heads = cosigned && headsOf(logs.get(pair.origin), [cosigned, pair.note]);
    if (!heads || heads.first.treeSize === 0n) return;
    const { log, first, second } = heads;
    try {
      const judgement = await prove(log, first, second);
      if (judgement.verdict === 'consistent' && treeIn(first) === treeIn(parsed(pair.note)))
        store.drop(pair.id);
      if (judgement.verdict !== 'fork-proven') return;
      const evidence = this.#write(pair.origin, heads, judgement);
      if (evidence !== null) store.keep({ ...pair, cosigned, state: 'fork-proven', evidence });
    } catch (error) {
      onError(error);
    }
  }

  /**
   * The pair as it is to be kept; undefined: one history has both. `brought` came with the request.
   * Writes evidence.
   */
  #settled(pair: Pair, brought?: Other): Pair | undefined {
    const { store } = this.#options;
    const refused = parsed(pair.note);
    if (refused === undefined) return pair;
    if (isMalformed(refused)) return { ...pair, state: 'malformed' };
    const past = store.past(pair.origin, refused.treeSize);
    const same = past === undefined ? undefined : parsed(past);
    // Of the same size needs no proof, and every history has the empty tree.
    if (refused.treeSize === 0n || (same && treeIn(same) === treeIn(refused))) return undefined;
    return this.#convicted(pair, [
      ...(past === undefined ? [] : [{ note: past, proof: '' }]),
      ...(brought === undefined ? [] : [brought]),
      { note: pair.cosigned, proof: pair.proof },
      ...store.rivals(pair).map((rival) => ({ note: rival.note, proof: '', refused: rival })),
    ]);
  }

  /**
   * The pair, with the first of the others that convicts the log together with what was refused, if
   * one does. What one of the log's keys signed convicts, and nothing that the database alone says.
   */
  #convicted(pair: Pair, others: readonly Other[]): Pair {
    const { store, logs, onEvent } = this.#options;
    const log = logs.get(pair.origin);
    const refused = parsed(pair.note);
    for (const { note, proof, refused: rival } of others) {
      const other = parsed(note);
      if (log === undefined || refused === undefined || other === undefined) continue;
      const judgement = judgePair(other, refused, proof);
      if (judgement?.verdict !== 'fork-proven') continue;
      const heads = headsOf(log, [note, pair.note]);
      const together = { ...pair, cosigned: note, proof };
      if (heads === undefined) {
        if (![note, pair.note].every((each) => signedByOne(log, [each]))) continue;
        onEvent({ event: 'fork-proven', origin: pair.origin, evidence: undefined });
        return { ...together, state: 'fork-proven' };
      }
      const evidence = this.#write(pair.origin, heads, judgement);
      if (evidence === null) return together;
      if (rival?.state === 'open') store.keep({ ...rival, state: 'fork-proven', evidence });
      return { ...together, state: 'fork-proven', evidence };
    }
    return pair;
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
  notes: readonly [string, string],
): Heads | undefined {
  const signed = log && signedByOne(log, notes);
  const [one, other] = signed?.heads ?? [];
  if (signed === undefined || one === undefined || other === undefined) return undefined;
  const [first, second] = one.treeSize <= other.treeSize ? [one, other] : [other, one];
  return { log: signed.log, first, second };
}

/** Undefined for what a damaged database has in the place of a checkpoint. */
function parsed(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(note);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function treeIn(tree: TreeRoot | undefined): string {
  return tree === undefined ? '' : `${tree.treeSize} ${encodeBase64(tree.rootHash)}`;
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
