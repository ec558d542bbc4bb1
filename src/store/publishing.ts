// SPDX-License-Identifier: Apache-2.0
/**
 * What a fleet is still to be told of this store: the store is its own outbox. Each head is told with
 * all that is known of it by then, so what is told twice is the same, and what is lost on the way is
 * in what is told next.
 */
import type { LogId } from '../statements/statement.ts';
import type { ExportedHead } from './exchange.ts';

/** 'sightings': and verdicts; 'verdicts': these alone, of who collects the sightings of others. */
export type Published = 'sightings' | 'verdicts';

export interface EvidenceToTell {
  readonly path: string;
  readonly logId: LogId;
  /** How often it was told. */
  readonly rounds: number;
  /** Whether no evidence of its log was told so far. */
  readonly isFirst: boolean;
}

export interface PublishingState {
  readonly what: Published;
  /** Of the last batch that is known to have arrived; epoch 0: none has. */
  readonly epoch: bigint;
  readonly sequence: bigint;
  /** Heads that were dropped from the outbox because too many waited, each once, however often it was. */
  readonly givenUp: number;
  /** The ID of the tree up to which verdicts have gone round; 0: a round begins. */
  readonly toldAgain: number;
}

/** A head that waits, and how far it was marked when it was read. */
export interface WaitingHead {
  readonly head: ExportedHead;
  readonly mark: Mark;
}

export interface Mark {
  readonly treeHead: number;
  readonly marks: number;
}

export interface PublishingStore {
  /**
   * From now on what is recorded waits to be told, and so do the last `most` heads that are on record
   * already; the others count as given up. Idempotent. Throws StoreError `store-failed` if the other
   * thing is published from this store.
   */
  begin(what: Published, most: number): void;

  /**
   * An epoch that is larger than any before: `now`, or else one more than the last. Where the store
   * takes nothing it is not noted, so that whoever can read may tell.
   */
  beginEpoch(now: number): bigint;

  /** Undefined if nothing is published from this store. */
  state(): PublishingState | undefined;

  /** The number of heads that wait. */
  waiting(): number;

  /**
   * Up to `limit` heads that wait: the longest-waiting of each log in turn, so that a log that signs
   * very many holds up its own alone.
   */
  next(limit: number): WaitingHead[];

  /**
   * Takes heads out that have arrived, unless there is more to tell of them since, and notes the
   * batch with which they did, and how far verdicts have gone round if that is given.
   */
  arrived(
    marks: readonly Mark[],
    batch: Pick<PublishingState, 'epoch' | 'sequence'> & { readonly toldAgain?: number },
  ): void;

  /**
   * Verdicts that go round: of up to `limit` trees that were judged, in the order of their IDs, one
   * head each, without its sightings. `after`: the ID of the tree before them; `upTo`: the last that
   * was looked at, or 0 where that is the last of all. Looks at a bounded number of trees.
   */
  again(
    after: number,
    limit: number,
  ): { readonly heads: readonly ExportedHead[]; readonly upTo: number };

  /**
   * Leaves at most `most` waiting. Those that go are the last of the log that has most. Returns how
   * many went, and counts those that were never given up before.
   */
  giveUp(most: number): number;

  /** Takes one head out, which no batch has room for, and counts it as given up. Idempotent. */
  dropOne(mark: Mark): void;

  /**
   * The evidence to tell next: of a log of which none was told, else such as was never told, else any.
   * Logs have their turns, `after` being the one that had the last, so that none that is convicted again
   * and again holds up another; of a log, that which was told least often, and has waited longest.
   */
  nextEvidence(after?: LogId): EvidenceToTell | undefined;

  /** It was told to the end once more. */
  evidenceArrived(path: string): void;
}
