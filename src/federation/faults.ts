// SPDX-License-Identifier: Apache-2.0
/** What in a member's health a person should look at, in words: for alerts, and for `ctga doctor`. */
import { encodeBase64 } from '../base/base64.ts';
import { time } from '../base/text.ts';
import type { FederationHealth } from './health.ts';

export interface FederationFault {
  /** What tells it from others, in an alert's key. */
  readonly key: string;
  readonly isCritical: boolean;
  /** One sentence. */
  readonly message: string;
  readonly remedy: string;
}

/** A federation that agreed on nothing for as many periods, and a quarter of an hour, is looked at. */
const SILENT_PERIODS = 10;
const SILENT_MS = 15 * 60_000;
export const SILENCE_REMEDY =
  'Look whether it runs (systemctl status ctga-federation), whether it reaches the others, whether the clocks are right, and whether ctga challenge runs beside it.';

/** The worst first. `now`: ms since the epoch. `describe` names a log by its ID. */
export function federationFaults(
  health: FederationHealth,
  now: number,
  describe: (id: Uint8Array) => string = (id) => `the log ${encodeBase64(id)}`,
): FederationFault[] {
  const { name, faulty, disagreements, accused, statedAt, began, period } = health;
  const since = statedAt ?? began;
  const isSilent = now - since - period > Math.max(SILENT_MS, SILENT_PERIODS * period);
  return [
    ...disagreements.map((each) => ({
      key: `disagreement:${each}`,
      isCritical: true,
      message: `Two thresholds of the federation ${name} stated different things in the period ${each}: more members lie than its threshold allows for.`,
      remedy:
        'Trust none of its statements until its members are others. Keep federation.sqlite: both certificates are in it, with the names of who signed.',
    })),
    ...faulty.map((member) => ({
      key: `member:${member}`,
      isCritical: true,
      message: `The member ${member} of the federation ${name} contradicted itself, which is proven.`,
      remedy:
        'It lies, or somebody has its key. Agree with the others on a roster without it: docs/FEDERATION.md',
    })),
    ...(isSilent
      ? [
          {
            key: 'silent',
            isCritical: false,
            message: `The federation ${name} has agreed on nothing ${statedAt === undefined ? 'yet' : `since ${time(statedAt)}`}, as far as this member knows.`,
            remedy: SILENCE_REMEDY,
          },
        ]
      : []),
    ...accused.map((id) => ({
      key: `accused:${encodeBase64(id)}`,
      isCritical: false,
      message: `The federation ${name} accuses ${describe(id)}: it answers nothing to a threshold of the members, or proves nothing.`,
      remedy:
        'This is no evidence: a log may be down. It is over when the threshold states a tree head of it. See: ctga federation status',
    })),
  ];
}
