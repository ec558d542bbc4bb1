// SPDX-License-Identifier: Apache-2.0
/** What `ctga collect` and `ctga fleet publish` share. */
import { InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { MemberRole } from '../fleet/roster.ts';
import { parseBus, type BusServer } from '../fleet/bus-address.ts';
import type { FleetEvent } from '../services/fleet.ts';
import { stateAt } from '../store/state.ts';
import { checkCommand } from './next.ts';
import type { StateOption } from './options.ts';
import { print, printJsonLine, warn } from './output.ts';
import { stopRequest } from './run.ts';

export const FLEET_DIRECTORY = '/etc/ctga/fleet';

export interface FleetMemberOptions extends StateOption {
  readonly bus: readonly BusServer[];
  readonly fleet: string;
  readonly user?: string;
}

export function busOption(
  what = 'the servers of the bus, as tls://HOST,HOST,HOST with :PORT where it is not 4222',
): Option {
  return new Option('--bus <urls>', what).argParser(bus);
}

/** Throws InvalidArgumentError for what is no bus. */
export function bus(text: string): BusServer[] {
  try {
    return parseBus(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

export async function runFleetMember(
  roles: readonly [MemberRole, ...MemberRole[]],
  { stateDir, bus: servers, fleet, user, json }: FleetMemberOptions,
): Promise<void> {
  const stop = stopRequest();
  const { runMember } = await import('../services/fleet.ts');
  await runMember(
    {
      state: stateAt(stateDir),
      roles,
      servers,
      directory: fleet,
      user,
      onEvent: json === true ? printJsonLine : printEvent,
      warn,
    },
    stop,
  );
}

function printEvent(event: FleetEvent): void {
  switch (event.event) {
    case 'started':
      return print(
        `${event.member}, a ${event.role} of the fleet ${event.fleet}, sends ${event.batch} bytes every ${event.interval} s, whatever there is to tell. Ctrl-C ends it.`,
      );
    case 'bus-up':
      return print(`${time(Date.now())}  the bus answers again`);
    case 'bus-down':
      return warn(
        `${event.message}. What is to be told waits in the store.${event.remedy === undefined ? '' : ` ${event.remedy}`}`,
      );
    case 'gave-up':
      return warn(
        `too many tree heads wait for the bus: ${plural(event.heads, 'tree head')} will not be told to the fleet. They are in the store.`,
      );
    case 'silent':
      return warn(`nothing is heard of ${event.member} since ${time(event.since)}`);
    case 'missing':
      return warn(
        `${event.member} sent ${plural(event.batches, 'batch', 'batches')} that did not come: the bus or its operator dropped ${event.batches === 1 ? 'it' : 'them'}, or is late`,
      );
    case 'refused':
      return warn(`${event.member}: refused: ${event.reason}`);
    case 'evidence':
      return print(
        `${time(Date.now())}  evidence from ${event.member}, which holds: ${event.log}: ${event.evidence}`,
      );
    case 'fork-proven':
      print(
        `${time(Date.now())}  SPLIT VIEW PROVEN: ${event.log} signed two trees of size ${event.treeSize}`,
      );
      return print(`  Check it with: ${checkCommand(event.evidence)}`);
    case 'failed':
      return warn(event.message);
    case 'mended':
      return print(`${time(Date.now())}  that is over: ${event.message}`);
  }
}
