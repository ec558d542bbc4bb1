// SPDX-License-Identifier: Apache-2.0
/** `ctga client`: a client of Certificate Transparency for one person's browser. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badInput, ExitCode } from '../base/errors.ts';
import { homeDirectory } from '../base/home.ts';
import { toJson } from '../base/json.ts';
import { bytesOf } from '../base/read-file.ts';
import { plural, time, utc } from '../base/text.ts';
import type { StatusMessage } from '../client/messages.ts';
import type { Endpoint } from '../dns/server.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { isInService, type Log } from '../logs/log.ts';
import { parseZone, zonesOf, type ZoneOptions } from '../logs/zones.ts';
import type { ClientEvent, ClientOptions } from '../services/client.ts';
import { StoreError } from '../disk/error.ts';
import { ownDirectory, stateAt, type State } from '../store/state.ts';
import { checkCommand } from './next.ts';
import {
  endpoint,
  memberUrl,
  repeated,
  seconds,
  withLogs,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { print, printHanging, printJson, printJsonLine, printTable, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface RunOptions extends StateOption, LogOptions {
  readonly resolver?: Endpoint;
  readonly interval: number;
  readonly maxDelay: number;
  readonly pool: readonly string[];
  readonly pollinateVisited?: boolean;
  readonly federation?: string;
  readonly federationRoster?: string;
  readonly proxy?: string;
}

const HOUR = 3600;
const DAY = 86_400;

export function clientCommand(): Command {
  return new Command('client')
    .description(
      'a client for one person: tree heads and the inclusion of what the browser was shown, checked over plaintext DNS; needs no root',
    )
    .addCommand(runCommand())
    .addCommand(statusCommand())
    .addCommand(installCommand())
    .addCommand(hostCommand());
}

function withOwnState(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    "the client's state directory (default: ~/.local/state/ctga, or ctga in XDG_STATE_HOME)",
  );
}

function runCommand(): Command {
  const run = new Command('run')
    .description(
      'fetch the tree heads of all logs that have a DNS zone, and verify where the SCTs are that the browser brings',
    )
    .option('--json', 'print JSON for scripts')
    .option(
      '--resolver <address>',
      'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT (default: those of /etc/resolv.conf, whatever they are at the time)',
      endpoint,
    )
    .option(
      '--interval <seconds>',
      'the least time between two questions for the tree head of a log; less than an hour, which is for a lab, lets a log tell clients apart',
      duration,
      HOUR,
    )
    .option(
      '--max-delay <seconds>',
      'ask for the proof of an SCT at some time within so long after it was seen; what is short tells when a site was visited',
      duration,
      DAY,
    )
    .addOption(
      repeated(
        '--pool <url>',
        'exchange tree heads with this pool (ctga pool serve, for one); may be repeated',
        pool,
      ),
    )
    .option(
      '--pollinate-visited',
      'also exchange tree heads with the sites that were visited, once a day, where they do that',
    )
    .addOption(
      new Option(
        '--federation <url>',
        'take what a federation states from this member of it, and check it by --federation-roster',
      ).argParser(memberUrl),
    )
    .option('--federation-roster <file>', 'the roster of the federation, of whatever epoch')
    .addOption(
      new Option(
        '--proxy <url>',
        'exchange tree heads, and ask the federation, through this SOCKS5 proxy instead of directly',
      ),
    )
    .addHelpText(
      'after',
      `
It asks the resolver of this machine in plaintext, so that whoever aggregates tree heads on the way sees them
(sudo ctga attach on the gateway), and a log learns of a resolver and not of you. Each log is asked for its tree
head once in one to two hours, at times that chance draws, whatever you visit. To try it with logs of yours:
  ctga dns serve --zone-suffix ct.example.net --listen 127.0.0.1:5300
  ctga client run --zone-suffix ct.example.net --resolver 127.0.0.1:5300
A browser brings what it was shown once this has told Firefox of the client:
  ctga client install

It ends at Ctrl-C. Exit codes: 3 if a log contradicted itself, now or earlier: the evidence is in the state directory.`,
    );
  return withLogs(withOwnState(run)).action(runRun);
}

function statusCommand(): Command {
  const status = new Command('status')
    .description('what the client knows: logs, SCTs, findings')
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
Exit codes: 0 if nothing is wrong; 1 if an SCT could not be proven although its log's delay is over, which accuses
nobody; 3 if a log signed trees that contradict each other.`,
    );
  return withLogs(withOwnState(status)).action(runStatus);
}

function installCommand(): Command {
  return withOwnState(
    new Command('install').description(
      'tell Firefox, for this account, how to reach the client: writes a manifest and a script',
    ),
  )
    .option('--json', 'print JSON for scripts')
    .action(runInstall);
}

function hostCommand(): Command {
  return withOwnState(
    new Command('host').description(
      "what Firefox starts: passes the extension's messages on to the client (native messaging on stdin and stdout)",
    ),
  ).action(runHost);
}

/** Its own, even where the machine has a store: it needs no right of anybody else's. */
function stateOf({ stateDir }: StateOption): State {
  return stateAt(stateDir ?? ownDirectory());
}

