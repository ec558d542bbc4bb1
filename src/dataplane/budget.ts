/**
 * How much a data plane may copy: raised and lowered by how the reader keeps up, for each kind
 * apart.
 *
 * Pure: fed with counters, it gives budgets. A copy costs the packet path a hundred nanoseconds and
 * the reader a microsecond, so whoever floods must not decide how many are made.
 */
import type { CopyBudget, DataPlaneCounters } from './types.ts';

/**
 * Copies a second and CPU. The least still finds every log's head in minutes; the most is what a
 * core can read.
 */
const LEAST = 200;
const MOST = 400_000;
/**
 * A quarter of a second's copies is what a bucket holds, and what may wait without anybody lagging.
 */
const TOLERATED_SECONDS = 0.25;

/** Copies that reached the reader, since it began. */
export interface Delivered {
  readonly answers: number;
  readonly fragments: number;
}

export class BudgetControl {
  /** Where a budget goes back to when there is no reason to keep it elsewhere. */
  readonly #usual: CopyBudget;
  #before: { readonly counters: DataPlaneCounters; readonly delivered: Delivered } | undefined;

  constructor(usual: CopyBudget) {
    this.#usual = usual;
  }

  /**
   * The budget from now on, `budget` being the present one; called about once a second. A limit of
   * 0 is the operator's wish to have none, and stays.
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

/** Of one kind, since the last time. */
interface Movement {
  readonly copied: number;
  readonly seen: number;
  readonly matched: number;
  readonly overBudget: number;
  readonly ringFull: number;
  readonly delivered: number;
}

/**
 * Halved when the reader lags; doubled towards the usual, and by a tenth beyond it, when it could
 * take more.
 */
function adjusted(present: number, usual: number, moved: Movement): number {
  if (present === 0) return 0;
  const lag = moved.copied - moved.delivered;
  if (moved.ringFull > 0 || lag > present * TOLERATED_SECONDS)
    return Math.max(LEAST, Math.floor(present / 2));
  if (present < usual) return Math.min(usual, present * 2);
  if (moved.overBudget > 0) return Math.min(MOST, Math.round(present * 1.1));
  return Math.max(usual, Math.floor(present * 0.9));
}

function share({ copied, seen, matched }: Movement, before: number): number {
  const asked = matched - seen;
  return asked > 0 ? Math.min(1, copied / asked) : before;
}
