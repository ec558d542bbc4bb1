// SPDX-License-Identifier: Apache-2.0
/** `ctga dns publish`: tree heads of logs in the zone of a server that runs already. */
import { Command } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badInput, ExitCode, messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { parseTsigKey, type TsigKey } from '../dns/tsig.ts';
import type { Endpoint } from '../dns/server.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { isInService, type Log } from '../logs/log.ts';
import { findLog, parseZone } from '../logs/zones.ts';
import { logWays } from './log-ways.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { PublishEvent } from '../services/publish.ts';
import { stateAt } from '../store/state.ts';
import { isIn } from '../zone/records.ts';
import type { ZoneTarget } from '../zone/target.ts';
import { headInterval, ipAddress, LEAST_INTERVAL } from './dns-serve.ts';
import {
  endpoint,
  repeated,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { print, printJsonLine, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface PublishOptions extends StateOption, LogOptions {
  readonly log: readonly string[];
  readonly update?: Endpoint;
  readonly keyFile?: string;
  readonly zoneFile?: string;
  readonly template?: string;
  readonly reload?: string;
  readonly parent?: string;
  readonly proofs?: string;
  readonly nsAddress: readonly string[];
  readonly proxy?: string;
  readonly every: number;
  readonly once?: boolean;
  readonly user?: string;
}

export function dnsPublishCommand(): Command {
  const publish = new Command('publish')
    .description(
      'keep the tree heads of logs in the zone of a name server that runs already, by dynamic updates or in a zone file',
    )
    .addOption(
      repeated('--log <name>', 'a log to publish; may be repeated', String, 'every log in service'),
    )
    .option(
      '--update <address>',
      'the primary server of the zone, as ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT: update the zone there (Knot, BIND, PowerDNS)',
      endpoint,
    )
    .option(
      '--key-file <file>',
      'the TSIG key that may update the zone (hmac-sha256), as tsig-keygen or keymgr write it',
    )
    .option('--zone-file <file>', 'write the zone into this file instead (NSD, Knot, BIND)')
    .option(
      '--template <file>',
      'what the zone file is to have beside the tree heads: SOA, name servers and all that is yours',
    )
    .option(
      '--reload <command>',
      'have the server read the zone file by this command, such as: nsd-control reload ct.example.net',
    )
    .option('--parent <zone>', 'the zone that the server has (default: that of --zone-suffix)')
    .option(
      '--proofs <host>',
      'also delegate the proofs of each log to this name server, which runs: ctga dns serve --proofs HOST',
    )
    .addOption(
      repeated(
        '--ns-address <address>',
        'an address of that name server, if its name is in the zone; may be repeated',
        ipAddress,
      ),
    )
    .option('--proxy <url>', 'ask the logs through this SOCKS5 proxy instead of directly')
    .option(
      '--every <seconds>',
      'the least time between two tree heads of a log; at least an hour',
      headInterval,
      LEAST_INTERVAL,
    )
    .option('--once', 'bring the zone up to date, and end')
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-dns if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
The zone has, for each log NAME, the TXT records of sth.NAME.ZONE, where ZONE is the argument of
--zone-suffix. A log that has ended is taken out. Records that others made are left alone.

  ctga dns publish --zone-suffix ct.example.net --update 192.0.2.1 \\
      --key-file /etc/ctga/ct.key
  ctga dns publish --zone-suffix ct.example.net \\
      --zone-file /var/lib/ctga-zones/ct.example.net \\
      --template /etc/ctga/ct.example.net \\
      --reload 'sudo nsd-control reload ct.example.net'

Exit codes with --once: 0 if the zone has a tree head of each log; 1 if it lacks one, the server does
not take it, or a record was left alone; 2 if it is told wrongly.`,
    );
  return withLogs(withState(publish)).action(runPublish);
}

async function runPublish(options: PublishOptions): Promise<void> {
  const { PublishedHeads } = await import('../mirror/published.ts');
  const { publishedIn } = await import('../mirror/directory.ts');
  const { becomePublisher } = await import('../services/privileges.ts');
  const { PublishService } = await import('../services/publish.ts');
  const { servedZones } = await import('../services/serve.ts');
  const { UpdateTarget } = await import('../zone/updates.ts');
  const { ZoneFileTarget } = await import('../zone/zone-file.ts');
  const state = stateAt(options.stateDir);
  const { zone: pairs, zoneSuffix } = options;
  const parent = parentOf(options);
  const zones = (say: (line: string) => void): ReadonlyMap<string, Log> => {
    const known = logsInForce(state, options.logList, say);
    const logs =
      options.log.length > 0
        ? options.log.map((name) => findLog(known, name))
        : known.filter(isInService);
    const found = new Map<string, Log>();
    for (const [zone, log] of servedZones(logs, { zones: pairs, zoneSuffix })) {
      if (log === undefined) continue;
      if (!isIn(zone, parent))
        throw badInput(
          `the zone ${zone} is not in ${parent}`,
          'Name the zone that the server has with --parent.',
        );
      found.set(zone, log);
    }
    return found;
  };
  // What is wrong with one of the options is said before anything is made.
  zones(warn);
  const proofs =
    options.proofs === undefined
      ? undefined
      : { name: parseZone(options.proofs, '--proofs'), addresses: options.nsAddress };
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const now = Date.now;
  const { server, key, file } = targetOf(options);
  const target: ZoneTarget =
    file === undefined
      ? new UpdateTarget({ server, key, directory: publishedIn(state.directory), now })
      : new ZoneFileTarget({ ...file, now });
  // Once, nothing has to be taken down: a signal ends it where it is.
  const stop = options.once === true ? undefined : stopRequest();
  becomePublisher(state, options.user, options.reload !== undefined);
  // Before a log is asked for anything, and as the account that will write.
  if (target instanceof ZoneFileTarget) target.expectWritable();
  const ways = await logWays(proxy);
  const service = new PublishService({
    zones: () => zones(() => undefined),
    parent,
    proofs,
    target,
    published: new PublishedHeads(state.directory),
    fetchFor: ways.fetchFor,
    interval: options.every * 1000,
    now,
    onEvent: options.json === true ? printJsonLine : printEvent,
  });
  try {
    if (stop !== undefined) await service.run(stop);
    else if (!(await service.once())) setExitCode(ExitCode.failed);
  } finally {
    ways.close();
  }
}

function parentOf({ parent, zoneSuffix, zone }: PublishOptions): string {
  if (parent !== undefined) return parseZone(parent, '--parent');
  if (zoneSuffix !== undefined) return parseZone(zoneSuffix, '--zone-suffix');
  if (zone.length === 0)
    throw badInput(
      'it is not clear in which zone to publish',
      'Give --zone-suffix ZONE with a zone that your server has, such as ct.example.net.',
    );
  throw badInput('it is not clear which zone the server has', 'Name it with --parent ZONE.');
}

type Target =
  | { readonly server: Endpoint; readonly key: TsigKey; readonly file: undefined }
  | {
      readonly server?: undefined;
      readonly key?: undefined;
      readonly file: {
        readonly path: string;
        readonly template: string;
        readonly reload: string | undefined;
      };
    };

function targetOf({ update, keyFile, zoneFile, template, reload }: PublishOptions): Target {
  if ((update === undefined) === (zoneFile === undefined))
    throw badInput(
      update === undefined
        ? 'it is not clear where to publish'
        : '--update and --zone-file exclude each other',
      'Give either --update with --key-file, or --zone-file with --template.',
    );
  if (update !== undefined) {
    if (keyFile === undefined)
      throw badInput(
        '--update needs --key-file',
        'Make a key with tsig-keygen, give it to the server, and name its file.',
      );
    if (template !== undefined || reload !== undefined)
      throw badInput('--template and --reload are for --zone-file', 'Leave them out.');
    return { server: update, key: readKey(keyFile), file: undefined };
  }
  if (keyFile !== undefined) throw badInput('--key-file is for --update', 'Leave it out.');
  if (template === undefined || zoneFile === undefined)
    throw badInput(
      '--zone-file needs --template',
      'Write a zone file with the SOA and NS records of the zone, and name it.',
    );
  return { file: { path: zoneFile, template, reload } };
}

function readKey(file: string): TsigKey {
  const text = readBinaryFile(file).toString();
  try {
    return parseTsigKey(text);
  } catch (error) {
    throw badInput(`${file} ${messageOf(error)}`, 'Make one: tsig-keygen -a hmac-sha256 ctga');
  }
}

function printEvent(event: PublishEvent): void {
  const now = time(Date.now());
  switch (event.event) {
    case 'published':
      return print(`${now}  ${event.log}: its tree of size ${event.treeSize}`);
    case 'log-failed':
      return warn(`${event.log}: ${event.message}`);
    case 'zone-written': {
      const serial = event.serial === undefined ? '' : `, serial ${event.serial}`;
      return print(`${now}  ${event.zone}: ${plural(event.heads, 'tree head')}${serial}`);
    }
    case 'record-kept':
      return warn(`${event.name} is left as it is: ${event.why}`);
    case 'zone-failed': {
      const { message, remedy, retrySeconds } = event;
      const again = retrySeconds === undefined ? '' : ` (again in ${retrySeconds} s)`;
      return warn(`${message}${again}${remedy === undefined ? '' : `. ${remedy}`}`);
    }
  }
}
