// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration file, in TOML: a table for each command, with keys that are named like the
 * command's options. Options on the command line take precedence. The rules for an option's value
 * are the option's own, so each rule is in one place.
 */
import { basename } from 'node:path';
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { parse, TomlError } from 'smol-toml';
import { readText } from '../base/documents.ts';
import { badFile, badInput, CtgaError } from '../base/errors.ts';

export const DEFAULT_CONFIG = '/etc/ctga/ctga.toml';

/** Options that make sense for a single run only, or that name the file itself. */
export const NOT_IN_FILES: ReadonlySet<string> = new Set([
  '--json',
  '--config',
  '--once',
  '--help',
  '--all',
]);

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly tables: Readonly<Record<string, unknown>>;
}

/**
 * Reads the file at `path`, or the default file. Returns undefined if there is no default file.
 * Throws CtgaError `bad-input` for any other file that cannot be read: what is set there may keep a
 * secret, such as the proxy.
 */
export function readConfig(path: string | undefined): ConfigFile | undefined {
  const file = path ?? DEFAULT_CONFIG;
  let text: string;
  try {
    text = readText(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (path === undefined && code === 'ENOENT') return undefined;
    const failure = badFile('read', file, error);
    if (code !== 'EACCES') throw failure;
    throw new CtgaError('bad-input', failure.message, {
      cause: error,
      remedy: `Let this account read it, run the command with sudo, or have systemd hand it over: LoadCredential=${basename(file)}:${file}`,
    });
  }
  try {
    return { path: file, text, tables: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw badInput(`${file}:${error.line}: ${error.message.split('\n')[0] ?? 'not TOML'}`);
  }
}

/**
 * Sets the options of `command` that are in the file and not on the command line. Throws CtgaError
 * `bad-input` that names line and key.
 */
export function applyConfig(config: ConfigFile, command: Command): void {
  const table = tableOf(config, pathOf(command));
  for (const [key, value] of Object.entries(table ?? {})) {
    const option = optionOf(command, key);
    // A table inside is that of a subcommand.
    if (option === undefined && isTable(value)) continue;
    if (option === undefined) throw unknownKey(config, command, key);
    const given = parsedValue(config, command, option, value);
    if (command.getOptionValueSource(option.attributeName()) === 'cli') continue;
    command.setOptionValueWithSource(option.attributeName(), given, 'config');
  }
}

/**
 * Returns every fault in the file, as a sentence. `program` must have all commands, whole where the
 * file has a table for them.
 */
export function checkConfig(config: ConfigFile, program: Command): string[] {
  const faults: string[] = [];
  const walk = (
    table: Readonly<Record<string, unknown>>,
    command: Command,
    path: readonly string[],
  ): void => {
    for (const [key, value] of Object.entries(table)) {
      const sub = command.commands.find((each) => each.name() === key);
      if (sub !== undefined && isTable(value)) {
        walk(value, sub, [...path, key]);
        continue;
      }
      try {
        const option = optionOf(command, key);
        if (option === undefined || path.length === 0) throw unknownKey(config, command, key);
        parsedValue(config, command, option, value);
      } catch (error) {
        if (!(error instanceof CtgaError)) throw error;
        faults.push(error.message);
      }
    }
  };
  walk(config.tables, program, []);
  return faults;
}

/** The names of a command, without the program's. */
function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

function tableOf(
  config: ConfigFile,
  path: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  let table: unknown = config.tables;
  for (const name of path) table = isTable(table) ? table[name] : undefined;
  if (table === undefined || isTable(table)) return table;
  throw badInput(`${config.path}: ${path.join('.')}: want a table, [${path.join('.')}]`);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function optionOf(command: Command, key: string): Option | undefined {
  const long = `--${key}`;
  return NOT_IN_FILES.has(long)
    ? undefined
    : command.options.find((option) => option.long === long);
}

/** Parses a value as the command line would. */
function parsedValue(
  config: ConfigFile,
  command: Command,
  option: Option,
  value: unknown,
): unknown {
  const key = option.long?.slice(2) ?? '';
  const where = `${config.path}:${lineOf(config.text, pathOf(command), key)}: ${key}`;
  if (option.isBoolean()) {
    if (typeof value === 'boolean') return value;
    throw badInput(`${where}: want true or false`);
  }
  const isRepeated = Array.isArray(value);
  const given: readonly unknown[] = isRepeated ? value : [value];
  let parsed: unknown;
  for (const each of given) {
    if (typeof each !== 'string' && typeof each !== 'number')
      throw badInput(`${where}: want text or a number`);
    const text = String(each);
    if (option.argChoices !== undefined && !option.argChoices.includes(text))
      throw badInput(`${where}: want ${option.argChoices.join(', ')}`);
    try {
      // Options that may be repeated start from their default, as on a command line.
      const earlier: unknown = parsed ?? (Array.isArray(option.defaultValue) ? [] : undefined);
      parsed = option.parseArg === undefined ? text : option.parseArg(text, earlier);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError) && !(error instanceof CtgaError)) throw error;
      throw badInput(`${where}: "${text}": ${error.message}`);
    }
  }
  // With none, an option that may be repeated is as if it were not given.
  const result: unknown = given.length > 0 ? parsed : option.defaultValue;
  if (isRepeated && !Array.isArray(result))
    throw badInput(`${where}: want ${given.length > 0 ? 'one' : 'a'} value`);
  return given.length > 0 ? parsed : [];
}

function unknownKey(config: ConfigFile, command: Command, key: string): CtgaError {
  const path = pathOf(command);
  const line = lineOf(config.text, path, key);
  if (command.commands.some((each) => each.name() === key))
    return badInput(`${config.path}:${line}: ${key}: want a table, [${[...path, key].join('.')}]`);
  const known =
    path.length === 0
      ? command.commands.map((each) => each.name())
      : command.options.flatMap(({ long }) =>
          long === undefined || NOT_IN_FILES.has(long) ? [] : [long.slice(2)],
        );
  const what =
    path.length === 0 ? 'no command has this name' : `ctga ${path.join(' ')} has no such option`;
  const there = known.length === 0 ? 'None is for files' : `There are: ${known.sort().join(', ')}`;
  return badInput(`${config.path}:${line}: ${key}: ${what}. ${there}`);
}

/**
 * Returns the line of a key, or else of its table, or else 1: the TOML parser does not keep the
 * positions of keys.
 */
function lineOf(text: string, path: readonly string[], key: string): number {
  let table = '';
  let tableLine = 1;
  for (const [i, line] of text.split('\n').entries()) {
    const header = /^\s*\[([^[\]]+)\]/.exec(line);
    if (header !== null) {
      table = (header[1] ?? '').replaceAll(/[\s"']/g, '');
      if (table === [...path, key].join('.')) return i + 1;
      if (table === path.join('.')) tableLine = i + 1;
      continue;
    }
    const [, name] = /^\s*["']?([A-Za-z0-9_.-]+)["']?\s*=/.exec(line) ?? [];
    if (name === undefined) continue;
    if ([table, name].filter((part) => part !== '').join('.') === [...path, key].join('.'))
      return i + 1;
  }
  return tableLine;
}
