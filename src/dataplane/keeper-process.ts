// SPDX-License-Identifier: Apache-2.0
/**
 * The keeper as a process: obeys one observer over IPC (keeper.ts), and ends with it.
 *
 * The observer parses what anybody sends, so somebody may take it over. Its first message came
 * while it was as privileged as this process; no later message can make this process do more than
 * that one named.
 */
import type { KeeperMessage, KeeperRequest } from './keeper.ts';
import { LinkWatch } from './link-watch.ts';

let watches: ReadonlyMap<string, LinkWatch> | undefined;
const tell = (message: KeeperMessage): void => {
  // The observer may have ended meanwhile.
  if (process.connected) process.send?.(message, () => undefined);
};

process.on('message', (request: KeeperRequest) => {
  if (request.do === 'watch') {
    watches ??= new Map(
      request.links.map((link) => [link.options.interfaceName, new LinkWatch(link, tell)]),
    );
    return;
  }
  if (request.do === 'check') {
    for (const watch of watches?.values() ?? []) watch.check();
    return tell({ event: 'checked' });
  }
  for (const watch of watches?.values() ?? []) watch.stop();
  for (const name of request.interfaces) watches?.get(name)?.detach();
  tell({ event: 'removed' });
});
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the observer decides what it means and disconnects.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
