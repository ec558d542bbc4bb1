/** `ctga logs`: which logs are known, and learning more. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { DEFAULT_PROXY, openIdentity, parseProxy } from '../http/proxy.ts';
import { readTextFile } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { changesOf, type LogChange } from '../logs/changes.ts';
import { knownLogs } from '../store/known-logs.ts';
import { parseLogList, type LogList } from '../logs/list.ts';
import { logIdText, logLabels, type Log } from '../logs/log.ts';
import { fetchList, publisherOf, PUBLISHERS } from '../logs/publishers.ts';
import { CHROME_LIST_KEY, isSignedList, parseListKey } from '../logs/signed-list.ts';
import { zonesOf } from '../logs/zones.ts';
import { openForReading, openForWriting, stateAt } from '../store/state.ts';
import type { Store, StoredLogList } from '../store/sqlite/store.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { print, printJson, printTable, warn } from './output.ts';
import { currentIo } from './run.ts';

interface ImportOptions extends StateOption {
  readonly signature?: string;
  readonly listKey?: string;
}

interface UpdateOptions extends StateOption {
  readonly from: string;
  readonly listKey?: string;
  readonly proxy: string;
  readonly allowPrivateAddress?: boolean;
  readonly yes?: boolean;
}

export function logsCommand(): Command {
  const list = new Command('list')
    .description('the logs in force and the DNS zones of their tree heads')
    .action(listLogs);
  const importList = new Command('import')
    .description(
      "take in a log list in schema v3, for instance Chrome's, Apple's or crt.sh's; a log's \"dns\" field names its zone",
    )
    .argument('<file>')
    .option(
      '--signature <file>',
      "its publisher's signature: the list is refused if that is not good",
    )
    .option(
      '--list-key <file>',
      "the publisher's key in PEM (default: Chrome's, which is built in)",
    )
    .action(importLogs);
  const update = new Command('update')
    .description('fetch a newer log list through the proxy, show what it changes, and take it in')
    .option(
      '--from <source>',
      `${PUBLISHERS.map(({ name }) => name).join(', ')}, or the URL of another list`,
      PUBLISHERS[0].name,
    )
    .option(
      '--list-key <file>',
      "with a URL: the publisher's key in PEM; the signature is at URL with .sig for .json",
    )
    .option('--proxy <url>', 'SOCKS5 proxy, the only way out', DEFAULT_PROXY)
    .option('--allow-private-address', "with a URL: it may be in the proxy's own network")
    .option('--yes', 'take the changes in without asking')
    .addHelpText(
      'after',
      `
Chrome's list is signed, and its signature is verified. Logs that are no longer listed stay known: what they
signed can still be audited. Without --yes it asks; where nobody can be asked it changes nothing.`,
    )
    .action(updateLogs);
  return new Command('logs')
    .description('list, update or import logs')
    .addCommand(withLogs(withState(list)))
    .addCommand(withState(update))
    .addCommand(withState(importList));
}

function listLogs(options: StateOption & LogOptions): void {
  const store = openForReading(stateAt(options.stateDir));
  const logs = knownLogs(store, options.logList, warn);
  store.close();
  const names = logLabels(logs);
  const zones = new Map<Log, string[]>();
  for (const [zone, log] of zonesOf(logs, { zones: options.zone, ...suffix(options) }))
    zones.set(log, [...(zones.get(log) ?? []), zone]);
  if (options.json === true) {
    printJson(
      logs.map((log) => ({
        name: names.get(log),
        ...describeLog(log),
        zones: zones.get(log) ?? [],
      })),
    );
    return;
  }
  printTable(
    ['NAME', 'DESCRIPTION', 'API', 'STATE', 'ZONES', 'LOG ID'],
    logs.map((log) => [
      names.get(log) ?? '',
      log.description,
      log.api,
      log.state ?? '-',
      zones.get(log)?.join(' ') ?? '-',
      logIdText(log.key.logId),
    ]),
  );
}

function importLogs(file: string, options: ImportOptions): void {
  const json = readBytes(file);
  if (options.listKey !== undefined && options.signature === undefined)
    throw badInput('--list-key needs --signature', 'The key says whose signature it must be.');
  const key = keyGiven(options) ?? CHROME_LIST_KEY;
  const signature = options.signature === undefined ? undefined : readBytes(options.signature);
  if (signature !== undefined && !isSignedList(json, signature, key))
    throw badInput(
      `${file} is not what ${options.signature ?? ''} signs`,
      'Fetch list and signature again, at one time. Nothing of the list was used.',
    );
  const list = parseLogList(json.toString('utf8'), file);
  const store = openForWriting(stateAt(options.stateDir));
  const signed = signature && { signature, key };
  takeIn(store, list, { source: file, json, signed, etag: undefined, fetched: Date.now() });
  store.close();
  const { logs, leftOut } = list;
  if (options.json === true)
    return printJson({ imported: logs.length, leftOut, signed: signed !== undefined });
  for (const line of leftOut) warn(`left out: ${line}`);
  print(`${plural(logs.length, 'log')} imported from ${file}.`);
  const zoneless = logs.length - zonesOf(logs, { zones: [] }).size;
  if (zoneless > 0) {
    print(
      `${plural(zoneless, 'log')} of them have no DNS zone yet: give one with --zone or --zone-suffix, or a "dns" field in the list.`,
    );
  }
}

async function updateLogs(options: UpdateOptions): Promise<void> {
  const publisher = publisherOf(options.from, keyGiven(options));
  const identity = openIdentity(parseProxy(options.proxy), {
    allowPrivateAddress: options.allowPrivateAddress,
  });
  const store = openForWriting(stateAt(options.stateDir));
  try {
    const source = publisher.url;
    const last = store.logList(source);
    const fetched = await fetchList(publisher, identity.fetch, last?.etag);
    if (fetched === undefined) {
      if (options.json === true) printJson({ source, changes: [], applied: false, newer: false });
      else print(`The list of ${publisher.name} has not changed since it was last taken in.`);
      return;
    }
    const list = parseLogList(fetched.json.toString('utf8'), source);
    refuseOlder(list, last);
    const changes = changesOf(knownLogs(store, undefined, warn), list.logs);
    if (options.json !== true)
      showChanges(publisher.name, list, changes, fetched.signed !== undefined);
    const applied =
      options.yes === true || changes.length === 0 || (await agreed(options.json === true));
    if (applied) takeIn(store, list, { source, ...fetched, fetched: Date.now() });
    if (options.json === true) {
      const described = changes.map(({ change, log, fields }) => ({
        change,
        ...describeLog(log),
        fields,
      }));
      printJson({
        source,
        signed: fetched.signed !== undefined,
        newer: true,
        applied,
        changes: described,
      });
    } else
      print(applied ? 'Taken in.' : 'Nothing was changed. Take it in with: ctga logs update --yes');
  } finally {
    identity.close();
    store.close();
  }
}

/**
 * A good signature does not say that there is no newer list: an old one would take back what was
 * said since.
 */
