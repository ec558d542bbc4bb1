/** `ctga detach`: takes the data plane off interfaces and leaves nothing behind. */
import { Command } from 'commander';
import { detachXdp, listAttached } from '../dataplane/xdp.ts';
import { print, printJson } from './output.ts';

export function detachCommand(): Command {
  return new Command('detach')
    .description('stop watching: remove the program, its maps and its pins; what was seen is kept')
    .argument('[interface...]', 'which ones')
    .option('--all', 'every interface that ctga is attached to')
    .option('--json', 'print JSON for scripts')
    .action((interfaces: readonly string[], options: { all?: boolean; json?: boolean }, command: Command) => {
      const chosen = options.all === true ? listAttached() : interfaces;
      if (chosen.length === 0 && options.all !== true) command.error('error: name an interface, or --all');
      for (const name of chosen) detachXdp(name);
      if (options.json === true) printJson({ detached: chosen });
      else print(chosen.length === 0 ? 'Nothing was attached.' : `Detached from ${chosen.join(', ')}.`);
    });
}
