/** `ctga heads`: the tree heads that were seen, and bringing more by hand. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ExitCode, messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { encodeBase64 } from '../base/base64.ts';
import { toJson } from '../base/json.ts';
import { knownLogs, logDescriptions } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import { findLog } from '../logs/zones.ts';
import { readTreeHeads } from '../exchange/files.ts';
import { openForReading, openForWriting, stateAt } from '../store/state.ts';
import { treeHeadToJson } from '../statements/json.ts';
import { parseNoteKey, type NoteKey } from '../statements/note-key.ts';
import { wholeNumber, withState, type StateOption } from './options.ts';
import { print, printJson, printTable, printText, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function headsCommand(): Command {
  const list = new Command('list')
    .description('every distinct tree head, where and how often it was seen, and its verdict')
    .option('--limit <n>', 'only those that were new last; 0: all', wholeNumber(0), 1000)
    .action(listHeads);
  const exportHeads = new Command('export')
    .description(
      'every tree head as {"sths": [...]}, for "heads import" on the host where the challenger runs',
    )
    .option(
      '--state-dir <dir>',
      'where heads are kept (root: /var/lib/ctga, else ~/.local/state/ctga)',
    )
    .action(exportAll);
  const importHeads = new Command('import')
    .description(
      'verify and store tree heads from files: {"sths": [...]}, a get-sth answer, or a checkpoint',
    )
    .argument('<file...>')
    .option('--log <log>', 'whose tree head it is, where the file does not say')
    .option(
      '--log-list <file>',
      'use the logs of this list instead of the imported and built-in ones',
    )
    .addOption(
      new Option(
        '--witness <key>',
        'verify cosignatures of checkpoints: a witness as NAME+KEYID+KEY; may be repeated',
      )
        .argParser((text: string, earlier: readonly NoteKey[]) => [...earlier, witness(text)])
        .default([], 'none'),
    )
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
  const heads = store.heads.latest(options.limit === 0 ? -1 : options.limit);
  const total = store.heads.count();
  store.close();
  if (options.json === true) {
    printJson(
      heads.map((head) => ({ log: nameOf(head.logId), ...head, logId: encodeBase64(head.logId) })),
    );
    return;
  }
  if (heads.length === 0)
    return print(
      'No tree heads yet. Watch an interface with "sudo ctga attach eth0", or import a file.',
    );
  printTable(
    ['LOG', 'TREE SIZE', 'SIGNED AT', 'SEEN', 'LAST SEEN', 'WHERE', 'VERDICT'],
    heads.map((head) => [
      nameOf(head.logId),
      head.treeSize.toString(),
      time(head.timestamp),
      `${head.count}x`,
      time(head.lastSeen),
      head.sources.join(' '),
      head.reason === undefined ? head.verdict : `${head.verdict} (${head.reason})`,
    ]),
  );
  if (heads.length < total)
    print(`These are the last ${heads.length} of ${total}; --limit 0 lists all.`);
}

function witness(text: string): NoteKey {
  try {
    return parseNoteKey(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** STH pollination, draft-linus-trans-gossip-ct-02, Section 5.2.3. */
function exportAll(options: { stateDir?: string }): void {
  const store = openForReading(stateAt(options.stateDir));
  // One a line and not one JSON.stringify: there may be more than memory holds.
  let before = '{"sths": [\n';
  for (const head of store.heads.all()) {
    const json = { sth_version: 0, log_id: logIdText(head.logId), ...treeHeadToJson(head) };
    printText(`${before}  ${toJson(json)}`);
    before = ',\n';
  }
  store.close();
  print(before === ',\n' ? '\n]}' : `${before}]}`);
}

function importFiles(
  files: readonly string[],
  options: StateOption & { log?: string; logList?: string; witness: readonly NoteKey[] },
): void {
  const store = openForWriting(stateAt(options.stateDir));
  try {
    const logs = knownLogs(store, options.logList, warn);
    const only = options.log === undefined ? undefined : findLog(logs, options.log);
    const results = files.map((file) => readTreeHeads(file, logs, only, options.witness));
    const now = Date.now();
    const sightings = results.flatMap(({ source, heads }) =>
      heads.map(({ head }) => ({ head, source, firstSeen: now, lastSeen: now, count: 1 })),
    );
    const { newHeads } = store.heads.record(sightings);
    const refused = results.flatMap((result) => result.refused);
    // The logs of a list given for this once are needed again when the heads are challenged.
    store.logs.put(results.flatMap(({ heads }) => heads.map(({ log }) => log)));
    const signatures = results.flatMap((result) => result.signatures);
    const forged = signatures.filter(({ valid }) => valid === false);
    if (options.json === true)
      printJson({ verified: sightings.length, new: newHeads.size, refused, signatures });
    else {
      for (const { name, kind, valid, time: at } of signatures) {
        const when = at === undefined ? '' : ` of ${time(at * 1000n)}`;
        if (valid === true) print(`${kind}${when} by ${name}: verified`);
        else if (valid === false) warn(`${kind} by ${name}: does NOT verify`);
      }
      for (const line of refused) warn(line);
      print(
        `${plural(sightings.length, 'tree head')} verified, ${newHeads.size} of them new. Ask the logs about them with: ctga challenge --once`,
      );
    }
    if (refused.length + forged.length > 0) setExitCode(ExitCode.badInput);
  } finally {
    store.close();
  }
}
