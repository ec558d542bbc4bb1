// SPDX-License-Identifier: Apache-2.0
/** The fleet on the status page, in the cards of split views, and on a page of its own. */
import { html, type Html } from '../base/html.ts';
import { refusedIn, type FleetOverview, type MemberOverview } from '../fleet/overview.ts';
import type { TreeAtSites } from '../fleet/sites.ts';
import { renderDocument } from './document.ts';
import { command, pager, type Part } from './parts.ts';
import { sign, strip } from './picture.ts';
import {
  SITES_A_PAGE,
  type MatrixLog,
  type MatrixRow,
  type SitesView,
  type SplitAtSites,
} from './sites.ts';
import {
  compact,
  count,
  group,
  logName,
  timeOf,
  VERDICT_WORDS,
  verdictChip,
  type Kind,
} from './words.ts';

/** Names of sites that one sentence or list has. */
const NAMES = 60;
const NAMES_SAID = 12;

/** "14 of 50 sites". */
function share(some: number, all: number): string {
  return `${group(some)} of ${count(all, 'site')}`;
}

function listed(names: readonly string[], most = NAMES_SAID): string {
  const rest = names.length - most;
  if (rest > 0) return `${names.slice(0, most).join(', ')} and ${group(rest)} more`;
  return names.join(', ');
}

const SITE_KIND: Readonly<Record<MemberOverview['hearing'], Kind>> = {
  heard: 'good',
  silent: 'warning',
  never: 'waiting',
};

/** What is wrong with a site's word: all of it is counted, and none of it is lost in silence. */
function isWorthALook({ hearing, missing, givenUp, refused }: MemberOverview): boolean {
  return hearing === 'silent' || missing > 0 || givenUp > 0 || refusedIn(refused) > 0;
}

/** Of the status page. `stateOption` is as in PageData. */
export function fleetSection(fleet: FleetOverview, stateOption: string): Html {
  const title = html`<h2 id="sites-title">Sites</h2>`;
  if (fleet.role === 'site') return html`${title} ${ownSite(fleet)}`;
  const { sites, others } = fleet;
  if (sites.length === 0) return html`${title} ${noSites(fleet)}`;
  const of = (hearing: MemberOverview['hearing']): number =>
    sites.filter((each) => each.hearing === hearing).length;
  const looked = sites.filter(isWorthALook);
  const number = (name: string, value: number, kind: Kind | '' = ''): Html =>
    html`<div class="${value > 0 ? kind : ''}">
      <dt>${name}</dt>
      <dd>${compact(value, 10 ** 13)}</dd>
    </div>`;
  const sum = (value: (site: MemberOverview) => number): number =>
    sites.reduce((total, site) => total + value(site), 0);
  return html`${title}
    <div class="card">
      <dl class="numbers">
        ${number('Heard', of('heard'))} ${number('Silent', of('silent'), 'warning')}
        ${number('Never heard', of('never'))}
        ${number(
          'Batches missing',
          sum(({ missing }) => missing),
          'warning',
        )}
        ${number(
          'Tree heads given up',
          sum(({ givenUp }) => givenUp),
          'warning',
        )}
        ${number('Refused', sum(({ refused }) => refusedIn(refused)) + fleet.fromNobody, 'warning')}
      </dl>
      ${
        looked.length === 0
          ? ''
          : html`<p class="small">
              Look at ${listed(looked.map(({ member }) => member))}:
              <code>ctga fleet status${stateOption}</code> says what is wrong.
            </p>`
      }
      ${
        others.length === 0
          ? ''
          : html`<p class="small">
              ${fleet.self} also hears ${listed(others.map(({ member }) => member))}.
            </p>`
      }
      <p><a href="/sites">Which of the ${count(sites.length, 'site')} saw which tree</a></p>
    </div>`;
}

function ownSite({ self, fleet, others }: FleetOverview): Html {
  return html`<div class="card">
    <p>
      What is seen here is told to the fleet ${fleet}, as the site ${self}. Its collectors show what
      all sites saw.
    </p>
    ${
      others.length === 0
        ? html`<p class="small">
            The fleet has no collector yet, or this site did not hear of one.
          </p>`
        : html`<ul class="sites">
            ${others.map(
              ({ member, hearing, lastHeard }) =>
                html`<li>
                  ${sign(SITE_KIND[hearing])} ${member}:
                  ${lastHeard === undefined ? 'never heard' : html`last heard ${timeOf(lastHeard)}`}
                </li>`,
            )}
          </ul>`
    }
  </div>`;
}

