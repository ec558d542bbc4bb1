// SPDX-License-Identifier: Apache-2.0
/**
 * The native-messaging host: what a browser starts, and what passes messages on between the browser
 * and the daemon. It looks for the daemon whenever there is something to be said to it, and says
 * what to do where there is none.
 */
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { toJson } from '../base/json.ts';
import { frame, FrameReader } from './frames.ts';
import type { ErrorReason } from './messages.ts';

export interface HostOptions {
  /** Of the daemon. */
  readonly socket: string;
  /** From the browser, and to it. */
  readonly input: Readable;
  readonly output: Writable;
  /** What to do where no daemon runs, as a sentence. */
  readonly remedy: string;
}

/** Passes messages on until the browser ends it, or sends what can be no message. */
export async function relay({ socket: path, input, output, remedy }: HostOptions): Promise<void> {
  let daemon: Socket | undefined;
  const say = (message: string, why?: ErrorReason): void =>
    void output.write(frame(toJson({ type: 'error', message, ...(why && { why }) })));
  output.on('error', () => input.destroy());
  const connection = async (): Promise<Socket | undefined> => {
    if (daemon !== undefined) return daemon;
    const socket = connect(path);
    try {
      await new Promise<void>((done, failed) => {
        socket.once('connect', done).once('error', failed);
      });
    } catch {
      return undefined;
    }
    const answers = new FrameReader();
    daemon = socket
      .on('error', () => undefined)
      .once('close', () => (daemon = undefined))
      .on('data', (bytes: Buffer) => {
        try {
          for (const body of answers.take(bytes)) {
            const isTaken = output.write(frame(body.toString()));
            if (isTaken) continue;
            socket.pause();
            output.once('drain', () => socket.resume());
          }
        } catch {
          socket.destroy();
        }
      });
    return daemon;
  };
  const reader = new FrameReader();
  try {
    for await (const bytes of input as AsyncIterable<Buffer>)
      for (const body of reader.take(bytes)) {
        const socket = await connection();
        if (socket === undefined) say(`The daemon does not run. ${remedy}`, 'no-daemon');
        else if (!socket.write(frame(body.toString())))
          await new Promise<void>((done) => {
            socket.once('drain', done).once('close', done);
          });
      }
  } catch (error) {
    if (error instanceof RangeError) say(error.message);
    // Else the browser is gone.
  } finally {
    daemon?.destroy();
  }
}
