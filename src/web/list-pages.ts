// SPDX-License-Identifier: Apache-2.0
/** The pages that have all split views, and all logs, so many at a time. */
import { renderDocument } from './document.ts';
import { html, type Html } from '../base/html.ts';
import type { Overview } from './overview.ts';
import { NO_LOG, timelineList } from './page.ts';
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
    title: `ctga: ${count(total, noun)}`,
    kind: 'alarm',
    generated,
    main: html`<section id="splits" aria-labelledby="splits-title">
      <h1 id="splits-title">${count(total, noun)} proven</h1>
      <h2>The newest first</h2>
      ${splits.map((split) => findingCard(split, stateOption, undefined, atSites.get(split.path)))}
      ${pager('/evidence', part, SPLITS_A_PAGE)}
    </section>`,
  });
}

/** The same where there is no evidence: what that means depends on what was concluded. */
export function renderNoSplit(verdicts: Overview['verdicts'], generated: number): string {
  const forks = verdicts['fork-proven'];
  const headline =
    forks > 0 ? 'A split view is proven, and its evidence is not here' : 'No split view is proven';
  return renderDocument({
    title: `ctga: ${forks > 0 ? 'no evidence' : 'no split view'}`,
    kind: forks > 0 ? 'alarm' : verdicts.consistent === 0 ? 'waiting' : 'good',
    generated,
    main: html`<section id="splits" aria-labelledby="splits-title">
      <h1 id="splits-title">${headline}</h1>
      ${
        forks > 0
          ? html`<p>
              ${count(forks, 'tree is', 'trees are')} proven a fork. The status page says what to
              do.
            </p>`
          : verdicts.consistent === 0
            ? html`<p>Nothing is ruled out yet: no tree that was seen is proven consistent.</p>`
            : ''
      }
      ${pager('/evidence', { page: 1, total: 0 }, SPLITS_A_PAGE)}
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
      ${timeline.lanes.length === 0 ? html`<p>${NO_LOG}</p>` : timelineList(timeline)}
      ${pager('/logs', part, LOGS_A_PAGE)}
    </section>`,
  });
}
