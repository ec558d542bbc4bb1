// SPDX-License-Identifier: Apache-2.0
import type { Told } from './roster.ts';

/**
 * A server of NATS puts its answer to a request under whatever subject the request asks for: that is no
 * matter of what its sender may publish. So whoever has a key of the bus could have answers put into a
 * stream under another's subject. Under those that begin so it puts none for a client, since it keeps
 * them for answers of its own.
 */
const PREFIX = '_R_.ctga';

/** Under which a member publishes. */
export function subjectOf(told: Told, member: string): string {
  return `${PREFIX}.${told === 'sightings' ? 'sites' : told}.${member}`;
}

/** The stream that keeps it. */
export type Stream = 'SITES' | 'FINDINGS';
export function streamOf(told: Told): Stream {
  return told === 'sightings' ? 'SITES' : 'FINDINGS';
}

/** The stream of challengers, which has the last of each entry: see leases.ts. */
export const LEASES = 'LEASES';

/** Which challenger asks this log. `logId` is in hexadecimal digits. */
export function leaseKey(logId: string): string {
  return `log.${logId}`;
}

/** That a challenger is there. */
export function presenceKey(member: string): string {
  return `member.${member}`;
}

export function keySubject(key: string): string {
  return `${PREFIX}.leases.${key}`;
}

/** The stream in which alerters agree who tells what, and the subject of an entry: see tellers.ts. */
export const ALERTS = 'ALERTS';
export function alertSubject(key: string): string {
  return `${PREFIX}.alerts.${key}`;
}
