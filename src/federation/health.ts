// SPDX-License-Identifier: Apache-2.0
/**
 * What a person should know of a member, read from its store and cheaply: it is asked again and
 * again. The store is believed: the member checked all of it before it kept it.
 */
import { hex, isSame, readAll, sha256 } from './bytes.ts';
import { readCertificate, statedOf, type Certificate } from './certificate.ts';
import { readFault } from './fault.ts';
import { parseSignedRoster, rosterHash, type RosterBody } from './roster.ts';
import { digestOf, slotOf } from './statement.ts';
import type { FederationStore } from './store.ts';

/** What was stated within so many periods is what is stated now. */
const RECENT = 16;
/** As idOf has faults. */
const FAULT = 3;

export interface FederationHealth {
  readonly name: string;
  readonly epoch: number;
  /** Milliseconds; and when the federation began, and the last period in which it agreed. */
  readonly period: number;
  readonly began: number;
  readonly statedAt: number | undefined;
  /** IDs of logs that it accuses now. */
  readonly accused: readonly Uint8Array[];
  /** Names of members that contradicted themselves. */
  readonly faulty: readonly string[];
  /** Periods in which two thresholds stated different things. */
  readonly disagreements: readonly number[];
}

type Read = Pick<
  FederationStore,
  'rosters' | 'periods' | 'crowdedPeriods' | 'certificates' | 'objects' | 'object'
>;

/** Undefined where there is no roster yet. Throws what reading a store throws. */
export function healthOf(store: Read): FederationHealth | undefined {
  const rosters = store.rosters().map((text) => {
    const { body } = parseSignedRoster(text, 'federation.sqlite');
    return { body, hash: rosterHash(body) };
  });
  const [first, newest] = [rosters[0], rosters.at(-1)];
  if (first === undefined || newest === undefined) return undefined;
  const { name, epoch, period: seconds } = newest.body;
  const read = (period: number): Certificate[] =>
    store.certificates(period).flatMap((bytes) => {
      const roster = rosters.find(({ hash }) => isSame(hash, bytes.subarray(0, 32)));
      return roster === undefined
        ? []
        : [readAll(bytes, (cursor) => readCertificate(cursor, roster.body.members.length))];
    });
  const stated = (certificate: Certificate): ReturnType<typeof statedOf> => {
    const roster = rosters.find(({ hash }) => isSame(hash, certificate.roster));
    return roster === undefined ? [] : statedOf(certificate, roster.body);
  };
  const periods = store.periods();
  const latest = new Map<string, Uint8Array | undefined>();
  for (const each of periods.slice(-RECENT))
    for (const { statement } of read(each).flatMap(stated))
      latest.set(slotOf(statement), statement.kind === 'accusation' ? statement.id : undefined);
  const last = periods.at(-1);
  const period = seconds * 1000;
  return {
    name,
    epoch,
    period,
    began: first.body.start * period,
    statedAt: last === undefined ? undefined : last * period,
    accused: [...latest.values()].filter((id) => id !== undefined),
    faulty: faultyIn(store, rosters),
    disagreements: store.crowdedPeriods().filter((each) => disagree(read(each).map(stated))),
  };
}

function disagree(all: readonly ReturnType<typeof statedOf>[]): boolean {
  const known = new Map<string, string>();
  return all.flat().some(({ statement }) => {
    const [slot, digest] = [slotOf(statement), hex(digestOf(statement))];
    const before = known.get(slot);
    known.set(slot, digest);
    return before !== undefined && before !== digest;
  });
}

function faultyIn(
  store: Read,
  rosters: readonly { readonly body: RosterBody; readonly hash: Uint8Array }[],
): string[] {
  const ids = store.objects().filter((id) => id[0] === FAULT);
  return ids.map((id) => {
    const bytes = store.object(id);
    const fault = bytes && readAll(bytes, readFault);
    const roster = rosters.find(({ hash }) => fault !== undefined && isSame(hash, fault.roster));
    const member = fault && roster?.body.members[fault.member];
    return member !== undefined && isSame(sha256(member.key), id.subarray(9))
      ? member.name
      : hex(id.subarray(9));
  });
}
