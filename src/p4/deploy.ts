// SPDX-License-Identifier: Apache-2.0
/** Setting a switch up with ctga's program, and talking to one that runs it. */
import { readFileSync } from 'node:fs';
import { CtgaError } from '../base/errors.ts';
import { PROGRAM } from './compile.ts';
import { MAX_P4_NAME, SimpleSwitch } from './simple-switch.ts';
import type { SwitchPlace } from './switch-process.ts';
import { ThriftRefusal } from './thrift-call.ts';

/** A burst of so many packets must not be cut because copies wait as well. */
const QUEUE_DEPTH = 16_384;

export interface SwitchSetUp {
  /** Where copies leave. */
  readonly cpuPort: number;
  readonly everyNth: number;
  /** The largest IP length of a fragment that is copied. */
  readonly threshold: number;
  /** UDP source ports of answers. */
  readonly answerPorts: readonly number[];
  /** In wire format and lower case. */
  readonly names: readonly Uint8Array[];
  /** From the port where frames come in to the one where they leave. */
  readonly routes: ReadonlyMap<number, number>;
}

/** The names that the program can look for: longer ones do not fit into its key. */
export function namesThatFit(names: readonly Uint8Array[]): Uint8Array[] {
  return names.filter(({ length }) => length <= MAX_P4_NAME);
}

/**
 * Loads the program into the switch, if it does not run it already, and sets it up. What is set up
 * so already is not touched. Returns whether the program was loaded. Rejects with CtgaError `busy`
 * if the switch runs another program and takes no new one, and otherwise as withSwitch does.
 */
export function deploy(place: SwitchPlace, setUp: SwitchSetUp): Promise<boolean> {
  return withSwitch(place, async (plane) => {
    const isLoaded = await load(plane);
    await plane.setCpuPort(setUp.cpuPort);
    await plane.setQueueDepth(QUEUE_DEPTH);
    await plane.setSampling(setUp);
    await plane.setAnswerPorts(setUp.answerPorts);
    await plane.setKnownNames(setUp.names);
    await plane.setRoutes(setUp.routes);
    return isLoaded;
  });
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

/**
 * Does `work` with a connection to the switch. Rejects with CtgaError: `kernel` if no switch
 * answers there, `not-attached` if it does not run ctga's program.
 */
export async function withSwitch<T>(
  { host, port }: SwitchPlace,
  work: (plane: SimpleSwitch) => Promise<T>,
): Promise<T> {
  const plane = await SimpleSwitch.connect(host, port);
  try {
    return await work(plane);
  } catch (error) {
    if (!(error instanceof ThriftRefusal)) throw error;
    throw new CtgaError(
      'not-attached',
      `the switch at ${host}:${port} does not run ctga's program: ${error.message}`,
      { remedy: 'Load it with: ctga p4 deploy' },
    );
  } finally {
    plane.close();
  }
}
