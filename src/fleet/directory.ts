// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where a member of a fleet keeps, in its state directory, what it knows of the others. */
export function fleetIn(stateDirectory: string): string {
  return join(stateDirectory, 'fleet');
}
