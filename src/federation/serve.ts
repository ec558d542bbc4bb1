// SPDX-License-Identifier: Apache-2.0
/** What a member gives clients: the update of now, and a policy that makes the federation a quorum. */
import { createHash } from 'node:crypto';
import { encodeBase64 } from '../base/base64.ts';
import { isCheckpointKey, verifierKeyOf } from '../statements/key.ts';
import { NOTE_KEY_TYPE } from '../statements/note-key.ts';
import { originOf, type Log } from '../logs/log.ts';
import { concat, hex, isSame } from './bytes.ts';
import { statedOf, type Certificate } from './certificate.ts';
import { checkpointsOf, linesOf } from './cosignatures.ts';
import type { Member } from './member.ts';
import type { Roster, SignedRoster } from './roster.ts';
import { digestOf, type Proposed } from './statement.ts';
import type { Update } from './update.ts';

/** Of each log and certificate authority what was last stated, and all that convicts. */
export function updateOf(
  member: Member,
  rosters: readonly SignedRoster[],
  logs: ReadonlyMap<string, Log>,
  period: number,
): Update {
  const latest = member.latest();
  const certificates = new Set<Certificate>();
  const checkpoints: string[] = [];
  for (const { period: of, item } of latest) {
    const roster = member.rosterAt(of);
    // Not in one in which it has fewer signatures than it takes.
    const found = member
      .certificates(of)
      .find((each) => statedOf(each, roster).some((stated) => isSameStatement(stated, item)));
    if (found !== undefined) certificates.add(found);
    for (const [id, { note }] of checkpointsOf([item], logs)) {
      const lines = [...member.cosignatures(of)].map(([peer, bytes]) =>
        linesOf(bytes, roster.noteKeys[roster.indexOf(Buffer.from(peer, 'hex'))] ?? [], id),
      );
      checkpoints.push(note + lines.join(''));
    }
  }
  return {
    federation: member.newestRoster.body.name,
    period,
    rosters,
    certificates: [...certificates].toSorted((a, b) => a.period - b.period),
    checkpoints,
    evidence: [...member.evidence().values()].map((bytes) => Buffer.from(bytes).toString('utf8')),
    faults: member.faults(),
  };
}

function isSameStatement(one: Proposed, other: Proposed): boolean {
  return isSame(digestOf(one.statement), digestOf(other.statement));
}

/** By which of its two keys a member cosigns. */
export const POLICY_KEYS = {
  ed25519: NOTE_KEY_TYPE.cosignature,
  'ml-dsa-44': NOTE_KEY_TYPE.mlDsa44,
} as const;
export type PolicyKeys = keyof typeof POLICY_KEYS;

/**
 * A policy (c2sp.org/tlog-policy) by which a checkpoint is good that a threshold of the members
 * cosigned by keys of this type. Clients refuse a policy with a key of a type that they do not know,
 * so there is one for each.
 */
export function policyOf(
  { body, noteKeys }: Roster,
  logs: Iterable<Log>,
  keys: PolicyKeys,
): string {
  const lines = [
    `# The federation ${body.name}, epoch ${body.epoch}: ${body.threshold} of ${body.members.length} members.`,
  ];
  for (const log of logs) {
    const key = keyLineOf(log);
    if (key !== undefined) lines.push(`log ${key}`);
  }
  const names = body.members.flatMap(({ name, url, vkeys }, i) => {
    const place = noteKeys[i]?.findIndex(({ type }) => type === POLICY_KEYS[keys]) ?? -1;
    const vkey = vkeys[place];
    if (vkey === undefined) return [];
    // No name is that of another line, and a quorum of `none` would be nobody.
    lines.push(`witness ${name}.w ${vkey} ${url}`);
    return [`${name}.w`];
  });
  const quorum = `${body.name}.quorum`;
  // Fewer than a threshold have such a key: nothing is good by it.
  if (names.length < body.threshold)
    return `# Fewer than a threshold of the members of ${body.name} have keys of ${keys}.\n`;
  lines.push(`group ${quorum} ${body.threshold} ${names.join(' ')}`, `quorum ${quorum}`);
  return `${lines.join('\n')}\n`;
}

/**
 * A verifier key: of a CT log one of type 0x05, which has the log's ID for a key. Undefined where
 * the log's origin is not known.
 */
function keyLineOf(log: Log): string | undefined {
  if (isCheckpointKey(log.key)) return verifierKeyOf(log.key);
  const origin = originOf(log);
  if (origin === undefined) return undefined;
  const key = concat([Uint8Array.of(0x05), log.key.logId]);
  const id = createHash('sha256').update(`${origin}\n`).update(key).digest();
  return `${origin}+${hex(new Uint8Array(id.subarray(0, 4)))}+${encodeBase64(key)}`;
}
