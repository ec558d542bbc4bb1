// SPDX-License-Identifier: Apache-2.0
/** The paper's figures 4 to 7, and a page with all of them that needs nothing else. Pure. */
import { html, type Html } from '../base/html.ts';
import { LONGEST, STEPS, type Figures, type Series, type TargetFigures } from './figures.ts';
import { barFigure, lineFigure, type Figure, type Line } from './svg.ts';

/** What is said in and under every figure of a model; undefined where paths were measured. */
export function noteOf({ kind, runs }: Pick<Figures, 'kind' | 'runs'>): string | undefined {
  if (kind === 'measured') return undefined;
  return `Model, not measured: the middle of ${runs} runs, with the band over ties and seeds`;
}

export function drawFigures(figures: Figures): Figure[] {
  const { targets } = figures;
  const note = noteOf(figures);
  const word = figures.kind === 'model' ? ' (model)' : '';
  const byTarget = (key: 'lengths' | 'stability'): Line[] =>
    targets.flatMap((target) =>
      target[key].map(({ actor, series }) => ({ name: `${target.name}, ${actor}`, series })),
    );
  const yLabel = (of: string): string => `Share of ${of}, %`;
  return [
    barFigure(
      {
        id: 'path-length',
        title: `Path length${word}`,
        note,
        xLabel: 'Actors that a path crosses',
        yLabel: yLabel('paths'),
      },
      byTarget('lengths'),
      countsFrom(0),
    ),
    barFigure(
      {
        id: 'path-stability',
        title: `Path stability${word}`,
        note,
        xLabel:
          figures.kind === 'model'
            ? 'Equally good paths of a client'
            : 'Distinct paths of a client',
        yLabel: yLabel('clients'),
      },
      byTarget('stability'),
      countsFrom(1),
    ),
    ...targets.flatMap(({ name, coverage }) => {
      const lines = (of: (one: TargetFigures['coverage'][number]) => Series | undefined): Line[] =>
        coverage.flatMap((one) => {
          const series = of(one);
          return series === undefined ? [] : [{ name: `${one.actor}, by ${one.by}`, series }];
        });
      const xLabel = 'Aggregating ASes or IXPs';
      const clients = lineFigure(
        {
          id: `client-coverage-${name}`,
          title: `Coverage of clients, ${name}${word}`,
          note,
          xLabel,
          yLabel: yLabel('clients'),
        },
        lines((one) => one.clients),
      );
      const space = lines((one) => one.space);
      if (space.length === 0) return [clients];
      const ofSpace = lineFigure(
        {
          id: `space-coverage-${name}`,
          title: `Coverage of IPv4 space, ${name}${word}`,
          note,
          xLabel,
          yLabel: yLabel("the clients' IPv4 space"),
        },
        space,
      );
      return [clients, ofSpace];
    }),
  ];
}

/** "0", "1", ... "5+". */
function countsFrom(first: number): string[] {
  return Array.from({ length: LONGEST + 1 - first }, (_, i) =>
    first + i === LONGEST ? `${LONGEST}+` : `${first + i}`,
  );
}

/** A share as a person reads it: "31.6", and in a band "31.6 (29.8-33.0)". In percent. */
export function percent(series: Series, i: number): string {
  const one = (share: number | undefined): string =>
    share === undefined || Number.isNaN(share) ? '-' : (100 * share).toFixed(1);
  const { values, low, high } = series;
  const value = one(values[i]);
  if (low === undefined || high === undefined) return value;
  return `${value} (${one(low[i])}-${one(high[i])})`;
}

