// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * Looks at the certificates of all HTTPS responses, keeps their SCTs, has the daemon check them, and
 * tells an origin what was shown in its name on other connections (SCT feedback,
 * draft-linus-trans-gossip-ct-02, Section 5.1.1). No page waits for any of it but for the moment in
 * which the certificates are read.
 */
/* global browser */
import { fromBase64, toBase64 } from './base64.js';
import { KnownLogs } from './certificate.js';
import { Daemon } from './daemon.js';
import { Marks, markOf } from './marks.js';
import { FORGET_ALL, Memory, mayReport, reportOf, Turns } from './memory.js';
import { placeOf } from './places.js';

/** @typedef {import('./places.js').Place} Place */

const FEEDBACK = '/.well-known/ct/v1/sct-feedback';
/** As a pool has it. */
const MAX_CHAIN = 10;
/** Of a chain, in bytes of base64. */
const MAX_CHAIN_SIZE = 200_000;
/** In milliseconds. */
const REPORT_TIMEOUT = 30_000;
/** An unchanged connection is not looked at again for so many milliseconds. */
const UNCHANGED = 60 * 60 * 1000;
const MAX_REMEMBERED = 2000;
/** For so many milliseconds the daemon may still say that it could not do what it was sent. */
const UNSURE = 60_000;
/** After so many it is sent that again: it is sought again by then (daemon.js). */
const AGAIN = 90_000;

const HTTPS = { urls: ['https://*/*'] };

const memory = new Memory(browser.storage.local);
const turns = new Turns();
const marks = new Marks(siteOf);
const daemon = new Daemon(showFindings, () => void tellAll().catch(report), tellAgain);
/** What the daemon was sent lately: what it has of a place, and origins to be forgotten. */
let lately = /** @type {{ at: number, id?: string, forgotten?: readonly string[] }[]} */ ([]);
/** When all is sent again that it has not taken. */
let again = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
const logs = knownLogs();
/** The chain that each place showed last, and when. */
const latest = /** @type {Map<string, { key: string, at: number }>} */ (new Map());
/** The requests that carry feedback, by URL: for which place. */
const reporting = /** @type {Map<string, { place: Place, abort: AbortController }>} */ (new Map());

async function knownLogs() {
  const known = new KnownLogs();
  const response = await fetch(browser.runtime.getURL('logs.json'));
  const { logs: list } = await response.json();
  await known.add(list.map((/** @type {{ key: string }} */ { key }) => key));
  return known;
}

/** @param {string} host */
function siteOf(host) {
  try {
    return browser.publicSuffix?.getDomain(host) ?? host;
  } catch {
    // An address.
    return host;
  }
}

browser.webRequest.onHeadersReceived.addListener(look, HTTPS, ['blocking', 'responseHeaders']);

/** @param {any} details */
async function look(details) {
  if (details.incognito) return;
  try {
    noteClearSiteData(details);
    const shown = await chainOf(details);
    if (shown !== undefined)
      turns
        .take(() => received(shown.place, shown.key, shown.chain, shown.isConnection))
        .catch(report);
  } catch (error) {
    report(error);
  }
}

/**
 * What came with a response, if it is something new. Firefox gives a chain only where it trusts it:
 * none where a person has gone on in spite of a warning.
 *
 * @param {any} details
 */
async function chainOf(details) {
  const { requestId } = details;
  const info = await browser.webRequest.getSecurityInfo(requestId, { certificateChain: true });
  if (info.state !== 'secure' && info.state !== 'weak') return undefined;
  const { certificates } = info;
  if (info.isUntrusted || certificates.length < 2 || certificates.length > MAX_CHAIN)
    return undefined;
  const place = await placeIn(details);
  if (place === undefined) return undefined;
  const key = certificates.map((/** @type {any} */ each) => each.fingerprint.sha256).join(' ');
  const last = latest.get(place.id);
  // What comes from the cache came by another connection.
  const isConnection = details.fromCache !== true;
  if (last?.key === key && Date.now() - last.at < UNCHANGED) return undefined;
  const raw = await browser.webRequest.getSecurityInfo(requestId, {
    certificateChain: true,
    rawDER: true,
  });
  const chain = raw.certificates.map((/** @type {any} */ { rawDER }) => toBase64(rawDER));
  if (chain.join('').length > MAX_CHAIN_SIZE) return undefined;
  if (latest.size >= MAX_REMEMBERED) latest.clear();
  if (isConnection) latest.set(place.id, { key, at: Date.now() });
  return { place, key, chain, isConnection };
}

/** @param {any} details */
async function placeIn(details) {
  const own = ofReport(details);
  if (own !== undefined) return own.place;
  const { value } = await browser.privacy.websites.cookieConfig.get({});
  const rows = value.behavior === 'allow_visited' ? await memory.rows() : {};
  return placeOf(details, value.behavior, siteOf, (id) => rows[id] !== undefined);
}

/**
 * The report that a request of our own carries.
 *
 * @param {any} details
 */
