// SPDX-License-Identifier: Apache-2.0
/** Where log lists are published, and how to fetch one that is newer than the last. */
import { badInput, CtgaError } from '../base/errors.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { CHROME_LIST_KEY, isSignedList } from './signed-list.ts';

export interface Publisher {
  readonly name: string;
  readonly url: string;
  /** Where the signature is, and the key that must have made it. */
  readonly signed?: { readonly url: string; readonly key: Buffer };
}

const CHROME = 'https://www.gstatic.com/ct/log_list/v3/all_logs_list';
/** `ctga logs update` asks the first one by default. */
export const PUBLISHERS: readonly [Publisher, ...Publisher[]] = [
  { name: 'chrome', url: `${CHROME}.json`, signed: { url: `${CHROME}.sig`, key: CHROME_LIST_KEY } },
  // Apple's list is not signed: only its web server's certificate vouches for it.
  { name: 'apple', url: 'https://valid.apple.com/ct/log_list/current_log_list.json' },
];

/** Chrome's list of all logs is some 100 KB. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/**
 * Returns the publisher with this name, or one for a list at any URL. If `key` is given, the file
 * NAME.sig next to NAME.json must be a signature with this key. Throws CtgaError `bad-input` for
 * anything else.
 */
export function publisherOf(source: string, key: Buffer | undefined): Publisher {
  const known = PUBLISHERS.find(({ name }) => name === source);
  if (known !== undefined && key !== undefined && known.signed?.key.equals(key) !== true)
    throw badInput(`the key of ${source}'s list is built in: leave out --list-key`);
  if (known !== undefined) return known;
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw badInput(
      `"${source}" is no publisher of log lists`,
      `ctga knows ${PUBLISHERS.map(({ name }) => name).join(' and ')}. Give the URL of any other list.`,
    );
  const signature = new URL(url);
  signature.pathname = signature.pathname.replace(/(\.json)?$/, '.sig');
  return { name: url.href, url: url.href, signed: key && { url: signature.href, key } };
}

export interface FetchedList {
  readonly json: Buffer;
  readonly etag: string | undefined;
  readonly signed: { readonly signature: Buffer; readonly key: Buffer } | undefined;
}

/**
 * Fetches the list, or returns undefined where it is still the one with that ETag. Rejects with
 * HttpError or ProxyError where the publisher does not give it, and with CtgaError `bad-input`
 * where its signature is not its publisher's: then it must not be used.
 */
export async function fetchList(
  { name, url, signed }: Publisher,
  fetch: Fetch,
  etag: string | undefined,
): Promise<FetchedList | undefined> {
  const answer = await fetch(url, { ifNoneMatch: etag, maxBytes: MAX_LIST_BYTES });
  if (answer.status === 304 && etag !== undefined) return undefined;
  if (answer.status !== 200) throw unavailable(url, answer.status);
  const list = { json: answer.body, etag: answer.etag };
  if (signed === undefined) return { ...list, signed: undefined };
  const { status, body: signature } = await fetch(signed.url);
  if (status !== 200) throw unavailable(signed.url, status);
  if (!isSignedList(list.json, signature, signed.key))
    throw new CtgaError('bad-input', `${name}: the list is not signed by its publisher's key`, {
      remedy:
        'Try again later: the list may have changed between the two requests. If this lasts, somebody is tampering with the list. ctga used nothing of it.',
    });
  return { ...list, signed: { signature, key: signed.key } };
}

function unavailable(url: string, status: number): HttpError {
  return new HttpError('http-bad-answer', `${url}: HTTP ${status}`);
}
