// SPDX-License-Identifier: Apache-2.0
/** How a member of a fleet stands, from what it keeps. */
import { MemberStore } from '../fleet/members.ts';
import { FleetWatch, type FleetOverview, type MemberOverview } from '../fleet/overview.ts';
import { siteMatrix, type SiteMatrix } from '../fleet/sites.ts';
import type { LogId } from '../statements/statement.ts';
import { logNames } from '../store/known-logs.ts';
import { openForReading, type State } from '../store/state.ts';

export interface FleetStatus {
  /** Of this store; undefined where nothing of it is told to a fleet. */
  readonly publishing: { readonly waiting: number; readonly givenUp: number } | undefined;
  /** Undefined where the store is of no fleet. */
  readonly fleet: FleetOverview | undefined;
  /** The members that this one hears, or is to hear. */
  readonly members: readonly MemberOverview[];
}

/** Throws StoreError. */
export function memberStatus(state: State, now = Date.now()): FleetStatus {
  const store = openForReading(state);
  const members = MemberStore.openForReading(state.directory);
  try {
    const publishing = store.publishing.state();
    const fleet = members && new FleetWatch().look(members, now, 0);
    return {
      publishing: publishing && {
        waiting: store.publishing.waiting(),
        givenUp: publishing.givenUp,
      },
      fleet,
      members: fleet === undefined ? [] : [...fleet.others, ...fleet.sites],
    };
  } finally {
    members?.close();
    store.close();
  }
}

/** Which of the sites of the fleet saw which tree. */
export interface TreesAtSites extends SiteMatrix {
  readonly sites: number;
  readonly nameOf: (logId: LogId) => string;
}

/** Of a collector's store; `limit` as in siteMatrix. Throws StoreError. */
export function treesAtSites(state: State, limit: number): TreesAtSites {
  const store = openForReading(state);
  const members = MemberStore.openForReading(state.directory);
  try {
    const sites = members?.fleet()?.members.filter(({ role }) => role === 'site').length ?? 0;
    return { sites, ...siteMatrix(store, limit), nameOf: logNames(store) };
  } finally {
    members?.close();
    store.close();
  }
}
