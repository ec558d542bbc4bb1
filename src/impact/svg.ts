// SPDX-License-Identifier: Apache-2.0
/**
 * Figures as the paper has them, in SVG: axes, a logarithmic scale for aggregators, a legend. They
 * need neither scripts nor styles nor fonts of their own. Pure.
 *
 * Lines and bars are told apart by dashes, marks and patterns as well as by colour.
 */
import { html, Html } from '../base/html.ts';
import type { Series } from './figures.ts';

export interface Line {
  readonly name: string;
  readonly series: Series;
}

export interface Figure {
  /** Its file's name without the ending, and what ids in it begin with. */
  readonly id: string;
  readonly title: string;
  /** Said in the figure itself: that it is a model's, and what its bands are. */
  readonly note: string | undefined;
  readonly svg: Html;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 460, 64, 20, 52, 58];
const [X0, X1, Y0, Y1] = [LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP];
/** Of at least 3 : 1 against white (WCAG 2.1, 1.4.11). */
const COLOURS = [
  '#0b5fa5',
  '#b3400a',
  '#3b7a1e',
  '#7a2f8f',
  '#8a6d00',
  '#00757a',
  '#a3195b',
  '#555',
];
const DASHES = ['', '8 4', '2 3', '10 3 2 3', '5 5', '1 4', '12 4', '4 2 1 2'];
const colourOf = (i: number): string => COLOURS[i % COLOURS.length] ?? '#000';
const dashOf = (i: number): string => DASHES[i % DASHES.length] ?? '';

interface Frame {
  readonly id: string;
  readonly title: string;
  readonly note: string | undefined;
  readonly xLabel: string;
  readonly yLabel: string;
}

/** Shares against 1, 2, ... aggregators, the axis being logarithmic to the base of 2. */
export function lineFigure(frame: Frame, lines: readonly Line[]): Figure {
  const most = Math.max(2, ...lines.map(({ series }) => series.values.length));
  const x = (n: number): number => X0 + (Math.log2(n) / Math.log2(most)) * (X1 - X0);
  const points = (values: readonly number[]): string[] =>
    values.map((value, i) => `${round(x(i + 1))} ${round(yOf(value))}`);
  const steps = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i);
  return draw(
    frame,
    lines,
    html`${steps.map((n) => tick(x(n), `${n}`, true))}
    ${lines.map(({ series: { low, high } }, i) =>
      low === undefined || high === undefined
        ? html``
        : html`<path
            d="M${points(high).concat(points(low).reverse()).join('L')}Z"
            fill="${colourOf(i)}"
            fill-opacity="0.18"
          />`,
    )}
    ${lines.map(
      ({ series }, i) =>
        html`<path
            d="M${points(series.values).join('L')}"
            fill="none"
            stroke="${colourOf(i)}"
            stroke-width="2"
            stroke-dasharray="${dashOf(i)}"
          />${steps.map((n) => mark(i, x(n), yOf(series.values[n - 1] ?? 0)))}`,
    )}`,
    (i, at) =>
      html`<path
          d="M${at.x} ${at.y}h28"
          stroke="${colourOf(i)}"
          stroke-width="2"
          stroke-dasharray="${dashOf(i)}"
        />${mark(i, at.x + 14, at.y)}`,
  );
}

/** Shares by what `labels` name, as bars side by side. */
export function barFigure(frame: Frame, lines: readonly Line[], labels: readonly string[]): Figure {
  const count = Math.max(1, labels.length);
  const room = (X1 - X0) / count;
  const width = (room * 0.8) / Math.max(1, lines.length);
  const centre = (i: number, line: number): number => X0 + room * (i + 0.1) + width * (line + 0.5);
  return draw(
    frame,
    lines,
    html`${labels.map((label, i) => tick(X0 + room * (i + 0.5), label, false))}
    ${lines
      .map(({ series: { values, low, high } }, line) =>
        values.map((value, i) => {
          const at = centre(i, line);
          const [from, to] = [low?.[i], high?.[i]];
          return html`<rect
              x="${round(at - width / 2)}"
              y="${round(yOf(value))}"
              width="${round(width * 0.94)}"
              height="${round(Y0 - yOf(value))}"
              fill="url(#${frame.id}-p${line})"
              stroke="${colourOf(line)}"
            />${
              from === undefined || to === undefined
                ? html``
                : html`<path
                    d="M${round(at)} ${round(yOf(to))}V${round(yOf(from))}m-3 0h6M${round(
                      at - 3,
                    )} ${round(yOf(to))}h6"
                    stroke="#000"
                  />`
            }`;
        }),
      )
      .flat()}`,
    (i, at) =>
      html`<rect
        x="${at.x}"
        y="${at.y - 6}"
        width="28"
        height="12"
        fill="url(#${frame.id}-p${i})"
        stroke="${colourOf(i)}"
      />`,
  );
}