function noSites({ fleet }: FleetOverview): Html {
  return html`<p>
      No site is in the fleet ${fleet} yet. Make the keys of one where the fleet was founded, and
      bring its new <code>fleet.json</code> here:
    </p>
    ${command('ctga fleet join router1 --dir fleet')}`;
}

/**
 * Where a split view goes through the fleet: a strip for each of the trees, in which every site has its
 * place, and the sites by name.
 */
export function sitesOfSplit({ sites, trees }: SplitAtSites, all: readonly string[]): Html {
  if (trees.length === 0 || sites === 0) return html``;
  // Sites that saw the same are next to each other.
  const seenBy = trees.map((tree) => new Set(tree.sites));
  const rank = (site: string): number =>
    seenBy.reduce((sum, set, i) => sum + (set.has(site) ? 0 : 2 ** (trees.length - i)), 0);
  const known = [...new Set([...all, ...trees.flatMap((tree) => tree.sites)])].sort();
  const ordered = known.toSorted((a, b) => rank(a) - rank(b));
  return html`<div class="at-sites">
    <h4>Where each tree was seen</h4>
    <ul class="matrix">
      ${trees.map((tree) => matrixRow({ ...tree, verdict: tree.tree.verdict }, ordered, sites))}
    </ul>
    <details>
      <summary>The sites by name</summary>
      ${trees.map((tree) => namesOf(tree, sites))}
    </details>
  </div>`;
}

function namesOf({ tree, sites, isRolledUp }: TreeAtSites, all: number): Html {
  const { kind } = VERDICT_WORDS[tree.verdict];
  const rest = sites.length - NAMES;
  return html`<p class="small">
      Size ${group(tree.treeSize)}, root <code>${rootOf(tree.rootHash)}</code>, at
      ${share(sites.length, all)}${isRolledUp ? '; longer ago, at sites that are not known any more' : ''}:
    </p>
    <ul class="sites">
      ${sites.slice(0, NAMES).map((site) => html`<li>${sign(kind)} ${site}</li>`)}
      ${rest > 0 ? html`<li>and ${group(rest)} more</li>` : ''}
    </ul>`;
}

/** `columns`: the sites, in their order; `all`: how many the fleet has. */
function matrixRow(row: MatrixRow, columns: readonly string[], all: number): Html {
  const { tree, sites, verdict, isRolledUp } = row;
  const { kind } = VERDICT_WORDS[verdict];
  const seen = new Set(sites);
  const said = `Size ${group(tree.treeSize)}, ${verdict}: seen at ${share(sites.length, all)}${sites.length > 0 ? `: ${listed(sites)}` : ''}.`;
  return html`<li class="matrix-row">
    <div class="matrix-words">
      <p>Size ${group(tree.treeSize)} ${verdictChip(verdict)}</p>
      <p class="quiet small">
        <code>${rootOf(tree.rootHash)}</code> at
        ${share(sites.length, all)}${isRolledUp ? ', and long ago' : ''}
      </p>
    </div>
    ${strip(
      columns.map((site) => (seen.has(site) ? kind : undefined)),
      said,
    )}
  </li>`;
}

function rootOf(root: Uint8Array): string {
  return Buffer.from(root).toString('hex', 0, 4);
}

/** The page of the fleet. Undefined: the store is of none. */
export function renderSites(view: SitesView | undefined, part: Part, generated: number): string {
  if (view === undefined)
    return page(
      'no fleet',
      'waiting',
      generated,
      html`<h1 id="sites-title">This store is of no fleet</h1>
        <p>
          ctga works alone until somebody wants more. To have in one place what many machines see,
          found a fleet, on a machine that is on the way of nothing:
        </p>
        ${command('ctga fleet init fleet --node n1=bus1.example.net --node n2=bus2.example.net --node n3=bus3.example.net')}
        <p>It says what comes next, and docs/FLEET.md says all of it.</p>`,
    );
  const { fleet, sites, total } = view;
  const heading = html`<h1 id="sites-title">
    ${count(total, 'site')} of the fleet ${fleet.fleet}
  </h1>`;
  if (fleet.role === 'site')
    return page(fleet.fleet, 'waiting', generated, html`${heading} ${ownSite(fleet)}`);
  if (total === 0)
    return page(fleet.fleet, 'waiting', generated, html`${heading} ${noSites(fleet)}`);
  return page(
    count(total, 'site'),
    fleet.sites.some(isWorthALook) ? 'warning' : 'good',
    generated,
    html`${heading}
      <h2 id="matrix-title">Which site saw which tree</h2>
      ${matrix(view)}
      <h2 id="list-title">The sites</h2>
      ${siteTable(sites, view)} ${pager('/sites', part, SITES_A_PAGE)}`,
  );
}

