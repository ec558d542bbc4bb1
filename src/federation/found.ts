// SPDX-License-Identifier: Apache-2.0
/**
 * What a member knows of logs: what its own challenger was shown by them at their front doors, as
 * everybody is, and holds proven (src/follow). It reads nothing of what was seen on the wire, so
 * nothing of that can get into what it states or says.
 */
import { prove } from '../ask/prove.ts';
import { makeEvidence, formatEvidence } from '../evidence/bundle.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { isInService, type Log } from '../logs/log.ts';
import { equalHash, toMerkleHash } from '../merkle/hash.ts';
import { isMalformed, type VerifiedStatement } from '../statements/statement.ts';
import { hex } from './bytes.ts';
import { attachmentOf, signedHeadOf } from './cosignatures.ts';
import type { Judgement, Observer } from './round.ts';
import type { Proposed } from './statement.ts';

/** A log whose last visits all failed is accused after this long, or its MMD if that is longer. */
const SILENCE_MS = 3_600_000;
/** Contradictions that wait to be proven. */
const MAX_OPEN = 64;

export class FoundByFollowing implements Observer {
  readonly #hashes: () => HashStore | undefined;
  readonly #logs: ReadonlyMap<string, Log>;
  readonly #now: () => number;
  /** Heads that contradict the public trees of their logs. */
  readonly #open = new Map<string, { readonly log: Log; readonly head: VerifiedStatement }>();

  /** `hashes` is asked each time: there may be none yet. `logs`: by log ID in hexadecimal. */
  constructor(
    hashes: () => HashStore | undefined,
    logs: ReadonlyMap<string, Log>,
    now: () => number,
  ) {
    this.#hashes = hashes;
    this.#logs = logs;
    this.#now = now;
  }

  candidates(): Proposed[] {
    const hashes = this.#hashes();
    if (hashes === undefined) return [];
    return [...this.#logs.values()].filter(isInService).flatMap((log) => {
      const visits = hashes.rows(log).visits();
      const { lastSuccess = 0, last = 0 } = visits ?? {};
      const silence = Math.max(SILENCE_MS, log.mmd * 1000);
      if (visits !== undefined && last > lastSuccess && this.#now() - lastSuccess > silence)
        return { statement: { kind: 'accusation', id: log.key.logId }, attachment: EMPTY };
      const head = this.#newestProven(hashes, log);
      return head === undefined ? [] : proposedOf(head);
    });
  }

  judge(proposed: Proposed): Judgement {
    const { statement } = proposed;
    const log = this.#logs.get(hex(statement.id));
    const hashes = this.#hashes();
    if (log === undefined || hashes === undefined || statement.kind === 'revocations')
      return 'unknown';
    if (statement.kind === 'accusation') {
      const mine = this.candidates().find(({ statement: { id } }) => hex(id) === hex(statement.id));
      return mine?.statement.kind === 'accusation' ? 'stated' : 'unknown';
    }
    const head = signedHeadOf(proposed, log);
    if (head === undefined || isMalformed(head)) return 'refused';
    // From the window alone: it is the same whatever was seen on the wire.
    const known = hashes.of(log).inWindow(statement.treeSize);
    if (known !== undefined) {
      if (equalHash(known.root, toMerkleHash(statement.rootHash))) return 'stated';
      this.#remember(log, head);
      return 'refused';
    }
    const shown = hashes.rows(log).headOf(head);
    return shown !== undefined && this.#isProven(hashes, log, shown.id) ? 'stated' : 'unknown';
  }

  /** Evidence bundles of the contradictions that came up since the last call. */
  async convictions(): Promise<string[]> {
    const bundles: string[] = [];
    for (const [name, { log, head }] of this.#open) {
      this.#open.delete(name);
      const known = this.#hashes()?.of(log).inWindow(head.treeSize);
      if (known === undefined) continue;
      try {
        const conclusion = await prove(known.asker, head, known.against);
        if (conclusion.verdict === 'fork-proven')
          bundles.push(
            formatEvidence(makeEvidence(log, head, known.against, conclusion, this.#now())),
          );
      } catch {
        // A hash that the proof needs is not here. The head is proposed again, if it is of use.
      }
    }
    return bundles;
  }

  #remember(log: Log, head: VerifiedStatement): void {
    if (this.#open.size < MAX_OPEN)
      this.#open.set(`${hex(log.key.logId)} ${head.treeSize} ${hex(head.rootHash)}`, { log, head });
  }

  #newestProven(hashes: HashStore, log: Log): VerifiedStatement | undefined {
    const heads = hashes.rows(log).heads();
    for (const { id, head } of heads.toReversed().slice(0, 16)) {
      if (isMalformed(head)) continue;
      const known = hashes.of(log).inWindow(head.treeSize);
      if (
        known === undefined ? this.#isProven(hashes, log, id) : equalHash(known.root, head.rootHash)
      )
        return head;
    }
    return undefined;
  }

  /** Whether the log has proven that the head is a prefix of a later one, or a later one of it. */
  #isProven(hashes: HashStore, log: Log, id: number): boolean {
    const heads = hashes.rows(log).heads();
    return heads.some((each) => (each.id === id && each.next !== undefined) || each.next === id);
  }
}

const EMPTY = new Uint8Array(0);

function proposedOf(head: VerifiedStatement): Proposed {
  const { logId: id, treeSize, rootHash } = head;
  return { statement: { kind: 'head', id, treeSize, rootHash }, attachment: attachmentOf(head) };
}
