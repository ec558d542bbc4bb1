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
import { withNextCommands } from './next.ts';
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

/** A column's title, or that of a column of numbers, or of one for terminals that have room. */
export type Column = string | { readonly title: string; readonly is: 'number' | 'extra' };

export interface Row {
  readonly cells: readonly string[];
  /** Lines that belong to the row and are in no column. */
  readonly notes?: readonly string[];
}

/**
 * Prints a table for the terminal's width; what reads a pipe gets it as on one of 80 columns. Extra
 * columns are left out where there is no room. The last column is as long as its text, which nobody
 * cuts: how many lines there are does not hang on what others wrote.
 */
export function printTable(columns: readonly Column[], rows: readonly Row[]): void {
  const width = outputWidth();
  const all = columns.map((column, i) => {
    const { title, is = 'text' } = typeof column === 'string' ? { title: column } : column;
    const cells = rows.map(({ cells: given }) => clean(given[i] ?? ''));
    return { title, is, cells, width: Math.max(...[title, ...cells].map(({ length }) => length)) };
  });
  const sum = (of: typeof all): number =>
    of.reduce((total, column) => total + column.width + 2, -2);
  const shown = sum(all) <= width ? all : all.filter(({ is }) => is !== 'extra');
  const lineOf = (cell: (column: (typeof all)[number]) => string): void => {
    const padded = shown.map((column) =>
      column.is === 'number'
        ? cell(column).padStart(column.width)
        : cell(column).padEnd(column.width),
    );
    print(padded.join('  ').trimEnd());
  };
  lineOf(({ title }) => title);
  for (const [i, { notes = [] }] of rows.entries()) {
    lineOf(({ cells }) => cells[i] ?? '');
    for (const note of notes) print(`  ${note}`);
  }
}

/** Where nobody looks, the width is always the same. */
function outputWidth(): number {
  const { stdout } = currentIo();
  return stdout.isTTY === true ? (stdout.columns ?? 80) : 80;
}

/**
 * Says what went wrong: one sentence, and on the next line its remedy. Only a bug shows its stack.
 * Returns the exit code.
 */
export function reportFailure(error: unknown): number {
  const { code, message, remedy, exitCode } = describeFailure(error);
  const steps = remedy === undefined ? [] : [withNextCommands(remedy)];
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
