// SPDX-License-Identifier: Apache-2.0
/** `ctga detach`: takes the data plane off interfaces and leaves nothing behind. */
import { Command } from 'commander';
import {
  listPlanes,
  listPlanesElsewhere,
  parsePlane,
  PLANE_SYNTAX,
} from '../dataplane/registry.ts';
import { openForWriting, stateAt, storeExists } from '../store/state.ts';
import { CtgaError } from '../base/errors.ts';
import { print, printJson, warn } from './output.ts';

export function detachCommand(): Command {
  return new Command('detach')
    .description('stop watching: remove the program, its maps and its pins; what was seen is kept')
    .argument('[interface...]', `what to watch no more: ${PLANE_SYNTAX}`)
    .option('--all', 'every interface of this network namespace that ctga is attached to')
    .option('--state-dir <dir>', 'where it is on record as watched (root: /var/lib/ctga)')
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
Only interfaces of this network namespace are meant. "ctga status" names those of others, as NAMESPACE/INTERFACE; detach
them from within (nsenter --net=...), or by that name.`,
    )
    .action(
      async (
        interfaces: readonly string[],
        options: { all?: boolean; json?: boolean; stateDir?: string },
        command: Command,
      ) => {
        const chosen = options.all === true ? listPlanes() : interfaces;
        if (chosen.length === 0 && options.all !== true)
          command.error('error: name an interface, or --all');
        const detached: string[] = [];
        for (const target of chosen.map(parsePlane)) detached.push(await target.detach());
        forget(detached, options.stateDir);
        const elsewhere = options.all === true ? listPlanesElsewhere() : [];
        if (options.json === true) printJson({ detached, elsewhere });
        else {
          print(
            detached.length === 0
              ? 'Nothing was attached.'
              : `Detached from ${detached.join(', ')}.`,
          );
          if (elsewhere.length > 0)
            print(`Left in other network namespaces: ${elsewhere.join(', ')}.`);
        }
      },
    );
}

/** Nobody is to miss the planes from now on: a store that knew of them forgets them. */
function forget(interfaces: readonly string[], stateDir: string | undefined): void {
  const state = stateAt(stateDir);
  if (!storeExists(state)) return;
  try {
    const store = openForWriting(state);
    for (const name of interfaces) store.planes.forget(name);
    store.close();
  } catch (error) {
    if (!(error instanceof CtgaError)) throw error;
    warn(error.message);
  }
}
