// SPDX-License-Identifier: Apache-2.0
/**
 * Pictures in SVG that need no script, no style of their own and no size: places along a line are
 * percentages, so a picture is as wide as its room while dots stay round and letters keep their
 * size. What has another meaning has another shape, not only another colour.
 */
import { html, type Html } from '../base/html.ts';
import type { Split } from './splits.ts';
import { SLOTS, type Lane } from './timeline.ts';
import { count, group, VERDICT_WORDS, type Kind } from './words.ts';

const GOOD_LINE = 36;
const FORK_LINE = 12;
/** In percent. */
const CURVE = 5;

/** One log's line: trees along it as they were seen, and what was proven a fork beside it. */
export function lanePicture({ slots }: Lane, label: string): Html {
  const placed = slots.map((slot) => ({
    ...slot,
    x: (100 * (Math.max(0, slot.slot) + 0.5)) / SLOTS,
    kind: VERDICT_WORDS[slot.verdict].kind,
  }));
  const forks = placed.filter(({ kind }) => kind === 'alarm');
  const others = placed.filter(({ kind }) => kind !== 'alarm');
  const isOld = slots.some(({ slot }) => slot < 0);
  const from = isOld ? 0 : Math.min(...placed.map(({ x }) => x));
  const to = Math.max(...placed.map(({ x }) => x));
  const [height, line] = forks.length > 0 ? [GOOD_LINE + 14, GOOD_LINE] : [28, 14];
  return html`<svg
    class="lane-picture"
    width="100%"
    height="${height}"
    role="img"
    aria-label="${label}"
  >
    ${[0, 25, 50, 75, 100].map(
      (x) => html`<line class="tick" x1="${x}%" x2="${x}%" y1="0" y2="100%" />`,
    )}
    <line class="trunk" x1="${from}%" x2="${to}%" y1="${line}" y2="${line}" />
    ${forks.map(({ x }) => {
      const start = Math.max(0, x - CURVE);
      return html`<svg
        x="${start}%"
        y="${FORK_LINE}"
        width="${Math.max(0.1, x - start)}%"
        height="${line - FORK_LINE}"
        viewBox="0 0 10 10"
        preserveAspectRatio="none"
      >
        <path class="branch" d="M0 10C6 10 4 0 10 0" />
      </svg>`;
    })}
    ${others
      .filter(({ slot }) => slot >= 0)
      .map(({ x, kind, trees }) => mark(kind, `${x}%`, line, 3 + Math.min(3, Math.log10(trees))))}
    ${forks.map(({ x }) => mark('alarm', `${x}%`, FORK_LINE, 5.5))}
  </svg>`;
}

/** A dot, by what it stands for: full, hollow, a triangle or a diamond. */
export function mark(kind: Kind, x: string, y: number, radius: number): Html {
  const r = Math.round(radius * 10) / 10;
  if (kind === 'good' || kind === 'waiting')
    return html`<circle class="mark ${kind}" cx="${x}" cy="${y}" r="${r}" />`;
  const points =
    kind === 'alarm' ? `0,${-r} ${r},0 0,${r} ${-r},0` : `0,${-r} ${r},${r} ${-r},${r}`;
  return html`<svg class="spot" x="${x}" y="${y}">
    <polygon class="mark ${kind}" points="${points}" />
  </svg>`;
}

/** The same as a sign beside words. */
export function sign(kind: Kind): Html {
  return html`<svg class="sign" width="16" height="16" aria-hidden="true">
    ${mark(kind, '8', 8, 5.5)}
  </svg>`;
}

const STRIP_HEIGHT = 18;
/** Of the height, so that what is alarming does not only have another colour. */
const CELL_HEIGHT: Readonly<Record<Kind, number>> = {
  good: 0.6,
  waiting: 0.35,
  warning: 0.8,
  alarm: 1,
};
/** In percent of the width: a single one of a thousand sites is seen still. */
const LEAST_CELL = 1;

/** A row of a matrix: a place for each column, marked or empty. Neighbours of one kind are one mark. */
export function strip(cells: readonly (Kind | undefined)[], label: string): Html {
  const place = (i: number): number => Math.round((10_000 * i) / cells.length) / 100;
  const runs: { kind: Kind; from: number; to: number }[] = [];
  for (const [i, kind] of cells.entries()) {
    const last = runs.at(-1);
    if (kind === undefined) continue;
    // With a gap between them while there is room for one.
    if (cells.length > GAPS && last?.to === i && last.kind === kind) last.to = i + 1;
    else runs.push({ kind, from: i, to: i + 1 });
  }
  return html`<svg
    class="strip"
    width="100%"
    height="${STRIP_HEIGHT}"
    role="img"
    aria-label="${label}"
  >
    <line class="tick" x1="0" x2="100%" y1="${STRIP_HEIGHT - 0.5}" y2="${STRIP_HEIGHT - 0.5}" />
    ${runs.map(({ kind, from, to }) => {
      const whole = place(to) - place(from);
      const width = Math.max(LEAST_CELL, to - from === 1 ? whole * 0.8 : whole);
      const height = Math.round(STRIP_HEIGHT * CELL_HEIGHT[kind]);
      return html`<rect
        class="cell ${kind}"
        x="${Math.min(place(from), 100 - width)}%"
        y="${STRIP_HEIGHT - height}"
        width="${Math.round(width * 100) / 100}%"
        height="${height}"
      />`;
    })}
  </svg>`;
}
const GAPS = 60;

