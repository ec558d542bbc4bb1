// SPDX-License-Identifier: Apache-2.0
/**
 * Whether what a log promised is in its tree, asked by DNS: at a time that chance draws, so that it
 * does not tell when somebody visited the site, against a fresh head that is later than the log's
 * maximum merge delay allows. A failure accuses nobody: DNS is not signed, and a log that cannot
 * show a leaf may have its reasons. But it is said aloud.
 */
import { LogError, type Asker } from '../ask/asker.ts';
import { messageOf } from '../base/errors.ts';
import { time } from '../base/text.ts';
import type { Log } from '../logs/log.ts';
import { equalHash, type MerkleHash } from '../merkle/hash.ts';
import { foldInclusion } from '../merkle/proof.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { SctRow } from './store.ts';

/** So often a proof has to fail before anybody is told. */
const TRIES = 3;
/** The wait between two tries is doubled up to this many times. */
const MOST_DOUBLED = 4;

export interface Pace {
  /** A time is drawn within this many ms. */
  readonly delay: number;
  /** At least 0 and below 1. */
  readonly chance: () => number;
}

export interface Question {
  readonly sct: SctRow;
  readonly log: Log;
  /** A fresh head of the log, if there is one. */
  readonly head: VerifiedStatement | undefined;
  /** Whether the log's zone has answered lately: a machine without network accuses nobody. */
  readonly isReachable: boolean;
  readonly asker: Pick<Asker, 'inclusionProof' | 'leafProof'>;
  /** In ms since the epoch. */
  readonly now: number;
}

export type Outcome = Pick<SctRow, 'state' | 'why' | 'tries' | 'next'>;

/** When a new SCT is first asked about. */
export function firstLook(now: number, { delay, chance }: Pace): number {
  return Math.round(now + delay * chance());
}

/** Asks about one SCT. Never rejects. */
export async function checkInclusion(question: Question, pace: Pace): Promise<Outcome> {
  const { sct, log, head, isReachable, now } = question;
  const { state, tries } = sct;
  const later = (why: string, notBefore = now): Outcome => ({
    state,
    why,
    tries,
    // Not at once, whatever chance draws.
    next: firstLook(Math.max(now + pace.delay / 2, notBefore), pace),
  });
  const due = sct.time + BigInt(log.mmd) * 1000n;
  if (head === undefined) return later('There is no fresh tree head of the log.');
  if (head.timestamp < due)
    return later(
      `The log has until ${time(due)} to include it, and its newest tree head is of ${time(head.timestamp)}.`,
      Number(due),
    );
  if (!isReachable) return later(`The log's zone does not answer.`);
  const found = await ask(question, head);
  if (found === undefined)
    return {
      state: 'included',
      why: `It is in the log's tree of size ${head.treeSize}.`,
      tries,
      next: 0,
    };
  const failed = tries + 1;
  const wait = pace.delay * 2 ** Math.min(failed, MOST_DOUBLED) * (0.5 + pace.chance());
  return {
    state: failed >= TRIES ? found.state : state,
    why: found.why,
    tries: failed,
    next: Math.round(now + wait),
  };
}

type Failure = Pick<Outcome, 'why'> & { readonly state: 'unprovable' | 'contradicted' };

/** Undefined: it is proven. */
async function ask(
  { sct, asker }: Question,
  { treeSize, rootHash }: VerifiedStatement,
): Promise<Failure | undefined> {
  const { leafHash, leafIndex } = sct;
  if (leafIndex !== undefined && leafIndex >= treeSize)
    return {
      state: 'unprovable',
      why: `The SCT puts it at index ${leafIndex}, and the log's tree has ${treeSize} entries although its delay is over.`,
    };
  let at: bigint;
  let path: readonly MerkleHash[];
  try {
    if (leafIndex === undefined)
      ({ leafIndex: at, path } = await asker.leafProof(leafHash, treeSize));
    else {
      at = leafIndex;
      path = await asker.inclusionProof({ leafHash, leafIndex }, treeSize);
    }
  } catch (error) {
    const why = error instanceof LogError ? error.message : messageOf(error);
    return { state: 'unprovable', why: `No proof came although the log's delay is over: ${why}` };
  }
  const folded = foldInclusion(at, treeSize, leafHash, path);
  if (folded.kind === 'folded' && equalHash(folded.root, rootHash)) return undefined;
  return {
    state: 'contradicted',
    why:
      folded.kind === 'folded'
        ? `The proof that the DNS gave leads to another tree than the log signed.`
        : `What the DNS gave is no proof: ${folded.reason}.`,
  };
}
