// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Where SCTs of a response are kept, which is where its cookies would be: the gossip draft
 * (draft-linus-trans-gossip-ct-02, Section 5.1.1) has SCTs treated as cookies are with respect to
 * third parties.
 */

/**
 * @typedef {object} Response what webRequest says of one
 * @property {string} url
 * @property {boolean=} thirdParty
 * @property {string=} cookieStoreId
 * @property {string=} documentUrl
 * @property {string=} originUrl
 * @property {readonly { readonly url: string }[]=} frameAncestors from the parent to the tab's
 * @property {{ readonly thirdParty?: readonly string[] }=} urlClassification
 */
/**
 * @typedef {object} Place
 * @property {string} id
 * @property {string} origin
 * @property {string} container
 * @property {string} below
 */

/**
 * Undefined where the browser's settings keep cookies away. `behavior` is the value of
 * privacy.websites.cookieConfig; `siteOf` tells the registrable domain of a host; `isVisited`
 * whether the origin was visited as a first party in the container.
 *
 * @param {Response} response
 * @param {string} behavior
 * @param {(host: string) => string} siteOf
 * @param {(id: string) => boolean} isVisited
 * @returns {Place | undefined}
 */
export function placeOf(response, behavior, siteOf, isVisited) {
  const { origin } = new URL(response.url);
  const container = response.cookieStoreId ?? 'firefox-default';
  const first = placeAt(origin, container, '');
  if (behavior === 'reject_all') return undefined;
  if (response.thirdParty !== true) return first;
  const isTracker = (response.urlClassification?.thirdParty?.length ?? 0) > 0;
  switch (behavior) {
    case 'allow_all':
      return first;
    case 'allow_visited':
      return isVisited(first.id) ? first : undefined;
    case 'reject_trackers':
      return isTracker ? undefined : first;
    case 'reject_trackers_and_partition_foreign': {
      const top =
        response.frameAncestors?.at(-1)?.url ?? response.documentUrl ?? response.originUrl;
      if (isTracker || top === undefined || !URL.canParse(top)) return undefined;
      const { protocol, hostname } = new URL(top);
      return placeAt(origin, container, `${protocol}//${siteOf(hostname)}`);
    }
    default:
      // reject_third_party, and what is not known yet.
      return undefined;
  }
}

/**
 * @param {string} origin
 * @param {string} container
 * @param {string} below
 * @returns {Place}
 */
function placeAt(origin, container, below) {
  return { id: [container, below, origin].join(' '), origin, container, below };
}
