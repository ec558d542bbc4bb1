// SPDX-License-Identifier: Apache-2.0
/** The pages that have all split views, and all logs, so many at a time. */
import { renderDocument } from './document.ts';
import { html, type Html } from '../base/html.ts';
import { timelineList } from './page.ts';
import { findingCard } from './split-cards.ts';
import type { Finding } from './splits.ts';
import type { Timeline } from './timeline.ts';
import { count, group } from './words.ts';

export const SPLITS_A_PAGE = 20;
export const LOGS_A_PAGE = 50;

/** Number `page` of them, from 1 on, and how many there are in all. */
export interface Part {
  readonly page: number;
  readonly total: number;
}

export function renderSplits(
  splits: readonly Finding[],
  noun: string,
  part: Part,
  stateOption: string,
  generated: number,
): string {
  const { total } = part;
  return renderDocument({
    title: `ctga: ${total === 0 ? 'no split view' : count(total, noun)}`,
    kind: total === 0 ? 'good' : 'alarm',
    generated,
    main: html`<section id="splits" aria-labelledby="splits-title">
      <h1 id="splits-title">
        ${total === 0 ? 'No split view is proven' : `${count(total, noun)} proven`}
      </h1>
      ${total === 0 ? '' : html`<h2>The newest first</h2>`}
      ${splits.map((split) => findingCard(split, stateOption))}
      ${pager('/evidence', part, SPLITS_A_PAGE)}
    </section>`,
  });
}

export function renderLogs(timeline: Timeline, part: Part, generated: number): string {
  return renderDocument({
    title: `ctga: ${count(part.total, 'log')}`,
    kind: 'waiting',
    generated,
    main: html`<section id="logs" aria-labelledby="logs-title">
      <h1 id="logs-title">${count(part.total, 'log')} seen</h1>
      ${timelineList(timeline)} ${pager('/logs', part, LOGS_A_PAGE)}
    </section>`,
  });
}

function pager(path: string, { page, total }: Part, perPage: number): Html {
  const pages = Math.max(1, Math.ceil(total / perPage));
  const link = (to: number, words: string): Html =>
    to < 1 || to > pages ? html`` : html`<a href="${path}?page=${to}">${words}</a>`;
  return html`<nav class="pager" aria-label="Pages">
    <a href="/">The status page</a>
    ${link(page - 1, 'Previous')}
    <span>Page ${group(page)} of ${group(pages)}</span>
    ${link(page + 1, 'Next')}
  </nav>`;
}
