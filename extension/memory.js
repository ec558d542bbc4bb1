// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * What is kept of each origin: the chains that it showed with the SCTs that known logs signed for
 * them, and when it was told. Bounded in all directions, on disk before anything is sent, and
 * whole after a crash: what belongs together is written at once.
 */

/** What is kept of one origin, in one container and below one site. */
/**
 * @typedef {object} Row
 * @property {string} origin such as https://www.example.net or https://www.example.net:8443
 * @property {string} container the cookie store
 * @property {string} below the site of the tab, where the origin is a third party; else empty
 * @property {string} mark the path of the cookie that goes when the site's data goes (marks.js)
 * @property {number} seen when it was last heard from, in ms since the epoch
 * @property {string} latest the leaf that it showed last
 * @property {number} chains how many are kept
 * @property {number} scts how many are kept
 * @property {number=} unhanded how many chains the daemon does not have; missing in an older store
 * @property {Report=} report the last one
 */
/**
 * @typedef {object} Report
 * @property {number} at in ms since the epoch
 * @property {number} scts how many were in it
 * @property {'sending' | 'sent' | 'refused' | 'failed'} outcome
 * @property {number} status the HTTP status; 0 if there was none
 */
/**
 * @typedef {object} Shown
 * @property {string} key tells the chain from others
 * @property {readonly string[]} chain in DER in base64, leaf first
 * @property {readonly string[]} scts serialized, in base64
 * @property {boolean} handed whether the daemon has it
 * @property {number} accepted how often the origin took it
 */
/**
 * @typedef {object} Area storage.local, or what behaves as it does
 * @property {(keys: string | readonly string[]) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, unknown>) => Promise<void>} set
 * @property {(keys: readonly string[]) => Promise<void>} remove
 */

/** Origins that are kept. */
export const MAX_ORIGINS = 600;
/** Chains of one origin. */
export const MAX_CHAINS = 16;
/** How often an origin is told: once in so many milliseconds, whatever there is to tell. */
export const REPORT_INTERVAL = 24 * 60 * 60 * 1000;
/** Of one request. A pool takes 256 SCTs and 1 MiB. */
export const MAX_SCTS_SENT = 200;
export const MAX_BYTES_SENT = 900_000;
/** A row is written anew for the time alone if it is older than this. */
const COARSE = 60 * 60 * 1000;
/** Origins that the daemon is yet to be told to forget; beyond that it is told to forget all. */
const MAX_UNTOLD = 1000;

const INDEX = 'index';
const UNTOLD = 'untold';
export const FORGET_ALL = '*';

/** @param {string} id */
const chainsKey = (id) => `chains ${id}`;

/**
 * Each method leaves storage whole. They have to be called one at a time (Turns).
 */
export class Memory {
  #area;
  #random;
  /** @type {Record<string, Row> | undefined} */
  #index;

  /**
   * @param {Area} area
   * @param {() => number} random in [0, 1)
   */
  constructor(area, random = Math.random) {
    this.#area = area;
    this.#random = random;
  }

  /** @returns {Promise<Record<string, Row>>} by id; not to be changed */
  async rows() {
    this.#index ??= /** @type {Record<string, Row>} */ ((await this.#area.get(INDEX))[INDEX] ?? {});
    return this.#index;
  }

