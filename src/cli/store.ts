// SPDX-License-Identifier: Apache-2.0
/** `ctga store`: checking and maintaining the store. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { stateAt } from '../store/state.ts';
import { wholeNumber, withState, type StateOption } from './options.ts';
import { endProgress, print, printJson, printJsonLine, printProgress, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function storeCommand(): Command {
  const check = new Command('check')
    .description(
      'read and check the whole database and all evidence; the exit code is 1 if something is damaged',
    )
    .action(runCheck);
  const compact = new Command('compact')
    .description('sum up old sightings and give their space back; tree heads and evidence stay')
    .option(
      '--keep-days <days>',
      'leave the sightings of the last days as they are',
      wholeNumber(0, 36_500),
      90,
    )
    .action(runCompact);
  const exportAll = new Command('export')
    .description('print logs, tree heads with their verdicts, evidence and counts as JSON Lines')
    .option(
      '--state-dir <dir>',
      'the directory of the store (default: /var/lib/ctga for root and if a store is there, else ~/.local/state/ctga)',
    )
    .action(runExport);
  const backup = new Command('backup')
    .description('copy the database while it is in use; copy the evidence directory yourself')
    .argument('<file>')
    .action(runBackup);
  const salvage = new Command('salvage')
    .description('set a damaged database aside and go on in a new one with what can be read of it')
    .action(runSalvage);
  return new Command('store')
    .description('check, salvage, compact, export or back up the store')
    .addCommand(withState(check))
    .addCommand(withState(salvage))
    .addCommand(withState(compact))
    .addCommand(exportAll)
    .addCommand(withState(backup));
}

async function runCheck(options: StateOption): Promise<void> {
  const { checkStore } = await import('../upkeep/maintenance.ts');
  const found = checkStore(stateAt(options.stateDir));
  if (options.json === true) printJson(found);
  else {
    for (const fault of found.faults) warn(fault);
    if (found.readable !== undefined)
      print(
        `${plural(found.readable, 'tree head')} can still be read. Go on in a new database that has them, and keep this one beside it, with: ctga store salvage`,
      );
    if (found.setAside > 0)
      print(`${plural(found.setAside, 'damaged row')} set aside earlier, out of use.`);
    print(
      `${plural(found.treeHeads, 'tree head')}, ${plural(found.sightings, 'sighting')}, ${plural(found.evidence, 'evidence file')}, ${(found.bytes / 2 ** 20).toFixed(1)} MiB: ${found.faults.length === 0 ? 'all whole.' : `${plural(found.faults.length, 'fault')}.`}`,
    );
  }
  if (found.faults.length > 0) setExitCode(ExitCode.failed);
}

async function runSalvage(options: StateOption): Promise<void> {
  const { salvageStore } = await import('../upkeep/maintenance.ts');
  const state = stateAt(options.stateDir);
  const said: string[] = [];
  try {
    salvageStore(state, (message) => void said.push(message), progressOf(options));
  } finally {
    endProgress();
  }
  if (options.json === true) return printJson({ setAside: said });
  for (const message of said) print(message);
  if (said.length === 0) print('The store is not damaged: nothing was set aside.');
}

async function runCompact(options: StateOption & { keepDays: number }): Promise<void> {
  const { compactStore } = await import('../upkeep/maintenance.ts');
  const before = Date.now() - options.keepDays * 86_400_000;
  const state = stateAt(options.stateDir);
  const done = await compactStore(state, before, progressOf(options)).finally(endProgress);
  if (options.json === true) return printJson(done);
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  print(
    `${plural(done.rolledUp, 'sighting')} rolled up; ${mebibytes(done.bytesBefore)} MiB became ${mebibytes(done.bytesAfter)} MiB.`,
  );
}

async function runExport(options: StateOption): Promise<void> {
  const { exportStore } = await import('../upkeep/maintenance.ts');
  for (const line of exportStore(stateAt(options.stateDir))) printJsonLine(line);
}

async function runBackup(file: string, options: StateOption): Promise<void> {
  const { backupStore } = await import('../upkeep/maintenance.ts');
  const show = progressOf(options);
  await backupStore(stateAt(options.stateDir), file, (share) =>
    show(`${Math.round(share * 100)} %`),
  ).finally(endProgress);
  if (options.json === true) printJson({ file });
  else print(`Backed up to ${file}.`);
}

/** With --json, what is on standard error is read by scripts. */
function progressOf({ json }: StateOption): (how: string) => void {
  return json === true ? () => undefined : printProgress;
}
