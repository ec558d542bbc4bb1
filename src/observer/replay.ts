/** An observer over a plane that comes to an end: a capture file. */
import { encodeBase64 } from '../base/base64.ts';
import type { DataPlane } from '../dataplane/types.ts';
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
  /** Descriptions of logs that signed an empty tree with another root than it has; each once. */
  readonly malformed: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** Damage in the file that ended the reading early; all packets before it were read. */
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

/**
 * Reads all of a plane that comes to an end. Time is that of the packets, so every replay ends the
 * same. Throws CtgaError `store-failed` where the store cannot be written.
 */
export async function replayPlane(
  plane: DataPlane,
  options: {
    readonly sources: readonly Source[];
    readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
    readonly evidenceDirectory: string;
  },
): Promise<Replay> {
  const treeHeads = new Map<string, ReplayedHead>();
  const evidence: string[] = [];
  const malformed = new Set<string>();
  const observer = new Observer({
    ...options,
    onEvent: (event) => {
      if (event.event === 'tree-head') addHead(treeHeads, event);
      else if (event.event === 'fork-proven') evidence.push(event.evidence);
      else if (event.event === 'malformed-head') malformed.add(event.log.description);
      else throw new StoreError('store-failed', `the store cannot be written: ${event.message}`);
    },
  });
  let packets = 0;
  let failure: CtgaError | undefined;
  observer.beginPlane(plane.interfaceName, plane.keepsSeenEntries);
  plane.setMatchRules(observer.matchRules);
  plane.start(
    (packet) => {
      packets += 1;
      observer.receive(packet);
    },
    (now) => observer.endBatch(now),
  );
  try {
    await plane.finished;
  } catch (error) {
    if (!(error instanceof CtgaError && error.code === 'bad-input')) throw error;
    failure = error;
  }
  const heads = [...treeHeads.values()];
  options.store.logs.put(heads.map(({ log }) => log));
  return {
    packets,
    treeHeads: heads,
    evidence,
    malformed: [...malformed],
    counts: observer.counts(),
    failure,
  };
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
