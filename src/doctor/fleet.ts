// SPDX-License-Identifier: Apache-2.0
/** Whether a member of a fleet that is here, and a server of its bus, have what they need. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from '../base/check-result.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { NODE_FILES } from '../fleet/bus-config.ts';
import { MemberStore } from '../fleet/members.ts';
import { FleetWatch } from '../fleet/overview.ts';
import { FILES, readMembership, ROLES } from '../fleet/roster.ts';
import type { State } from '../store/state.ts';

/** Where the package's units look. */
export interface FleetPlaces {
  readonly member: string;
  readonly bus: string;
}
const USUAL_PLACES: FleetPlaces = { member: '/etc/ctga/fleet', bus: '/etc/ctga-bus' };
const DAY_MS = 86_400_000;
/** Before a certificate ends, somebody has to make another. */
const NOTICE_MS = 30 * DAY_MS;

/** None where there is neither. `now` is in ms since the epoch. */
export function checkFleet(
  { directory }: Pick<State, 'directory'>,
  now: number,
  places = USUAL_PLACES,
): CheckResult[] {
  return [
    ...(existsSync(join(places.member, FILES.roster))
      ? [attempt('fleet keys', () => checkKeys(places.member, now))]
      : []),
    ...heard(directory, now),
    ...(existsSync(join(places.bus, NODE_FILES.config))
      ? [attempt('bus server', () => checkServer(places.bus, now))]
      : []),
  ];
}

function checkKeys(directory: string, now: number): CheckResult {
  const what = 'fleet keys';
  const { member, roster } = readMembership(directory, ...ROLES);
  const certificate = join(directory, FILES.certificate);
  if (!existsSync(join(directory, FILES.nkey)) && !existsSync(certificate))
    return {
      what,
      state: 'failure',
      found: `${directory} has neither ${FILES.nkey} nor ${FILES.certificate}`,
      remedy: 'Bring the directory here that "ctga fleet join" made.',
    };
  const ends = [join(directory, FILES.authority), certificate].flatMap((path) => ending(path, now));
  const [end] = ends;
  if (end !== undefined) return { what, ...end };
  return { what, state: 'well', found: `${member.name}, a ${member.role} of ${roster.name}` };
}

function checkServer(directory: string, now: number): CheckResult {
  const what = 'bus server';
  const missing = Object.values(NODE_FILES).find((file) => !existsSync(join(directory, file)));
  if (missing !== undefined)
    return {
      what,
      state: 'failure',
      found: `${join(directory, missing)} is missing`,
      remedy: 'Bring the directory of this server here that "ctga fleet init" made.',
    };
  if (!existsSync('/usr/sbin/nats-server'))
    return {
      what,
      state: 'failure',
      found: 'nats-server is not installed',
      remedy: 'sudo apt-get install nats-server',
    };
  const [end] = [NODE_FILES.certificate, NODE_FILES.authority].flatMap((file) =>
    ending(join(directory, file), now),
  );
  if (end !== undefined) return { what, ...end };
  return { what, state: 'well', found: `configured in ${directory}` };
}

/** What is to be said of a certificate that ends soon, or has. */
function ending(path: string, now: number): Omit<CheckResult, 'what'>[] {
  if (!existsSync(path)) return [];
  const ends = Date.parse(new X509Certificate(readFileSync(path)).validTo);
  if (ends - now > NOTICE_MS) return [];
  return [
    {
      state: ends <= now ? 'failure' : 'warning',
      found: `${path} ${ends <= now ? 'ended' : 'ends'} at ${time(ends)}`,
      remedy: 'Make another where the fleet was founded, or found it anew: docs/FLEET.md.',
    },
  ];
}

function heard(directory: string, now: number): CheckResult[] {
  const what = 'fleet';
  let members: MemberStore | undefined;
  try {
    members = MemberStore.openForReading(directory);
    const fleet = members && new FleetWatch().look(members, now, 0);
    if (fleet === undefined) return [];
    const all = [...fleet.others, ...fleet.sites];
    const silent = all.filter(({ hearing }) => hearing === 'silent');
    const count = all.filter(({ hearing }) => hearing === 'heard').length;
    const found = `${fleet.self} hears ${count} of ${plural(all.length, 'member')}`;
    if (silent.length === 0) return [{ what, state: 'well', found }];
    const names = silent.slice(0, 8).map(({ member }) => member);
    const rest = silent.length - names.length;
    return [
      {
        what,
        state: 'warning',
        found: `${found}; nothing is heard any more of ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
        remedy:
          'Look whether it runs there, and whether the bus answers here: ctga fleet status says since when.',
      },
    ];
  } catch (error) {
    return [failure(what, error)];
  } finally {
    members?.close();
  }
}

function attempt(what: string, check: () => CheckResult): CheckResult {
  try {
    return check();
  } catch (error) {
    return failure(what, error);
  }
}

function failure(what: string, error: unknown): CheckResult {
  if (error instanceof CtgaError && !/EACCES|may not/.test(error.message))
    return { what, state: 'failure', found: error.message, remedy: error.remedy };
  return { what, state: 'unknown', found: messageOf(error), remedy: 'Ask as root.' };
}