/** The logs whose SCTs are looked at, and the zone of each that is asked. */
async function logsAndZones(
  options: StateOption & LogOptions,
): Promise<{ logs: Log[]; zones: Map<Log, string> }> {
  const { logsInForce } = await import('../services/log-lists.ts');
  const logs = logsInForce(stateOf(options), options.logList, warn);
  return { logs, zones: zoneOfEach(logs, { zones: options.zone, zoneSuffix: options.zoneSuffix }) };
}

/**
 * Of the zones of a log the one that was said last counts. A log that has ended is asked only
 * where somebody says its zone.
 */
function zoneOfEach(logs: readonly Log[], { zones, zoneSuffix }: ZoneOptions): Map<Log, string> {
  const all = zonesOf(logs, { zones, zoneSuffix });
  const named = new Set(
    zones.map((pair) => parseZone(pair.replace(/=.*$/, '').replace(/^sth\./i, ''), '--zone')),
  );
  const found = new Map<Log, string>();
  for (const [zone, log] of all) if (isInService(log) || named.has(zone)) found.set(log, zone);
  return found;
}

async function runRun(options: RunOptions): Promise<void> {
  const state = stateOf(options);
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const [{ runClient }, { openIdentity }, { directWay }, { nameservers, RESOLV_CONF }] =
    await Promise.all([
      import('../services/client.ts'),
      import('../http/proxy.ts'),
      import('../http/request.ts'),
      import('../dns/resolv-conf.ts'),
    ]);
  const federation = await federationOf(options);
  const { logs, zones } = await logsAndZones(options);
  if (zones.size === 0)
    warn(
      'no log is known to have a DNS zone, so no tree head can be fetched: name zones with --zone or --zone-suffix',
    );
  const { resolver, interval, maxDelay, pool: pools, pollinateVisited = false } = options;
  const resolvers = (): Endpoint[] => {
    if (resolver !== undefined) return [resolver];
    try {
      return nameservers(bytesOf(RESOLV_CONF).toString());
    } catch {
      return [];
    }
  };
  const { isForkProven } = await runClient(
    {
      state,
      logs,
      zones,
      resolvers,
      interval: interval * 1000,
      maxDelay: maxDelay * 1000,
      pools,
      pollinateVisited,
      federation,
      openWay: (to) => {
        const http = { allowPrivateAddress: to !== 'site', anyCertificate: to === 'federation' };
        return proxy === undefined ? directWay(http) : openIdentity(proxy, http);
      },
      onEvent: options.json === true ? printJsonLine : (event) => printEvent(event, pools),
    },
    stopRequest(),
  );
  if (isForkProven) setExitCode(ExitCode.forkProven);
}

