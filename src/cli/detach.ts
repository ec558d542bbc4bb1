/** `ctga detach`: takes the data plane off interfaces and leaves nothing behind. */
import { Command } from 'commander';
import { openForWriting, stateAt, storeExists } from '../store/state.ts';
import { detachXdp, listAttached } from '../dataplane/xdp.ts';
import { SimpleSwitch } from '../p4/simple-switch.ts';
import { cpuInterfaceOf } from '../p4/switch-process.ts';
import { placeOf } from './options.ts';
import { CtgaError } from '../base/errors.ts';
import { print, printJson, warn } from './output.ts';

export function detachCommand(): Command {
  return new Command('detach')
    .description('stop watching: remove the program, its maps and its pins; what was seen is kept')
    .argument(
      '[interface...]',
      'which ones; bmv2:PORT for the interface where the copies of a P4 switch arrive',
    )
    .option('--all', 'every interface that ctga is attached to')
    .option('--state-dir <dir>', 'where it is on record as watched (root: /var/lib/ctga)')
    .option('--json', 'print JSON for scripts')
    .action(
      async (
        interfaces: readonly string[],
        options: { all?: boolean; json?: boolean; stateDir?: string },
        command: Command,
      ) => {
        const chosen =
          options.all === true ? listAttached() : await Promise.all(interfaces.map(interfaceOf));
        if (chosen.length === 0 && options.all !== true)
          command.error('error: name an interface, or --all');
        for (const name of chosen) detachXdp(name);
        forget(chosen, options.stateDir);
        if (options.json === true) printJson({ detached: chosen });
        else
          print(
            chosen.length === 0 ? 'Nothing was attached.' : `Detached from ${chosen.join(', ')}.`,
          );
      },
    );
}

async function interfaceOf(name: string): Promise<string> {
  const place = placeOf(name);
  if (place === undefined) return name;
  const plane = await SimpleSwitch.connect(place.host, place.port);
  try {
    return await cpuInterfaceOf(plane);
  } finally {
    plane.close();
  }
}

/** It is not missed from now on, where a store knew of it. */
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
