// SPDX-License-Identifier: Apache-2.0
/** `ctga heads`: the tree heads in the store, and more from files. */
import { hostname } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural, utc } from '../base/text.ts';
import { encodeBase64 } from '../base/base64.ts';
import { logDescriptions, logNames } from '../store/known-logs.ts';
import { findLog } from '../logs/zones.ts';
import type { Imported } from '../services/heads.ts';
import { openForReading, openWhenNeeded, stateAt } from '../store/state.ts';
import type { NoteKey } from '../statements/note-key.ts';
import { wholeNumber, withState, type StateOption } from './options.ts';
import { checkCommand, withNextCommands } from './next.ts';
import {
  endProgress,
  print,
  printJson,
  printProgress,
  printTable,
  printText,
  warn,
} from './output.ts';
import { setExitCode } from './run.ts';
import { printCosignature, witnessOption } from './witness-option.ts';

export function headsCommand(): Command {
  const list = new Command('list')
    .description('list every distinct tree head, where and how often it was seen, and its verdict')
    .option('--limit <n>', 'list only the newest; 0: all', wholeNumber(0), 1000)
    .action(listHeads);
  const exportHeads = new Command('export')
    .description(
      'print every tree head as {"sths": [...]}, with where and how often it was seen, for "ctga heads import" on the host of the challenger',
    )
    .option(
      '--since <time>',
      'only those that were seen since then: a date such as 2026-11-20, or an age such as 36h or 7d',
      pointInTime,
    )
    .option(
      '--state-dir <dir>',
      'the directory of the store (default: /var/lib/ctga for root and if a store is there, else ~/.local/state/ctga)',
    )
    .action(exportFile);
  const importHeads = new Command('import')
    .description(
      'verify and store tree heads from files: {"sths": [...]}, a get-sth answer, or a checkpoint',
    )
    .argument('<file...>')
    .option('--log <log>', 'the log of the tree heads, if the file does not name it')
    .option(
      '--log-list <file>',
      'use the logs of this list instead of the imported and built-in ones',
    )
    .addOption(witnessOption())
    .action(importFiles);
  return new Command('heads')
    .description('list, export or import signed tree heads')
    .addCommand(withState(list))
    .addCommand(exportHeads)
    .addCommand(withState(importHeads));
}

function listHeads(options: StateOption & { limit: number }): void {
  const store = openForReading(stateAt(options.stateDir));
  const nameOf = logDescriptions(store);
  const labelOf = logNames(store);
  const heads = store.heads.latest(options.limit === 0 ? -1 : options.limit);
  const total = store.heads.count();
  const elsewhere = store.exchange.foreignVerdicts();
  store.close();
  if (options.json === true) {
    printJson(
      heads.map((head) => ({
        log: nameOf(head.logId),
        ...head,
        logId: encodeBase64(head.logId),
        elsewhere: elsewhere.get(head.id) ?? [],
      })),
    );
    return;
  }
  if (heads.length === 0)
    return print(
      withNextCommands(
        'There are no tree heads yet. Watch an interface with "ctga attach eth0", or import a file.',
      ),
    );
  printTable(
    [
      'LOG',
      { title: 'TREE SIZE', is: 'number' },
      { title: 'SIGNED (UTC)', is: 'whole' },
      { title: 'SEEN', is: 'number' },
      { title: 'LAST SEEN (UTC)', is: 'extra' },
      'VERDICT',
      'WHERE',
    ],
    heads.map((head) => ({
      cells: [
        labelOf(head.logId),
        head.treeSize.toString(),
        // Ed25519 checkpoints say no time.
        head.timestamp === 0n ? '-' : utc(head.timestamp),
        `${head.count}x`,
        utc(head.lastSeen),
        head.verdict,
        head.sources.join(' '),
      ],
      notes: head.reason === undefined ? [] : [head.reason],
    })),
  );
  if (heads.length < total)
    print(`These are the newest ${heads.length} of ${total}; --limit 0 lists all.`);
}

