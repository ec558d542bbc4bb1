// SPDX-License-Identifier: Apache-2.0
/** What all pages have in common: head, header and footer. */
import { html, type Html } from '../base/html.ts';
import { timeOf, type Kind } from './words.ts';

export interface PageOptions {
  /** In the browser's tab. */
  readonly title: string;
  readonly kind: Kind;
  readonly generated: number;
  readonly main: Html;
}

/**
 * A whole page. It is complete without scripts; with them, assets/page.js replaces every section
 * that has changed.
 */
export function renderDocument({ title, kind, generated, main }: PageOptions): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/assets/${kind}.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/page.css" />
        <script type="module" src="/assets/page.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <p class="brand"><a href="/">${BRAND}ctga</a></p>
          <p class="tagline">
            catches Certificate Transparency logs that show different people different trees
          </p>
          <p class="state">
            <span id="connection">Reload to see what is new.</span>
            <span id="generated">As of ${timeOf(generated)}</span>
          </p>
          <div id="announcement" class="hidden" role="status" aria-live="polite"></div>
        </header>
        <main id="main" tabindex="-1">${main}</main>
        <footer>
          <p>
            For scripts: <a href="/state.json">state.json</a>, <a href="/metrics">metrics</a>,
            <a href="/healthz">healthz</a>. This page loads nothing from other hosts.
          </p>
        </footer>
      </body>
    </html> `;
  // Lines that are only indentation are for whoever reads the source here.
  return page.text.replaceAll(/\n\s+/g, '\n');
}

const BRAND = html`<svg
  class="brand-sign"
  width="22"
  height="22"
  viewBox="0 0 22 22"
  aria-hidden="true"
>
  <path d="M2 16H20M5 16C12 16 10 5 17 5" />
  <circle cx="18" cy="5" r="3" />
</svg>`;
