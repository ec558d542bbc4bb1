/**
 * STH pollination (draft-ietf-trans-gossip-05, Section 8.2): tree heads exchanged with whoever
 * collects them, by a POST of what we have, answered with what they have.
 *
 * We give away what the logs' own APIs told us, and nothing that was seen in passing: whoever runs
 * the endpoint, and the log with him, must not learn what a packet processor saw.
 */
import { messageOf } from '../base/errors.ts';
import { treeHeadsFromJson, type ImportedHeads } from './files.ts';
import { LOG_API_SOURCE } from '../ask/asker.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { HeadSummary } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { treeHeadToJson } from '../statements/json.ts';

const WELL_KNOWN = '/.well-known/ct/v1/sth-pollination';
/** The draft: older heads are not fresh, and may mark whoever has them. */
const FRESH_MS = 14 * 86_400_000;
/** The latest; a log has one an hour at most. */
const MAX_SENT = 200;

export interface Pollinated {
  readonly url: string;
  readonly sent: number;
  /** Heads that verified, and how many of them were new. */
  readonly received: number;
  readonly fresh: number;
  readonly refused: number;
}

/**
 * The endpoint of a host named without a path is where the draft has it. Throws TypeError for what
 * is no URL.
 */
export function pollinationUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('want https://');
  return url.pathname === '/' ? new URL(WELL_KNOWN, url).href : url.href;
}

/** Rejects with a CtgaError: `proxy-unavailable`, or `log-unavailable` where the answer is none. */
export async function pollinate(
  url: string,
  fetch: Fetch,
  logs: readonly Log[],
  store: Pick<Store, 'heads'>,
  now: number,
): Promise<Pollinated> {
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
  const { newHeads } = store.heads.record(sightings);
  return {
    url,
    sent: sths.length,
    received: sightings.length,
    fresh: newHeads.size,
    refused: received.refused.length,
  };
}

/** Of the heads that were new last: those that logs signed of late are among them. */
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
