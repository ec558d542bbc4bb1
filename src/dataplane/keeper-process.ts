// SPDX-License-Identifier: Apache-2.0
/**
 * The keeper as a process. What it does is in its arguments, which an observer gave that was as
 * privileged as this process. That observer then parses what anybody sends, so somebody may take it
 * over: nothing that it says afterwards is obeyed, whatever it is.
 *
 * There is only this much to hear on standard input. The first byte says that the observer is about
 * to parse: from then on no data plane is taken off. Its end is the end of the observer: if that
 * comes before, what was made in vain is taken off.
 */
import { Socket } from 'node:net';
import type { KeeperEvent, KeeperTask } from './keeper.ts';
import { LinkWatch } from './link-watch.ts';

/** An observer that does not read what it is told loses what is more than that, in bytes. */
const MOST_UNREAD = 1 << 20;
const PATIENCE_MS = 5000;

const { links, made } = JSON.parse(process.argv[2] ?? '') as KeeperTask;
const observer = new Socket({ fd: 3, readable: false, writable: true });
const tell = (event: KeeperEvent): void => {
  if (observer.writableLength < MOST_UNREAD) observer.write(`${JSON.stringify(event)}\n`);
};
// It may have ended.
observer.on('error', () => undefined);

const watches = new Map(
  links.map((link) => [link.options.interfaceName, new LinkWatch(link, tell)]),
);

let mayParse = false;
process.stdin.once('data', () => (mayParse = true));
process.stdin.on('error', () => undefined);
process.stdin.once('close', () => {
  for (const watch of watches.values()) {
    watch.check();
    watch.stop();
  }
  if (!mayParse) for (const name of made) watches.get(name)?.detach();
  setTimeout(() => process.exit(0), PATIENCE_MS);
  observer.once('close', () => process.exit(0));
  observer.end(() => process.exit(0));
});
// Ctrl-C reaches the whole process group; the observer decides what it means, and ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