function page(title: string, kind: Kind, generated: number, main: Html): string {
  return renderDocument({
    title: `ctga: ${title}`,
    kind,
    generated,
    main: html`<section id="sites" aria-labelledby="sites-title">${main}</section>`,
  });
}

function matrix({ logs, sites, total, fleet }: SitesView): Html {
  if (logs.length === 0)
    return html`<p>
        No site has told of a tree head yet. Each tree that is seen has a line here, and each site a
        place in it. See which sites are heard below; at a site that is not, look with:
      </p>
      ${command('ctga fleet status')}`;
  const columns = sites.map(({ member }) => member);
  const [first = '', last = ''] = [columns[0], columns.at(-1)];
  return html`<div class="card">
    <p class="legend">
      <span>${sign('good')} seen, consistent</span>
      <span>${sign('waiting')} seen, no verdict yet</span>
      <span>${sign('warning')} seen, needs a look</span>
      <span>${sign('alarm')} seen, fork-proven</span>
    </p>
    ${logs.map((log) => matrixLog(log, columns, fleet.sites.length))}
    <p class="axis">
      <span>${first}</span>
      <span>${last === first ? '' : last}</span>
    </p>
    <p class="quiet small">
      Each column is a site, in the order of the
      alphabet${columns.length < total ? `; these are ${group(columns.length)} of ${group(total)}` : ''}.
      Of each log these are the trees that were new last.
    </p>
  </div>`;
}

function matrixLog({ log, rows }: MatrixLog, columns: readonly string[], all: number): Html {
  return html`<h3 class="name matrix-name">${logName(log)}</h3>
    <ul class="matrix">
      ${rows.map((row) => matrixRow(row, columns, all))}
    </ul>`;
}

function siteTable(sites: readonly MemberOverview[], { paths, trees }: SitesView): Html {
  const head = (words: string, kind = ''): Html =>
    html`<th role="columnheader" scope="col" class="${kind}">${words}</th>`;
  return html`<table class="card stacks" role="table" aria-labelledby="list-title">
    <thead role="rowgroup">
      <tr role="row">
        ${head('Site')} ${head('State')} ${head('Last heard')} ${head('Batches', 'number')}
        ${head('Missing', 'number')} ${head('Waiting', 'number')} ${head('Given up', 'number')}
        ${head('Refused', 'number')} ${head(`Ways, of ${count(trees, 'tree')}`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${sites.map((site) => siteRow(site, paths.get(site.member) ?? new Map<string, number>()))}
    </tbody>
  </table>`;
}

const WAYS = 4;
/** A name that stays on one line. */
const SHORT = 20;

function siteRow(site: MemberOverview, ways: ReadonlyMap<string, number>): Html {
  const { member, hearing, lastHeard, batches, missing, waiting, givenUp, refused } = site;
  const cell = (words: string, value: Html, kind = ''): Html =>
    html`<td role="cell" class="${kind}">
      <span class="cell-name">${words}</span> <span>${value}</span>
    </td>`;
  const number = (words: string, value: number): Html =>
    cell(words, html`${group(value)}`, 'number');
  const sorted = [...ways].sort(([, a], [, b]) => b - a);
  const rest = sorted.length - WAYS;
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="${member.length <= SHORT ? 'short' : ''}">${member}</th>
    <td role="cell" class="cell-verdict">
      <span class="chip ${SITE_KIND[hearing]}"
        >${hearing === 'never' ? 'never heard' : hearing}</span
      >
    </td>
    ${cell('Last heard', lastHeard === undefined ? html`never` : timeOf(lastHeard))}
    ${number('Batches', batches)} ${number('Missing', missing)} ${number('Waiting', waiting)}
    ${number('Given up', givenUp)} ${number('Refused', refusedIn(refused))}
    ${cell(
      'Ways',
      sorted.length === 0
        ? html`none`
        : html`${sorted
            .slice(0, WAYS)
            .map(([way, trees]) => `${way} ${group(trees)}`)
            .join(', ')}${rest > 0 ? ` and ${group(rest)} more` : ''}`,
      'where',
    )}
  </tr>`;
}
