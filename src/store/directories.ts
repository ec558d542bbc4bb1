// SPDX-License-Identifier: Apache-2.0
/** Where evidence lies for a state directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const SYSTEM_DIRECTORY = '/var/lib/ctga';
/** Of the writer's account, which the package makes. What is above it belongs to root. */
const SYSTEM_EVIDENCE = '/var/lib/ctga-evidence';

/** Its name in a state directory, where there is no writer. */
export const EVIDENCE = 'evidence';

/**
 * The directory of evidence: the writer's where the machine has one, because whoever can write in
 * the state directory could put another in the place of one there.
 */
export function evidenceOf(stateDirectory: string): string {
  return stateDirectory === SYSTEM_DIRECTORY && existsSync(SYSTEM_EVIDENCE)
    ? SYSTEM_EVIDENCE
    : join(stateDirectory, EVIDENCE);
}
