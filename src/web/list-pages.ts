// SPDX-License-Identifier: Apache-2.0
/** The pages that have all split views, and all logs, so many at a time. */
import { renderDocument } from './document.ts';
import { html, type Html } from '../base/html.ts';
import { timelineList } from './page.ts';
import { pager, type Part } from './parts.ts';
import { findingCard } from './split-cards.ts';
import type { Finding } from './splits.ts';
import type { Timeline } from './timeline.ts';
import { count } from './words.ts';

export const SPLITS_A_PAGE = 20;
export const LOGS_A_PAGE = 50;

/** What a card shows of a fleet, by evidence file. */
export type AtSites = ReadonlyMap<string, Html>;

export function renderSplits(
  splits: readonly Finding[],
  noun: string,
  part: Part,
  stateOption: string,
  generated: number,
  atSites: AtSites = new Map(),
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
      ${splits.map((split) => findingCard(split, stateOption, undefined, atSites.get(split.path)))}
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
