// SPDX-License-Identifier: Apache-2.0
/**
 * Handing evidence over to the writer, which keeps it in a directory where nobody else can: the
 * client's end. A request is the text of a bundle, until the client closes its half; the answer is
 * one JSON object, `{"kept": NAME}` or `{"refused": WHY}`. docs/EVIDENCE.md has the protocol.
 */
import { lstatSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../base/errors.ts';
import { addon, isNativeError } from '../native/addon.ts';
import { isChainable } from './chain.ts';

/** A larger bundle is refused. One with a log list of today in it has half of a megabyte. */
export const MOST_BYTES = 4 << 20;

/** Whoever hands over watches packets too, and cannot wait for long. */
const PATIENCE_MS = 1000;
/** It is not waited for again and again where it does not answer. */
const PAUSE_MS = 5000;

export const answerSchema = z.union([
  z.object({ kept: z.string().refine(isChainable) }),
  z.object({ refused: z.string() }),
]);
export type WriterAnswer = z.infer<typeof answerSchema>;

/** By directory, until when on the monotonic clock nobody is asked, and why. */
const silent = new Map<string, { readonly until: number; readonly why: Error }>();

/** The writer's socket in its directory. */
export function socketIn(directory: string): string {
  return join(directory, 'socket');
}

/**
 * Hands a bundle over, and returns the name of the file that it is in once that survives a power
 * cut. Throws Error where the writer does not answer, or not take it.
 */
export function handOver(directory: string, text: string): string {
  const { until, why } = silent.get(directory) ?? { until: -Infinity, why: undefined };
  if (why !== undefined && performance.now() < until) throw why;
  try {
    const { text: reply, uid } = addon().ask(
      socketIn(directory),
      Buffer.from(text, 'utf8'),
      PATIENCE_MS,
    );
    // Somebody else might only say that it is kept.
    if (uid !== lstatSync(directory).uid) throw new Error(`account ${uid} listens in its place`);
    const answer = answerSchema.parse(JSON.parse(reply));
    if ('refused' in answer) throw new Error(answer.refused);
    return answer.kept;
  } catch (error) {
    const failure = new Error(`the writer of ${directory}: ${messageOf(error)}`, { cause: error });
    // Only one that takes time; the next bundle may be taken where this one was refused.
    if (isNativeError(error) && error.errno === constants.errno.ETIMEDOUT)
      silent.set(directory, { until: performance.now() + PAUSE_MS, why: failure });
    throw failure;
  }
}
