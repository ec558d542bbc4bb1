// SPDX-License-Identifier: Apache-2.0
/**
 * Pushing SCT feedback to auditors (draft-linus-trans-gossip-ct-02, Section 5.1.2): each gets every
 * pair until it has taken it, in the order in which they were kept, however often it was away.
 */
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { DRAFT_02 } from './forms.ts';
import type { PoolStore } from './store.ts';

/** In one request, and in one round: the rest goes in the next. */
const AT_ONCE = 50;
const ROUND = 1000;

/**
 * Sends an auditor what it was not sent. Resolves to how many pairs it took; rejects with
 * HttpError or ProxyError where it does not take them, and those that it had taken stay taken.
 */
export async function push(store: PoolStore, auditor: string, fetch: Fetch): Promise<number> {
  let taken = 0;
  while (taken < ROUND) {
    const { submitted, upTo } = store.unpushed(auditor, AT_ONCE);
    if (submitted.length === 0) break;
    const [before, behind] = DRAFT_02.feedbackBrackets;
    const chains = submitted.map((each) => DRAFT_02.writeFeedback(each)).join(',');
    const { status } = await fetch(auditor, { post: before + chains + behind });
    if (status < 200 || status > 299)
      throw new HttpError('http-bad-answer', `${auditor}: HTTP ${status}`);
    store.setPushed(auditor, upTo);
    taken += submitted.length;
  }
  return taken;
}
