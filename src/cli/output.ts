// SPDX-License-Identifier: Apache-2.0
/**
 * How commands print: lines for people, or JSON for scripts. Results go to stdout; failures,
 * warnings and progress to stderr, so that `ctga ... --json | jq` works. With --json, each line on
 * stderr is an object too: {"error", "message", "remedy"}, {"warning"} or {"progress"}. What is
 * printed may come from outside; it is cleaned here and nowhere before.
 */
import { clean } from '../base/clean.ts';
import { CtgaError, ExitCode, messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { fileRemedy, systemSentence } from '../base/system-error.ts';
import { currentCommand, currentIo, isForScripts } from './run.ts';

/** Prints text that is clean already as it is, with no line end behind it. */
export function printText(text: string): void {
  currentIo().stdout.write(text);
}

/** Prints one line, whatever is in it. */
export function print(line = ''): void {
  printText(`${clean(line)}\n`);
}

export function printJson(value: unknown): void {
  printText(`${toJson(value, 2)}\n`);
}

/** Prints one object a line, for commands that report as they go. */
export function printJsonLine(value: unknown): void {
  print(toJson(value));
}

function printToStderr(line: string): void {
  currentIo().stderr.write(`${clean(line)}\n`);
}

export function warn(line: string): void {
  printToStderr(isForScripts() ? toJson({ warning: line }) : `ctga: ${line}`);
}

/** Prints how far the work has come, for commands that tell it as a story. */
export function tellProgress(line: string): void {
  printToStderr(isForScripts() ? toJson({ progress: line }) : line);
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

/** Prints columns as wide as their widest cell. */
export function printTable(header: readonly string[], cells: readonly (readonly string[])[]): void {
  const rows = cells.map((row) => row.map(clean));
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
export function reportFailure(error: unknown): number {
  const { code, message, remedy, exitCode } = describeFailure(error);
  if (isForScripts()) printToStderr(toJson({ error: code, message, remedy: remedy ?? null }));
  else {
    // The stack of a bug has a line for each call.
    const [first = '', ...more] = code === 'bug' ? message.split('\n') : [message];
    warn(first);
    for (const line of more) printToStderr(line);
    if (remedy !== undefined) printToStderr(`  ${remedy}`);
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
    const help = exitCode === ExitCode.badInput ? `See: ${currentCommand()} --help` : undefined;
    const parts = [remedy, help].filter((part) => part !== undefined);
    return { code, message, remedy: parts.length > 0 ? parts.join(' ') : undefined, exitCode };
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
