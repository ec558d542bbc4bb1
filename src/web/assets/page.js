// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps the status page up to date, and draws the time line. Everything it shows is in the page
 * without it as well.
 */
import uPlot from '/assets/uPlot.esm.js';

const SECTIONS = [
  'summary',
  'evidence',
  'interfaces',
  'verdicts',
  'timeline-table',
  'recent',
  'counts',
];
const PALETTES = {
  light: ['#0550ae', '#b35900', '#1a7f37', '#8250df', '#bf3989', '#57606a'],
  dark: ['#79b8ff', '#f2b35e', '#56d364', '#d2a8ff', '#ff9bce', '#9aa4ad'],
};
const DAY_SECONDS = 86_400;

const byId = (id) => document.getElementById(id);
const dark = matchMedia('(prefers-color-scheme: dark)');
let plot;

function draw() {
  const chart = byId('chart');
  const { end, days, logs } = JSON.parse(chart.dataset.series);
  plot?.destroy();
  plot = undefined;
  chart.removeAttribute('role');
  if (logs.length === 0) return;
  const colours = PALETTES[dark.matches ? 'dark' : 'light'];
  const styles = getComputedStyle(document.documentElement);
  const axis = {
    stroke: styles.getPropertyValue('--ink'),
    grid: { stroke: styles.getPropertyValue('--line'), width: 1 },
    ticks: { stroke: styles.getPropertyValue('--line') },
  };
  const today = Math.floor(end / 1000 / DAY_SECONDS);
  const times = Array.from({ length: days }, (_, i) => (today - days + 1 + i) * DAY_SECONDS);
  plot = new uPlot(
    {
      width: Math.max(280, chart.clientWidth),
      height: 240,
      // Days are UTC's, as everything here.
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] } },
      axes: [axis, { ...axis, size: 60 }],
      series: [
        { label: 'Day', value: '{YYYY}-{MM}-{DD}' },
        ...logs.map(({ name }, i) => ({
          label: name,
          stroke: colours[i % colours.length],
          width: 2,
          // Lines are told apart without colour too.
          dash: i === 0 ? undefined : [12, 2 + 3 * i],
          points: { show: true, size: 4 },
        })),
      ],
      cursor: { drag: { x: false, y: false } },
    },
    [times, ...logs.map(({ heads }) => heads)],
    chart,
  );
  chart.setAttribute('role', 'img');
  chart.setAttribute(
    'aria-label',
    `Lines for ${logs.map(({ name }) => name).join(', ')}; the numbers are in the table below.`,
  );
}

/**
 * Takes over what differs, and leaves alone what a person is at: what is open stays open, what has
 * focus keeps it.
 */
async function refresh() {
  const answer = await fetch('/', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const articles = document.querySelectorAll('#evidence article').length;
  for (const id of SECTIONS) {
    const [mine, theirs] = [byId(id), fresh.getElementById(id)];
    const open = [...mine.querySelectorAll('details')].map((details) => details.open);
    [...theirs.querySelectorAll('details')].forEach(
      (details, i) => (details.open = open[i] ?? false),
    );
    if (mine.innerHTML === theirs.innerHTML) continue;
    const focusable = 'a, summary, [tabindex]';
    const at = [...mine.querySelectorAll(focusable)].indexOf(document.activeElement);
    mine.innerHTML = theirs.innerHTML;
    if (at >= 0) mine.querySelectorAll(focusable)[at]?.focus({ preventScroll: true });
  }
  document.title = fresh.title;
  const series = fresh.getElementById('chart').dataset.series;
  const heads = (text) => JSON.stringify({ ...JSON.parse(text), end: 0 });
  const changed = heads(series) !== heads(byId('chart').dataset.series);
  byId('chart').dataset.series = series;
  if (changed) draw();
  if (document.querySelectorAll('#evidence article').length > articles)
    byId('announcement').textContent =
      `A split view was proven: ${byId('evidence').querySelector('article h3').textContent}.`;
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

draw();
dark.addEventListener('change', draw);
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === width) return;
  width = innerWidth;
  draw();
});

const events = new EventSource('/events');
const say = (text) => (byId('connection').textContent = text);
events.addEventListener('open', () => {
  say('Live: this page changes by itself.');
  void update();
});
events.addEventListener('change', () => void update());
events.addEventListener('error', () => say('The connection is gone: what you see may be old.'));
