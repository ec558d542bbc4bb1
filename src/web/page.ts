// SPDX-License-Identifier: Apache-2.0
/**
 * The status page. It is complete without scripts; with them, assets/page.js replaces the sections
 * that change.
 */
import { clean } from '../base/clean.ts';
import { plural, time } from '../base/text.ts';
import { html, type Html } from './html.ts';
import { DAYS, type InterfaceOverview, type Overview } from './overview.ts';

export function renderPage(overview: Overview): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${titleOf(overview)}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/uPlot.min.css" />
        <link rel="stylesheet" href="/assets/page.css" />
        <script type="module" src="/assets/page.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <h1>ctga</h1>
          <p id="summary">${summaryOf(overview)}</p>
          <p id="connection" class="quiet">Reload the page to see what is new.</p>
          <div id="announcement" class="hidden" role="status" aria-live="polite"></div>
        </header>
        <main id="main" tabindex="-1">
          <section id="evidence" aria-labelledby="evidence-title">
            ${evidenceSection(overview)}
          </section>
          <section id="interfaces" aria-labelledby="interfaces-title">
            ${interfacesSection(overview)}
          </section>
          <section id="verdicts" aria-labelledby="verdicts-title">
            ${verdictsSection(overview)}
          </section>
          <section id="timeline" aria-labelledby="timeline-title">
            <h2 id="timeline-title">New tree heads a day, by log</h2>
            <div id="chart" data-series="${seriesOf(overview)}"></div>
            <div id="timeline-table">${timelineTable(overview)}</div>
          </section>
          <section id="recent" aria-labelledby="recent-title">${recentSection(overview)}</section>
          <section id="counts" aria-labelledby="counts-title">${countsSection(overview)}</section>
        </main>
        <footer>
          <p>
            For scripts: <a href="/state.json">state.json</a>, <a href="/metrics">metrics</a>,
            <a href="/healthz">healthz</a>.
          </p>
        </footer>
      </body>
    </html> `;
  return page.text;
}

function titleOf({ evidence }: Overview): string {
  return evidence.length === 0
    ? 'ctga: no split view'
    : `ctga: ${plural(evidence.length, 'split view')} proven`;
}

function summaryOf({ evidence, treeHeads, interfaces }: Overview): Html {
  const seeing = interfaces.filter(
    ({ isStale, blindSince }) => !isStale && blindSince === null,
  ).length;
  const trees = `${group(treeHeads)} tree head${treeHeads === 1 ? '' : 's'} seen`;
  const watched =
    interfaces.length === 0
      ? 'no interface is watched'
      : `${seeing} of ${plural(interfaces.length, 'interface')} watched now`;
  return evidence.length === 0
    ? html`No split view has been proven. ${trees}, ${watched}.`
    : html`<strong class="alarm">${plural(evidence.length, 'split view')} proven.</strong> ${trees},
        ${watched}.`;
}

function evidenceSection({ evidence }: Overview): Html {
  const title = html`<h2 id="evidence-title">Evidence</h2>`;
  if (evidence.length === 0)
    return html`${title}
      <p>There is none: as far as the logs have been asked, each log's trees belong together.</p>`;
  return html`${title}
    ${evidence.map(
      ({ name, log, firstSize, secondSize, created }) =>
        html`<article class="alarm-box">
          <h3>${log} showed two trees</h3>
          <p>
            Sizes ${firstSize} and ${secondSize}, which no append-only log can both have. Found
            ${timeOf(created)}.
          </p>
          <p><a href="/evidence/${encodeURIComponent(name)}" download>Download ${name}</a></p>
        </article>`,
    )}
    <h3>Checking evidence offline</h3>
    <p>
      With ctga: <code>ctga evidence verify FILE</code>. Without:
      <code>sh verify-evidence.sh FILE</code>, a script that needs openssl alone (<a
        href="/verify-evidence.sh"
        download
        >verify-evidence.sh</a
      >). Show the evidence to those who trust the log: they need not trust you, because signatures
      and arithmetic prove it.
    </p>`;
}

function interfacesSection({ interfaces, generated }: Overview): Html {
  const title = html`<h2 id="interfaces-title">Interfaces</h2>`;
  if (interfaces.length === 0)
    return html`${title}
      <p>None has been watched yet. Watch one with <code>sudo ctga attach eth0</code>.</p>`;
  return html`${title}
    <div class="scroll" role="group" aria-label="Table of interfaces" tabindex="0">
      <table>
        <caption>
          Packets since the interface was attached; every one went on unchanged
        </caption>
        <thead>
          <tr>
            <th scope="col">Interface</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Packets</th>
            <th scope="col" class="number">Answers copied</th>
            <th scope="col" class="number">Fragments copied</th>
            <th scope="col" class="number">Sampled out</th>
            <th scope="col" class="number">Budget</th>
            <th scope="col" class="number">Ring full</th>
            <th scope="col">Copied recently</th>
          </tr>
        </thead>
        <tbody>
          ${interfaces.map((each) => interfaceRow(each, generated))}
        </tbody>
      </table>
    </div>`;
}

