// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the auditor of a state directory keeps its things. */
export function auditorIn(stateDirectory: string): string {
  return join(stateDirectory, 'audit');
}
