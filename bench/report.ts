// SPDX-License-Identifier: Apache-2.0
/** Tables and plots as text. Pure. */

/** A Markdown table, columns padded so that it reads as text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) =>
    Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [
    line(head),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...rows.map(line),
    '',
  ].join('\n');
}

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 420, 70, 50, 40];
/** Told apart in grey, too. */
const STYLES = [
  '#1b1b1b',
  '#777" stroke-dasharray="10 4',
  '#0a6ebd" stroke-dasharray="5 3',
  '#c2410c" stroke-dasharray="2 3',
  '#15803d" stroke-dasharray="12 3 2 3',
  '#7e22ce" stroke-dasharray="7 2 2 2 2 2',
];

/**
 * An SVG of lines over x from 0 to 100; y begins at 0, so that a difference looks as large as it
 * is.
 */
export function linePlot(
  title: string,
  xLabel: string,
  yLabel: string,
  lines: readonly Line[],
): string {
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, y]) => y))) * 1.1;
  const x = (value: number): number => LEFT + (value / 100) * (WIDTH - LEFT - 20);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const text = (at: readonly [number, number], what: string, anchor = 'middle'): string =>
    `<text x="${at[0].toFixed(0)}" y="${at[1].toFixed(0)}" text-anchor="${anchor}">${what}</text>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text([WIDTH / 2, 22], title),
    text([WIDTH / 2, HEIGHT - 10], xLabel),
    `<text transform="rotate(-90)" x="${-HEIGHT / 2}" y="16" text-anchor="middle">${yLabel}</text>`,
    `<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 20}" fill="none" stroke="#666"/>`,
    ...[0, 20, 40, 60, 80, 100].map((at) => text([x(at), HEIGHT - BOTTOM + 18], `${at}`)),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
      text([LEFT - 8, y(most * share) + 4], (most * share).toFixed(most < 20 ? 1 : 0), 'end'),
    ),
    ...lines.flatMap(({ name, points }, i) => {
      const path = points
        .map(([px, py], n) => `${n === 0 ? 'M' : 'L'}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
        .join('');
      const legend = HEIGHT - BOTTOM - 20 * (lines.length - i);
      const stroke = STYLES[i % STYLES.length] ?? '';
      return [
        `<path d="${path}" fill="none" stroke-width="2" stroke="${stroke}"/>`,
        `<path d="M${LEFT + 20} ${legend}h40" stroke-width="2" stroke="${stroke}"/>`,
        text([LEFT + 68, legend + 4], name, 'start'),
      ];
    }),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}
