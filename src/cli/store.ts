/** `ctga store`: looking after what is kept. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { badInput, CtgaError, ExitCode, messageOf } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { backupStore, checkStore, compactStore, exportStore } from '../upkeep/maintenance.ts';
import { openForReading, stateAt, type State } from '../store/state.ts';
import { wholeNumber, withState, type StateOption } from './options.ts';
import { print, printJson, printJsonLine, printProgress, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function storeCommand(): Command {
  const check = new Command('check')
    .description(
      'read all of the database and the evidence: is everything whole? Exit code 1 if not',
    )
    .action(runCheck);
  const compact = new Command('compact')
    .description('roll up old sightings and give their room back; tree heads and evidence stay')
    .option(
      '--keep-days <days>',
      'sightings of the last days stay as they are',
      wholeNumber(0, 36_500),
      90,
    )
    .action(runCompact);
  const exportAll = new Command('export')
    .description('logs, tree heads with verdicts, evidence and counts, as JSON Lines')
    .option(
      '--state-dir <dir>',
      'where they are kept (root: /var/lib/ctga, else ~/.local/state/ctga)',
    )
    .action(runExport);
  const backup = new Command('backup')
    .description(
      'copy the database while it is in use; copy the evidence directory beside it yourself',
    )
    .argument('<file>')
    .action(runBackup);
  return new Command('store')
    .description('check, compact, export or back up what is kept')
    .addCommand(withState(check))
    .addCommand(withState(compact))
    .addCommand(exportAll)
    .addCommand(withState(backup));
}

/** Only to look: nothing is made where nothing is. */
function existing(options: StateOption): State {
  const state = stateAt(options.stateDir);
  if (existsSync(state.database)) return state;
  throw new CtgaError('bad-input', `there is no store in ${state.directory}`, {
    remedy: 'Name the directory with --state-dir; root keeps it in /var/lib/ctga.',
  });
}

function runCheck(options: StateOption): void {
  const found = checkStore(existing(options));
  if (options.json === true) printJson(found);
  else {
    for (const fault of found.faults) warn(fault);
    print(
      `${plural(found.treeHeads, 'tree head')}, ${plural(found.sightings, 'sighting')}, ${plural(found.evidence, 'evidence file')}, ${(found.bytes / 2 ** 20).toFixed(1)} MiB: ${found.faults.length === 0 ? 'all whole.' : `${plural(found.faults.length, 'fault')}.`}`,
    );
  }
  if (found.faults.length > 0) setExitCode(ExitCode.failed);
}

function runCompact(options: StateOption & { keepDays: number }): void {
  const before = Date.now() - options.keepDays * 86_400_000;
  const done = compactStore(existing(options), before, (rolledUp) => {
    if (options.json !== true) printProgress(`${rolledUp} rolled up`);
  });
  if (options.json === true) return printJson(done);
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  print(
    `${plural(done.rolledUp, 'sighting')} rolled up; ${mebibytes(done.bytesBefore)} MiB became ${mebibytes(done.bytesAfter)} MiB.`,
  );
}

function runExport(options: StateOption): void {
  const store = openForReading(existing(options));
  for (const line of exportStore(store)) printJsonLine(line);
  store.close();
}

async function runBackup(file: string, options: StateOption): Promise<void> {
  if (existsSync(file)) throw badInput(`${file} exists`, 'Name a file that is not there yet.');
  try {
    await backupStore(existing(options), file, (share) => {
      if (options.json !== true) printProgress(`${Math.round(share * 100)} %`);
    });
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new CtgaError('store-failed', `cannot back up to ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (options.json === true) printJson({ file });
  else print(`Backed up to ${file}.`);
}
