// SPDX-License-Identifier: Apache-2.0
import type { MemberRole } from './roster.ts';

/** Under which a member publishes. */
export function subjectOf(role: MemberRole, member: string): string {
  return role === 'site' ? `ctga.sites.${member}` : `ctga.findings.${member}`;
}