function ofReport({ url, originUrl }) {
  return originUrl?.startsWith(browser.runtime.getURL('')) ? reporting.get(url) : undefined;
}

/** @param {any} details */
function noteClearSiteData({ url, responseHeaders = [] }) {
  for (const { name, value = '' } of responseHeaders)
    if (name.toLowerCase() === 'clear-site-data' && /"(cookies|\*)"/.test(value))
      marks.clearsItself(new URL(url).hostname);
}

/**
 * An origin showed a chain. Everything that follows from it, one such thing after the other.
 *
 * @param {Place} place
 * @param {string} key
 * @param {readonly string[]} chain
 * @param {boolean} isConnection
 */
async function received(place, key, chain, isConnection) {
  const known = await (await logs).sctsOf(chain.map(fromBase64));
  const scts = known.map(toBase64);
  const { id, origin } = place;
  let row = (await memory.rows())[id];
  if (row !== undefined && !(await marks.holds(row))) {
    await forget([id]);
    row = undefined;
  }
  if (scts.length > 0) {
    const marked = { ...place, mark: row?.mark ?? Marks.path() };
    // Where no mark can be set, clearing would not be noticed.
    if (row === undefined && !(await marks.set(marked))) return;
    const { container, below, mark } = marked;
    const gone = await memory.add(
      id,
      { origin, container, below, mark },
      { key, chain, scts },
      Date.now(),
    );
    for (const each of gone) await marks.remove(each);
    void handOver(id).catch(report);
  }
  if (isConnection) await reportTo(place, new Set(scts));
}

/**
 * Hands the daemon what it does not have of a place.
 *
 * @param {string} id
 */
async function handOver(id) {
  if (!(await daemon.reach())) return;
  await turns.take(async () => {
    await tellForgotten();
    const row = (await memory.rows())[id];
    const chains = await memory.chains(id);
    if (row === undefined || chains.every(({ handed }) => handed) || !daemon.isThere) return;
    for (const { chain, handed } of chains)
      if (!handed) daemon.send({ type: 'seen', origin: row.origin, chain, scts: [] });
    remember({ id });
    await memory.changeChains(id, (shown) => ({ ...shown, handed: true }));
  });
}

/** Hands the daemon all that it does not have: it may have begun to run long after the visits. */
async function tellAll() {
  if (!(await daemon.reach())) return;
  await turns.take(tellForgotten);
  for (const id of await memory.unhanded()) await handOver(id);
}

/** @param {{ id?: string, forgotten?: readonly string[] }} sent */
function remember(sent) {
  const now = Date.now();
  lately = [...lately.filter(({ at }) => Math.abs(now - at) < UNSURE), { at: now, ...sent }];
}

/**
 * The daemon does not say what of it it could not do, so all that it was sent lately counts as not
 * taken: what it has it takes twice without harm.
 */
function tellAgain() {
  turns
    .take(async () => {
      const unsure = lately;
      lately = [];
      await memory.untell(unsure.flatMap(({ forgotten = [] }) => forgotten));
      for (const id of new Set(unsure.flatMap((sent) => sent.id ?? [])))
        await memory.changeChains(id, (shown) => ({ ...shown, handed: false }));
      again ??= setTimeout(() => {
        again = undefined;
        tellAll().catch(report);
      }, AGAIN);
    })
    .catch(report);
}

/** In a turn. */
async function tellForgotten() {
  const untold = await memory.untold();
  if (untold.length === 0 || !daemon.isThere) return;
  for (const origin of untold)
    daemon.send(origin === FORGET_ALL ? { type: 'forget-all' } : { type: 'forget', origin });
  remember({ forgotten: untold });
  await memory.told();
}

/**
 * In a turn: sends an origin what did not come by this connection, if it may be told.
 *
 * @param {Place} place
 * @param {ReadonlySet<string>} current SCTs
 */
async function reportTo(place, current) {
  const now = Date.now();
  const { id, origin } = place;
  await memory.settle(now);
  const rows = await memory.rows();
  if (rows[id] === undefined || !mayReport(Object.values(rows), origin, now)) return;
  const content = reportOf(await memory.chains(id), current);
  if (content === undefined) return;
  // Before it is sent: who is ended in between does not send it again.
  const sending = { at: now, scts: content.scts, status: 0 };
  await memory.change(id, { report: { ...sending, outcome: 'sending' } });
  void post(place, content.body).then(
    (status) =>
      turns.take(async () => {
        const outcome = status === 0 ? 'failed' : status < 300 ? 'sent' : 'refused';
        await memory.change(id, { report: { ...sending, status, outcome } });
        if (outcome === 'sent')
          await memory.changeChains(id, (shown) =>
            content.keys.includes(shown.key) ? { ...shown, accepted: shown.accepted + 1 } : shown,
          );
        if ((await memory.rows())[id] !== undefined && daemon.isThere)
          daemon.send({ type: 'feedback', origin, outcome, ...(status === 0 ? {} : { status }) });
      }),
    report,
  );
}

