// SPDX-License-Identifier: Apache-2.0
/**
 * Pushing SCT feedback to auditors (draft-linus-trans-gossip-ct-02, Section 5.1.2): each gets every
 * pair until it has taken it, in the order in which they were kept, however often it was away. What an
 * auditor refuses for what it is keeps no other pair from it: clients choose what they bring, and one of
 * them could else stop all that comes after.
 */
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { DRAFT_02 } from './forms.ts';
import type { PoolStore } from './store.ts';

/** In one request, and in one round: the rest goes in the next. */
const AT_ONCE = 50;
const ROUND = 1000;
/** In bytes of JSON, of several pairs: an auditor of ctga's takes 1 MiB. One pair goes whatever it has. */
const MAX_BYTES = 900_000;
/** Statuses that are about the body: bad request, too large, unprocessable (RFC 9110, Section 15.5). */
const ABOUT_THE_BODY: readonly number[] = [400, 413, 422];

/**
 * Sends an auditor what it was not sent. Resolves to how many pairs it took; rejects with
 * HttpError or ProxyError where it does not take them, and those that it had taken stay taken.
 * `onRefused` is told how many it refused one by one, which it is not sent again.
 */
export async function push(
  store: PoolStore,
  auditor: string,
  fetch: Fetch,
  onRefused: (status: number) => void = () => undefined,
): Promise<number> {
  let [taken, refused, atOnce] = [0, 0, AT_ONCE];
  while (taken + refused < ROUND) {
    const { submitted, upTo } = fitting(store, auditor, atOnce);
    if (submitted.length === 0) break;
    const [before, behind] = DRAFT_02.feedbackBrackets;
    const { status } = await fetch(auditor, { post: before + submitted.join(',') + behind });
    const isTaken = status >= 200 && status <= 299;
    if (!isTaken && !ABOUT_THE_BODY.includes(status))
      throw new HttpError('http-bad-answer', `${auditor}: HTTP ${status}`);
    // Which of them it is shows when they go in ever smaller parts.
    if (!isTaken && submitted.length > 1) atOnce = Math.ceil(submitted.length / 2);
    else {
      store.setPushed(auditor, upTo);
      if (isTaken) taken += submitted.length;
      else {
        refused += 1;
        onRefused(status);
      }
      atOnce = Math.min(AT_ONCE, 2 * atOnce);
    }
  }
  return taken;
}

/** The next pairs in JSON, as many as go into one request, and the last of them. */
function fitting(
  store: PoolStore,
  auditor: string,
  most: number,
): { readonly submitted: readonly string[]; readonly upTo: number } {
  const next = store.unpushed(auditor, most);
  const submitted: string[] = [];
  let bytes = 0;
  for (const pair of next.submitted) {
    const json = DRAFT_02.writeFeedback(pair);
    bytes += json.length + 1;
    if (submitted.length > 0 && bytes > MAX_BYTES) break;
    submitted.push(json);
  }
  return { submitted, upTo: next.ids[submitted.length - 1] ?? 0 };
}
