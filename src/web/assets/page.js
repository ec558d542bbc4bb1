// SPDX-License-Identifier: Apache-2.0
/** Keeps a page up to date. Everything that it shows is in the page without it as well. */
const byId = (id) => document.getElementById(id);
const FOCUSABLE = 'a, summary, [tabindex]';

/** How many split views a page knows of. */
const splitsIn = (page) => Number(page.querySelector('[data-splits]')?.dataset.splits ?? 0);

const sectionsOf = (page) =>
  [...page.querySelectorAll('main > section')].map(({ id }) => id).join(' ');

/**
 * Takes over what differs, and leaves alone what a person is at: what is open stays open, what has
 * focus keeps it.
 */
async function refresh() {
  const answer = await fetch(document.location.href, { cache: 'no-store' });
  // A store that cannot be read has a page, too.
  if (!answer.headers.get('content-type')?.startsWith('text/html'))
    throw new Error(`the server says ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const splits = splitsIn(document);
  if (sectionsOf(document) !== sectionsOf(fresh))
    byId('main').innerHTML = fresh.getElementById('main').innerHTML;
  for (const mine of document.querySelectorAll('main > section, #generated')) {
    const theirs = fresh.getElementById(mine.id);
    if (theirs === null) continue;
    const open = [...mine.querySelectorAll('details')].map((details) => details.open);
    [...theirs.querySelectorAll('details')].forEach(
      (details, i) => (details.open = open[i] ?? details.open),
    );
    if (mine.innerHTML === theirs.innerHTML) continue;
    const at = [...mine.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    mine.innerHTML = theirs.innerHTML;
    if (at >= 0) mine.querySelectorAll(FOCUSABLE)[at]?.focus({ preventScroll: true });
  }
  document.title = fresh.title;
  const [icon, freshIcon] = [document, fresh].map((page) => page.querySelector('link[rel=icon]'));
  if (icon.getAttribute('href') !== freshIcon.getAttribute('href'))
    icon.setAttribute('href', freshIcon.getAttribute('href'));
  if (splitsIn(document) > splits)
    byId('announcement').textContent =
      `A ${byId('splits-title').dataset.noun} was proven: ${byId('splits').querySelector('article h3').textContent}.`;
}

let wanted = false;
let busy = false;
/** One at a time, and the last state in the end. */
async function update() {
  wanted = true;
  if (busy) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      await refresh();
    }
  } catch {
    // The connection says so.
  }
  busy = false;
}

const events = new EventSource('/events');
const say = (text) => (byId('connection').textContent = text);
events.addEventListener('open', () => {
  say('Live: this page changes by itself.');
  void update();
});
events.addEventListener('change', () => void update());
events.addEventListener('error', () => say('The connection is gone: what you see may be old.'));
