// SPDX-License-Identifier: Apache-2.0
/** `ctga logs`: which logs ctga knows, and taking in log lists. */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { readBinaryFile, readTextFile } from '../base/documents.ts';
import { badInput } from '../base/errors.ts';
import { megabytes, plural } from '../base/text.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy-address.ts';
import type { LogChange } from '../logs/changes.ts';
import { withoutUrl } from '../logs/key-list.ts';
import { logIdText, logLabels, type Log } from '../logs/log.ts';
import { publisherOf, PUBLISHERS } from '../logs/publishers.ts';
import { CHROME_LIST_KEY, parseListKey } from '../logs/signed-list.ts';
import { zonesOf } from '../logs/zones.ts';
import {
  fetchUpdate,
  importLogList,
  type LogListUpdate,
  logsInForce,
} from '../services/log-lists.ts';
import { noStore, openForWriting, openWhenNeeded, stateAt, storeExists } from '../store/state.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { withNextCommands } from './next.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { formatNoteKey } from '../statements/note-key.ts';
import { endProgress, print, printJson, printProgress, printTable, warn } from './output.ts';
import { currentIo } from './run.ts';

/** Chrome's list is a tenth of it, and read at once. */
const LARGE_BYTES = 1_000_000;

interface ImportOptions extends StateOption {
  readonly signature?: string;
  readonly listKey?: string;
  readonly allowOlder?: boolean;
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
    .description('list the logs that ctga knows, and the DNS zones of their tree heads')
    .action(listLogs);
  const importList = new Command('import')
    .description(
      "take in a log list (schema v3) from a file, such as Chrome's, Apple's or crt.sh's; a \"dns\" field in it gives a log its zone; or logs that are no CT logs",
    )
    .argument('<file>')
    .addHelpText(
      'after',
      `
Logs that are no CT logs come as lines of NAME+KEYID+KEY and a URL, as in GOSUMDB; as a list of the witness
network (logs/v0); or as a trust policy (c2sp.org/tlog-policy), of which the logs are taken. A URL that ends in
/latest is that of a Go checksum database, any other one that of a log of c2sp.org/tlog-tiles, such as Rekor v2.`,
    )
    .option(
      '--signature <file>',
      "the publisher's signature; ctga refuses the list if the signature is wrong",
    )
    .option('--list-key <file>', "the publisher's key in PEM (default: Chrome's, built in)")
    .option(
      '--allow-older',
      'take the list in even if it changes logs of which a newer list has told',
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
      "with a URL: the publisher's key in PEM; the signature is at the URL with .sig for .json",
    )
    .option('--proxy <url>', 'the SOCKS5 proxy through which to fetch it', DEFAULT_PROXY)
    .option(
      '--allow-private-address',
      "with a URL: it may be at a private address, in the proxy's own network",
    )
    .option('--yes', 'take the changes in without asking')
    .addHelpText(
      'after',
      `
Chrome's list is signed, and ctga verifies the signature. ctga still knows logs that a list no longer
has, because what they signed can still be audited. Without --yes the command asks first; if it can
ask nobody, it changes nothing.`,
    )
    .action(updateLogs);
  return new Command('logs')
    .description('list logs, and update or import log lists')
    .addCommand(withLogs(withState(list)))
    .addCommand(withState(update))
    .addCommand(withState(importList));
}

function listLogs(options: StateOption & LogOptions): void {
  const state = stateAt(options.stateDir);
  const logs = logsInForce(state, options.logList, warn);
  const labels = logLabels(logs);
  const zones = new Map<Log, string[]>();
  for (const [zone, log] of zonesOf(logs, { zones: options.zone, zoneSuffix: options.zoneSuffix }))
    zones.set(log, [...(zones.get(log) ?? []), zone]);
  if (state.isNamed && !storeExists(state)) throw noStore(state);
  if (options.json === true)
    return printJson(
      logs.map((log) => ({
        name: labels.get(log),
        ...describeLog(log),
        zones: zones.get(log) ?? [],
      })),
    );
  printTable(
    [
      'NAME',
      { title: 'DESCRIPTION', is: 'extra' },
      { title: 'API', is: 'whole' },
      'STATE',
      { title: 'LOG ID', is: 'extra' },
      'ZONES',
    ],
    logs.map((log) => ({
      cells: [
        labels.get(log) ?? '',
        log.description,
        kindOf(log),
        log.state ?? '-',
        logIdText(log.key.logId),
        zones.get(log)?.join(' ') ?? '-',
      ],
    })),
  );
}

