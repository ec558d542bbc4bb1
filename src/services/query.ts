// SPDX-License-Identifier: Apache-2.0
/** `ctga dns query`: a log's tree head over DNS, verified, and what can be proven about it. */
import { LogError, type Asker } from '../ask/asker.ts';
import { CtOverDnsAsker, type TxtLookup } from '../ask/ct-over-dns.ts';
import { prove } from '../ask/prove.ts';
import { badInput } from '../base/errors.ts';
import { makeEvidence } from '../evidence/bundle.ts';
import type { Conclusion } from '../evidence/judge.ts';
import { writeEvidence } from '../evidence/write.ts';
import { logLabels, type Log } from '../logs/log.ts';
import { findLog, zonesOf, type ZoneOptions } from '../logs/zones.ts';
import { equalHash, type MerkleHash } from '../merkle/hash.ts';
import { foldInclusion } from '../merkle/proof.ts';
import { cosignaturesOf, type CheckedCosignature } from '../statements/cosigned.ts';
import { isCheckpointKey } from '../statements/key.ts';
import type { NoteKey } from '../statements/note-key.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

export interface Query {
  /** Lower case, without a trailing dot. */
  readonly zone: string;
  /** The log whose tree head it must be. */
  readonly log: Log;
  readonly lookup: TxtLookup;
  /** A head of the log: is its tree append-only between this and the present one? */
  readonly since: VerifiedStatement | undefined;
  /** Is this leaf in the present tree? */
  readonly leaf: MerkleHash | undefined;
  /** Whose cosignatures of a checkpoint are verified. */
  readonly witnesses?: readonly NoteKey[];
  readonly evidenceDirectory: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface QueryResult {
  readonly zone: string;
  /** Where the head was. */
  readonly name: string;
  /** The log's description. */
  readonly log: string;
  readonly treeSize: bigint;
  /** 0 where the log does not say when it signed. */
  readonly timestamp: bigint;
  readonly cosignatures: readonly CheckedCosignature[];
  readonly since?: Comparison | undefined;
  readonly leaf?: { readonly leafIndex: bigint; readonly included: boolean } | undefined;
}

export interface Comparison {
  /** Of the older head. */
  readonly treeSize: bigint;
  readonly verdict: Conclusion['verdict'];
  /** The path of the evidence, if a fork is proven. */
  readonly evidence?: string;
}

/**
 * Asks the zone for its tree head, and what else the query has. Rejects with LogError if nobody
 * answers or if the log did not sign the head, and with StoreError if evidence cannot be written.
 */
export async function queryZone(query: Query): Promise<QueryResult> {
  const { zone, log, since, leaf } = query;
  const asker = new CtOverDnsAsker(zone, log.key, query.lookup);
  const name = isCheckpointKey(log.key) ? `checkpoint.${zone}` : `sth.${zone}`;
  const head = verifyStatement(await asker.treeHead(), log.key);
  if (head === undefined)
    throw new LogError(
      'log-unavailable',
      `the tree head at ${name} is not signed by "${log.description}"`,
      {
        remedy: 'It is another log, or somebody makes heads up. Say whose it should be with --log.',
      },
    );
  const { treeSize, timestamp } = head;
  return {
    zone,
    name,
    log: log.description,
    treeSize,
    timestamp,
    cosignatures: cosignaturesOf(head, query.witnesses ?? []),
    since: since && (await compare(asker, since, head, query)),
    leaf: leaf && (await findLeaf(asker, leaf, head)),
  };
}

/** Whether the log's tree only grew between two heads, whichever is the older. */
async function compare(
  asker: Asker,
  old: VerifiedStatement,
  present: VerifiedStatement,
  { log, evidenceDirectory, now }: Query,
): Promise<Comparison> {
  const [first, second] = old.treeSize <= present.treeSize ? [old, present] : [present, old];
  const found = await prove(asker, first, second);
  const { treeSize } = old;
  if (found.verdict !== 'fork-proven') return { treeSize, verdict: found.verdict };
  const evidence = writeEvidence(evidenceDirectory, makeEvidence(log, first, second, found, now));
  return { treeSize, verdict: found.verdict, evidence };
}

/** Whether a leaf is in the tree of a head. */
async function findLeaf(
  asker: Asker,
  leaf: MerkleHash,
  { treeSize, rootHash }: VerifiedStatement,
): Promise<NonNullable<QueryResult['leaf']>> {
  const { leafIndex, path } = await asker.leafProof(leaf, treeSize);
  const folded = foldInclusion(leafIndex, treeSize, leaf, path);
  return { leafIndex, included: folded.kind === 'folded' && equalHash(folded.root, rootHash) };
}

/**
 * The log called `name`, if one is named; else the one with this zone; else the one that the zone's
 * first label names, as in the zones that ctga serves. Throws CtgaError `bad-input` if there is
 * none.
 */
export function logOfZone(
  zone: string,
  logs: readonly Log[],
  name: string | undefined,
  zones: ZoneOptions,
): Log {
  if (name !== undefined) return findLog(logs, name);
  const [label] = zone.split('.');
  const known = zonesOf(logs, zones).get(zone);
  const named = known ?? Array.from(logLabels(logs)).find(([, each]) => each === label)?.[0];
  if (named === undefined)
    throw badInput(
      `no log is known whose zone is ${zone}`,
      'Say whose it is with --log; ctga logs list has the names.',
    );
  return named;
}
