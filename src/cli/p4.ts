// SPDX-License-Identifier: Apache-2.0
/** `ctga p4`: the data plane in P4, for bmv2's simple_switch. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openAttached } from '../dataplane/xdp.ts';
import { formatName } from '../dns/name.ts';
import { headNameOf } from '../sources/registry.ts';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { exclusively } from '../base/exclusive.ts';
import { plural } from '../base/text.ts';
import {
  builtWith,
  checkSume,
  compile,
  hashOfSources,
  keepCompiled,
  PROGRAM,
} from '../p4/compile.ts';
import {
  deploy,
  MAX_PORT,
  namesThatFit,
  withSwitch,
  type Deployed,
  type SwitchSetUp,
} from '../p4/deploy.ts';
import { listens } from '../p4/loopback.ts';
import {
  MAX_P4_NAME,
  nameOfPlace,
  type SimpleSwitch,
  type SwitchPlace,
} from '../p4/simple-switch.ts';
import {
  cpuInterfaceOf,
  endSwitch,
  parseP4RuntimePlace,
  parseSwitchPlace,
  startSwitch,
  type Ended,
} from '../p4/switch-process.ts';
import {
  compilePsa,
  keepPsa,
  PSA_COMPILER,
  PSA_FORMS,
  psaBuiltWith,
  psaProgram,
  writePsaProject,
} from '../p4/psa.ts';
import { SUME_NAMES, writeSumeProject } from '../p4/sume.ts';
import { keepZones } from '../p4/switch-zones.ts';
import { TRAFFIC_NAMES } from '../traffic/traffic.ts';
import { zonesOf } from '../logs/zones.ts';
import { logsInForce } from '../services/log-lists.ts';
import { stateAt } from '../store/state.ts';
import {
  ports,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { print, printJson, printTable, warn } from './output.ts';

interface SwitchOption {
  readonly thrift: SwitchPlace;
  readonly p4runtime?: SwitchPlace;
}

interface DeployOptions extends StateOption, LogOptions, SwitchOption {
  readonly route?: readonly (readonly [number, number])[];
  readonly interface?: readonly string[];
  readonly cpuPort?: string;
  readonly port?: readonly number[];
  readonly everyNth: number;
  readonly threshold: number;
}

/** simple_switch's own. */
const THRIFT_PORT = 9090;

export function p4Command(): Command {
  const compileCommand = new Command('compile')
    .description('compile the program with p4c; for NetFPGA SUME, lay out a project of P4->NetFPGA')
    .addOption(
      new Option('--target <target>', 'bmv2, psa: in the place of the program that comes with ctga')
        .choices(['bmv2', 'psa', 'sume'])
        .default('bmv2'),
    )
    .option(
      '--output <dir>',
      'sume: where the project goes (ctga-sume); psa: compile nothing, lay out there what runs it',
    )
    .addHelpText(
      'after',
      `
For sume, the tables are filled with the names of your logs: any of up to ${MAX_P4_NAME} bytes, about ${SUME_NAMES - TRAFFIC_NAMES.length} beside those of the
test vectors. Move the project over a new one that P4->NetFPGA's make_new_p4_proj.py made with the name ctga; building it
takes SDNet and a board.`,
    )
    .action(runCompile);
  const deployCommand = new Command('deploy')
    .description('load the program into simple_switch, and set it up; again applies what changed')
    .addOption(new Option('--target <target>', 'which switch').choices(['bmv2']).default('bmv2'))
    .addOption(thriftOption())
    .addOption(p4runtimeOption())
    .option(
      '--interface <name>',
      'start simple_switch with these as its ports 0, 1, ... (default: one that runs); needs root',
      (name: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), name],
    )
    .addOption(
      new Option(
        '--route <from=to>',
        'frames that come in at one port leave at the other; may be repeated (default: those that it has, else 0=1 and 1=0)',
      ).argParser((text: string, earlier: readonly (readonly [number, number])[] | undefined) => [
        ...(earlier ?? []),
        route(text),
      ]),
    )
    .option(
      '--cpu-port <interface>',
      'of a switch that runs: its interface where copies leave, which no route uses; by P4Runtime, its number (default: the one that it was set up with)',
    )
    .option('--port <number>', 'UDP source port of answers, may be repeated (default: 53)', ports)
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
Between two interfaces, in a switch that is started for it and runs on in the background:
  sudo ctga p4 deploy --interface eth0 --interface eth1
