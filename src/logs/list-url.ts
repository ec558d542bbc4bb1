// SPDX-License-Identifier: Apache-2.0
/** The URLs that lists of logs give. */

/**
 * Adds what a list may leave out: the scheme (before 2019) and the trailing slash. Undefined for what
 * is no URL of a log.
 */
export function normalizeUrl(address: string): string | undefined {
  try {
    const url = new URL(/^[a-z]+:\/\//.test(address) ? address : `https://${address}`);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
    // A list must not be able to add anything to requests.
    if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return undefined;
    return url.href.endsWith('/') ? url.href : `${url.href}/`;
  } catch {
    return undefined;
  }
}
