// SPDX-License-Identifier: Apache-2.0
/** How a member of a fleet stands, from what it keeps. */
import { MemberStore, type MemberState } from '../fleet/members.ts';
import { siteMatrix, type SiteMatrix } from '../fleet/sites.ts';
import type { LogId } from '../statements/statement.ts';
import { logNames } from '../store/known-logs.ts';
import { openForReading, type State } from '../store/state.ts';

export interface FleetStatus {
  /** Of this store; undefined where nothing of it is told to a fleet. */
  readonly publishing: { readonly waiting: number; readonly givenUp: number } | undefined;
  readonly members: readonly (Omit<MemberState, 'heard' | 'allowance'> & {
    readonly refused: Readonly<Record<string, number>>;
  })[];
}

/** Throws StoreError. */
export function memberStatus(state: State): FleetStatus {
  const store = openForReading(state);
  const members = MemberStore.openForReading(state.directory);
  try {
    const publishing = store.publishing.state();
    return {
      publishing: publishing && {
        waiting: store.publishing.waiting(),
        givenUp: publishing.givenUp,
      },
      members: (members?.members() ?? []).map(({ heard: _, allowance: __, ...member }) => ({
        ...member,
        refused: members?.refused(member.member) ?? {},
      })),
    };
  } finally {
    members?.close();
    store.close();
  }
}

/** Which of the sites that were ever heard saw which tree. */
export interface TreesAtSites extends SiteMatrix {
  readonly sites: number;
  readonly nameOf: (logId: LogId) => string;
}

/** Of a collector's store; `limit` as in siteMatrix. Throws StoreError. */
export function treesAtSites(state: State, limit: number): TreesAtSites {
  const store = openForReading(state);
  const members = MemberStore.openForReading(state.directory);
  try {
    const sites = members?.members().length ?? 0;
    return { sites, ...siteMatrix(store, limit), nameOf: logNames(store) };
  } finally {
    members?.close();
    store.close();
  }
}
