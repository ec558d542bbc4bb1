// SPDX-License-Identifier: Apache-2.0
/**
 * STH pollination (draft-ietf-trans-gossip-05, Section 8.2): exchanging tree heads with an endpoint
 * that collects them. We POST some of ours, and the answer has some of theirs.
 *
 * The operator of the endpoint, who may work with a log, must not learn what passed by. So what we
 * send is of the heads that the logs showed to whoever follows them (src/follow), with the
 * signatures that they gave there: the store, which has what was seen, takes no part in it.
 */
import { messageOf } from '../base/errors.ts';
import { treeHeadsFromJson, type ImportedHeads } from './files.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { treeHeadToJson } from '../statements/json.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** The draft calls older heads stale: they may identify whoever has them. */
const FRESH_MS = 14 * 86_400_000;
/** As many heads of each log as its share of these, and one at least. */
const MAX_SENT = 200;

/** One exchange, in numbers of tree heads. */
export interface Pollinated {
  readonly url: string;
  readonly sent: number;
  /** Those that verified. */
  readonly received: number;
  /** Those that verified and were new. */
  readonly fresh: number;
  /** Those that did not verify, or are of no log that we know. */
  readonly refused: number;
  /** Paths of the evidence that the heads gave. */
  readonly evidence: readonly string[];
  /** Why evidence could not be written; it is tried again later. */
  readonly evidenceFailure: string | undefined;
}

/** What an endpoint gave for what it was sent. */
export interface Exchanged {
  readonly url: string;
  /** The number of tree heads. */
  readonly sent: number;
  readonly received: ImportedHeads;
}

/**
 * Sends `shared` to the endpoint, and verifies what it answers under the keys of `logs`. Rejects with
 * ProxyError, or with HttpError where the endpoint gives no tree heads.
 */
export async function exchangeHeads(
  url: string,
  fetch: Fetch,
  shared: readonly VerifiedStatement[],
  logs: readonly Log[],
): Promise<Exchanged> {
  const sths = shared.map((head) => ({
    sth_version: 0,
    log_id: logIdText(head.logId),
    ...treeHeadToJson(head),
  }));
  const { status, body } = await fetch(url, { post: JSON.stringify({ sths }) });
  if (status !== 200) throw new HttpError('http-bad-answer', `${url}: HTTP ${status}`);
  try {
    const received = treeHeadsFromJson(body.toString('utf8'), url, logs, undefined);
    return { url, sent: sths.length, received };
  } catch (error) {
    throw new HttpError('http-bad-answer', messageOf(error));
  }
}

/**
 * Records the tree heads that an endpoint gave, as of a source such as `pollination:HOST`. How long that
 * takes depends on what is in the store, so nothing is to be open any more to whoever gave them.
 * Throws as recordHeads does.
 */
export function recordExchanged(
  { url, sent, received }: Exchanged,
  context: RecordContext,
  kind: 'pollination' | 'view' = 'pollination',
): Pollinated {
  const source = `${kind}:${new URL(url).hostname}`;
  const { now } = context;
  const sightings = received.heads.map(({ head }) => ({
    head,
    source,
    firstSeen: now,
    lastSeen: now,
    count: 1,
  }));
  const { newHeads, forks, failure } = recordHeads(context, sightings);
  return {
    url,
    sent,
    received: sightings.length,
    fresh: newHeads.size,
    refused: received.refused.length,
    evidence: forks.map(({ evidence }) => evidence),
    evidenceFailure: failure === undefined ? undefined : messageOf(failure),
  };
}

/** The newest heads that the logs showed to everybody, to be sent; `now` as in RecordContext. */
export function headsToShare(
  hashes: HashStore,
  logs: readonly Log[],
  now: number,
): VerifiedStatement[] {
  // Pollination has CT's tree heads alone.
  const ct = logs.filter(({ key }) => !isCheckpointKey(key));
  const ofEach = Math.max(1, Math.floor(MAX_SENT / Math.max(1, ct.length)));
  return ct.flatMap((log) =>
    hashes
      .rows(log)
      .newestHeads(ofEach)
      .map(({ head }) => head)
      .filter(({ timestamp }) => now - Number(timestamp) < FRESH_MS),
  );
}
