// SPDX-License-Identifier: Apache-2.0
/**
 * The records of a zone that another server answers for: tree heads, and for the proofs of each log
 * three delegations to `ctga dns serve`. Pure.
 */
import ipaddr from 'ipaddr.js';
import { encodeTxt } from '../dns/encode.ts';
import { RecordType } from '../dns/message.ts';
import { encodeName, foldName } from '../dns/name.ts';
import type { Log } from '../logs/log.ts';
import type { RrSet } from '../dns/primary.ts';
import { CHECKPOINT_OVERHEAD, MAX_UDP_RESPONSE, PROOF_LABELS } from '../mirror/authority.ts';
import { CHECKPOINT_LABEL } from '../sources/checkpoints/source.ts';
import { checkpointRdata } from '../sources/checkpoints/text.ts';
import { isCheckpointKey, type LogKey } from '../statements/key.ts';
import { formatTreeHeadText } from '../statements/text.ts';
import type { Statement } from '../statements/statement.ts';

/** In seconds. A head is published at most once an hour, and a delegation hardly ever changes. */
const HEAD_TTL = 300;
const DELEGATION_TTL = 3600;

/** Who answers for the proofs. */
export interface ProofServer {
  readonly name: string;
  /** For address records, where the name is in the zone. */
  readonly addresses: readonly string[];
}

/** The records of the tree heads of these zones of logs, in the zone `parent`. */
export function recordsOf(
  heads: ReadonlyMap<string, Statement>,
  logs: ReadonlyMap<string, Pick<Log, 'key'>>,
  parent: string,
  proofs: ProofServer | undefined,
): RrSet[] {
  const sets: RrSet[] = [...heads].flatMap(([zone, head]) => [
    headRecord(zone, head, logs.get(zone)?.key),
    ...(proofs === undefined
      ? []
      : PROOF_LABELS.map((label) => ({
          name: `${label}.${zone}`,
          type: RecordType.ns,
          ttl: DELEGATION_TTL,
          rdatas: [foldName(encodeName(proofs.name))],
        }))),
  ]);
  if (proofs === undefined || sets.length === 0 || !isIn(proofs.name, parent)) return sets;
  for (const [kind, type] of [
    ['ipv4', RecordType.a],
    ['ipv6', RecordType.aaaa],
  ] as const) {
    const addresses = proofs.addresses.map((text) => ipaddr.parse(text));
    const rdatas = addresses.flatMap((each) =>
      each.kind() === kind ? [Uint8Array.from(each.toByteArray())] : [],
    );
    if (rdatas.length > 0) sets.push({ name: proofs.name, type, ttl: DELEGATION_TTL, rdatas });
  }
  return sets;
}

function headRecord(zone: string, head: Statement, key: LogKey | undefined): RrSet {
  const set = { type: RecordType.txt, ttl: HEAD_TTL };
  if (key === undefined || !isCheckpointKey(key))
    return { ...set, name: `sth.${zone}`, rdatas: [encodeTxt(formatTreeHeadText(head))] };
  const name = `${CHECKPOINT_LABEL}.${zone}`;
  const room = MAX_UDP_RESPONSE - CHECKPOINT_OVERHEAD - encodeName(name).length;
  return { ...set, name, rdatas: [checkpointRdata(head, key, room)] };
}

/** Whether a name, in lower case and without the last dot, is in the zone. */
export function isIn(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

/** The same records, in any order and whatever their TTL. */
export function sameRecords(a: RrSet | undefined, b: RrSet | undefined): boolean {
  const texts = (set: RrSet | undefined): string =>
    (set?.rdatas ?? [])
      .map((rdata) => Buffer.from(rdata).toString('hex'))
      .sort()
      .join();
  return texts(a) === texts(b);
}