/**
 * Resolves to the status of the answer, or 0 if there was none. It goes to the origin alone: no
 * redirect is followed, and there is nothing in it that tells one browser from another.
 *
 * @param {Place} place
 * @param {string} body
 */
async function post(place, body) {
  const url = place.origin + FEEDBACK;
  const abort = new AbortController();
  const late = setTimeout(() => abort.abort(), REPORT_TIMEOUT);
  reporting.set(url, { place, abort });
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: abort.signal,
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  } finally {
    clearTimeout(late);
    reporting.delete(url);
  }
}

// Firefox would write our own address there, which is another one in each browser and so tells who
// it is, to all sites.
browser.webRequest.onBeforeSendHeaders.addListener(
  (/** @type {any} */ details) =>
    ofReport(details) === undefined
      ? {}
      : {
          requestHeaders: details.requestHeaders.filter(
            (/** @type {{ name: string }} */ { name }) =>
              !['origin', 'referer', 'cookie'].includes(name.toLowerCase()),
          ),
        },
  { urls: [`https://*${FEEDBACK}`] },
  ['blocking', 'requestHeaders'],
);

browser.cookies.onChanged.addListener((/** @type {any} */ change) => {
  const { removed, cause, cookie } = change;
  const path = markOf(cookie);
  if (path === undefined || !removed || cause === 'overwrite') return;
  turns
    .take(async () => {
      const [id, row] =
        Object.entries(await memory.rows()).find(([, { mark }]) => mark === path) ?? [];
      if (id === undefined || row === undefined) return;
      // Pushed out by a flood of others.
      if (cause === 'evicted' && (await marks.set(row))) return;
      if (!(await marks.holds(row))) await forget([id]);
    })
    .catch(report);
});

browser.history.onVisitRemoved.addListener((/** @type {any} */ { allHistory, urls }) => {
  turns.take(() => (allHistory ? forgetAll() : forgetVisited(urls))).catch(report);
});

/** @param {readonly string[]} urls */
async function forgetVisited(urls) {
  const parsed = urls.filter((url) => URL.canParse(url)).map((url) => new URL(url));
  const origins = new Set(parsed.map(({ origin }) => origin));
  const sites = new Set(parsed.map(({ protocol, hostname }) => `${protocol}//${siteOf(hostname)}`));
  await forget(
    Object.entries(await memory.rows())
      .filter(([, { origin, below }]) => origins.has(origin) || sites.has(below))
      .map(([id]) => id),
  );
}

/**
 * In a turn.
 *
 * @param {readonly string[]} ids
 */
async function forget(ids) {
  await forgotten(await memory.forget(ids), ids);
}

/** In a turn. */
async function forgetAll() {
  await forgotten(await memory.forgetAll(), [...latest.keys()]);
}

/**
 * @param {readonly import('./memory.js').Row[]} rows
 * @param {readonly string[]} ids
 */
async function forgotten(rows, ids) {
  for (const id of ids) latest.delete(id);
  for (const { place, abort } of reporting.values()) if (ids.includes(place.id)) abort.abort();
  for (const row of rows) await marks.remove(row);
  void daemon
    .reach()
    .then((isThere) => (isThere ? turns.take(tellForgotten) : undefined))
    .catch(report);
}

// What was cleared while this did not run, as where Firefox clears cookies when it ends.
browser.runtime.onStartup.addListener(sweep);
browser.runtime.onInstalled.addListener(sweep);

function sweep() {
  turns
    .take(async () => {
      const gone = [];
      for (const [id, row] of Object.entries(await memory.rows()))
        if (!(await marks.holds(row))) gone.push(id);
      await forget(gone);
    })
    .catch(report);
}

browser.runtime.onMessage.addListener((/** @type {any} */ message) => {
  switch (message.type) {
    case 'view':
      return view();
    case 'forget':
      return turns.take(() => forget([message.id]));
    case 'forget-all':
      return turns.take(forgetAll);
  }
  return undefined;
});

/** What the page shows. */
async function view() {
  await daemon.refresh();
  const { value } = await browser.privacy.websites.cookieConfig.get({});
  return {
    rows: await memory.rows(),
    logs: (await logs).size,
    isAllowed: await browser.permissions.contains({ origins: HTTPS.urls }),
    cookies: value.behavior,
    daemon: { isThere: daemon.isThere, fault: daemon.fault, status: daemon.status },
  };
}

/** @param {any} status */
function showFindings({ findings }) {
  const count = Array.isArray(findings) ? findings.length : 0;
  void browser.action.setBadgeBackgroundColor({ color: '#b3121d' });
  void browser.action.setBadgeText({ text: count === 0 ? '' : String(count) });
  void browser.action.setTitle({
    title: count === 0 ? 'ctga' : 'ctga: a log broke what it signed',
  });
}

/** @param {unknown} error */
function report(error) {
  console.error(error);
}
