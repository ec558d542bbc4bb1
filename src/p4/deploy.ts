// SPDX-License-Identifier: Apache-2.0
/** Setting a switch up with ctga's program, and talking to one that runs it. */
import { badInput, CtgaError } from '../base/errors.ts';
import { PROGRAM, readProgram } from './compile.ts';
import { SwitchRefusal } from './refusal.ts';
import {
  MAX_ANSWER_PORTS,
  MAX_P4_NAME,
  MAX_P4_NAMES,
  SimpleSwitch,
  type NameChange,
  type SwitchPlace,
} from './simple-switch.ts';

/** Ports are numbers of 9 bits, and what is sent to the last one is dropped. */
export const MAX_PORT = 510;
/** A burst of so many packets must not be cut because copies wait as well. */
const QUEUE_DEPTH = 16_384;

export interface SwitchSetUp {
  /**
   * The switch's name of the interface where copies leave, or its port where the switch does not
   * say names (P4Runtime); undefined to leave it as it was set up.
   */
  readonly cpuInterface: string | undefined;
  readonly everyNth: number;
  /** The largest IP length of a fragment that is copied. */
  readonly threshold: number;
  /** UDP source ports of answers. */
  readonly answerPorts: readonly number[];
  /** In wire format and lower case. */
  readonly names: readonly Uint8Array[];
  /**
   * From the port where frames come in to the one where they leave; undefined to leave them as they
   * were set up, and a switch that has none becomes a wire between its ports 0 and 1.
   */
  readonly routes: ReadonlyMap<number, number> | undefined;
}

const WIRE: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 0],
]);

export interface Deployed {
  /** Whether the program was loaded; it may have been there. */
  readonly loaded: boolean;
  /** Where copies leave. */
  readonly cpuPort: number;
  readonly routes: ReadonlyMap<number, number>;
  readonly names: NameChange;
}

/** The names that the program can look for: longer ones do not fit into its key. */
export function namesThatFit(names: readonly Uint8Array[]): Uint8Array[] {
  return names.filter(({ length }) => length <= MAX_P4_NAME);
}

/**
 * Loads the program into the switch, if it does not run it already, and sets it up. What is set up
 * so already is not touched. Rejects with CtgaError: `bad-input` if the ports are not such as copies
 * and frames can leave at, before anything is touched; `busy` if the switch runs another program and
 * takes no new one; and otherwise as withSwitch does.
 */
export function deploy(place: SwitchPlace, setUp: SwitchSetUp): Promise<Deployed> {
  return withSwitch(place, async (plane) => {
    const present = await portsOf(plane);
    const routes = setUp.routes ?? present.routes;
    const cpuPort = choosePorts({ ...setUp, routes }, await plane.interfaces(), present.cpuPort);
    const loaded = await load(plane);
    await plane.setPorts(cpuPort, routes);
    await plane.setQueueDepth(QUEUE_DEPTH);
    await plane.setSampling(setUp);
    await plane.setAnswerPorts(setUp.answerPorts);
    const names = await plane.setKnownNames(setUp.names);
    return { loaded, cpuPort, routes, names };
  });
}

/** How ctga set the switch up before. What it does for another program says nothing. */
async function portsOf(
  plane: SimpleSwitch,
): Promise<{ cpuPort: number | undefined; routes: ReadonlyMap<number, number> }> {
  try {
    await plane.counters();
  } catch (error) {
    if (error instanceof SwitchRefusal) return { cpuPort: undefined, routes: WIRE };
    throw error;
  }
  const routes = await plane.routes();
  return { cpuPort: await plane.cpuPort(), routes: routes.size > 0 ? routes : WIRE };
}

/**
 * The port where copies leave. Copies hold other people's packets, so it is never guessed: it is
 * named, or was set up before, and no frame takes it. Throws CtgaError `bad-input` for ports that
 * are not there, or would get what is not theirs. `interfaces` are the switch's, by port; undefined
 * if it does not say, so whether a port is there is not known. `present` is where copies leave now.
 */