  /**
   * @param {string} id
   * @returns {Promise<Shown[]>} not to be changed
   */
  async chains(id) {
    const key = chainsKey(id);
    return /** @type {Shown[]} */ ((await this.#area.get(key))[key] ?? []);
  }

  /**
   * Adds what an origin showed. Where there is too much, something else goes: of one origin a chain
   * that it has taken, or else one by chance; of the origins one of those that show the same leaf
   * as most others do, so that a flood pushes out itself.
   *
   * @param {string} id
   * @param {Pick<Row, 'origin' | 'container' | 'below' | 'mark'>} place
   * @param {Pick<Shown, 'key' | 'chain' | 'scts'>} shown
   * @param {number} now in ms since the epoch
   * @returns {Promise<Row[]>} what is kept no longer
   */
  async add(id, place, shown, now) {
    const index = { ...(await this.rows()) };
    const chains = await this.chains(id);
    const before = index[id];
    const isNew = !chains.some(({ key }) => key === shown.key);
    const latest = shown.chain[0]?.slice(-64) ?? '';
    if (!isNew && before?.latest === latest && Math.abs(now - before.seen) < COARSE) return [];
    const kept = isNew
      ? [...this.#thinned(chains, MAX_CHAINS - 1), { ...shown, handed: false, accepted: 0 }]
      : chains;
    index[id] = { ...before, ...place, ...counts(kept), seen: now, latest };
    const gone = Object.keys(index).length > MAX_ORIGINS ? [this.#oneOfMost(index, id)] : [];
    const rows = gone.flatMap((each) => index[each] ?? []);
    for (const each of gone) delete index[each];
    await this.#write(index, { [chainsKey(id)]: kept }, gone);
    return rows;
  }

  /**
   * @param {string} id
   * @param {Partial<Row>} changes
   */
  async change(id, changes) {
    const index = await this.rows();
    const row = index[id];
    if (row !== undefined) await this.#write({ ...index, [id]: { ...row, ...changes } });
  }

  /**
   * Reports that a clock far ahead put into the future count as made now.
   *
   * @param {number} now in ms since the epoch
   */
  async settle(now) {
    const index = await this.rows();
    if (!Object.values(index).some(({ report }) => report !== undefined && report.at > now)) return;
    await this.#write(
      Object.fromEntries(
        Object.entries(index).map(([id, row]) => [
          id,
          row.report !== undefined && row.report.at > now
            ? { ...row, report: { ...row.report, at: now } }
            : row,
        ]),
      ),
    );
  }

  /**
   * @param {string} id
   * @param {(shown: Shown) => Shown} change
   */
  async changeChains(id, change) {
    const index = await this.rows();
    const row = index[id];
    if (row === undefined) return;
    const chains = (await this.chains(id)).map(change);
    await this.#write(
      { ...index, [id]: { ...row, ...counts(chains) } },
      { [chainsKey(id)]: chains },
    );
  }

  /**
   * Removes all that is kept under these ids; the daemon is to be told of their origins.
   *
   * @param {readonly string[]} ids
   * @returns {Promise<Row[]>} what was removed
   */
  async forget(ids) {
    const index = { ...(await this.rows()) };
    const gone = ids.filter((id) => index[id] !== undefined);
    const rows = gone.flatMap((id) => index[id] ?? []);
    for (const id of gone) delete index[id];
    if (gone.length === 0) return [];
    const origins = new Set([...(await this.untold()), ...rows.map(({ origin }) => origin)]);
    const untold = origins.size > MAX_UNTOLD ? [FORGET_ALL] : [...origins];
    await this.#write(index, { [UNTOLD]: untold }, gone);
    await this.#handAgain(new Set(rows.map(({ origin }) => origin)));
    return rows;
  }

  /**
   * What the daemon was told to forget it may not have heard of: it is to be told again.
   *
   * @param {readonly string[]} told as untold() had it
   */
  async untell(told) {
    if (told.length === 0) return;
    const origins = new Set([...(await this.untold()), ...told]);
    await this.#area.set({
      [UNTOLD]: origins.has(FORGET_ALL) || origins.size > MAX_UNTOLD ? [FORGET_ALL] : [...origins],
    });
    await this.#handAgain(origins);
  }

