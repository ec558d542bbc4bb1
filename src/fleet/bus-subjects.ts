// SPDX-License-Identifier: Apache-2.0
import type { Told } from './roster.ts';

/** Under which a member publishes. */
export function subjectOf(told: Told, member: string): string {
  return `ctga.${told === 'sightings' ? 'sites' : told}.${member}`;
}

/** The stream that keeps it. */
export type Stream = 'SITES' | 'FINDINGS';
export function streamOf(told: Told): Stream {
  return told === 'sightings' ? 'SITES' : 'FINDINGS';
}

/** The key-value bucket of challengers, in which a key is a subject: see leases.ts. */
export const LEASES = { bucket: 'LEASES', stream: 'KV_LEASES' } as const;

/** Which challenger asks this log. `logId` is in hexadecimal digits. */
export function leaseKey(logId: string): string {
  return `log.${logId}`;
}

/** That a challenger is there. */
export function presenceKey(member: string): string {
  return `member.${member}`;
}

export function keySubject(key: string): string {
  return `$KV.${LEASES.bucket}.${key}`;
}

/** The stream in which alerters agree who tells what, and the subject of an entry: see tellers.ts. */
export const ALERTS = 'ALERTS';
export function alertSubject(key: string): string {
  return `ctga.alerts.${key}`;
}
