// SPDX-License-Identifier: Apache-2.0
/** What several pages show in the same way. */
import { html, type Html } from '../base/html.ts';
import { group } from './words.ts';

/** A command to be typed. */
export function command(line: string): Html {
  return html`<pre tabindex="0" role="group" aria-label="Command"><code>${line}</code></pre>`;
}

/** Number `page` of them, from 1 on, and how many there are in all. */
export interface Part {
  readonly page: number;
  readonly total: number;
}

/** Links from one page of a list to the next. */
export function pager(path: string, { page, total }: Part, perPage: number): Html {
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
