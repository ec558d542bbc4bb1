/** Reads batches of copied packets: `struct record_header` in xdp/record.h, then the captured bytes. */
import type { CopyKind } from './types.ts';

/**
 * One record: 0 timestamp_ns (8, here since the epoch), 8 interface_index (4), 12 frame_length (4),
 * 16 captured_length (2), 18 kind (1), 19 reserved (5), 24 the frame. The next one begins at a multiple of 8.
 */
const HEADER_BYTES = 24;

/** Milliseconds since the epoch; a double holds the nanoseconds of today to within 256. */
const NS_PER_MS = 1e6;

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The addon wrote the batch, so its lengths are trusted; the frames in it are not. */
export function forEachRecord(
  batch: ArrayBuffer,
  handle: (kind: CopyKind, frame: Uint8Array, frameLength: number, timestamp: number) => void,
): void {
  const view = new DataView(batch);
  for (let at = 0; at < batch.byteLength;) {
    const [low, high] = littleEndian ? [at, at + 4] : [at + 4, at];
    const nanoseconds = view.getUint32(high, littleEndian) * 2 ** 32 + view.getUint32(low, littleEndian);
    const frameLength = view.getUint32(at + 12, littleEndian);
    const capturedLength = view.getUint16(at + 16, littleEndian);
    const frame = new Uint8Array(batch, at + HEADER_BYTES, capturedLength);
    handle(kindOf(view.getUint8(at + 18)), frame, frameLength, Math.floor(nanoseconds / NS_PER_MS));
    at += Math.ceil((HEADER_BYTES + capturedLength) / 8) * 8;
  }
}

/** `enum record_kind`. */
function kindOf(code: number): CopyKind {
  if (code === 1) return 'answer';
  if (code === 2) return 'fragment';
  return 'unknown';
}
