// SPDX-License-Identifier: Apache-2.0
/** Where an endpoint of STH pollination is (draft-ietf-trans-gossip-05, Section 8.2). */

const WELL_KNOWN = '/.well-known/ct/v1/sth-pollination';

/**
 * The URL of an endpoint. A host without a path has its endpoint where the draft puts it. Throws
 * TypeError for text that is no http(s) URL.
 */
export function pollinationUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('want https://');
  return url.pathname === '/' ? new URL(WELL_KNOWN, url).href : url.href;
}
