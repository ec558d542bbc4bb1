// SPDX-License-Identifier: Apache-2.0
/** The witness's own page: its keys, what it cosigns, and how late it is. For everybody to read. */
import { html } from '../base/html.ts';
import { plural, time } from '../base/text.ts';
import type { WitnessedLog } from './logs.ts';
import type { Cosigned } from './store.ts';
import { originHash } from './witness.ts';

export interface PageContent {
  /** The verifier keys. */
  readonly vkeys: readonly string[];
  readonly logs: Iterable<WitnessedLog>;
  /** What was cosigned last, of each origin. */
  readonly cosigned: readonly Cosigned[];
  /** In ms since the epoch. */
  readonly now: number;
}

export function renderWitnessPage({ vkeys, logs, cosigned, now }: PageContent): string {
  const latest = new Map(cosigned.map((each) => [each.origin, each]));
  const names = [...logs].map(
    ({ origin, keys }) => [origin, keys[0]?.log.description ?? ''] as const,
  );
  const known = new Set(names.map(([origin]) => origin));
  const former = cosigned.filter(({ origin }) => !known.has(origin));
  const all = [...names, ...former.map(({ origin }) => [origin, 'no longer cosigned'] as const)];
  const rows = all
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([origin, description]) => {
      const last = latest.get(origin);
      const cells =
        last === undefined
          ? html`<td colspan="3">nothing yet</td>`
          : html`<td class="number">${last.treeSize}</td>
              <td>${time(last.time * 1000n)}</td>
              <td class="number">${ageOf(last, now)}</td>`;
      const where = `${originHash(origin)}/checkpoint`;
      const name = last === undefined ? html`${origin}` : html`<a href="${where}">${origin}</a>`;
      return html`<tr>
        <th scope="row">${name}<br /><small>${description}</small></th>
        ${cells}
      </tr>`;
    });
  const newest = cosigned.reduce((most, { time: at }) => (at > most ? at : most), 0n);
  const late =
    newest === 0n ? 'It has cosigned nothing yet.' : `It last cosigned at ${time(newest * 1000n)}.`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Witness ${vkeys[0]?.split('/ed25519+')[0] ?? ''}</title>
        <style>
          body {
            font-family: system-ui, sans-serif;
            line-height: 1.5;
            margin: 2rem auto;
            max-width: 60rem;
            padding: 0 1rem;
          }
          code {
            overflow-wrap: anywhere;
          }
          table {
            border-collapse: collapse;
            width: 100%;
          }
          th,
          td {
            border-bottom: 1px solid #8888;
            overflow-wrap: anywhere;
            padding: 0.3rem 0.6rem 0.3rem 0;
            text-align: left;
            vertical-align: top;
          }
          .number {
            text-align: right;
            font-variant-numeric: tabular-nums;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>A witness of transparency logs</h1>
          <p>
            It cosigns checkpoints of the logs below (c2sp.org/tlog-witness): each only if the log
            proves that it extends the one before. ${late}
          </p>
          <h2>Its keys</h2>
          <ul>
            ${vkeys.map((vkey) => html`<li><code>${vkey}</code></li>`)}
          </ul>
          <h2>${plural(all.length, 'log')}, as of ${time(now)}</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Origin</th>
                <th scope="col" class="number">Size</th>
                <th scope="col">Last cosigned</th>
                <th scope="col" class="number">Ago</th>
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>
        </main>
      </body>
    </html>`.text;
}

function ageOf({ time: at }: Cosigned, now: number): string {
  const seconds = Math.max(0, Math.floor(now / 1000) - Number(at));
  if (seconds < 120) return plural(seconds, 'second');
  if (seconds < 7200) return plural(Math.floor(seconds / 60), 'minute');
  if (seconds < 172_800) return plural(Math.floor(seconds / 3600), 'hour');
  return plural(Math.floor(seconds / 86_400), 'day');
}