  /**
   * The daemon forgets by origin, and what stays here is handed to it again.
   *
   * @param {ReadonlySet<string>} origins
   */
  async #handAgain(origins) {
    for (const [id, { origin }] of Object.entries(await this.rows()))
      if (origins.has(origin) || origins.has(FORGET_ALL))
        await this.changeChains(id, (each) => ({ ...each, handed: false }));
  }

  /** The ids of what the daemon does not have all of. */
  async unhanded() {
    return Object.entries(await this.rows())
      .filter(([, { unhanded }]) => unhanded !== 0)
      .map(([id]) => id);
  }

  /** Removes everything. */
  async forgetAll() {
    const rows = Object.values(await this.rows());
    await this.#write({}, { [UNTOLD]: [FORGET_ALL] }, Object.keys(await this.rows()));
    return rows;
  }

  /** Origins that the daemon is to forget, or FORGET_ALL. */
  async untold() {
    return /** @type {string[]} */ ((await this.#area.get(UNTOLD))[UNTOLD] ?? []);
  }

  async told() {
    await this.#area.set({ [UNTOLD]: [] });
  }

  /**
   * @param {Record<string, Row>} index
   * @param {Record<string, unknown>} more
   * @param {readonly string[]} gone
   */
  async #write(index, more = {}, gone = []) {
    await this.#area.set({ ...more, [INDEX]: index });
    this.#index = index;
    // Nothing refers to these any more, should it end here.
    if (gone.length > 0) await this.#area.remove(gone.map(chainsKey));
  }

  /**
   * @param {readonly Shown[]} chains
   * @param {number} most
   */
  #thinned(chains, most) {
    const kept = [...chains];
    while (kept.length > most) {
      const taken = kept.findIndex(({ accepted }) => accepted > 0);
      kept.splice(taken >= 0 ? taken : Math.floor(this.#random() * kept.length), 1);
    }
    return kept;
  }

  /**
   * @param {Record<string, Row>} index
   * @param {string} added
   */
  #oneOfMost(index, added) {
    const groups = /** @type {Map<string, string[]>} */ (new Map());
    for (const [id, { latest }] of Object.entries(index))
      groups.set(latest, [...(groups.get(latest) ?? []), id]);
    const largest = [...groups.values()].reduce((a, b) => (b.length > a.length ? b : a));
    if (largest.length > 1) return largest[Math.floor(this.#random() * largest.length)] ?? added;
    // All are alone: what has nothing to tell, and of that what was not heard from for longest.
    return (
      Object.entries(index)
        .filter(([id]) => id !== added)
        .sort(
          ([, a], [, b]) => Number(a.chains > 1) - Number(b.chains > 1) || a.seen - b.seen,
        )[0]?.[0] ?? added
    );
  }
}

/** @param {readonly Shown[]} chains */
function counts(chains) {
  return {
    chains: chains.length,
    scts: chains.reduce((sum, { scts }) => sum + scts.length, 0),
    unhanded: chains.filter(({ handed }) => !handed).length,
  };
}

/**
 * What an origin is to be told on a connection on which it showed `current`: the SCTs that did not
 * come by it, with their chains; those that the origin took least often come first. Undefined if
 * there is nothing.
 *
 * @param {readonly Shown[]} chains
 * @param {ReadonlySet<string>} current SCTs in base64
 * @param {() => number} random in [0, 1)
 * @returns {{ readonly body: string, readonly scts: number, readonly keys: readonly string[] } | undefined}
 */
export function reportOf(chains, current, random = Math.random) {
  const parts = [];
  const keys = [];
  let [scts, bytes] = [0, 0];
  for (const shown of [...chains].sort((a, b) => a.accepted - b.accepted)) {
    const all = shown.scts.filter((sct) => !current.has(sct));
    // Where one certificate has more than may be sent, chance picks, so that another day brings others.
    const others = all.length > MAX_SCTS_SENT ? drawn(all, MAX_SCTS_SENT, random) : all;
    const part = JSON.stringify({ x509_chain: shown.chain, sct_data: others });
    const fits = scts + others.length <= MAX_SCTS_SENT && bytes + part.length + 1 <= MAX_BYTES_SENT;
    if (others.length === 0 || !fits) continue;
    parts.push(part);
    keys.push(shown.key);
    scts += others.length;
    bytes += part.length + 1;
  }
  if (parts.length === 0) return undefined;
  return { body: `{"sct_feedback":[${parts.join(',')}]}`, scts, keys };
}

/**
 * So many of these, each with the same chance.
 *
 * @param {readonly string[]} all
 * @param {number} most
 * @param {() => number} random in [0, 1)
 */
function drawn(all, most, random) {
  const left = [...all];
  return Array.from({ length: most }, () =>
    left.splice(Math.floor(random() * left.length), 1),
  ).flat();
}

/**
 * Whether an origin may be told something now. Who was told in the future, by a clock that was set
 * back since, may not (Memory.settle).
 *
 * @param {readonly Row[]} rows all
 * @param {string} origin
 * @param {number} now in ms since the epoch
 */
export function mayReport(rows, origin, now) {
  return rows.every(
    (row) =>
      row.origin !== origin || row.report === undefined || now - row.report.at >= REPORT_INTERVAL,
  );
}

/** One thing after the other: what is begun meanwhile waits. */
export class Turns {
  #last = Promise.resolve();

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  take(work) {
    const done = this.#last.then(work);
    this.#last = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}
