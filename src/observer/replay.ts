/**
 * An observer over a capture file instead of a data plane.
 */
import { basename } from 'node:path';
import { encodeBase64 } from '../base/base64.ts';
import { readCapture } from '../dataplane/pcap.ts';
import { CtgaError } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import type { Log } from '../logs/log.ts';
import type { Store } from '../store/store.ts';
import type { Source } from '../sources/source.ts';
import { Observer, type ObserverEvent } from './observer.ts';

export interface Replay {
  readonly packets: number;
  readonly treeHeads: readonly ReplayedHead[];
  /** Paths of evidence that two heads of one size gave. */
  readonly evidence: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** What ended the reading early: damage in the file. All before it was delivered. */
  readonly failure: CtgaError | undefined;
}

/** A distinct verified tree head, and how often the capture has it. */
export interface ReplayedHead {
  readonly log: Log;
  readonly treeSize: bigint;
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  readonly rootHash: Uint8Array;
  seen: number;
  reassembled: number;
}

/** Packets between two commits. */
const BATCH = 1000;

/**
 * Throws CtgaError where the store cannot be written. Time is the capture's own, so every replay
 * ends the same.
 */
export function replayCapture(
  file: string,
  options: {
    readonly sources: readonly Source[];
    readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
    readonly evidenceDirectory: string;
  },
): Replay {
  const treeHeads = new Map<string, ReplayedHead>();
  const evidence: string[] = [];
  const observer = new Observer({
    ...options,
    onEvent: (event) => {
      if (event.event === 'tree-head') addHead(treeHeads, event);
      else if (event.event === 'fork-proven') evidence.push(event.evidence);
      else throw new StoreError('store-failed', `the store cannot be written: ${event.message}`);
    },
  });
  const interfaceName = `replay:${basename(file)}`;
  let packets = 0;
  let now = 0;
  let failure: CtgaError | undefined;
  try {
    for (const { frame, frameLength, timestamp } of readCapture(file)) {
      packets += 1;
      now = timestamp;
      observer.receive({ kind: 'unknown', frame, frameLength, timestamp, interfaceName });
      if (packets % BATCH === 0) observer.endBatch(now);
    }
  } catch (error) {
    if (!(error instanceof CtgaError && error.code === 'bad-input')) throw error;
    failure = error;
  }
  observer.endBatch(now);
  const heads = [...treeHeads.values()];
  options.store.logs.put(heads.map(({ log }) => log));
  return { packets, treeHeads: heads, evidence, counts: observer.counts(), failure };
}

function addHead(
  heads: Map<string, ReplayedHead>,
  event: Extract<ObserverEvent, { event: 'tree-head' }>,
): void {
  const { head, log, count, reassembled } = event;
  const { treeSize, timestamp, rootHash } = head;
  const key = [log.description, treeSize, timestamp, encodeBase64(rootHash)].join(' ');
  const known = heads.get(key);
  if (known === undefined) {
    heads.set(key, { log, treeSize, timestamp, rootHash, seen: count, reassembled });
  } else {
    known.seen += count;
    known.reassembled += reassembled;
  }
}
