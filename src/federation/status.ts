// SPDX-License-Identifier: Apache-2.0
/** What a member's store says, for people. */
import { StoreError } from '../disk/error.ts';
import type { Log } from '../logs/log.ts';
import { hex } from './bytes.ts';
import { signersOf } from './certificate.ts';
import { federationIn } from './directory.ts';
import { Member } from './member.ts';
import { parseSignedRoster, successor, type Roster } from './roster.ts';
import { slotOf } from './statement.ts';
import { FederationStore } from './store.ts';

export interface FederationStatus {
  readonly roster: Roster;
  /** Those of which something is stated. */
  readonly logs: readonly Log[];
  readonly json: {
    readonly federation: string;
    readonly epoch: number;
    readonly threshold: number;
    readonly period: number;
    readonly members: readonly {
      readonly name: string;
      readonly url: string;
      readonly state: 'member' | 'contradicted itself';
    }[];
    readonly statements: readonly {
      readonly log: string;
      readonly kind: string;
      readonly tree_size: string | undefined;
      readonly when: string;
      readonly signers: number;
    }[];
    readonly convicted: readonly string[];
  };
}

/** Throws StoreError `store-failed` where there is no member in it, or no roster, or it cannot be read. */
export function readStatus(stateDirectory: string, logs: readonly Log[]): FederationStatus {
  const store = FederationStore.openForReading(federationIn(stateDirectory));
  const rosters: Roster[] = [];
  try {
    for (const text of store?.rosters() ?? [])
      rosters.push(successor(rosters.at(-1), parseSignedRoster(text, 'the store')));
    const roster = rosters.at(-1);
    if (store === undefined || roster === undefined)
      throw new StoreError(
        'store-failed',
        `there is no member of a federation in ${stateDirectory}`,
        { remedy: 'Name its directory with --state-dir, or see: ctga federation init --help' },
      );
    const member = new Member({
      rosters,
      key: new Uint8Array(32),
      signer: { sign: refuse, signBls: refuse },
      observer: { candidates: () => [], judge: () => 'unknown' },
      convicts: () => undefined,
      goodCosignatures: () => 'unknown',
      store,
      random: () => 0,
    });
    return statusOf(member, logs);
  } finally {
    store?.close();
  }
}

function refuse(): never {
  throw new Error('a status signs nothing');
}

function statusOf(member: Member, logs: readonly Log[]): FederationStatus {
  const roster = member.newestRoster;
  const { name: federation, epoch, threshold, period, members } = roster.body;
  const byId = new Map(logs.map((log) => [hex(log.key.logId), log]));
  const describe = (id: string): string => byId.get(id)?.description ?? id;
  const latest = member.latest();
  return {
    roster,
    logs: latest.flatMap(({ item }) => byId.get(hex(item.statement.id)) ?? []),
    json: {
      federation,
      epoch,
      threshold,
      period,
      members: members.map(({ name, url, key }) => ({
        name,
        url,
        state: member.faulty.has(hex(key)) ? 'contradicted itself' : 'member',
      })),
      statements: latest.map(({ period: of, item: { statement } }) => ({
        log: describe(hex(statement.id)),
        kind: statement.kind,
        tree_size: statement.kind === 'head' ? String(statement.treeSize) : undefined,
        when: new Date(of * period * 1000).toISOString(),
        signers: Math.max(
          ...member.certificates(of).flatMap((certificate) => {
            const place = certificate.items.findIndex(
              (item) => slotOf(item.statement) === slotOf(statement),
            );
            return place < 0 ? [0] : [signersOf(certificate, place).length];
          }),
        ),
      })),
      convicted: [...member.evidence().keys()].map(describe),
    },
  };
}