const HEIGHT = 168;
const BRANCH_Y = 46;
const TRUNK_Y = 118;
/** Where the two trees part, and where they are, in percent. */
const PART = 44;
const END = 90;

/**
 * How one history becomes two. Nobody knows where they part, so the lines are broken from the last
 * tree that is proven on: but for a tree that is proven itself, to which the history leads.
 */
export function splitPicture(split: Split): Html {
  const { trees, before } = split;
  // The tree that is proven to continue the history is drawn on its line.
  const mainIndex = trees[0].verdict === 'consistent' ? 0 : 1;
  const main = trees[mainIndex];
  const other = trees[1 - mainIndex] ?? trees[0];
  const places = before.map((_, i) => 6 + i * (before.length > 1 ? 28 / (before.length - 1) : 0));
  const isProven = main.verdict === 'consistent';
  const largest = before.at(-1);
  return html`<svg
    class="split-picture"
    width="100%"
    height="${HEIGHT}"
    role="img"
    aria-label="${describe(split)}"
  >
    ${
      before.length > 0
        ? html`<line class="trunk" x1="0" x2="${PART - 8}%" y1="${TRUNK_Y}" y2="${TRUNK_Y}" />`
        : html`<line
            class="trunk unknown"
            x1="0"
            x2="${PART - 8}%"
            y1="${TRUNK_Y}"
            y2="${TRUNK_Y}"
          />`
    }
    <line
      class="trunk ${isProven && before.length > 0 ? '' : 'unknown'}"
      x1="${PART - 8}%"
      x2="${END}%"
      y1="${TRUNK_Y}"
      y2="${TRUNK_Y}"
    />
    <svg
      x="${PART - 8}%"
      y="${BRANCH_Y}"
      width="26%"
      height="${TRUNK_Y - BRANCH_Y}"
      viewBox="0 0 10 10"
      preserveAspectRatio="none"
    >
      <path class="branch" d="M0 10C5 10 5 0 10 0" />
    </svg>
    <line class="branch" x1="${PART + 18}%" x2="${END}%" y1="${BRANCH_Y}" y2="${BRANCH_Y}" />
    <line class="against" x1="${END}%" x2="${END}%" y1="${BRANCH_Y + 12}" y2="${TRUNK_Y - 12}" />
    <svg class="spot" x="${END}%" y="${(BRANCH_Y + TRUNK_Y) / 2}">
      <circle class="against-mark" r="11" />
      <text class="against-sign" text-anchor="middle" dy="5">&#8800;</text>
    </svg>
    ${places.map((x) => mark('good', `${x}%`, TRUNK_Y, 5))}
    ${mark(other.verdict === 'consistent' ? 'good' : 'alarm', `${END}%`, BRANCH_Y, 8)}
    ${mark(main.verdict === 'consistent' ? 'good' : 'alarm', `${END}%`, TRUNK_Y, 8)}
    <text x="${END}%" y="${BRANCH_Y - 20}" dx="8" text-anchor="end" class="label strong">
      size ${group(other.treeSize)}
    </text>
    <text x="${END}%" y="${TRUNK_Y + 34}" dx="8" text-anchor="end" class="label strong">
      size ${group(main.treeSize)}
    </text>
    <text x="0" y="${TRUNK_Y - 18}" class="label">
      ${before.length > 0 ? 'one history' : 'not proven'}
    </text>
    ${
      largest === undefined
        ? ''
        : html`<text x="0" y="${TRUNK_Y + 34}" class="label wide"
            >proven to size ${group(largest)}</text
          >`
    }
  </svg>`;
}

function describe({ log, trees: [smaller, larger], before }: Split): string {
  const sizes =
    smaller.treeSize === larger.treeSize
      ? `two trees of one size, ${group(smaller.treeSize)}, with different roots`
      : `a tree of size ${group(smaller.treeSize)} and a larger one of size ${group(larger.treeSize)} that does not continue it`;
  const history =
    before.length === 0
      ? 'No smaller tree is proven.'
      : `Before them, ${count(before.length, 'tree')} of one proven history: size ${before.map(group).join(', ')}.`;
  return `A line that splits in two. ${log} has ${sizes}. ${history}`;
}