export function choosePorts(
  {
    cpuInterface,
    routes,
    answerPorts,
    names,
  }: Pick<SwitchSetUp, 'cpuInterface' | 'answerPorts' | 'names'> & {
    readonly routes: ReadonlyMap<number, number>;
  },
  interfaces: ReadonlyMap<number, string> | undefined,
  present: number | undefined,
): number {
  if (answerPorts.length > MAX_ANSWER_PORTS)
    throw badInput(
      `${answerPorts.length} ports of answers: the switch can hold ${MAX_ANSWER_PORTS}`,
      'Give fewer with --port.',
    );
  if (names.length > MAX_P4_NAMES)
    throw badInput(
      `${names.length} names: the switch can hold ${MAX_P4_NAMES}`,
      'Give fewer zones, or a list of fewer logs.',
    );
  const back = [...routes].find(([from, to]) => from === to)?.[0];
  if (back !== undefined)
    throw badInput(
      `a route sends what comes in at port ${back} back out there`,
      'Name another port behind the "=" of --route.',
    );
  if (interfaces === undefined) return unnamedPort(cpuInterface, routes, present);
  const all = [...interfaces].map(([port, name]) => `${name} (port ${port})`).join(', ');
  const has = `The switch has: ${all === '' ? 'no interface' : all}.`;
  const absent = [...routes].flat().find((port) => !interfaces.has(port));
  if (absent !== undefined)
    throw badInput(`a route names port ${absent}, which the switch does not have`, has);
  const named = [...interfaces].find(([, name]) => name === cpuInterface)?.[0];
  if (cpuInterface !== undefined && named === undefined)
    throw badInput(`the switch has no interface named ${cpuInterface}`, has);
  const cpuPort = named ?? present;
  if (cpuPort === undefined)
    throw badInput(
      'it is not said where copies leave',
      `Name an interface with --cpu-port. ${has}`,
    );
  const name = interfaces.get(cpuPort);
  if (name === undefined)
    throw badInput(
      `copies leave at port ${cpuPort}, which the switch does not have`,
      `Name an interface with --cpu-port. ${has}`,
    );
  refuseRouted(name, cpuPort, routes);
  return cpuPort;
}

/** The port where copies leave, of a switch that does not say the names of its interfaces. */
function unnamedPort(
  named: string | undefined,
  routes: ReadonlyMap<number, number>,
  present: number | undefined,
): number {
  if (named !== undefined && !(/^\d{1,3}$/.test(named) && Number(named) <= MAX_PORT))
    throw badInput(
      `P4Runtime does not say which port ${named} is`,
      `Give the number of the port, from 0 to ${MAX_PORT}, with --cpu-port.`,
    );
  const cpuPort = named === undefined ? present : Number(named);
  if (cpuPort === undefined)
    throw badInput(
      'it is not said where copies leave',
      'Give the number of a port with --cpu-port.',
    );
  refuseRouted(`port ${cpuPort}`, cpuPort, routes);
  return cpuPort;
}

function refuseRouted(name: string, cpuPort: number, routes: ReadonlyMap<number, number>): void {
  if ([...routes].flat().includes(cpuPort))
    throw badInput(
      `copies cannot leave at ${name}: frames take it, by a route`,
      "Whoever is there would get other people's packets. Name another with --cpu-port, or other routes.",
    );
}

async function load(plane: SimpleSwitch): Promise<boolean> {
  try {
    return await plane.load(readProgram());
  } catch (error) {
    if (!(error instanceof SwitchRefusal)) throw error;
    throw new CtgaError('busy', 'the switch runs another program and takes no new one', {
      remedy: `Start it with ${PROGRAM}, or with "-- --enable-swap" at the end of its command line.`,
    });
  }
}

/**
 * Does `work` with a connection to the switch. Rejects with CtgaError: `kernel` if no switch
 * answers there, `not-attached` if it does not run ctga's program.
 */
export async function withSwitch<T>(
  place: SwitchPlace,
  work: (plane: SimpleSwitch) => Promise<T>,
): Promise<T> {
  const plane = await SimpleSwitch.connect(place);
  try {
    return await work(plane);
  } catch (error) {
    if (!(error instanceof SwitchRefusal)) throw error;
    throw new CtgaError(
      'not-attached',
      `the switch at ${place.host}:${place.port} does not run ctga's program: ${error.message}`,
      { remedy: 'Load it with: ctga p4 deploy' },
    );
  } finally {
    plane.close();
  }
}