function interfaceRow(plane: InterfaceOverview, now: number): Html {
  const count = (...names: readonly string[]): Html =>
    html`<td class="number">
      ${group(names.reduce((sum, name) => sum + (plane.counters[name] ?? 0), 0))}
    </td>`;
  const share = (of: number): string => `${(of * 100).toFixed(of < 0.1 && of > 0 ? 2 : 0)} %`;
  return html`<tr>
    <th scope="row">${plane.interface}</th>
    <td>${stateOf(plane, now)}</td>
    ${count('packets')} ${count('answersCopied')} ${count('fragmentsCopied')}
    ${count('answersSampledOut', 'fragmentsSampledOut')}
    ${count('answersOverBudget', 'fragmentsOverBudget')}
    ${count('answersRingFull', 'fragmentsRingFull')}
    <td>
      answers ${share(plane.settings.answersShare)}, fragments
      ${share(plane.settings.fragmentsShare)}
    </td>
  </tr>`;
}

function stateOf({ mode, isStale, blindSince, updated }: InterfaceOverview, now: number): Html {
  if (blindSince !== null)
    return html`<strong class="alarm">blind</strong> since ${timeOf(blindSince)}`;
  if (isStale) return html`<strong class="warning">no observer</strong> since ${timeOf(updated)}`;
  return html`watched (${mode}), ${Math.max(0, Math.round((now - updated) / 1000))} s ago`;
}

/** What each verdict means. */
const MEANING: Readonly<Record<string, string>> = {
  consistent: 'proven a prefix of the log’s current tree',
  'fork-proven': 'proven not to be: a split view',
  'malformed-head': 'an empty tree with another root than it has: a mistake, and no split view',
  pending: 'not asked about yet',
  skewed: 'the log does not know this tree yet',
  unprovable: 'the log has given no proof for far too long',
  unreachable: 'the log could not be asked',
  'bad-proof': 'the log’s answer proves nothing',
};

function verdictsSection({ verdicts }: Overview): Html {
  return html`<h2 id="verdicts-title">Verdicts on trees</h2>
    <div class="scroll" role="group" aria-label="Table of verdicts" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Verdict</th>
            <th scope="col" class="number">Trees</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(verdicts).map(
            ([verdict, count]) =>
              html`<tr>
                <th scope="row">${verdict}</th>
                <td class="number">${group(count)}</td>
                <td>${MEANING[verdict] ?? ''}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** Only the busiest logs have a line in the chart; all are in the table. */
const LINES = 6;

function seriesOf({ logs, generated }: Overview): string {
  return JSON.stringify({
    end: generated,
    days: DAYS,
    logs: logs.slice(0, LINES).map(({ name, heads }) => ({ name: clean(name), heads })),
  });
}

function timelineTable({ logs, generated }: Overview): Html {
  if (logs.length === 0) return html`<p>Nothing was seen in the last ${DAYS} days.</p>`;
  const sum = (numbers: readonly number[]): string =>
    group(numbers.reduce((total, each) => total + each, 0));
  return html`<div
    class="scroll"
    role="group"
    aria-label="Table of new tree heads by log"
    tabindex="0"
  >
    <table>
      <caption>
        The last ${DAYS} days, until ${timeOf(generated)}
      </caption>
      <thead>
        <tr>
          <th scope="col">Log</th>
          <th scope="col" class="number">Today</th>
          <th scope="col" class="number">Yesterday</th>
          <th scope="col" class="number">7 days</th>
          <th scope="col" class="number">${DAYS} days</th>
          <th scope="col" class="number">Sightings</th>
        </tr>
      </thead>
      <tbody>
        ${logs.map(
          ({ name, heads, sightings }) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${group(heads.at(-1) ?? 0)}</td>
              <td class="number">${group(heads.at(-2) ?? 0)}</td>
              <td class="number">${sum(heads.slice(-7))}</td>
              <td class="number">${sum(heads)}</td>
              <td class="number">${sum(sightings)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function recentSection({ recent }: Overview): Html {
  const title = html`<h2 id="recent-title">Latest tree heads</h2>`;
  if (recent.length === 0)
    return html`${title}
      <p>None yet.</p>`;
  return html`${title}
    <div class="scroll" role="group" aria-label="Table of the latest tree heads" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Log</th>
            <th scope="col" class="number">Tree size</th>
            <th scope="col">Signed</th>
            <th scope="col">First seen</th>
            <th scope="col" class="number">Times</th>
            <th scope="col">Where</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          ${recent.map(
            (head) =>
              html`<tr>
                <th scope="row">${head.log}</th>
                <td class="number">${group(head.treeSize)}</td>
                <td>${timeOf(Number(head.timestamp))}</td>
                <td>${timeOf(head.headFirstSeen)}</td>
                <td class="number">${group(head.count)}</td>
                <td>${head.sources.join(', ')}</td>
                <td class="${head.verdict === 'fork-proven' ? 'alarm' : ''}">${head.verdict}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function countsSection({ counts }: Overview): Html {
  const entries = Object.entries(counts);
  const title = html`<h2 id="counts-title">What the observer counted and did not store</h2>`;
  if (entries.length === 0)
    return html`${title}
      <p>Nothing.</p>`;
  return html`${title}
    <details>
      <summary>${plural(entries.length, 'reason')}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" class="number">Times</th>
          </tr>
        </thead>
        <tbody>
          ${entries.map(
            ([name, count]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td class="number">${group(count)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>`;
}

function timeOf(milliseconds: number): Html {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return html`an impossible time`;
  return html`<time datetime="${date.toISOString()}">${time(milliseconds)}</time>`;
}

/** Separates thousands, so that large numbers can be read. */
function group(value: number | bigint): string {
  return value.toLocaleString('en').replaceAll(',', '\u202f');
}
