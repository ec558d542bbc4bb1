/** `ctga p4`: the data plane in P4, for bmv2's simple_switch. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { encodeName } from '../dns/name.ts';
import { CtgaError } from '../errors.ts';
import { builtWith, compile, hashOfSources, keepCompiled, PROGRAM } from '../p4/compile.ts';
import { MAX_P4_NAME, SimpleSwitch } from '../p4/simple-switch.ts';
import { ThriftRefusal } from '../p4/thrift-call.ts';
import { zonesOf } from '../logs/zones.ts';
import { stateAt } from '../store/state.ts';
import { suffix } from './logs.ts';
import {
  logsInForce,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { plural, print, printJson, printTable, warn } from './output.ts';

interface SwitchOption {
  readonly thrift: { readonly host: string; readonly port: number };
}

interface DeployOptions extends StateOption, LogOptions, SwitchOption {
  readonly route?: readonly (readonly [number, number])[];
  readonly cpuPort: number;
  readonly everyNth: number;
  readonly threshold: number;
}

/** A burst of so many packets must not be cut because copies wait as well. */
const QUEUE_DEPTH = 16_384;
/** simple_switch's own. */
const THRIFT_PORT = 9090;

export function p4Command(): Command {
  const compileCommand = new Command('compile')
    .description('compile the program with p4c, in the place of the one that comes with ctga')
    .option('--json', 'print JSON for scripts')
    .action(runCompile);
  const deploy = new Command('deploy')
    .description('load the program into a running simple_switch, and set it up; again applies what changed')
    .addOption(thriftOption())
    .addOption(
      new Option(
        '--route <from=to>',
        'frames that come in at one port leave at the other; may be repeated (default: 0=1 and 1=0)',
      ).argParser((text: string, earlier: readonly (readonly [number, number])[] | undefined) => [
        ...(earlier ?? []),
        route(text),
      ]),
    )
    .option('--cpu-port <port>', 'where copies leave', wholeNumber(0, 510), 2)
    .option('--every-nth <n>', 'copy one match of so many', wholeNumber(1, 0xffff_ffff), 1)
    .option(
      '--threshold <bytes>',
      'largest IP length of a fragment that is copied',
      wholeNumber(1, 2048),
      400,
    )
    .addHelpText(
      'after',
      `
Start the switch first, with this program or with swapping allowed:
  simple_switch -i 0@eth0 -i 1@eth1 -i 2@copies ${PROGRAM}
A copy has 12 bytes before the frame: ingress port (2), 1 answer or 2 fragment (1), version (1), original length (2),
microseconds (6).`,
    )
    .action(runDeploy);
  const status = new Command('status')
    .description('what the program in a switch has counted')
    .addOption(thriftOption())
    .option('--json', 'print JSON for scripts')
    .action(runStatus);
  const undeploy = new Command('undeploy')
    .description('copy nothing any more; packets are forwarded as before')
    .addOption(thriftOption())
    .action(async (options: SwitchOption) => {
      await withSwitch(options, (plane) => plane.stopCopying());
      print('It copies nothing any more, and forwards as before.');
    });
  return new Command('p4')
    .description('the data plane in P4, for bmv2')
    .addCommand(compileCommand)
    .addCommand(withLogs(withState(deploy)))
    .addCommand(status)
    .addCommand(undeploy);
}

function runCompile({ json }: { json?: boolean }): void {
  const compiled = compile();
  keepCompiled(compiled);
  if (json === true) return printJson({ program: PROGRAM, ...compiled.build });
  print(`Compiled with p4c ${compiled.build.p4c} into ${PROGRAM}.`);
}

/** As a wire would: what comes in on one side leaves on the other. */
const WIRE = [
  [0, 1],
  [1, 0],
] as const;

async function runDeploy(options: DeployOptions): Promise<void> {
  const routes = options.route ?? WIRE;
  if (builtWith().sources !== hashOfSources())
    warn('the compiled program is older than its sources: ctga p4 compile makes it anew');
  const zones = zonesOf(logsInForce(stateAt(options.stateDir), options), {
    zones: options.zone,
    ...suffix(options),
  });
  const all = [...zones.keys()].map((zone) => encodeName(`sth.${zone}`));
  const names = all.filter(({ length }) => length <= MAX_P4_NAME);
  if (names.length < all.length)
    warn(`left out: ${plural(all.length - names.length, 'name')} longer than ${MAX_P4_NAME} bytes`);
  const loaded = await withSwitch(options, async (plane) => {
    const fresh = await load(plane);
    await plane.setCpuPort(options.cpuPort);
    await plane.setQueueDepth(QUEUE_DEPTH);
    const key = randomBytes(8).readBigUInt64BE();
    await plane.setSampling(options.everyNth, options.threshold, key);
    await plane.setKnownNames(names);
    await plane.setRoutes(new Map(routes));
    return fresh;
  });
  if (options.json === true) return printJson({ loaded, names: names.length, routes });
  print(
    `${loaded ? 'Loaded the program.' : 'The program was there already.'} It looks for ${plural(names.length, 'name')}; copies leave at port ${options.cpuPort}.`,
  );
}

async function load(plane: SimpleSwitch): Promise<boolean> {
  try {
    return await plane.load(readFileSync(PROGRAM, 'utf8'));
  } catch (error) {
    if (!(error instanceof ThriftRefusal)) throw error;
    throw new CtgaError('busy', 'the switch runs another program and takes no new one', {
      remedy: `Start it with ${PROGRAM}, or with "-- --enable-swap" at the end of its command line.`,
    });
  }
}

async function runStatus(options: SwitchOption & { json?: boolean }): Promise<void> {
  const { counters, names } = await withSwitch(options, async (plane) => ({
    counters: await plane.counters(),
    names: await plane.knownNameCount(),
  }));
  if (options.json === true) return printJson({ names, counters });
  printTable(
    ['COUNTER', 'PACKETS'],
    Object.entries(counters).map(([name, count]) => [name, `${count}`]),
  );
  print(`It looks for ${plural(names, 'name')}.`);
}

async function withSwitch<T>(
  { thrift }: SwitchOption,
  work: (plane: SimpleSwitch) => Promise<T>,
): Promise<T> {
  const plane = await SimpleSwitch.connect(thrift.host, thrift.port);
  try {
    return await work(plane);
  } catch (error) {
    if (!(error instanceof ThriftRefusal)) throw error;
    throw new CtgaError(
      'not-attached',
      `the switch at ${thrift.host}:${thrift.port} does not run ctga's program: ${error.message}`,
      {
        remedy: 'Load it with: ctga p4 deploy',
      },
    );
  } finally {
    plane.close();
  }
}

function thriftOption(): Option {
  return new Option('--thrift <host:port>', "the switch's Thrift server")
    .argParser(thriftAddress)
    .default({ host: '127.0.0.1', port: THRIFT_PORT }, `127.0.0.1:${THRIFT_PORT}`);
}

function thriftAddress(text: string): SwitchOption['thrift'] {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535 || Number(port) < 1)
    throw new InvalidArgumentError('want HOST:PORT.');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function route(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{1,3})=(\d{1,3})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Number(from) > 510 || Number(to) > 510)
    throw new InvalidArgumentError('want PORT=PORT, from 0 to 510.');
  return [Number(from), Number(to)];
}