const HOURS = { h: 1, d: 24, w: 168 } as const;

/** Milliseconds since the epoch. */
function pointInTime(text: string): number {
  const [, number, unit] = /^([0-9]+)([hdw])$/.exec(text) ?? [];
  if (number !== undefined)
    return Date.now() - Number(number) * HOURS[unit as keyof typeof HOURS] * 3_600_000;
  const date = /^[0-9]{4}-/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(date)) return date;
  throw new InvalidArgumentError('want a date such as 2026-11-20 or an age such as 36h or 7d.');
}

async function exportFile(options: { stateDir?: string; since?: number }): Promise<void> {
  const { exportTreeHeads } = await import('../services/heads.ts');
  const store = openForReading(stateAt(options.stateDir));
  for (const part of exportTreeHeads(store, hostname(), options.since)) printText(part);
  store.close();
}

async function importFiles(
  files: readonly string[],
  options: StateOption & { log?: string; logList?: string; witness: readonly NoteKey[] },
): Promise<void> {
  const { importTreeHeads } = await import('../services/heads.ts');
  const { logsInForce } = await import('../services/log-lists.ts');
  const state = stateAt(options.stateDir);
  // Before a store is made.
  const logs = logsInForce(state, options.logList, warn);
  if (options.log !== undefined) findLog(logs, options.log);
  const store = openWhenNeeded(state);
  try {
    const imported = importTreeHeads(store.open, files, {
      logs,
      log: options.log,
      witnesses: options.witness,
      evidenceDirectory: state.evidence,
      now: Date.now(),
      onProgress: printProgress,
    });
    endProgress();
    if (options.json === true) printJson(imported);
    else printImported(imported);
    const isForged = imported.signatures.some(({ valid }) => valid === false);
    if (imported.forks.length > 0) setExitCode(ExitCode.forkProven);
    else if (imported.evidenceFailure !== undefined) setExitCode(ExitCode.failed);
    else if (isForged || imported.refused.length > 0) setExitCode(ExitCode.badInput);
  } catch (error) {
    endProgress();
    throw error;
  } finally {
    store.close();
  }
}

/** A file of something else may have as many elements as it likes. */
const MOST_REFUSED = 20;

function printImported(imported: Imported): void {
  const { verified, new: fresh, refused, signatures, forks, evidenceFailure } = imported;
  for (const { host, log, treeSize } of imported.provenElsewhere)
    warn(
      `${host} says that it has proof of a split view of ${log}, with a tree of size ${treeSize}: copy its evidence from there, and check it with: ${withNextCommands('ctga evidence verify')} FILE`,
    );
  for (const { name, valid, ...each } of signatures)
    if (valid !== undefined) printCosignature('', { witness: name, valid, ...each });
  for (const line of refused.slice(0, MOST_REFUSED)) warn(line);
  const more = refused.length - MOST_REFUSED;
  if (more > 0) warn(`${plural(more, 'more tree head')} refused; --json lists all`);
  for (const { log, treeSize, evidence } of forks) {
    print(`SPLIT VIEW PROVEN: ${log} signed two trees of size ${treeSize}`);
    print(`  Evidence: ${evidence}`);
    print(`  Check it with: ${checkCommand(evidence)}`);
  }
  if (evidenceFailure !== undefined)
    warn(
      `there is proof of a split view, and its evidence is still to be written: ${evidenceFailure}`,
    );
  if (verified === 0)
    return print(
      refused.length > 0
        ? 'No tree head is verified, and none is stored.'
        : 'No tree head is in what was given: whoever wrote it had none to tell. Nothing has changed.',
    );
  print(
    `${plural(verified, 'tree head')} verified, ${fresh} of them new; ${plural(imported.sightings, 'sighting')} added. Ask the logs about them with: ${withNextCommands('ctga challenge')} --once`,
  );
}
