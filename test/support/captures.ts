// SPDX-License-Identifier: Apache-2.0
/** Captures as tests read them: all at once, every packet as a frame of its own. */
import { readFileSync } from 'node:fs';
import { CtgaError } from '../../src/base/errors.ts';
import type { CaptureSummary } from '../../src/dataplane/capture/delivery.ts';
import { CaptureReader } from '../../src/dataplane/capture/reader.ts';

export interface CapturedFrame {
  /** From the Ethernet header on. */
  readonly frame: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly frameLength: number;
  readonly index: number;
}

export interface ReadCapture {
  readonly frames: readonly CapturedFrame[];
  readonly summary: CaptureSummary;
  /** What ended the reading early. */
  readonly error: CtgaError | undefined;
}

/** Reads to the end, or to the error, in chunks of a size. */
export function readBytes(bytes: Uint8Array, name: string, chunk = bytes.length): ReadCapture {
  const frames: CapturedFrame[] = [];
  const reader = new CaptureReader(name, (packet) => {
    const { timestamp, frameLength, index } = packet;
    frames.push({ frame: Uint8Array.from(packet.frame()), timestamp, frameLength, index });
  });
  let error: CtgaError | undefined;
  try {
    for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
    reader.end();
  } catch (caught) {
    if (!(caught instanceof CtgaError)) throw caught;
    error = caught as CtgaError;
  }
  return { frames, summary: reader.summary, error };
}

export function readCapture(path: string): ReadCapture {
  return readBytes(readFileSync(path), path);
}
