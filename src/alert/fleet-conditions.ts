// SPDX-License-Identifier: Apache-2.0
/** What is worth waking somebody in a fleet: members that fell silent, and what of theirs is lost. */
import { plural, time } from '../base/text.ts';
import { refusedIn, type FleetOverview, type MemberOverview } from '../fleet/overview.ts';
import type { Condition } from './conditions.ts';

/** So many sites are named in one sentence. */
const NAMED = 8;
/** From so many on, one alert tells of all: it is the bus, or this machine. */
const MANY = 4;
/** So long nothing more of a kind must have been counted until that is over. */
const CALM_MS = 15 * 60_000;

/** What begins so among the counts of all conditions is of this. */
const COUNTED = 'fleet-';

/** Whether a count, by its name, is of a fleet's members. */
export function isCountOfFleet(name: string): boolean {
  return name.startsWith(COUNTED);
}

/** Finds the conditions that hold. Remembers earlier counts, to see that they grow. */
export class FleetConditions {
  readonly #counts = new Map<string, { count: number; at: number | undefined }>();
  #isFirst: boolean;

  /** `lastCounts`: what counts() returned to whoever looked before, among others, if anybody did. */
  constructor(lastCounts: ReadonlyMap<string, number> = new Map()) {
    for (const [name, count] of lastCounts)
      if (isCountOfFleet(name)) this.#counts.set(name, { count, at: undefined });
    this.#isFirst = this.#counts.size === 0;
  }

  /** The counts as the last look saw them. */
  counts(): Map<string, number> {
    return new Map([...this.#counts].map(([name, { count }]) => [name, count]));
  }

  /** `elapsed` is by the monotonic clock. */
  present(fleet: FleetOverview | undefined, elapsed: number): Condition[] {
    if (fleet === undefined) return [];
    const members = [...fleet.others, ...fleet.sites];
    const found = [
      ...silent(members),
      ...this.#growing(members, elapsed, 'missing', ({ missing }) => missing, {
        message: (names) => `Batches of ${names} were sent and did not come.`,
        remedy:
          'The bus, or its operator, drops them, or is late. What they held comes again with later ones. ctga fleet status counts them.',
      }),
      ...this.#growing(members, elapsed, 'given-up', ({ givenUp }) => givenUp, {
        message: (names) =>
          `Tree heads of ${names} will not be told to the fleet, because too many wait there.`,
        remedy:
          'They are in the store of that site. Somebody may be flooding it, or its bus was away for very long. See: ctga fleet status',
      }),
      ...this.#growing(members, elapsed, 'refused', ({ refused }) => refusedIn(refused), {
        message: (names) => `What ${names} told was refused.`,
        remedy:
          'ctga fleet status says why. A log that is not known here is to be imported; all else is the word of a member that is damaged, or in other hands.',
      }),
    ];
    this.#isFirst = false;
    return found;
  }

  #growing(
    members: readonly MemberOverview[],
    elapsed: number,
    kind: string,
    count: (member: MemberOverview) => number,
    { message, remedy }: { message: (names: string) => string; remedy: string },
  ): Condition[] {
    const names = members
      .filter((each) => this.#isGrowing(`${COUNTED}${kind} ${each.member}`, count(each), elapsed))
      .map(({ member }) => member);
    if (names.length === 0) return [];
    const key = names.length >= MANY ? 'many' : names.join(' ');
    return [warning(`fleet-${kind}:${key}`, message(listed(names)), remedy)];
  }

  #isGrowing(name: string, count: number, elapsed: number): boolean {
    const before = this.#counts.get(name);
    // What is there at the first look may be old.
    const isMore = count > (before?.count ?? (this.#isFirst ? count : 0));
    this.#counts.set(name, { count, at: isMore ? elapsed : before?.at });
    const { at } = this.#counts.get(name) ?? {};
    return at !== undefined && elapsed - at < CALM_MS;
  }
}

function silent(members: readonly MemberOverview[]): Condition[] {
  const all = members.filter(({ hearing }) => hearing === 'silent');
  const isAnyHeard = members.some(({ hearing }) => hearing === 'heard');
  const remedy =
    'It is down, its line to the bus is, or somebody keeps what it sends. There: ctga fleet status, and systemctl status ctga-publish or ctga-collect';
  // Of one that hears nobody, the others are hardly the reason.
  if (all.length >= MANY || (all.length > 1 && !isAnyHeard))
    return [
      warning(
        'fleet-silent:many',
        `Nothing is heard of ${isAnyHeard ? `${plural(all.length, 'member')} of the fleet` : 'any member of the fleet any more'}: ${listed(all.map(({ member }) => member))}.`,
        'When it is many at once, look at the bus first, and at whatever hears it here: ctga collect.',
      ),
    ];
  return all.map(({ member, lastHeard }) =>
    warning(
      `fleet-silent:${member}`,
      `Nothing is heard of ${member} since ${time(lastHeard ?? 0)}.`,
      remedy,
    ),
  );
}

/**
 * Whether an alert is about a log or a member, so that all alerters of a fleet have it. All others are
 * about one machine, which tells them itself.
 */
export function isOfFleet(key: string): boolean {
  return /^(fork|promise|malformed-head|unprovable|stale-head|fleet-(silent|missing|given-up|refused)):/.test(
    key,
  );
}

/** That what is known of the fleet cannot be read, and why. */
export function fleetUnreadable(why: string, remedy = 'See: ctga doctor'): Condition {
  return warning('fleet-unreadable', `What is known of the fleet cannot be read: ${why}.`, remedy);
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return rest > 0 ? `${names.slice(0, NAMED).join(', ')} and ${rest} more` : names.join(', ');
}

function warning(key: string, message: string, remedy: string): Condition {
  return { key, severity: 'warning', message, remedy };
}
