// SPDX-License-Identifier: Apache-2.0
/**
 * The one way in for tree heads. Whatever brings a head (the wire, a capture, a file, a pollinator,
 * the log itself, a damaged store, an evidence file) records it here, and so each head is held at
 * once against all that is known: against every other root that the log signed for the size, and
 * against the final tree that a signed log list names. Evidence of a contradiction is on the disk
 * before anybody is told, and needs no answer of the log.
 */
import type { Log } from '../logs/log.ts';
import { logIdText } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { SeenEntryChanges, Sighting, StoredTree } from '../store/heads.ts';
import { knownLogs } from '../store/known-logs.ts';
import type { Store } from '../store/store.ts';
import { judgeWithoutProof } from './judge.ts';
import { contradictionOf, keepEvidence, keepListEvidence } from './keep.ts';
import { findSignedList } from './listed.ts';

export interface RecordContext {
  readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
  readonly evidenceDirectory: string;
  /** Descriptions of logs, for evidence; a log that is not among them is looked up in the store. */
  readonly logs: readonly Log[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /**
   * Which of two roots for one size gets the verdict `fork-proven`; the later unless given. The log
   * calls its current tree by itself, so the challenger holds the earlier one against that.
   */
  readonly accused?: 'earlier' | 'later';
}

/** A proven fork, of which there is evidence. */
export interface Fork {
  readonly log: Log;
  /** Of the tree that is accused. */
  readonly treeSize: bigint;
  /** The path of the evidence. */
  readonly evidence: string;
}

/** A fork that the store knows. */
export interface RecordedFork extends Fork {
  /** The tree with the verdict `fork-proven`. */
  readonly tree: StoredTree;
}

export interface Settled<Found extends Fork = RecordedFork> {
  /** Forks that were found now. */
  readonly forks: readonly Found[];
  /**
   * Why evidence of some fork could not be written. The fork is not forgotten: whoever records or
   * settles next tries again.
   */
  readonly failure: unknown;
}

export interface Recorded<T> extends Settled {
  /** As HeadStore.record. */
  readonly newHeads: ReadonlySet<T>;
  /** Sightings that were added; see Sighting.origin. */
  readonly counted: number;
}

/**
 * Records sightings as HeadStore.record does, and settles what they contradict. `beforeSettling` is
 * called when they are recorded. Throws what HeadStore.record throws; nothing was recorded then.
 */
export function recordHeads<T extends Sighting>(
  context: RecordContext,
  sightings: readonly T[],
  { changes, beforeSettling }: { changes?: SeenEntryChanges; beforeSettling?: () => void } = {},
): Recorded<T> {
  const { newHeads, counted } = context.store.heads.record(sightings, changes);
  beforeSettling?.();
  const settled = settleContradictions(
    context,
    [...newHeads].map(({ head }) => head),
  );
  return { newHeads, counted, ...settled };
}

/**
 * Writes the evidence of each pair of roots for one size of which there is none yet, whoever
 * recorded them, and of each of `heads` that contradicts its log's final tree. Throws nothing.
 */
export function settleContradictions(
  context: RecordContext,
  heads: readonly VerifiedStatement[] = [],
): Settled {
  const { store } = context;
  const logs = new Logs(context);
  const forks: RecordedFork[] = [];
  let failure: unknown;
  // One that cannot be written keeps no other from being written.
  const attempt = (find: (onFork: OnFork) => void): void => {
    try {
      find((fork) => forks.push(fork));
    } catch (error) {
      failure ??= error;
    }
  };
  try {
    for (const pair of store.evidence.missing())
      attempt((onFork) => twoRoots(context, logs, pair, onFork));
  } catch (error) {
    failure = error;
  }
  for (const head of heads) attempt((onFork) => notItsFinalTree(context, logs, head, onFork));
  return { forks, failure };
}

/** Called once the evidence is on the disk, whether or not the store then takes what it is told. */
type OnFork = (fork: RecordedFork) => void;

function twoRoots(
  { store, evidenceDirectory, now, accused = 'later' }: RecordContext,
  logs: Logs,
  [first, second]: readonly [StoredTree, StoredTree],
  onFork: OnFork,
): void {
  const log = logs.of(first);
  const finding = judgeWithoutProof(first, second);
  if (log === undefined || finding?.verdict !== 'fork-proven') return;
  const [tree, other] = accused === 'later' ? [second, first] : [first, second];
  keepEvidence(store, evidenceDirectory, log, [first, second], finding, now, (evidence) => {
    onFork({ log, treeSize: tree.treeSize, tree, evidence });
    // Before the store has the evidence: then it would not be found again where this fails.
    store.verdicts.set(tree, now, { verdict: 'fork-proven', provenAgainst: other.id });
  });
}

function notItsFinalTree(
  { store, evidenceDirectory, now }: RecordContext,
  logs: Logs,
  head: VerifiedStatement,
  onFork: OnFork,
): void {
  const log = logs.given(head);
  const { finalTree } = log ?? {};
  if (log === undefined || finalTree?.treeSize !== head.treeSize) return;
  const finding = judgeWithoutProof(finalTree, head);
  if (finding?.verdict !== 'fork-proven') return;
  const tree = store.heads.treeOf(head);
  const list = findSignedList(store, log);
  if (list === undefined || tree.verdict === 'fork-proven') return;
  const listed = { ...finalTree, list };
  keepListEvidence(store, evidenceDirectory, log, tree, listed, finding, now, (evidence) => {
    onFork({ log, treeSize: tree.treeSize, tree, evidence });
    const reason = contradictionOf(finalTree);
    store.verdicts.set(tree, now, { verdict: 'fork-proven', reason });
  });
}

/** By log ID. Those of the store are read only where a fork needs one that was not given. */
class Logs {
  readonly #context: RecordContext;
  #given: Map<string, Log> | undefined;
  #known: Map<string, Log> | undefined;

  constructor(context: RecordContext) {
    this.#context = context;
  }

  given({ logId }: Pick<VerifiedStatement, 'logId'>): Log | undefined {
    this.#given ??= byId(this.#context.logs);
    return this.#given.get(logIdText(logId));
  }

  of(tree: Pick<VerifiedStatement, 'logId'>): Log | undefined {
    const given = this.given(tree);
    if (given !== undefined) return given;
    this.#known ??= byId(knownLogs(this.#context.store, undefined, () => undefined));
    return this.#known.get(logIdText(tree.logId));
  }
}

function byId(logs: readonly Log[]): Map<string, Log> {
  return new Map(logs.map((log) => [logIdText(log.key.logId), log]));
}
