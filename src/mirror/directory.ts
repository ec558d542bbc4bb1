// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** All of a state directory that a name server writes. */
export function publishedIn(stateDirectory: string): string {
  return join(stateDirectory, 'dns');
}
