// SPDX-License-Identifier: Apache-2.0
/** Asking a client's daemon how things are, once it has done all that was asked before. */
import { eventually } from './eventually.ts';

interface Answer {
  readonly type: string;
  readonly message?: string;
}

/** What the daemon says of a question that only this module asks. */
export const FENCE = 'origin: is not the origin of an HTTPS site';

/**
 * The status that the daemon has when it has done what was said to it before over this connection.
 * It sends a status of its own accord, too, maybe before that: only what comes behind the answer to
 * a fence is of later. `answers` is what came so far, and grows.
 */
export async function statusAfterAll<T extends Answer>(
  say: (message: unknown) => void,
  answers: readonly T[],
): Promise<T> {
  const fences = (): T[] => answers.filter(({ message }) => message === FENCE);
  const before = fences().length;
  say({ type: 'forget', origin: 'no origin' });
  say({ type: 'status' });
  const fence = await eventually(() => fences()[before], 'an answer to the fence');
  return eventually(
    () => answers.slice(answers.indexOf(fence)).find(({ type }) => type === 'status'),
    'a status',
  );
}