/**
 * Names no site that was visited: what a service prints stays in the system's journal, whatever the
 * browser says is to be forgotten. `ctga client status` names them.
 */
export function printEvent(event: ClientEvent, pools: readonly string[]): void {
  const now = time(Date.now());
  switch (event.event) {
    case 'listening':
      return print(
        `The client asks for the tree heads of ${plural(event.zones, 'log')}, and listens at ${event.socket} (Ctrl-C ends it).`,
      );
    case 'head':
      return print(`${now}  ${event.log}: a tree of size ${event.treeSize}, signed`);
    case 'no-head':
      return print(`${now}  ${event.log}: no tree head: ${event.message}`);
    case 'unproven':
      return print(`${now}  ${event.log}: ${event.message}`);
    case 'fork-proven':
      warn(`SPLIT VIEW PROVEN: ${event.what}`);
      return print(`  Check the evidence with: ${checkCommand(event.evidence)}`);
    case 'sct':
      // What is loud is a warning; it accuses nobody.
      return (event.state === 'included' ? print : warn)(
        `An SCT of ${event.log} is ${event.state}. ${event.why}${event.state === 'included' ? '' : ' Which site showed it, ctga client status says.'}`,
      );
    case 'pollinated':
      return print(
        `${now}  ${pools.includes(event.url) ? event.url : 'a site that was visited'}: gave ${plural(event.given, 'tree head')}, took ${plural(event.taken, 'new one')}`,
      );
    case 'federation':
      return print(
        `${now}  ${event.url}: ${plural(event.statements, 'statement')} of the federation${event.stated_at === undefined ? '' : `, the last of ${time(Date.parse(event.stated_at))}`}; took ${plural(event.taken, 'new tree head')}`,
      );
    case 'failed':
      return warn(event.message);
  }
}

/** The member to be asked, and the roster that is trusted; neither, or both. */
async function federationOf({
  federation: url,
  federationRoster: file,
}: RunOptions): Promise<ClientOptions['federation']> {
  if (url === undefined && file === undefined) return undefined;
  if (url === undefined || file === undefined)
    throw badInput('--federation and --federation-roster go together', 'Name both, or neither.');
  const [{ readTextFile }, { parseSignedRoster }] = await Promise.all([
    import('../base/documents.ts'),
    import('../federation/roster.ts'),
  ]);
  return { url, roster: parseSignedRoster(readTextFile(file), file) };
}

async function runStatus(options: StateOption & LogOptions): Promise<void> {
  const [{ askDaemon }, { clientIn, socketIn }, { ClientStore }, { statusOf }] = await Promise.all([
    import('../client/ask-daemon.ts'),
    import('../client/place.ts'),
    import('../client/store.ts'),
    import('../client/status.ts'),
  ]);
  const directory = clientIn(stateOf(options).directory);
  const told = (await askDaemon(socketIn(directory))) as ReadStatus | undefined;
  let status = told;
  if (status === undefined) {
    const { logs, zones } = await logsAndZones(options);
    const kept = ClientStore.openForReading(directory);
    if (kept === undefined && options.stateDir !== undefined)
      throw new StoreError('store-failed', `there is no client in ${options.stateDir}`, {
        remedy: 'Name its directory with --state-dir, or start it with: ctga client run',
      });
    const store = kept ?? ClientStore.inMemory();
    try {
      // As it comes from the daemon.
      status = JSON.parse(toJson(statusOf(store, logs, zones))) as ReadStatus;
    } finally {
      store.close();
    }
  }
  if (options.json === true) printJson({ running: told !== undefined, ...status });
  else printStatus(status, told !== undefined);
  setExitCode(exitCodeOf(status));
}

/** A status as JSON has it. */
type ReadStatus = {
  readonly [Key in keyof StatusMessage]: StatusMessage[Key] extends readonly (infer Each)[]
    ? readonly { readonly [Field in keyof Each]: AsRead<Each[Field]> }[]
    : StatusMessage[Key];
};
type AsRead<Value> = Exclude<Value, bigint> | (bigint extends Value ? number : never);

