// SPDX-License-Identifier: Apache-2.0
/** How the commands of `ctga impact` print: tables, and files with figures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { badFile } from '../base/errors.ts';
import { plural, shellWord } from '../base/text.ts';
import { makeDirectory } from '../disk/directory.ts';
import {
  drawFigures,
  noteOf,
  numberTables,
  renderPage,
  sectionsOf,
  type NumberTable,
  type PageSection,
} from '../impact/draw.ts';
import type { Figures } from '../impact/figures.ts';
import type { OnProgress } from '../impact/files.ts';
import type { Figure } from '../impact/svg.ts';
import { print, printProgress, printTable, tellProgress } from './output.ts';

/** Makes the directory for figures, before much time goes into them. */
export function prepareOutput(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    makeDirectory(directory);
  } catch (error) {
    throw badFile('write', directory, error);
  }
}

/** Writes the figures of traceroutes or of a model. */
export function writeFigures(
  directory: string | undefined,
  figures: Figures,
  given: readonly string[],
): void {
  writePage(directory, drawFigures(figures), noteOf(figures), sectionsOf(figures), given);
}

/** Writes each figure as SVG, and a page with all of them; `given` is the command's words. */
export function writePage(
  directory: string | undefined,
  drawn: readonly Figure[],
  note: string | undefined,
  sections: readonly PageSection[],
  given: readonly string[],
): void {
  if (directory === undefined) return;
  const command = ['ctga impact', ...given.map(shellWord)].join(' ');
  const files = [
    ...drawn.map(({ id, svg }) => [`${id}.svg`, `${svg.text}\n`] as const),
    ['impact.html', renderPage(note, drawn, sections, command)] as const,
  ];
  for (const [name, content] of files) {
    const path = join(directory, name);
    try {
      writeFileSync(path, content);
    } catch (error) {
      throw badFile('write', path, error);
    }
  }
  tellProgress(
    `${plural(drawn.length, 'figure')} and a page with them: ${join(directory, 'impact.html')}`,
  );
}

export function printFigures(figures: Figures): void {
  const note = noteOf(figures);
  for (const target of figures.targets) {
    const { name, clients, spaceShare } = target;
    const space =
      spaceShare === undefined
        ? ''
        : `; their ASes have ${(100 * spaceShare).toFixed(1)} % of the IPv4 space`;
    print(`${name}: ${plural(clients, 'client')}, one in each AS${space}.`);
    if (note !== undefined) print(`${note}.`);
    printTables(numberTables(target));
    print();
    for (const { actor, by, first } of target.coverage)
      print(
        `${actor} by ${by}: ${first.slice(0, 10).join(', ')}${first.length > 10 ? ', ...' : ''}`,
      );
    print();
  }
}

/** Tables with their titles; cells that begin with a digit are numbers. */
export function printTables(tables: readonly NumberTable[]): void {
  for (const { title, columns, rows } of tables) {
    print();
    print(title);
    printTable(
      columns.map((column, i) =>
        i > 0 && rows.every((row) => /^(?:\d|-$)/.test(row[i] ?? ''))
          ? { title: column, is: 'number' }
          : column,
      ),
      rows.map((cells) => ({ cells })),
    );
  }
}

/** Progress by files, with how many of `what` were read. */
export function showReading(what: () => string): OnProgress {
  return (file, bytesRead, bytes) => {
    const part =
      bytes === undefined || bytes === 0 ? '' : `, ${Math.floor((bytesRead / bytes) * 100)} %`;
    printProgress(`${file}: ${what()}${part}`);
  };
}
