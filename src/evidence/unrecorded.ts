// SPDX-License-Identifier: Apache-2.0
/**
 * Evidence without a store. While the store cannot be written, the heads that wait for it are held
 * against one another and against what the store can still tell, and what they prove goes to the
 * disk as files. The store takes these in when it can be written again.
 */
import { equalHash } from '../merkle/hash.ts';
import type { Log } from '../logs/log.ts';
import { logIdText } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { makeEvidence, type ListedTree } from './bundle.ts';
import { judgeWithoutProof } from './judge.ts';
import { findSignedList } from './listed.ts';
import type { Fork, RecordContext, Settled } from './record.ts';
import { signedHeadOf } from './stored.ts';
import { writeEvidence } from './write.ts';

/** As EvidenceStore.missing: a tree is held against the first four of its size. */
const MOST_OTHERS = 4;

type Exhibit = VerifiedStatement | ListedTree;

export class UnrecordedHeads {
  readonly #secondPlace: string | undefined;
  /** By log and size, the trees that wait, in the order in which they were seen. */
  readonly #bySize = new Map<string, VerifiedStatement[]>();
  /** Forks of which no file could be written yet. */
  #owed: (() => Fork | undefined)[] = [];

  /** `secondPlace`: where evidence goes that cannot be written where it belongs. */
  constructor(secondPlace: string | undefined) {
    this.#secondPlace = secondPlace;
  }

  /**
   * Writes the evidence of what `heads` contradict, and of what could not be written before. The
   * heads that were given earlier and have not been recorded since count too. Throws nothing.
   */
  settle(context: RecordContext, heads: readonly VerifiedStatement[]): Settled<Fork> {
    const logs = new Map(context.logs.map((log) => [logIdText(log.key.logId), log]));
    for (const head of heads) {
      const log = logs.get(logIdText(head.logId));
      if (log === undefined || !this.#isNew(head)) continue;
      for (const other of this.#others(context, log, head))
        this.#owed.push(() => forkOf(context, log, other, head, this.#secondPlace));
    }
    const forks: Fork[] = [];
    let failure: unknown;
    this.#owed = this.#owed.filter((write) => {
      try {
        const fork = write();
        if (fork !== undefined) forks.push(fork);
        return false;
      } catch (error) {
        failure ??= error;
        return true;
      }
    });
    return { forks, failure };
  }

  /** Called when the store has been given all heads. */
  recorded(): void {
    this.#bySize.clear();
    this.#owed = [];
  }

  /** False for a tree that was given before. */
  #isNew(head: VerifiedStatement): boolean {
    const key = `${logIdText(head.logId)} ${head.treeSize}`;
    const known = this.#bySize.get(key) ?? [];
    if (known.some(({ rootHash }) => equalHash(rootHash, head.rootHash))) return false;
    this.#bySize.set(key, [...known, head]);
    return true;
  }

  /** What the head has to agree with: what the store has of its size, what waits, and lists. */
  #others(context: RecordContext, log: Log, head: VerifiedStatement): Exhibit[] {
    const { store, now } = context;
    const waiting = this.#bySize.get(`${logIdText(head.logId)} ${head.treeSize}`) ?? [];
    const stored = ifReadable(() =>
      store.heads
        .treesOfSize(head.logId, head.treeSize)
        .slice(0, MOST_OTHERS)
        .flatMap((tree) => signedHeadOf(store, log, tree, now) ?? []),
    );
    // Those that wait were held against it when they came.
    if (stored.some(({ rootHash }) => equalHash(rootHash, head.rootHash))) return [];
    const listed = ifReadable(() => finalTree(store, log, head.treeSize));
    return [...stored, ...waiting.slice(0, MOST_OTHERS), ...listed].filter(
      ({ rootHash }) => !equalHash(rootHash, head.rootHash),
    );
  }
}

/** The log's final tree, if it has this size and a signed list names it. */
function finalTree(store: RecordContext['store'], log: Log, treeSize: bigint): ListedTree[] {
  if (log.finalTree?.treeSize !== treeSize) return [];
  const list = findSignedList(store, log);
  return list === undefined ? [] : [{ ...log.finalTree, list }];
}

function forkOf(
  { evidenceDirectory, now }: RecordContext,
  log: Log,
  first: Exhibit,
  second: VerifiedStatement,
  secondPlace: string | undefined,
): Fork | undefined {
  const finding = judgeWithoutProof(first, second);
  if (finding?.verdict !== 'fork-proven') return undefined;
  const bundle = makeEvidence(log, first, second, finding, now);
  const fork = { log, treeSize: second.treeSize };
  try {
    return { ...fork, evidence: writeEvidence(evidenceDirectory, bundle) };
  } catch (error) {
    if (secondPlace === undefined) throw error;
    return { ...fork, evidence: writeEvidence(secondPlace, bundle) };
  }
}

/** Nothing where the store cannot be read, or cannot set aside what it finds damaged. */
function ifReadable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