function refuseOlder({ published }: LogList, last: StoredLogList | undefined): void {
  const before = last && parseLogList(last.json.toString('utf8'), last.source).published;
  if (published === undefined || before === undefined || published >= before) return;
  throw badInput(
    `the list offered is of ${new Date(published).toISOString()}, and the one at hand of ${new Date(before).toISOString()}`,
    'Try again later. If it lasts, somebody holds newer lists back; nothing of this one was used.',
  );
}

/** The list's own bytes are kept: a signed one is evidence of where a read-only log ends. */
function takeIn(store: Store, { logs }: LogList, list: StoredLogList): void {
  store.putLogs(logs);
  store.putLogList(list);
}

function showChanges(
  name: string,
  list: LogList,
  changes: readonly LogChange[],
  signed: boolean,
): void {
  for (const line of list.leftOut) warn(`left out: ${line}`);
  print(
    `The list of ${name} has ${plural(list.logs.length, 'log')} and ${signed ? 'is signed by its publisher' : 'has NO signature; it came from its web server as it is'}.`,
  );
  for (const { change, log, fields } of changes)
    print(
      change === 'added'
        ? `  + ${log.description} (${log.api}${log.state === undefined ? '' : `, ${log.state}`})`
        : `  ~ ${log.description}: ${fields.join('; ')}`,
    );
  if (changes.length === 0) print('It changes nothing.');
}

async function agreed(json: boolean): Promise<boolean> {
  const { stdin } = currentIo();
  if (json || stdin?.isTTY !== true) return false;
  const asking = createInterface({ input: stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await asking.question('Take this in? [y/N] ')).trim());
  } finally {
    asking.close();
  }
}

function keyGiven({ listKey }: { readonly listKey?: string }): Buffer | undefined {
  return listKey === undefined ? undefined : parseListKey(readTextFile(listKey), listKey);
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw badInput(`cannot read ${path}: ${messageOf(error)}`);
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
    state: log.state,
  };
}
