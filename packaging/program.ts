// SPDX-License-Identifier: Apache-2.0
/** Reads the help of every command of the program, from which documentation is made. */
import { spawnSync } from 'node:child_process';

export interface CommandDoc {
  /** The command's names, as in ['dns', 'serve']; empty for the program itself. */
  readonly path: readonly string[];
  readonly help: string;
}

function helpOf(main: string, path: readonly string[]): string {
  const env = { ...process.env, COLUMNS: '78' };
  const args = [main, ...path, '--help'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`ctga ${path.join(' ')} --help: ${stderr}`);
  return stdout;
}

/** The names below a heading of a help text. */
function names(help: string, heading: string): string[] {
  const [, block = ''] = new RegExp(`^${heading}:\\n((?: .*\\n|\\n(?= ))*)`, 'm').exec(help) ?? [];
  return [...block.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name);
}

export function subcommands({ help }: CommandDoc): string[] {
  return names(help, 'Commands').filter((name) => name !== 'help');
}

export function options({ help }: CommandDoc): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm)].map(([, name = '']) => name);
}

/** Those of its options that are followed by a value. */
export function optionsWithValue({ help }: CommandDoc): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*) </gm)].map(([, name = '']) => name);
}

/**
 * Returns the program and all of its commands, each one before its subcommands. `main` is the
 * compiled entry.
 */
export function allCommands(main: string, path: readonly string[] = []): CommandDoc[] {
  const doc = { path, help: helpOf(main, path) };
  return [doc, ...subcommands(doc).flatMap((name) => allCommands(main, [...path, name]))];
}
