// SPDX-License-Identifier: Apache-2.0
/**
 * How much a data plane may copy: raised and lowered by how the reader keeps up, separately for
 * answers and for fragments.
 *
 * Pure: takes counters and returns budgets. A copy costs the packet path a hundred nanoseconds and
 * the reader a microsecond, so somebody who floods must not decide how many are made.
 */
import type { CopyBudget, DataPlaneCounters } from './types.ts';

/**
 * Copies a second on each CPU. With the least, every log's head is still found within minutes; the
 * most is what one core can read.
 */
const LEAST = 200;
const MOST = 400_000;
/** A bucket holds the copies of a quarter of a second; as many may wait before the reader lags. */
const TOLERATED_SECONDS = 0.25;

/** How many copies have reached the reader since it began. */
export interface Delivered {
  readonly answers: number;
  readonly fragments: number;
}

export class BudgetControl {
  /** The budget that is returned to when nothing keeps it from that. */
  readonly #usual: CopyBudget;
  #before: { readonly counters: DataPlaneCounters; readonly delivered: Delivered } | undefined;

  constructor(usual: CopyBudget) {
    this.#usual = usual;
  }

  /**
   * Returns the budget from now on; `budget` is the present one. Call it about once a second. A
   * limit of 0 means that the operator wants none, and stays.
   */
  next(budget: CopyBudget, counters: DataPlaneCounters, delivered: Delivered): CopyBudget {
    const before = this.#before;
    this.#before = { counters, delivered };
    if (before === undefined) return budget;
    const since = (name: keyof DataPlaneCounters): number =>
      Number(counters[name] - before.counters[name]);
    const answers = {
      copied: since('answersCopied'),
      seen: since('answersSeen'),
      matched: since('answers'),
      overBudget: since('answersOverBudget'),
      ringFull: since('answersRingFull'),
      delivered: delivered.answers - before.delivered.answers,
    };
    const fragments = {
      copied: since('fragmentsCopied'),
      seen: since('fragmentsSeen'),
      matched: since('fragments'),
      overBudget: since('fragmentsOverBudget'),
      ringFull: since('fragmentsRingFull'),
      delivered: delivered.fragments - before.delivered.fragments,
    };
    return {
      answersPerSecond: adjusted(budget.answersPerSecond, this.#usual.answersPerSecond, answers),
      fragmentsPerSecond: adjusted(
        budget.fragmentsPerSecond,
        this.#usual.fragmentsPerSecond,
        fragments,
      ),
      answersShare: share(answers, budget.answersShare),
      fragmentsShare: share(fragments, budget.fragmentsShare),
    };
  }
}

/** What one kind's counters have gained since the last call. */
interface Movement {
  readonly copied: number;
  readonly seen: number;
  readonly matched: number;
  readonly overBudget: number;
  readonly ringFull: number;
  readonly delivered: number;
}

/**
 * Halves the limit when the reader lags. When it could take more, doubles it up to the usual one,
 * and raises it by a tenth beyond that.
 */
function adjusted(present: number, usual: number, moved: Movement): number {
  if (present === 0) return 0;
  // What the operator asks for may be less than the least, or more than the most.
  const [least, most] = [Math.min(LEAST, usual), Math.max(MOST, usual)];
  const lag = moved.copied - moved.delivered;
  if (moved.ringFull > 0 || lag > present * TOLERATED_SECONDS)
    return Math.max(least, Math.floor(present / 2));
  if (present < usual) return Math.min(usual, present * 2);
  if (moved.overBudget > 0) return Math.min(most, Math.round(present * 1.1));
  return Math.max(usual, Math.floor(present * 0.9));
}

function share({ copied, seen, matched }: Movement, before: number): number {
  const asked = matched - seen;
  return asked > 0 ? Math.min(1, copied / asked) : before;
}
