// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Marks tell whether somebody cleared a site's data, which Firefox does not tell extensions: a mark
 * is a cookie among the site's own, which goes when they go. No request ever carries it, because
 * its path is 128 bits of chance that nobody else knows; for the same reason no site can read,
 * change or delete it. A site can clear all its cookies with the header Clear-Site-Data, and push
 * some out with many others; it could so have us forget what convicts its log, so neither counts.
 */
/* global browser */

const NAME = 'ctga';
/** In seconds. */
const LIFETIME = 365 * 24 * 60 * 60;
/** For so many milliseconds after a site's Clear-Site-Data, what goes first is what that clears. */
const GRACE = 30_000;

/** @typedef {import('./memory.js').Row} Row */

export class Marks {
  #siteOf;
  /** When a site last had its cookies cleared by itself, and the marks that were set again since. */
  #cleared = /** @type {Map<string, { at: number, again: Set<string> }>} */ (new Map());

  /** @param {(host: string) => string} siteOf the registrable domain of a host */
  constructor(siteOf) {
    this.#siteOf = siteOf;
  }

  /** A path for a new mark. */
  static path() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return `/ctga-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }

  /**
   * Resolves to whether it is there now.
   *
   * @param {Pick<Row, 'origin' | 'container' | 'below' | 'mark'>} row
   * @returns {Promise<boolean>}
   */
  async set(row) {
    try {
      const cookie = await browser.cookies.set({
        ...this.#where(row),
        value: 'set while ctga keeps what logs promised about this site',
        path: row.mark,
        secure: true,
        httpOnly: true,
        sameSite: 'strict',
        expirationDate: Math.floor(Date.now() / 1000) + LIFETIME,
      });
      return cookie !== null && (await this.#isThere(row));
    } catch {
      return false;
    }
  }

  /** @param {Row} row */
  async remove(row) {
    await browser.cookies.remove(this.#where(row)).catch(() => undefined);
  }

  /**
   * Whether nobody but the site itself has cleared its data since the mark was set.
   *
   * @param {Row} row
   */
  async holds(row) {
    if (await this.#isThere(row)) return true;
    return this.#byItself(row) && (await this.set(row));
  }

  /**
   * Remembers that a site clears its own cookies.
   *
   * @param {string} host
   */
  clearsItself(host) {
    const now = Date.now();
    for (const [site, { at }] of this.#cleared) if (now - at > GRACE) this.#cleared.delete(site);
    this.#cleared.set(this.#siteOf(host), { at: now, again: new Set() });
  }

  /**
   * Once for each mark and each such header: the next time, it was somebody else.
   *
   * @param {Row} row
   */
  #byItself({ origin, mark }) {
    const cleared = this.#cleared.get(this.#siteOf(new URL(origin).hostname));
    if (cleared === undefined || Date.now() - cleared.at > GRACE || cleared.again.has(mark))
      return false;
    cleared.again.add(mark);
    return true;
  }

  /** @param {Pick<Row, 'origin' | 'container' | 'below' | 'mark'>} row */
  #where({ origin, container, below, mark }) {
    return {
      name: NAME,
      url: `${origin}${mark}`,
      storeId: container,
      ...(below === '' ? {} : { partitionKey: { topLevelSite: below } }),
    };
  }

  /** @param {Pick<Row, 'origin' | 'container' | 'below' | 'mark'>} row */
  async #isThere(row) {
    try {
      return (await browser.cookies.get(this.#where(row))) !== null;
    } catch {
      // The container is gone.
      return false;
    }
  }
}

/**
 * The path of the mark, if the cookie is one.
 *
 * @param {{ readonly name: string, readonly path: string }} cookie
 */
export function markOf({ name, path }) {
  return name === NAME ? path : undefined;
}
