// SPDX-License-Identifier: Apache-2.0
/** Whether a member of a federation that is here has what it needs, and what it should be looked at for. */
import type { CheckResult } from '../base/check-result.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { federationIn } from '../federation/directory.ts';
import { federationFaults, SILENCE_REMEDY } from '../federation/faults.ts';
import { healthOf } from '../federation/health.ts';
import { hasKeys, readKeys } from '../federation/keys.ts';
import { parseSignedRoster } from '../federation/roster.ts';
import { FederationStore } from '../federation/store.ts';
import { isSame } from '../federation/bytes.ts';
import type { State } from '../store/state.ts';

const KEEP_COPIES =
  'Put back a copy of it. A member that lost its keys is replaced by a new roster: docs/FEDERATION.md';

/** None if there is no member in the state directory. */
export function checkFederation({ directory }: State): CheckResult[] {
  const own = federationIn(directory);
  if (!hasKeys(own) && !FederationStore.isIn(own)) return [];
  const what = 'federation';
  try {
    return [{ what, ...checkMember(own) }];
  } catch (error) {
    if (error instanceof CtgaError)
      return [
        { what, state: 'failure', found: error.message, remedy: error.remedy ?? KEEP_COPIES },
      ];
    return [{ what, state: 'unknown', found: messageOf(error), remedy: 'Ask as root.' }];
  }
}

function checkMember(own: string): Omit<CheckResult, 'what'> {
  const store = FederationStore.openForReading(own);
  try {
    const { key, name } = readKeys(own).member;
    const health = store && healthOf(store);
    const roster = store?.rosters().at(-1);
    if (health === undefined || roster === undefined)
      return {
        state: 'warning',
        found: `the member ${name} has no roster yet`,
        remedy: 'When all have signed the first one: ctga federation join ROSTER',
      };
    const { members } = parseSignedRoster(roster, 'federation.sqlite').body;
    if (!members.some((member) => isSame(member.key, key)))
      return {
        state: 'warning',
        found: `the roster of epoch ${health.epoch} has no member with the key of ${name}`,
        remedy: 'It takes no part. ctga federation status shows the roster.',
      };
    const [worst] = federationFaults(health, Date.now());
    if (worst !== undefined)
      return { state: 'warning', found: worst.message, remedy: worst.remedy };
    if (health.statedAt === undefined)
      return { state: 'warning', found: 'nothing was stated yet', remedy: SILENCE_REMEDY };
    const found = `${name} of ${health.name}, ${plural(members.length, 'member')}, last agreed at ${time(health.statedAt)}`;
    return { state: 'well', found };
  } finally {
    store?.close();
  }
}
