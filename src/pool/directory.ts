// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the pool of a state directory keeps its things. */
export function poolIn(stateDirectory: string): string {
  return join(stateDirectory, 'pool');
}

/** And evidence of what clients brought that contradicts itself. */
export function poolEvidenceIn(stateDirectory: string): string {
  return join(poolIn(stateDirectory), 'evidence');
}
