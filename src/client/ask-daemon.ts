// SPDX-License-Identifier: Apache-2.0
/** Asking the daemon how it stands, as a browser does. */
import { connect } from 'node:net';
import { frame, FrameReader } from './frames.ts';

const PATIENCE_MS = 10_000;

/** The status message of the daemon at this socket, as it came; undefined if none answers. */
export async function askDaemon(path: string): Promise<unknown> {
  const socket = connect(path);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  try {
    socket.write(frame('{"type":"status"}'));
    const reader = new FrameReader();
    for await (const bytes of socket as AsyncIterable<Buffer>)
      for (const body of reader.take(bytes)) return JSON.parse(body.toString()) as unknown;
  } catch {
    // There is none.
  } finally {
    socket.destroy();
  }
  return undefined;
}
