/**
 * The keeper as a process: obeys one observer over IPC (keeper.ts), and ends with it. The observer
 * parses what anybody sends and may be taken over: what it says after its first message, before
 * which it was as privileged as this, can do no more than it could.
 */
import { Kept, letGo, type KeeperMessage, type KeeperRequest } from './keeper.ts';

let kept: ReadonlyMap<string, Kept> | undefined;
const tell = (message: KeeperMessage): void => {
  // The observer may have ended meanwhile.
  if (process.connected) process.send?.(message, () => undefined);
};

process.on('message', (request: KeeperRequest) => {
  if (request.do === 'keep') {
    kept ??= new Map(
      request.planes.map((plane) => [plane.options.interfaceName, new Kept(plane, tell)]),
    );
    return;
  }
  for (const each of kept?.values() ?? []) each.leave();
  letGo(request.interfaces.filter((name) => kept?.has(name)));
  tell({ event: 'let go' });
});
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group: whoever it is meant for ends the connection.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
