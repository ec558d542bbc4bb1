// SPDX-License-Identifier: Apache-2.0
/**
 * How commands print: lines for people, or JSON for scripts. Results go to stdout; failures,
 * warnings and progress to stderr, so that `ctga ... --json | jq` works. With --json, each line on
 * stderr is an object too: {"error", "message", "remedy"}, {"warning"}, {"note"} or {"progress"}. What is
 * printed may come from outside; it is cleaned here and nowhere before.
 */
import { clean } from '../base/clean.ts';
import { CtgaError, ExitCode, messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { fileRemedy, systemSentence } from '../base/system-error.ts';
import { paint } from './colour.ts';
import { withNextCommands, withOwnOptions } from './next.ts';
import { currentIo, currentRun } from './run.ts';

/** Prints text that is clean already as it is, with no line end behind it. */
export function printText(text: string): void {
  currentIo().stdout.write(text);
}

/** Prints one line, whatever is in it. */
export function print(line = ''): void {
  printText(`${paint(clean(line), currentIo().stdout)}\n`);
}

export function printJson(value: unknown): void {
  printText(`${toJson(value, 2)}\n`);
}

/** Prints one object a line, for commands that report as they go. */
export function printJsonLine(value: unknown): void {
  printText(`${toJson(value)}\n`);
}

function printToStderr(line: string): void {
  const { stderr } = currentIo();
  stderr.write(`${currentRun().json ? line : paint(clean(line), stderr)}\n`);
}

export function warn(line: string): void {
  printToStderr(currentRun().json ? toJson({ warning: line }) : `ctga: ${line}`);
}

/** Prints what is no fault, and good to know. */
export function note(line: string): void {
  printToStderr(currentRun().json ? toJson({ note: line }) : `ctga: ${line}`);
}

/** Prints how far the work has come, for commands that tell it as a story. */
export function tellProgress(line: string): void {
  printToStderr(currentRun().json ? toJson({ progress: line }) : line);
}

/** Shows how far the work has come, in place of what it showed before; only on a terminal. */
export function printProgress(text: string): void {
  const { stderr } = currentIo();
  if (stderr.isTTY === true) stderr.write(`\r${clean(text)}${CLEAR_REST}`);
}

/** Takes away what printProgress showed. */
export function endProgress(): void {
  printProgress('');
}

/** ECMA-48, Section 8.3.41: erases the line from the cursor on. */
const CLEAR_REST = '\u001b[K';

/**
 * A column's title, or that of a column of numbers, of one for terminals that have room, or of one
 * whose cells stay on one line.
 */
export type Column = string | { readonly title: string; readonly is: 'number' | 'extra' | 'whole' };

export interface Row {
  readonly cells: readonly string[];
  /** Lines that belong to the row and are in no column. */
  readonly notes?: readonly string[];
}

/** Characters between two columns. */
const GAP = '  ';
/** What goes on in the next line of a table's first column, so that no line begins with it. */
const HANG = '  ';
/** No column of words is made narrower. */
const NARROWEST = 12;

/**
 * Prints a table for the terminal's width; what reads a pipe gets it as on one of 80 columns. Where
 * there is no room for all, the extra columns go first, the widest before all. Then cells go on in
 * the next line: behind a space, or else behind "-" and "/" and before "#", columns on the left first, or else
 * anywhere. Nothing is cut.
 */
export function printTable(columns: readonly Column[], rows: readonly Row[]): void {
  const all = columns.map((column, i) => {
    const { title, is = 'text' } = typeof column === 'string' ? { title: column } : column;
    const cells = rows.map(({ cells: given }) => clean(given[i] ?? ''));
    return { title, is, cells, width: longest([title, ...cells]) };
  });
  const excess = (): number =>
    all.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length) - outputWidth();
  const extras = all.filter(({ is }) => is === 'extra').sort((a, b) => b.width - a.width);
  for (const extra of extras) if (excess() > 0) all.splice(all.indexOf(extra), 1);
  const breakable = all.filter(({ is }) => is === 'text' || is === 'extra');
  const widestFirst = breakable.toSorted((a, b) => b.width - a.width);
  for (const [candidates, unbreakable] of [
    [widestFirst, / /],
    [breakable, /(?<=[-/])|(?=#)| /],
    [widestFirst, /(?:)/],
  ] as const)
    for (const column of candidates) {
      const pieces = column.cells.flatMap((cell) => cell.split(unbreakable));
      const least = Math.max(NARROWEST, column.title.length, longest(pieces) + HANG.length);
      column.width = Math.max(Math.min(least, column.width), column.width - Math.max(0, excess()));
    }
  const printRow = (cell: (column: (typeof all)[number]) => string): void => {
    const broken = all.map((column, i) => {
      const text = cell(column);
      const isHung = i === 0 && text.length > column.width;
      if (!breakable.includes(column)) return [text];
      return breakCell(text, isHung ? column.width - HANG.length : column.width);
    });
    for (let line = 0; broken.some((lines) => lines.length > line); line++) {
      const cells = all.map(({ is, width }, i) => {
        const text = broken[i]?.[line] ?? '';
        const hung = i === 0 && line > 0 ? `${HANG}${text}` : text;
        return is === 'number' ? hung.padStart(width) : hung.padEnd(width);
      });
      print(cells.join(GAP).trimEnd());
    }
  };
  printRow(({ title }) => title);
  for (const [i, { notes = [] }] of rows.entries()) {
    printRow(({ cells }) => cells[i] ?? '');
    for (const note of notes) printHanging(note, HANG);
  }
}

/**
 * Prints prose in lines that fit the terminal; each but the first begins with `indent` and two more
 * characters. What it shows of commands is as they have to be typed after this run, on one line
 * each, to be copied.
 */
export function printHanging(text: string, indent = ''): void {
  const whole = clean(withNextCommands(text)).replaceAll(COMMANDS, (command) =>
    command.replaceAll(' ', NO_BREAK),
  );
  const lines = breakWords(whole, outputWidth() - indent.length - HANG.length);
  for (const [i, line] of lines.entries())
    print(`${indent}${i === 0 ? '' : HANG}${line.replaceAll(NO_BREAK, ' ')}`);
}

/** Commands, with what follows them up to the end of the clause. */
const COMMANDS = /(?:sudo )?\bctga [a-z](?:[^ ]*[^ ,;:.)"]| )*/g;
const NO_BREAK = '\u00a0';

function longest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}

/** The text in lines of `width` characters, unless a word is longer. */
function breakWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const before = rest.lastIndexOf(' ', width);
    const at = before > 0 ? before : rest.indexOf(' ', width);
    if (at < 0) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at + 1);
  }
  return [...lines, rest];
}