function exitCodeOf({ findings, scts }: ReadStatus): ExitCode {
  if (findings.length > 0) return ExitCode.forkProven;
  return scts.some(({ state }) => state === 'unprovable' || state === 'contradicted')
    ? ExitCode.failed
    : ExitCode.ok;
}

function printStatus(status: ReadStatus, isRunning: boolean): void {
  const { logs, scts, more, discarded, findings, feedback, federations } = status;
  print(isRunning ? 'The client runs.' : 'The client does not run: start it with ctga client run');
  for (const { what, evidence } of findings) {
    print(`SPLIT VIEW PROVEN: ${what}`);
    print(`  Check the evidence with: ${checkCommand(evidence)}`);
  }
  const asked = logs.filter(({ state }) => state !== 'no-zone');
  print();
  if (asked.length > 0)
    printTable(
      ['LOG', 'STATE', { title: 'TREE', is: 'number' }, { title: 'SIGNED (UTC)', is: 'extra' }],
      asked.map(({ name, state, size, time: signed, why }) => ({
        cells: [name, state, size?.toString() ?? '', signed === undefined ? '' : utc(signed)],
        notes: state === 'consistent' && why.startsWith('All ') ? [] : [why],
      })),
    );
  for (const { name, url, taken, epoch, statements, stated, why } of federations) {
    if (taken !== undefined)
      printHanging(
        `The federation ${name}, epoch ${epoch ?? 0}: ${plural(statements, 'statement')}${stated === undefined ? '' : `, the last of ${time(stated)}`}; from ${url}, at ${time(taken)}.`,
      );
    if (why !== '') printHanging(`The federation ${name}: ${why}`);
  }
  const without = logs.length - asked.length;
  if (without > 0) print(`${plural(without, 'log')} without a DNS zone that is known.`);
  print();
  print(scts.length === 0 ? 'No SCT was brought by a browser.' : 'SCTs that a browser brought:');
  if (scts.length > 0)
    printTable(
      ['SITE', 'LOG', 'STATE'],
      scts.map(({ origin, log, state, why }) => ({
        cells: [origin, log, state],
        notes: state === 'included' ? [] : [why],
      })),
    );
  if (more > 0) print(`and ${more} more.`);
  for (const [reason, count] of Object.entries(discarded))
    print(`${plural(count, 'SCT')} not kept: ${reason}.`);
  for (const { origin, outcome, status: http } of feedback)
    printHanging(`${origin}: feedback ${outcome}${http === undefined ? '' : ` (HTTP ${http})`}`);
}

async function runInstall(options: StateOption): Promise<void> {
  const [{ installHost }, { clientIn }] = await Promise.all([
    import('../client/install.ts'),
    import('../client/place.ts'),
  ]);
  const { directory } = stateOf(options);
  const installed = installHost(homeDirectory(), clientIn(directory), directory);
  if (options.json === true) return printJson(installed);
  print(`Firefox finds the client by ${installed.manifest},`);
  print(`which has it start ${installed.script}.`);
  print('To undo it, remove both. Now start the client: ctga client run');
}

async function runHost(options: StateOption): Promise<void> {
  const [{ relay }, { clientIn, socketIn }] = await Promise.all([
    import('../client/host.ts'),
    import('../client/place.ts'),
  ]);
  await relay({
    socket: socketIn(clientIn(stateOf(options).directory)),
    input: createReadStream('', { fd: 0 }),
    output: createWriteStream('', { fd: 1 }),
    remedy: 'Start it: ctga client run',
  });
}

function duration(text: string): number {
  const value = seconds(text);
  if (value >= 0.1) return value;
  throw new InvalidArgumentError('want a tenth of a second or more.');
}

function pool(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href;
  throw new InvalidArgumentError('want the URL of a pool, such as https://pool.example.net.');
}
