/** A dead man's switch: somebody else misses us when we are gone. */
import { directFetch } from '../http/request.ts';
import { runProgram } from './channels.ts';

/** Rejects with the reason where one of the two fails. */
export async function heartbeat(
  url: string | undefined,
  command: string | undefined,
  allowPrivateAddress: boolean,
): Promise<void> {
  if (command !== undefined) await runProgram('/bin/sh', ['-c', command], '', {});
  if (url === undefined) return;
  const { status } = await directFetch({ allowPrivateAddress })(url);
  if (status < 200 || status > 299)
    throw new Error(`${new URL(url).host} answered with status ${status}`);
}
