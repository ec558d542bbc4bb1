// SPDX-License-Identifier: Apache-2.0
/**
 * How commands print: lines for people, or JSON for scripts. Results go to stdout, progress and
 * warnings to stderr, so that `ctga ... --json | jq` works.
 */
import { CtgaError, messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { currentIo } from './run.ts';

/** Prints text as it is, with no line end behind it. */
export function printText(text: string): void {
  currentIo().stdout.write(text);
}

export function print(line = ''): void {
  printText(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(toJson(value, 2));
}

/** Prints one object a line, for commands that report as they go. */
export function printJsonLine(value: unknown): void {
  print(toJson(value));
}

/** Prints a line that is no result. */
export function printToStderr(line: string): void {
  currentIo().stderr.write(`${line}\n`);
}

export function warn(line: string): void {
  printToStderr(`ctga: ${line}`);
}

/** Shows how far the work has come, in place of what it showed before; only on a terminal. */
export function printProgress(text: string): void {
  const { stderr } = currentIo();
  if (stderr.isTTY === true) stderr.write(`\r${text}${CLEAR_REST}`);
}

/** Takes away what printProgress showed. */
export function endProgress(): void {
  printProgress('');
}

/** ECMA-48, Section 8.3.41: erases the line from the cursor on. */
const CLEAR_REST = '\u001b[K';

/** Prints columns as wide as their widest cell. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  for (const row of [header, ...rows]) {
    print(
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    );
  }
}

/**
 * Says what went wrong: one sentence, and on the next line its remedy. Only a bug shows its stack.
 * Returns the exit code.
 */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CtgaError) {
    const { code, message, remedy } = error as CtgaError;
    if (json) printToStderr(toJson({ error: code, message, remedy }));
    else {
      warn(message);
      if (remedy !== undefined) printToStderr(`  ${remedy}`);
    }
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  warn(`this is a bug in ctga, please report it:\n${stack}`);
  return 70;
}
