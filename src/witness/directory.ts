// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the witness of a state directory keeps its keys and what it cosigned. */
export function witnessIn(stateDirectory: string): string {
  return join(stateDirectory, 'witness');
}
