/** What documentation is made of: every command of the program, as commander knows it. */
import { spawnSync } from 'node:child_process';

export interface CommandDoc {
  /** From below the program on; empty for the program itself. */
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

/** Names below a heading of a help text. */
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

/** The program and all of its commands, each before those below it. `main`: its compiled entry. */
export function allCommands(main: string, path: readonly string[] = []): CommandDoc[] {
  const doc = { path, help: helpOf(main, path) };
  return [doc, ...subcommands(doc).flatMap((name) => allCommands(main, [...path, name]))];
}