function importLogs(file: string, options: ImportOptions): void {
  const { signature } = options;
  if (options.listKey !== undefined && signature === undefined)
    throw badInput('--list-key needs --signature', 'The key says who must have made it.');
  const json = readBinaryFile(file);
  if (options.json !== true && json.length > LARGE_BYTES)
    printProgress(`reading ${megabytes(json.length)} of logs`);
  const key = listKeyOf(options) ?? CHROME_LIST_KEY;
  const signed = signature && { name: signature, signature: readBinaryFile(signature), key };
  const store = openWhenNeeded(stateAt(options.stateDir));
  let list;
  try {
    list = importLogList(
      store.open,
      { name: file, json, signed: signed || undefined },
      Date.now(),
      {
        mayBeOlder: options.allowOlder,
        onProgress: (done, all) => {
          if (options.json !== true) printProgress(`${file}: ${done} of ${all} logs read`);
        },
      },
    );
  } finally {
    endProgress();
    store.close();
  }
  const { kind, logs, leftOut, changes } = list;
  if (options.json === true)
    return printJson({
      kind,
      imported: logs.length,
      leftOut,
      signed: signature !== undefined,
      changes: changes.map(changeToJson),
    });
  for (const line of leftOut) warn(`left out: ${line}`);
  const changed = changes.filter(({ change }) => change === 'changed');
  print(
    `${plural(logs.length, 'log')} imported from ${file}: ${changes.length - changed.length} new, ${changed.length} changed.`,
  );
  showChanges(changed);
  const silent = withoutUrl(logs);
  if (silent !== undefined) print(silent);
  if (kind !== 'log list') return;
  const withoutZone = logs.length - zonesOf(logs, { zones: [] }).size;
  if (withoutZone > 0)
    print(
      `${plural(withoutZone, 'log')} of them have no DNS zone yet: give one with --zone or --zone-suffix, or in a "dns" field of the list.`,
    );
}

async function updateLogs(options: UpdateOptions): Promise<void> {
  const isJson = options.json === true;
  const publisher = publisherOf(options.from, listKeyOf(options));
  const proxy = parseProxy(options.proxy);
  const { openIdentity } = await import('../http/proxy.ts');
  const identity = openIdentity(proxy, { allowPrivateAddress: options.allowPrivateAddress });
  const store = openForWriting(stateAt(options.stateDir));
  const source = publisher.url;
  try {
    if (!isJson) printProgress(`fetching the list of ${publisher.name} through the proxy`);
    const fetching = fetchUpdate(store, publisher, identity.fetch, Date.now());
    const update = await fetching.finally(endProgress);
    if (update === undefined) {
      if (isJson) printJson({ source, changes: [], applied: false, newer: false });
      else print(`The list of ${publisher.name} has not changed since ctga last took it in.`);
      return;
    }
    const { changes, signed } = update;
    if (!isJson) showUpdate(publisher.name, update);
    const applied = options.yes === true || changes.length === 0 || (await isAgreed(isJson));
    if (applied) update.takeIn();
    if (isJson)
      printJson({ source, signed, newer: true, applied, changes: changes.map(changeToJson) });
    else
      print(
        applied
          ? 'ctga has taken the list in.'
          : withNextCommands(
              'Nothing has changed. To take the list in, run: ctga logs update --yes',
            ),
      );
  } finally {
    identity.close();
    store.close();
  }
}

function showUpdate(name: string, { list, changes, signed }: LogListUpdate): void {
  for (const line of list.leftOut) warn(`left out: ${line}`);
  print(
    `The list of ${name} has ${plural(list.logs.length, 'log')} and ${signed ? 'is signed by its publisher' : 'has NO signature: only the web server vouches for it'}.`,
  );
  showChanges(changes);
  if (changes.length === 0) print('It changes nothing.');
}

function showChanges(changes: readonly LogChange[]): void {
  for (const { change, log, fields } of changes)
    print(
      change === 'added'
        ? `  + ${log.description} (${log.api}${log.state === undefined ? '' : `, ${log.state}`})`
        : `  ~ ${log.description}: ${fields.join('; ')}`,
    );
}

function changeToJson({ change, log, fields }: LogChange): unknown {
  return { change, ...describeLog(log), fields };
}

async function isAgreed(json: boolean): Promise<boolean> {
  const { stdin, stderr } = currentIo();
  if (json || stdin?.isTTY !== true) return false;
  stderr.write('Take this in? [y/N] ');
  const asking = createInterface({ input: stdin });
  try {
    return /^y(es)?$/i.test((await asking.question('')).trim());
  } finally {
    asking.close();
  }
}

function listKeyOf({ listKey }: { readonly listKey?: string }): Buffer | undefined {
  return listKey === undefined ? undefined : parseListKey(readTextFile(listKey), listKey);
}

/** By what it is asked, and of a log that is no CT log also what it signs with. */
function kindOf({ api, key, url }: Log): string {
  return isCheckpointKey(key) ? `${url === '' ? 'unknown' : api}/${key.algorithm}` : api;
}

function describeLog(log: Log): Record<string, unknown> {
  return {
    description: log.description,
    logId: logIdText(log.key.logId),
    url: log.url,
    api: log.api,
    algorithm: log.key.algorithm,
    ...(isCheckpointKey(log.key) && {
      origin: log.key.origin,
      vkey: formatNoteKey(log.key.noteKey),
    }),
    mmd: log.mmd,
    state: log.state,
  };
}
