// SPDX-License-Identifier: Apache-2.0
/**
 * How a member stands with the others of its fleet, for people: the page, the metrics and the alerts
 * tell the same. From what the member puts down, so that none of them needs its keys.
 */
import type { MemberState, MemberStore } from './members.ts';
import { hears, ROLES, tells, type MemberRole } from './roster.ts';

/** `never`: it is in the roster, and was not heard yet. */
export type Hearing = 'heard' | 'silent' | 'never';

export interface MemberOverview extends Omit<MemberState, 'heard' | 'allowance' | 'lastHeard'> {
  readonly role: MemberRole;
  readonly hearing: Hearing;
  /** When the bus had its last batch, in ms since the epoch; undefined if there was none. */
  readonly lastHeard: number | undefined;
  /** What was refused of it, and how often. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface FleetOverview {
  readonly fleet: string;
  /** The member whose store this is. */
  readonly self: string;
  readonly role: MemberRole;
  /** By name, without this one. At a site that hears none of them there are none. */
  readonly sites: readonly MemberOverview[];
  /** The others that this one hears. */
  readonly others: readonly MemberOverview[];
  /** What came from nobody in the fleet and was refused. */
  readonly fromNobody: number;
}

/** So many batches in a row that do not come: somebody, or something, keeps them. */
const SILENT_INTERVALS = 3;
/** The least time after which a member is called silent. */
const LEAST_SILENCE_MS = 60_000;

/** For how long a member may say nothing. */
export function longestSilence(intervalSeconds: number): number {
  return Math.max(intervalSeconds * 1000 * SILENT_INTERVALS, LEAST_SILENCE_MS);
}

export class FleetWatch {
  /**
   * When a member was last heard, as the bus had it, and how old that was at `at` by the monotonic
   * clock: the clocks of the bus and of this machine may be apart.
   */
  readonly #heard = new Map<string, { lastHeard: number; age: number; at: number }>();

  /**
   * Undefined where the store is of no fleet. `now` is in ms since the epoch, `elapsed` by the
   * monotonic clock. Throws StoreError.
   */
  look(members: MemberStore, now: number, elapsed: number): FleetOverview | undefined {
    const known = members.fleet();
    if (known === undefined) return undefined;
    const { fleet, self, intervalSeconds } = known;
    const roles = new Map(known.members.map(({ name, role }) => [name, role]));
    const role = roles.get(self) ?? 'site';
    const states = new Map(members.members().map((state) => [state.member, state]));
    const refused = members.refusedOfAll();
    const longest = longestSilence(intervalSeconds);
    const busNow = new Map(ROLES.map((each) => [each, now - members.busBehind(each)]));
    const heard = known.members.filter(
      (each) =>
        each.name !== self && (states.has(each.name) || hears(role).includes(tells(each.role))),
    );
    const all = heard.map(({ name, role: its }): MemberOverview => {
      const state = states.get(name);
      const ofMember = { role: its, refused: refused.get(name) ?? {} };
      if (state === undefined) return { ...UNHEARD, member: name, ...ofMember };
      const { heard: _, allowance: __, lastHeard, ...rest } = state;
      const isSilent = this.#ageOf(name, lastHeard, busNow.get(its) ?? now, elapsed) > longest;
      return {
        ...rest,
        ...ofMember,
        // What was refused to the last batch was sent all the same, and never heard.
        hearing: lastHeard === 0 ? 'never' : isSilent ? 'silent' : 'heard',
        lastHeard: lastHeard === 0 ? undefined : lastHeard,
      };
    });
    const isOfRoster = (name: string): boolean => roles.has(name);
    return {
      fleet,
      self,
      role,
      sites: all.filter((each) => each.role === 'site').sort(byName),
      others: all.filter((each) => each.role !== 'site').sort(byName),
      fromNobody: [...refused]
        .filter(([name]) => !isOfRoster(name))
        .reduce((total, [, reasons]) => total + refusedIn(reasons), 0),
    };
  }

  #ageOf(name: string, lastHeard: number, busNow: number, elapsed: number): number {
    const known = this.#heard.get(name);
    if (known?.lastHeard === lastHeard) return known.age + (elapsed - known.at);
    const age = known === undefined ? busNow - lastHeard : 0;
    this.#heard.set(name, { lastHeard, age, at: elapsed });
    return age;
  }
}

/** How often something was refused, whatever the reason. */
export function refusedIn(reasons: Readonly<Record<string, number>>): number {
  return Object.values(reasons).reduce((total, count) => total + count, 0);
}

function byName(a: MemberOverview, b: MemberOverview): number {
  return a.member < b.member ? -1 : 1;
}

const UNHEARD = {
  hearing: 'never',
  lastHeard: undefined,
  clockOff: 0,
  batches: 0,
  missing: 0,
  waiting: 0,
  givenUp: 0,
} as const;
