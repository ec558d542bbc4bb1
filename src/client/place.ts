// SPDX-License-Identifier: Apache-2.0
/** Where the daemon is found. */
import { join } from 'node:path';

/** What the daemon of a client's directory listens at: whoever may enter that may talk to it. */
export function socketIn(directory: string): string {
  return join(directory, 'socket');
}

/** Where the client of a state directory keeps its things. */
export function clientIn(stateDirectory: string): string {
  return join(stateDirectory, 'client');
}
