// SPDX-License-Identifier: Apache-2.0
/** `ctga config`: the configuration file. */
import { statSync } from 'node:fs';
import { Command } from 'commander';
import { checkConfig, DEFAULT_CONFIG, readConfig } from '../config/config.ts';
import { ExitCode } from '../base/errors.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

/** `programWith` makes a program in which the commands of these names are whole. */
export function configCommand(
  programWith: (names: readonly string[]) => Promise<Command>,
): Command {
  const check = new Command('check')
    .description(
      'check every key and value of the configuration file, as the commands would; the exit code is 2 if one is wrong',
    )
    .argument('[file]', `the file to check (default: that of --config, or ${DEFAULT_CONFIG})`)
    .option('--json', 'print JSON for scripts')
    .action(async (named: string | undefined, { json }: { json?: boolean }, command: Command) => {
      const path = named ?? command.optsWithGlobals<{ config?: string }>().config;
      const file = path ?? DEFAULT_CONFIG;
      const isNone = path === undefined && !statSync(file, { throwIfNoEntry: false });
      const config = isNone ? undefined : readConfig(file);
      const faults =
        config === undefined
          ? []
          : checkConfig(config, await programWith(Object.keys(config.tables)));
      if (json === true) printJson({ file, exists: config !== undefined, faults });
      else {
        for (const fault of faults) warn(fault);
        if (config === undefined)
          print(`There is no ${file}, and none is needed: all options have their defaults.`);
        else if (faults.length === 0) print(`${file}: every key and value is right.`);
      }
      if (faults.length > 0) setExitCode(ExitCode.badInput);
    });
  return new Command('config')
    .description(`the configuration file, ${DEFAULT_CONFIG}`)
    .addCommand(check)
    .addHelpText(
      'after',
      `
The file is in TOML. It has a table for each command, with keys that are named like the command's
options. Options on the command line take precedence.

  [attach]
  budget = 20000
  port = [53, 5353]
  zone = ["tuscolo2027h1.ct.example.org=Tuscolo2027h1"]

  [challenge]
  proxy = ["socks5h://127.0.0.1:9050"]

  [dns.serve]
  zone-suffix = "ct.example.net"

"ctga --config FILE COMMAND" reads another file.`,
    );
}
