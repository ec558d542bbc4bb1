/** The keeper as a process: obeys one observer over IPC (keeper.ts), and ends with it. */
import { Kept, letGo, type KeeperMessage, type KeeperRequest } from './keeper.ts';

const kept: Kept[] = [];
const tell = (message: KeeperMessage): void => {
  // The observer may have ended meanwhile.
  if (process.connected) process.send?.(message, () => undefined);
};

process.on('message', (request: KeeperRequest) => {
  if (request.do === 'keep') {
    for (const options of request.planes) kept.push(new Kept(options, tell));
    return;
  }
  for (const each of kept) each.leave();
  letGo(request.interfaces);
  tell({ event: 'let go' });
});
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group: whoever it is meant for ends the connection.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
