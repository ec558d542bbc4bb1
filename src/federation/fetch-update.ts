// SPDX-License-Identifier: Apache-2.0
/**
 * What a federation states (docs/FEDERATION.md), as a client takes it from any one member: an update
 * that is checked by the roster, so it does not matter who hands it over. Of what it says, a client
 * believes what logs signed in it, and what convicts a log by itself; the rest it shows.
 */
import { parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import { hex, isSame } from './bytes.ts';
import { rosterHash, type SignedRoster } from './roster.ts';
import { parseUpdate, verifyUpdate, type VerifiedUpdate } from './update.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { checkpointStatement, parseCheckpoint, treeHeadOf } from '../statements/checkpoint.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** An update of some hundred logs, with the cosignatures of 128 members, and evidence. */
const MAX_UPDATE = 64 * 2 ** 20;

export interface FederationHead {
  readonly log: Log;
  readonly head: VerifiedStatement;
}

export interface FederationUpdate {
  readonly verified: VerifiedUpdate;
  /** When the last period in which something was stated began, in ms; undefined: nothing was. */
  readonly statedAt: number | undefined;
  /** Of logs that are known. */
  readonly heads: readonly FederationHead[];
  readonly evidence: readonly { readonly log: Log; readonly evidence: Evidence }[];
}

/** A roster that was in a good update before: what comes has to follow from it, or be it. */
export interface SeenRoster {
  readonly epoch: number;
  readonly hash: Uint8Array;
}

/** The update of a member. `url` is the member's. */
export function updateUrl(url: string): string {
  return new URL('federation/v1/update', url.replace(/\/*$/, '/')).href;
}

/**
 * Fetches the update and checks all of it. Rejects with HttpError, with CtgaError `bad-input` where it
 * is no update, and with RangeError where it does not hold, or goes back behind a roster that was
 * `seen`; nothing of it counts then.
 */
export async function fetchUpdate(
  url: string,
  fetch: Fetch,
  trusted: SignedRoster,
  logs: readonly Log[],
  seen?: SeenRoster,
): Promise<FederationUpdate> {
  const { status, body } = await fetch(updateUrl(url), { maxBytes: MAX_UPDATE });
  if (status !== 200) throw new HttpError('http-bad-answer', `answers with status ${status}`);
  const update = parseUpdate(body.toString('utf8'), 'the update');
  const verified = verifyUpdate(update, trusted);
  const failed = verified.checks.find(({ holds }) => !holds);
  if (failed !== undefined) throw new RangeError(`the update does not hold: ${failed.what}`);
  if (seen !== undefined) {
    const again = update.rosters[seen.epoch]?.body;
    if (again === undefined)
      throw new RangeError(
        `the update is of epoch ${update.rosters.length - 1}, and epoch ${seen.epoch} was seen already: those of an old roster may be in force no more`,
      );
    if (!isSame(rosterHash(again), seen.hash))
      throw new RangeError(
        `the update has another roster of epoch ${seen.epoch} than was seen already: a threshold signed two`,
      );
  }
  const last = Math.max(-1, ...verified.latest.map(({ period }) => period));
  return {
    verified,
    statedAt: last < 0 ? undefined : last * trusted.body.period * 1000,
    heads: update.checkpoints.flatMap((note) => headsIn(note, logs)),
    evidence: update.evidence.flatMap((text) => {
      const evidence = parseEvidence(text, 'evidence');
      const log = logs.find(({ key }) => hex(key.logId) === hex(evidence.log.logId));
      return log !== undefined && verifyEvidence(evidence).every(({ holds }) => holds)
        ? [{ log, evidence }]
        : [];
    }),
  };
}

/** What logs signed of a checkpoint: the federation's word is not needed for that. */
function headsIn(note: string, logs: readonly Log[]): FederationHead[] {
  const checkpoint = parseCheckpoint(note);
  return logs.flatMap((log) => {
    const { key } = log;
    const claimed = isCheckpointKey(key)
      ? checkpointStatement(checkpoint, key)
      : treeHeadOf(checkpoint, key.logId);
    const head = claimed && verifyStatement(claimed, key);
    return head === undefined ? [] : [{ log, head }];
  });
}
