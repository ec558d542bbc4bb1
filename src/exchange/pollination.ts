/**
 * STH pollination (draft-ietf-trans-gossip-05, Section 8.2): exchanging tree heads with an endpoint
 * that collects them. We POST some of ours, and the answer has some of theirs.
 *
 * We send heads that the logs' own APIs gave us, and none that a packet processor saw: the operator
 * of the endpoint, who may work with a log, must not learn what passed by.
 */
import { messageOf } from '../base/errors.ts';
import { treeHeadsFromJson, type ImportedHeads } from './files.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import { LOG_API_SOURCE } from '../ask/asker.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { logIdText } from '../logs/log.ts';
import type { HeadSummary } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { treeHeadToJson } from '../statements/json.ts';

const WELL_KNOWN = '/.well-known/ct/v1/sth-pollination';
/** The draft calls older heads stale: they may identify whoever has them. */
const FRESH_MS = 14 * 86_400_000;
/** Of the latest heads; a log has one an hour at most. */
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

/**
 * The URL of an endpoint. A host without a path has its endpoint where the draft puts it. Throws
 * TypeError for text that is no http(s) URL.
 */
export function pollinationUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('want https://');
  return url.pathname === '/' ? new URL(WELL_KNOWN, url).href : url.href;
}

/**
 * Exchanges tree heads with the endpoint once and records those that verify under the keys of
 * `context.logs`. Rejects with ProxyError, or with HttpError where the endpoint gives no tree
 * heads.
 */
export async function pollinate(
  url: string,
  fetch: Fetch,
  context: RecordContext,
): Promise<Pollinated> {
  const { store, logs, now } = context;
  const sths = headsToShare(store, now).map((head) => ({
    sth_version: 0,
    log_id: logIdText(head.logId),
    ...treeHeadToJson(head),
  }));
  const { status, body } = await fetch(url, { post: JSON.stringify({ sths }) });
  if (status !== 200) throw new HttpError('http-bad-answer', `${url}: HTTP ${status}`);
  let received: ImportedHeads;
  try {
    received = treeHeadsFromJson(body.toString('utf8'), url, logs, undefined);
  } catch (error) {
    throw new HttpError('http-bad-answer', messageOf(error));
  }
  const source = `pollination:${new URL(url).hostname}`;
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
    sent: sths.length,
    received: sightings.length,
    fresh: newHeads.size,
    refused: received.refused.length,
    evidence: forks.map(({ evidence }) => evidence),
    evidenceFailure: failure === undefined ? undefined : messageOf(failure),
  };
}

/** How many of the newest heads are looked at: those that logs signed lately are among them. */
const MAX_CONSIDERED = 10_000;

function headsToShare(store: Pick<Store, 'heads'>, now: number): HeadSummary[] {
  return store.heads
    .latest(MAX_CONSIDERED)
    .filter(
      (head) => head.sources.includes(LOG_API_SOURCE) && now - Number(head.timestamp) < FRESH_MS,
    )
    .sort((a, b) => Number(b.timestamp - a.timestamp))
    .slice(0, MAX_SENT);
}