/** The same for a cell, which is broken within words if need be: behind "-" or "/" where it can. */
function breakCell(text: string, width: number): string[] {
  return breakWords(text, width).flatMap((line) => {
    const lines: string[] = [];
    let rest = line;
    while (rest.length > width) {
      const start = rest.slice(0, width);
      const [first = ''] = /^.*(?:[-/]|(?=#))/.exec(start) ?? [];
      const isGood =
        first.length > width / 2 || (first !== '' && rest.length - first.length <= width);
      const at = isGood ? first.length : width;
      lines.push(rest.slice(0, at));
      rest = rest.slice(at);
    }
    return [...lines, rest];
  });
}

/** Where nobody looks, the width is always the same. */
function outputWidth(): number {
  const { stdout } = currentIo();
  return (stdout.isTTY === true && stdout.columns) || 80;
}

/**
 * Says what went wrong: one sentence, and on the next line its remedy. Only a bug shows its stack.
 * Returns the exit code.
 */
export function reportFailure(error: unknown): number {
  const { code, message, remedy, exitCode } = describeFailure(error);
  const steps = remedy === undefined ? [] : [withNextCommands(withOwnOptions(remedy))];
  if (exitCode === ExitCode.badInput) steps.push(`See: ${currentRun().command} --help`);
  if (currentRun().json) printToStderr(toJson({ error: code, message, remedy: steps.join('\n') }));
  else {
    // The stack of a bug has a line for each call.
    const [first = '', ...more] = code === 'bug' ? message.split('\n') : [message];
    warn(first);
    for (const line of more) printToStderr(line);
    for (const step of steps) printToStderr(`  ${step}`);
  }
  return exitCode;
}

/** What a process ends with where a bug stopped it (EX_SOFTWARE of sysexits.h). */
const BUG = 70;

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
  readonly exitCode: number;
}

function describeFailure(error: unknown): Failure {
  if (error instanceof CtgaError) {
    const { code, message, remedy, exitCode } = error as CtgaError<string>;
    return { code, message, remedy, exitCode };
  }
  const sentence = systemSentence(error);
  if (sentence !== undefined)
    return {
      code: 'system',
      message: sentence,
      remedy: fileRemedy(error),
      exitCode: ExitCode.failed,
    };
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return {
    code: 'bug',
    message: `this is a bug in ctga, please report it:\n${stack}`,
    remedy: undefined,
    exitCode: BUG,
  };
}
