// SPDX-License-Identifier: Apache-2.0
/** What the addon is told in tests that use it directly. */
import type { Addon, XdpSettings } from '../../src/native/addon.ts';
import type { MatchRules } from '../../src/sources/match-rules.ts';

/** The program as it is loaded to be run by hand. */
export const XDP_HERE = { hook: 'xdp', partsMerged: true } satisfies Partial<
  Parameters<Addon['load']>[0]
>;

/** Copies every match, however often it comes. */
export const COPY_ALL: XdpSettings = {
  threshold: 400,
  everyNth: 1,
  wakeupBytes: 4096,
  seenMilliseconds: 0,
  answersPerSecond: 0,
  fragmentsPerSecond: 0,
  answersShare: 1,
  fragmentsShare: 1,
};

/** Rules that copy the answers to these names (DNS wire format) that come from port 53. */
export function answersTo(dnsNames: readonly Uint8Array[]): MatchRules {
  return { udpSourcePorts: [53], dnsNames };
}
