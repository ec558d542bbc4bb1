/** `ctga logs`: which logs are known, and learning more. */
import { Command } from 'commander';
import { knownLogs } from '../logs/known.ts';
import { readLogList } from '../logs/list.ts';
import { logIdText, logNames, type Log } from '../logs/log.ts';
import { zonesOf } from '../logs/zones.ts';
import { openForReading, openForWriting, stateAt } from '../store/state.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { plural, print, printJson, printTable, warn } from './output.ts';

export function logsCommand(): Command {
  const list = new Command('list')
    .description('the logs in force and the DNS zones of their tree heads')
    .action(listLogs);
  const importList = new Command('import')
    .description(
      "take in a log list in schema v3, for instance Chrome's or crt.sh's; a log's \"dns\" field names its zone",
    )
    .argument('<file>')
    .action(importLogs);
  return new Command('logs')
    .description('list or import logs')
    .addCommand(withLogs(withState(list)))
    .addCommand(withState(importList));
}

function listLogs(options: StateOption & LogOptions): void {
  const store = openForReading(stateAt(options.stateDir));
  const logs = knownLogs(store, options.logList, warn);
  store.close();
  const names = logNames(logs);
  const zones = new Map<Log, string[]>();
  for (const [zone, log] of zonesOf(logs, { zones: options.zone, ...suffix(options) }))
    zones.set(log, [...(zones.get(log) ?? []), zone]);
  if (options.json === true) {
    printJson(
      logs.map((log) => ({ name: names.get(log), ...describeLog(log), zones: zones.get(log) ?? [] })),
    );
    return;
  }
  printTable(
    ['NAME', 'DESCRIPTION', 'API', 'ZONES', 'LOG ID'],
    logs.map((log) => [
      names.get(log) ?? '',
      log.description,
      log.api,
      zones.get(log)?.join(' ') ?? '-',
      logIdText(log.key.logId),
    ]),
  );
}

function importLogs(file: string, options: StateOption): void {
  const { logs, leftOut } = readLogList(file);
  const store = openForWriting(stateAt(options.stateDir));
  store.putLogs(logs);
  store.close();
  if (options.json === true) return printJson({ imported: logs.length, leftOut });
  for (const line of leftOut) warn(`left out: ${line}`);
  print(`${plural(logs.length, 'log')} imported from ${file}.`);
  const zoneless = logs.length - zonesOf(logs, { zones: [] }).size;
  if (zoneless > 0) {
    print(
      `${plural(zoneless, 'log')} of them have no DNS zone yet: give one with --zone or --zone-suffix, or a "dns" field in the list.`,
    );
  }
}

export function suffix(options: LogOptions): { zoneSuffix?: string } {
  return options.zoneSuffix === undefined ? {} : { zoneSuffix: options.zoneSuffix };
}

function describeLog(log: Log): Record<string, unknown> {
  return {
    description: log.description,
    logId: logIdText(log.key.logId),
    url: log.url,
    api: log.api,
    mmd: log.mmd,
  };
}
