// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** What was seen, proven and reported, in words. Everything is text: no site writes markup here. */
/* global browser, document */

/** Sites in the list. */
const MOST = 50;
const COOKIES = {
  reject_all: 'Firefox takes no cookies, so nothing is kept of any site either.',
  reject_third_party:
    'Firefox takes no cookies of third parties, so nothing is kept of what pages load from other sites.',
  allow_visited:
    'Firefox takes cookies of third parties that you visited, and what pages load from other sites is kept likewise.',
  reject_trackers:
    'Firefox takes no cookies of trackers, so nothing is kept of what pages load from them.',
  reject_trackers_and_partition_foreign:
    'Firefox keeps the cookies of third parties apart for each site, and what pages load from other sites is kept apart likewise.',
};

/**
 * @param {string} name
 * @param {Record<string, any>} properties
 * @param {(string | Node)[]} children
 */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/**
 * @param {string} id
 * @param {(string | Node)[]} children
 */
function fill(id, ...children) {
  document.getElementById(id)?.replaceChildren(...children);
}

/** @param {string} text */
const paragraph = (text) => make('p', {}, text);

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** @param {number} at in ms since the epoch */
const dateOf = (at) =>
  new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

let shown = Promise.resolve();
let isWaiting = false;

/** Shows what is now. It waits for what is being shown, and one such wait is enough. */
function show() {
  if (isWaiting) return shown;
  isWaiting = true;
  shown = shown
    .then(() => {
      isWaiting = false;
      return showNow();
    })
    .catch(console.error);
  return shown;
}

async function showNow() {
  const state = await browser.runtime.sendMessage({ type: 'view' });
  const rows = /** @type {[string, import('./memory.js').Row][]} */ (
    Object.entries(state.rows).sort(([, a], [, b]) => b.seen - a.seen)
  );
  showVerdict(state.daemon, rows.length, state.isAllowed);
  showSeen(state, rows);
  showProven(state.daemon);
  showReported(rows);
  showSites(rows);
}

/**
 * @param {any} daemon
 * @param {number} sites
 * @param {boolean} isAllowed
 */
function showVerdict({ isThere, fault, status }, sites, isAllowed) {
  const findings = status?.findings ?? [];
  const verdict = document.getElementById('verdict');
  if (verdict === null) return;
  verdict.className = findings.length > 0 ? 'alarm' : '';
  if (findings.length > 0) {
    verdict.textContent = 'A log signed what contradicts itself';
    const lines = findings.map((/** @type {any} */ { what, log, evidence }) =>
      make(
        'li',
        {},
        make('span', {}, `${log}: ${what}`),
        make('code', { className: 'quiet' }, evidence ?? ''),
      ),
    );
    return fill(
      'details',
      make('ul', {}, ...lines),
      paragraph('The evidence proves it to anybody. Show it to those who trust the log.'),
    );
  }
  if (!isAllowed) {
    verdict.textContent = 'Nothing is seen: the permission is missing';
    return fill(
      'details',
      paragraph(
        'Allow it to access your data for all websites: in the add-on manager, “ctga”, “Permissions”. It reads certificates and no pages.',
      ),
    );
  }
  if (!isThere) {
    verdict.textContent = 'Nobody checks the logs: the daemon is missing';
    return fill(
      'details',
      paragraph(
        'Sites are still told what you were shown in their name. To have the logs’ promises checked as well, install ctga, and then run these once and whenever you are logged in:',
      ),
      make('pre', { tabIndex: 0 }, make('code', {}, 'ctga client install\nctga client run')),
      ...(fault === '' ? [] : [make('p', { className: 'quiet' }, `Firefox says: ${fault}`)]),
    );
  }
  verdict.textContent = sites === 0 ? 'Nothing has been seen yet' : 'No log was caught';
  fill('details', ...(fault === '' ? [] : [paragraph(`The daemon says: ${fault}`)]));
}

/**
 * @param {any} state
 * @param {readonly [string, import('./memory.js').Row][]} rows
 */
function showSeen({ logs, cookies }, rows) {
  const origins = new Set(rows.map(([, { origin }]) => origin)).size;
  const sum = (/** @type {'chains' | 'scts'} */ what) =>
    rows.reduce((total, [, row]) => total + row[what], 0);
  const kept =
    rows.length === 0
      ? 'No site with promises of a known log has been visited.'
      : `${plural(origins, 'site')} showed ${plural(sum('chains'), 'certificate')} with ${plural(sum('scts'), 'promise')} of logs to make them public.`;
  fill(
    'seen',
    `${kept} Promises count of ${plural(logs, 'log')} that ${logs === 1 ? 'is' : 'are'} known. Private windows are not looked at. `,
    COOKIES[/** @type {keyof typeof COOKIES} */ (cookies)] ?? '',
  );
}

