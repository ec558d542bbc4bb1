// SPDX-License-Identifier: Apache-2.0
/**
 * How the lab's stories are played and told: step by step, until the first that does not hold, or a
 * stop signal. However it ends, the lab is removed.
 */
import { exclusively } from '../base/exclusive.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { onStopSignals } from '../base/stop-signals.ts';
import type { LabNames } from './network.ts';

export interface Step {
  readonly title: string;
  /** Acts and checks; resolves to the result. Rejects with CheckFailed or CtgaError. */
  readonly play: () => Promise<string>;
}

/** A story, with all that it has made. */
export interface Play<Summary> {
  readonly steps: readonly Step[];
  /** Of the steps that were played; undefined if it did not come so far. */
  readonly summary: Summary | undefined;
  /**
   * Ends the processes and removes everything that the story has made so far. `work` is the step that
   * is being played. If it was interrupted, it may still be making things, so it must end before the
   * last of them is removed; it ends as soon as the processes that it waits for are gone.
   */
  end(work: Promise<unknown> | undefined): Promise<void>;
}

export interface Outcome<Summary> {
  /** Whether every step held. */
  readonly held: boolean;
  readonly seconds: number;
  readonly steps: readonly StepResult[];
  /** Why a step failed, or the interruption. */
  readonly failure?: { readonly step: string; readonly message: string; readonly remedy?: string };
  /** The steps that were played. */
  readonly summary?: Summary;
}

export interface StepResult {
  readonly title: string;
  readonly held: boolean;
  /** The result; undefined if the step failed. */
  readonly found?: string;
  readonly seconds: number;
}

/** A step did not have the result that it must have. */
export class CheckFailed extends Error {}

export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new CheckFailed(otherwise);
}

/** Plays and tells a whole story, and at its end the summary. */
export async function perform<Summary>(
  story: Play<Summary>,
  say: (line: string) => void,
  linesOf: (summary: Summary) => string[],
): Promise<Outcome<Summary>> {
  const began = performance.now();
  const interruption = new Interruption();
  const steps: StepResult[] = [];
  let failure: Outcome<Summary>['failure'];
  let work: Promise<string> | undefined;
  try {
    for (const [index, { title, play }] of story.steps.entries()) {
      say(`[${String(index + 1).padStart(2)}/${story.steps.length}] ${title}`);
      const stepBegan = performance.now();
      try {
        work = play();
        const found = await interruption.orElse(work);
        steps.push({ title, held: true, found, seconds: secondsSince(stepBegan) });
        say(`        ${found}`);
      } catch (error) {
        steps.push({ title, held: false, seconds: secondsSince(stepBegan) });
        const remedy = error instanceof CtgaError ? error.remedy : undefined;
        failure = { step: title, message: messageOf(error), remedy };
        say(`        FAILED: ${failure.message}`);
        if (remedy !== undefined) say(`        ${remedy}`);
        break;
      }
    }
  } finally {
    await story.end(work);
    interruption.dispose();
  }
  const { summary } = story;
  const seconds = secondsSince(began);
  if (summary !== undefined) linesOf(summary).forEach(say);
  say(
    failure === undefined
      ? `All of it held, in ${seconds.toFixed(1)} s. The lab is gone.`
      : 'The lab is gone.',
  );
  return { held: failure === undefined, seconds, steps, failure, summary };
}

export function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

/** Runs `work` unless another lab is running, because a machine has only one lab. */
export function alone<T>({ lab }: LabNames, work: () => Promise<T>): Promise<T> {
  const busy = new CtgaError('busy', 'another ctga lab is running on this machine', {
    remedy: 'Wait until it has ended, or end it with ctrl-C in its terminal.',
  });
  return exclusively(lab, busy, work);
}

/** Until it is disposed of, turns stop signals into a rejection of what is being waited for. */
export class Interruption {
  readonly #interrupted: Promise<never>;
  readonly #ignore: () => void;

  constructor() {
    let reject: (error: Error) => void = () => undefined;
    this.#interrupted = new Promise((_resolve, rejectPromise) => (reject = rejectPromise));
    this.#interrupted.catch(() => undefined); // between two steps nobody waits for it
    // A second ctrl-C calls the same handler and changes nothing: the lab is already being removed.
    this.#ignore = onStopSignals((signal) => reject(new CheckFailed(`interrupted by ${signal}`)));
  }

  /**
   * Resolves as `work` does, unless a signal comes first. Then `work` goes on until the things that
   * it waits for have been removed.
   */
  async orElse<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#interrupted]);
  }

  dispose(): void {
    this.#ignore();
  }
}