/** A figure's numbers as a table: titles, and rows. */
export interface NumberTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The numbers of all figures of one target, for people. */
export function numberTables(target: TargetFigures): NumberTable[] {
  const { lengths, stability, coverage } = target;
  const counts = (
    title: string,
    first: number,
    of: TargetFigures['lengths'],
    each: string,
  ): NumberTable => ({
    title,
    columns: [each, ...of.map(({ actor }) => `${actor} PATHS, %`)],
    rows: countsFrom(first).map((label, i) => [
      label,
      ...of.map(({ series }) => percent(series, i)),
    ]),
  });
  const cover = (
    title: string,
    of: (one: TargetFigures['coverage'][number]) => Series | undefined,
  ): NumberTable => ({
    title,
    columns: ['N', ...coverage.map(({ actor, by }) => `${actor} ${SHORT[by]}`)],
    rows: STEPS.map((n) => [
      `${n}`,
      ...coverage.map((one) => {
        const series = of(one);
        return series === undefined ? '-' : percent(series, n - 1);
      }),
    ]),
  });
  return [
    counts('Path length: how many actors a path crosses', 0, lengths, 'CROSSES'),
    counts('Path stability: how many paths a client has', 1, stability, 'PATHS'),
    cover('Coverage of clients, in %, if the first N aggregate', (one) => one.clients),
    ...(coverage.some((one) => one.space !== undefined)
      ? [cover("Coverage of the clients' IPv4 space, in %", (one) => one.space)]
      : []),
  ];
}

const SHORT = {
  popularity: 'POP',
  'rank file': 'RANK',
  hegemony: 'HEGEMONY',
  'greedy cover': 'GREEDY',
} as const;

/** What a page has under its figures: numbers, by target. */
export interface PageSection {
  readonly title: string;
  readonly text: string;
  readonly tables: readonly NumberTable[];
}

export function sectionsOf({ targets }: Figures): PageSection[] {
  return targets.map((target) => ({
    title: target.name,
    text: `${target.clients} clients, one in each AS.`,
    tables: numberTables(target),
  }));
}

/**
 * One page with figures and their numbers. It needs no script, no file and no other host. `note` is
 * that of a model; `given` the command that made it.
 */
export function renderPage(
  note: string | undefined,
  drawn: readonly Figure[],
  sections: readonly PageSection[],
  given: string,
): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <title>Whom aggregation would protect${note === undefined ? '' : ' (model)'}</title>
        <style>
          ${CSS}
        </style>
      </head>
      <body>
        <main>
          <h1>Whom aggregation would protect</h1>
          <p>${note === undefined ? 'From measured traceroutes.' : `${note}.`}</p>
          <p>Made by: <code>${given}</code></p>
          ${drawn.map(
            ({ id, title, svg }) =>
              html`<figure id="${id}">
                ${svg}
                <figcaption>${title}${note === undefined ? '' : `. ${note}`}</figcaption>
              </figure>`,
          )}
          ${sections.map(
            ({ title, text, tables }) =>
              html`<section>
                <h2>${title}</h2>
                <p>${text}</p>
                ${tables.map(tableOf)}
              </section>`,
          )}
        </main>
      </body>
    </html> `;
  return page.text.replaceAll(/\n\s+/g, '\n');
}

function tableOf({ title, columns, rows }: NumberTable): Html {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${title}">
    <table>
      <caption>
        ${title}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([head = '', ...cells]) =>
            html`<tr>
              <th scope="row">${head}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const CSS = html`
  body { margin: 0; background: #f4f4f2; color: #1b1b1b; font: 1rem/1.5 sans-serif; } main {
  max-width: 56rem; margin: 0 auto; padding: 1rem; } figure { margin: 1rem 0; padding: 0.5rem;
  background: #fff; border: 1px solid #ccc; } figure svg { display: block; width: 100%; height:
  auto; } figcaption { color: #444; } code { overflow-wrap: anywhere; } .wide { overflow-x: auto;
  margin: 1rem 0; } table { border-collapse: collapse; background: #fff; } caption { text-align:
  left; font-weight: bold; padding: 0.3rem 0; } th, td { border: 1px solid #ccc; padding: 0.1rem
  0.6rem; text-align: right; white-space: nowrap; }
`;