const STATES = {
  included: ['was kept', 'were kept'],
  waiting: ['waits for its log’s time to run out', 'wait for their logs’ time to run out'],
  unprovable: ['could not be shown to be kept', 'could not be shown to be kept'],
  contradicted: ['is contradicted by what was answered', 'are contradicted by what was answered'],
  'bad-signature': ['was not signed by its log', 'were not signed by their logs'],
};

/** @param {any} daemon */
function showProven({ isThere, status }) {
  if (!isThere) return fill('proven', paragraph('Nothing: only the daemon asks the logs.'));
  const { logs = [], scts = [] } = status;
  const lines = Object.entries(STATES).flatMap(([state, [one = '', many = '']]) => {
    const count = scts.filter((/** @type {any} */ sct) => sct.state === state).length;
    return count === 0
      ? []
      : [make('li', {}, `${plural(count, 'promise')} ${count === 1 ? one : many}.`)];
  });
  const consistent = logs.filter((/** @type {any} */ log) => log.state === 'consistent').length;
  fill(
    'proven',
    paragraph(
      `${plural(consistent, 'log')} of ${logs.length.toLocaleString('en')} proved that what ${consistent === 1 ? 'it shows' : 'they show'} you has only grown.`,
    ),
    ...(lines.length === 0
      ? [paragraph('Of what you were shown, nothing has been asked yet.')]
      : [make('ul', {}, ...lines)]),
  );
}

/** One that was being sent for so long, in milliseconds, ended with Firefox. */
const LONGEST = 60_000;
const OUTCOMES = {
  sending: 'is being told',
  sent: 'took it',
  refused: 'did not take it',
  failed: 'did not answer',
};

/** @param {readonly [string, import('./memory.js').Row][]} rows */
function showReported(rows) {
  const isOver = (/** @type {number} */ at) => Math.abs(Date.now() - at) > LONGEST;
  const told = rows
    .flatMap(([, { origin, report }]) => (report ? [{ origin, ...report }] : []))
    .map((each) =>
      each.outcome === 'sending' && isOver(each.at)
        ? { ...each, outcome: /** @type {const} */ ('failed') }
        : each,
    );
  const explained =
    'A site that you visit again is told which other certificates you were shown in its name, and nobody else is; once a day at most.';
  const lines = told
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST)
    .map(({ origin, at, scts, outcome, status }) =>
      make(
        'li',
        {},
        make(
          'span',
          {},
          `${origin} ${OUTCOMES[outcome]}${outcome === 'refused' ? ` (status ${status})` : ''}`,
        ),
        make('span', { className: 'quiet' }, `${plural(scts, 'promise')}, ${dateOf(at)}`),
      ),
    );
  fill(
    'reported',
    paragraph(explained),
    ...(lines.length === 0
      ? [paragraph('Nothing so far: no site showed you more than one certificate.')]
      : [make('ul', {}, ...lines)]),
  );
}

/** @param {readonly [string, import('./memory.js').Row][]} rows */
function showSites(rows) {
  fill(
    'sites',
    ...rows.slice(0, MOST).map(([id, { origin, below, chains }]) => {
      const button = make(
        'button',
        { type: 'button', ariaLabel: `Forget ${origin}${below === '' ? '' : ` below ${below}`}` },
        'Forget',
      );
      button.addEventListener('click', () => void act({ type: 'forget', id }));
      return make(
        'li',
        {},
        make('span', {}, origin, ...(below === '' ? [] : [` in pages of ${below}`])),
        make('span', { className: 'quiet' }, plural(chains, 'certificate')),
        button,
      );
    }),
  );
  fill('more', rows.length > MOST ? `And ${rows.length - MOST} more.` : '');
  const all = document.getElementById('forget-all');
  if (all instanceof HTMLButtonElement) all.hidden = rows.length === 0;
}

/** @param {Record<string, unknown>} message */
async function act(message) {
  await browser.runtime.sendMessage(message);
  await show();
}

document
  .getElementById('forget-all')
  ?.addEventListener('click', () => void act({ type: 'forget-all' }));
browser.storage.onChanged.addListener(() => void show());
await show();