const yOf = (share: number): number => Y0 - (Number.isNaN(share) ? 0 : share) * (Y0 - Y1);
const round = (value: number): string => `${Math.round(value * 10) / 10}`;

function tick(x: number, label: string, hasGrid: boolean): Html {
  return html`<path d="M${round(x)} ${Y0}v5" stroke="#333" />${
      hasGrid ? html`<path d="M${round(x)} ${Y0}V${Y1}" stroke="#ddd" />` : html``
    }<text x="${round(x)}" y="${Y0 + 19}" text-anchor="middle">${label}</text>`;
}

function mark(i: number, x: number, y: number): Html {
  const [a, b] = [round(x), round(y)];
  const shape = [
    `M${a} ${b}m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z`,
    `M${a} ${b}m-3.2 -3.2h6.4v6.4h-6.4Z`,
    `M${a} ${b}m0 -4l4 7h-8Z`,
    `M${a} ${b}m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5Z`,
    `M${a} ${b}m0 4l4 -7h-8Z`,
    `M${a} ${b}m-4 0h8m-4 -4v8`,
    `M${a} ${b}m-3 -3l6 6m0 -6l-6 6`,
  ][i % 7];
  return html`<path d="${shape ?? ''}" fill="${colourOf(i)}" stroke="${colourOf(i)}" />`;
}

function patterns(id: string, count: number): Html {
  const strokes = ['', 'M0 8L8 0', 'M0 0L8 8', 'M0 4H8', 'M4 0V8', 'M0 4H8M4 0V8'];
  return html`<defs
    >${Array.from({ length: count }, (_, i) => {
      const stroke = strokes[i % strokes.length] ?? '';
      return html`<pattern id="${id}-p${i}" width="8" height="8" patternUnits="userSpaceOnUse"
        ><rect
          width="8"
          height="8"
          fill="${colourOf(i)}"
          fill-opacity="${stroke === '' ? 0.75 : 0.15}" /><path
          d="${stroke === '' ? 'M0 0' : stroke}"
          stroke="${colourOf(i)}"
          stroke-width="1.5"
      /></pattern>`;
    })}</defs
  >`;
}

/** Entries of a legend in two columns, below the axis' name. */
const LEGEND_LINE = 20;

function draw(
  { id, title, note, xLabel, yLabel }: Frame,
  lines: readonly Line[],
  content: Html,
  sample: (i: number, at: { x: number; y: number }) => Html,
): Figure {
  const height = HEIGHT + Math.ceil(lines.length / 2) * LEGEND_LINE;
  const svg = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${height}"
    role="img"
    aria-labelledby="${id}-title ${id}-desc"
    font-family="sans-serif"
    font-size="13"
  >
    <title id="${id}-title">${title}</title>
    <desc id="${id}-desc">
      ${[yLabel, xLabel].join(' against ')};
      ${lines.map(({ name }) => name).join(', ')}${note === undefined ? '' : `. ${note}`}
    </desc>
    ${patterns(id, lines.length)}
    <rect width="${WIDTH}" height="${height}" fill="#fff" />
    <text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="15" font-weight="bold">
      ${title}
    </text>
    ${
      note === undefined
        ? html``
        : html`<text x="${WIDTH / 2}" y="39" text-anchor="middle" font-style="italic"
            >${note}</text
          >`
    }${[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (share) =>
        html`<path d="M${X0} ${round(yOf(share))}H${X1}" stroke="#ddd" /><text
            x="${X0 - 8}"
            y="${round(yOf(share) + 4)}"
            text-anchor="end"
            >${Math.round(share * 100)}</text
          >`,
    )}${content}
    <path d="M${X0} ${Y1}V${Y0}H${X1}" fill="none" stroke="#333" />
    <text x="${(X0 + X1) / 2}" y="${Y0 + 42}" text-anchor="middle">${xLabel}</text>
    <text transform="rotate(-90)" x="${-(Y0 + Y1) / 2}" y="18" text-anchor="middle">${yLabel}</text>
    ${lines.map(({ name }, i) => {
      const at = {
        x: X0 + (i % 2) * ((X1 - X0) / 2),
        y: HEIGHT + Math.floor(i / 2) * LEGEND_LINE + 2,
      };
      return html`${sample(i, at)}<text x="${at.x + 38}" y="${at.y + 4}">${name}</text>`;
    })}
  </svg>`;
  return { id, title, note, svg: new Html(svg.text.replaceAll(/\n\s+/g, '\n')) };
}
