// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the witness of a state directory keeps its keys and what it cosigned. */
export function witnessIn(stateDirectory: string): string {
  return join(stateDirectory, 'witness');
}

/** Where the machine's witness is: not in the state directory of an observer. */
export const SYSTEM_WITNESS = '/var/lib/ctga-witness';

/** Of the witness of one account, by that account's state directory. */
export function ownWitness(ownDirectory: string): string {
  return `${ownDirectory}-witness`;
}
