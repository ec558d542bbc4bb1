// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the member of a state directory keeps its things. */
export function federationIn(stateDirectory: string): string {
  return join(stateDirectory, 'federation');
}

/** And evidence that it was brought, or made of what it was brought. */
export function federationEvidenceIn(stateDirectory: string): string {
  return join(federationIn(stateDirectory), 'evidence');
}