Or in one that runs already, with this program or with swapping allowed:
  simple_switch -i 0@eth0 -i 1@eth1 -i 2@copies ${PROGRAM}
  ctga p4 deploy --cpu-port copies
Then:
  sudo ctga attach bmv2:9090
Or in simple_switch_grpc, which may have been started with --no-p4:
  ctga p4 deploy --p4runtime 127.0.0.1:9559 --cpu-port 2
  sudo ctga attach p4runtime:127.0.0.1:9559 --cpu-interface copies-end

simple_switch takes orders from whoever reaches its Thrift or P4Runtime port. One that is started here is reached from this
machine alone; keep the ports of another behind a firewall.
A copy has 12 bytes before the frame: ingress port (2), 1 answer or 2 fragment (1), version (1), original length (2),
microseconds (6).`,
    )
    .action(runDeploy);
  const status = new Command('status')
    .description('what the program in a switch has counted')
    .addOption(thriftOption())
    .addOption(p4runtimeOption())
    .option('--json', 'print JSON for scripts')
    .action(runStatus);
  const undeploy = new Command('undeploy')
    .description(
      'copy nothing any more; a switch that deploy started is ended, any other forwards as before',
    )
    .addOption(thriftOption())
    .addOption(p4runtimeOption())
    .action(runUndeploy);
  return new Command('p4')
    .description('the data plane in P4, for bmv2 and NetFPGA SUME')
    .addCommand(withLogs(withState(compileCommand)))
    .addCommand(withLogs(withState(deployCommand)))
    .addCommand(status)
    .addCommand(withState(undeploy));
}

interface CompileOptions extends StateOption, LogOptions {
  readonly target: 'bmv2' | 'psa' | 'sume';
  readonly output?: string;
}

function runCompile(options: CompileOptions): void {
  const { json, target } = options;
  if (target === 'sume') return compileForSume(options);
  if (target === 'psa') return compileForPsa(options);
  const compiled = compile();
  keepCompiled(compiled);
  if (json === true) return printJson({ program: PROGRAM, ...compiled.build });
  print(`Compiled with p4c ${compiled.build.p4c} into ${PROGRAM}.`);
}

function compileForPsa(options: CompileOptions): void {
  const { json, output } = options;
  if (output !== undefined) {
    const names = namesInForce(options);
    return sayProject(options, resolve(output), names.length, writePsaProject(output, names));
  }
  for (const form of PSA_FORMS) keepPsa(form, compilePsa(form));
  const programs = PSA_FORMS.map(psaProgram);
  const build = psaBuiltWith('tc');
  if (json === true) return printJson({ programs, ...build });
  print(`Compiled with ${PSA_COMPILER} ${build.p4c} into ${programs.join(' and ')}.`);
}

function compileForSume(options: CompileOptions): void {
  const names = namesInForce(options);
  const checked = checkSume();
  if (!checked) warn("the types are not checked: p4c's p4test is not on PATH");
  const output = options.output ?? 'ctga-sume';
  const left = writeSumeProject(output, names);
  sayProject(options, resolve(output), names.length, left, { checked });
}

function sayProject(
  { json }: CompileOptions,
  project: string,
  all: number,
  left: readonly Uint8Array[],
  more: object = {},
): void {
  const names = all - left.length;
  if (json === true) return printJson({ project, ...more, names, left: left.length });
  if (left.length > 0)
    warn(
      `left out: ${plural(left.length, 'name')}, longer than ${MAX_P4_NAME} bytes or more than the tables hold`,
    );
  print(`The project is in ${project}, with ${plural(names, 'known name')}.`);
}

function namesInForce(options: StateOption & LogOptions): Uint8Array[] {
  const zones = zonesOf(logsInForce(stateAt(options.stateDir), options.logList, warn), {
    zones: options.zone,
    zoneSuffix: options.zoneSuffix,
  });
  return Array.from(zones, ([zone, log]) => headNameOf(zone, log));
}

async function runDeploy(options: DeployOptions): Promise<void> {
  refuseUnfit(options);
  if (builtWith().sources !== hashOfSources())
    warn('the compiled program is older than its sources: ctga p4 compile makes it anew');
  const all = namesInForce(options);
  const names = namesThatFit(all);
  if (names.length < all.length)
    warn(`left out: ${plural(all.length - names.length, 'name')} longer than ${MAX_P4_NAME} bytes`);
  const { everyNth, threshold, port: answerPorts = [53] } = options;
  const routes = options.route && new Map(options.route);
  const setUp = { everyNth, threshold, answerPorts, names, routes };
  const place = placeOf(options);
  const {
    loaded,
    cpuPort,
    routes: taken,
    names: change,
  } = await aloneAt(place, async () => {
    const deployed = await deployInto(place, options, setUp);
    keepZonesOf(place, options);
    return deployed;
  });
  const [added, removed] = [change.added.map(formatName), change.removed.map(formatName)];
  if (options.json === true)
    return printJson({ loaded, names: names.length, added, removed, routes: [...taken], cpuPort });
  print(
    `${loaded ? 'Loaded the program.' : 'The program was there already.'} It looks for ${plural(names.length, 'name')}; copies leave at port ${cpuPort}.`,
  );
  if (removed.length > 0)
    print(`It looks no longer for ${plural(removed.length, 'name')}: ${removed.join(', ')}.`);
}

/** Throws CtgaError `bad-input` for options that do not go together. */
function refuseUnfit({
  interface: interfaces,
  cpuPort,
  p4runtime,
  route: routes = [],
}: DeployOptions): void {
  const twice = routes.find(([from], i) => routes.findIndex(([other]) => other === from) !== i);
  if (twice !== undefined)
    throw badInput(
      `two routes for what comes in at port ${twice[0]}`,
      'A frame leaves at one port: give one --route for each.',
    );
  if (interfaces === undefined) return;
  if (interfaces.length < 2)
    throw badInput(
      'one interface: frames would have nowhere to go',
      'Name two or more with --interface.',
    );
  const repeated = interfaces.find((name, i) => interfaces.indexOf(name) !== i);
  if (repeated !== undefined)
    throw badInput(
      `${repeated} is named twice: its frames would come back to it`,
      'Name two or more with --interface.',
    );
  if (p4runtime !== undefined)
    throw badInput(
      'a switch that ctga starts has no P4Runtime server',
      'Leave out --interface or --p4runtime.',
    );
  if (cpuPort !== undefined)
    throw badInput(
      'a switch that ctga starts has a port of its own for copies',
      'Leave out --interface or --cpu-port.',
    );
}

/** Sets up the switch that runs, or one that is started for it, and ended if that fails. */
async function deployInto(
  place: SwitchPlace,
  { interface: interfaces, cpuPort, stateDir }: DeployOptions,
  setUp: Omit<SwitchSetUp, 'cpuInterface'>,
): Promise<Deployed> {
  if (interfaces === undefined) return deploy(place, { ...setUp, cpuInterface: cpuPort });
  const { directory } = stateAt(stateDir);
  const { copies, isNew } = await startSwitch(interfaces, place, directory);
  try {
    return await deploy(place, { ...setUp, cpuInterface: copies });
  } catch (error) {
    if (isNew) await endSwitch(place, directory);
    throw error;
  }
}

/** Two at once would each undo what the other one does. */
function aloneAt<T>(place: SwitchPlace, work: () => Promise<T>): Promise<T> {
  const busy = new CtgaError('busy', 'another ctga is setting this switch up', {
    remedy: 'Wait until it has ended, and try again.',
  });
  return exclusively(`ctga-switch-${nameOfPlace(place)}`, busy, work);
}

/** For `ctga attach`. A deployment is one without them too. */
function keepZonesOf(place: SwitchPlace, { stateDir, zone, zoneSuffix }: DeployOptions): void {
  try {
    keepZones(stateAt(stateDir).directory, place, { zones: zone, zoneSuffix });
  } catch (error) {
    warn(
      `the zones of the switch are not kept for "ctga attach", which must be given them: ${messageOf(error)}`,
    );
  }
}

const UNDEPLOYED = {
  ended: 'The switch has ended, and with it the way between its interfaces.',
  'had ended': 'The switch had ended by itself; what it left is removed.',
  'not ours': 'It copies nothing any more, and forwards as before.',
} as const;

async function runUndeploy(options: SwitchOption & StateOption): Promise<void> {
  const place = placeOf(options);
  const done = await aloneAt(place, async (): Promise<Ended> => {
    if (place.device === undefined) {
      const what = await endSwitch(place, stateAt(options.stateDir).directory);
      // Another one may have come in the place of one that had ended.
      if (what === 'ended' || (what === 'had ended' && listens(place.port) === 'nowhere'))
        return what;
    }
    await withSwitch(place, (plane) => plane.stopCopying());
    return 'not ours';
  });
  if (options.json === true) return printJson({ ended: done !== 'not ours' });
  print(UNDEPLOYED[done]);
}

async function runStatus(options: SwitchOption & { json?: boolean }): Promise<void> {
  const { counters, known, arrived } = await withSwitch(placeOf(options), async (plane) => ({
    counters: await plane.counters(),
    known: await plane.knownNames(),
    arrived: await arrivedOf(plane),
  }));
  const names = known.map(({ name, answers }) => ({ name: formatName(name), answers }));
  if (options.json === true) return printJson({ names, counters, arrived: arrived ?? null });
  printTable(
    ['COUNTER', { title: 'PACKETS', is: 'number' }],
    Object.entries(counters).map(([name, count]) => ({ cells: [name, `${count}`] })),
  );
  print(`It looks for ${plural(names.length, 'name')}.`);
  for (const { name, answers } of names)
    if (answers > 0n) print(`  ${name}: ${plural(Number(answers), 'answer')}`);
  if (arrived !== undefined)
    print(`Of the copies, ${arrived} arrived at the program that reads them.`);
}

/**
 * Copies that the program at the CPU port has counted; undefined where ctga is not attached there,
 * or must not look.
 */
async function arrivedOf(plane: SimpleSwitch): Promise<bigint | undefined> {
  try {
    return openAttached(await cpuInterfaceOf(plane))?.counters.packets;
  } catch (error) {
    if (error instanceof CtgaError) return undefined;
    throw error;
  }
}

function placeOf({ thrift, p4runtime }: SwitchOption): SwitchPlace {
  return p4runtime ?? thrift;
}

function p4runtimeOption(): Option {
  return new Option(
    '--p4runtime <host:port[/device]>',
    "the switch's P4Runtime server, in place of --thrift; the device is 0 unless given",
  ).argParser((text: string) => {
    const place = parseP4RuntimePlace(text);
    if (place === undefined) throw new InvalidArgumentError('want HOST:PORT or HOST:PORT/DEVICE.');
    return place;
  });
}

function thriftOption(): Option {
  return new Option('--thrift <host:port>', "the switch's Thrift server")
    .argParser(thriftAddress)
    .default({ host: '127.0.0.1', port: THRIFT_PORT }, `127.0.0.1:${THRIFT_PORT}`);
}

function thriftAddress(text: string): SwitchPlace {
  const place = parseSwitchPlace(text);
  if (place === undefined) throw new InvalidArgumentError('want HOST:PORT.');
  return place;
}

function route(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{1,3})=(\d{1,3})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Math.max(Number(from), Number(to)) > MAX_PORT)
    throw new InvalidArgumentError(`want PORT=PORT, from 0 to ${MAX_PORT}.`);
  return [Number(from), Number(to)];
}
