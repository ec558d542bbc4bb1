// SPDX-License-Identifier: Apache-2.0
/** An observer over planes that come to an end: capture files. */
import { encodeBase64 } from '../base/base64.ts';
import type { DataPlane, DataPlaneCounters } from '../dataplane/types.ts';
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
  /** What became of the packets, by reason, with those that the planes did not deliver. */
  readonly counts: Readonly<Record<string, number>>;
  /** What ended the reading of a plane early, by its place in the list; all before it was read. */
  readonly failures: ReadonlyMap<number, CtgaError>;
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
 * Reads all of some planes that come to an end, one after the other. Time is that of the packets,
 * so every replay ends the same. Throws CtgaError `store-failed` where the store cannot be written.
 */
export async function replayPlanes(
  planes: readonly DataPlane[],
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
    acceptsNoIpv4Checksum: true,
    replays: true,
    onEvent: (event) => {
      if (event.event === 'tree-head') addHead(treeHeads, event);
      else if (event.event === 'fork-proven') evidence.push(event.evidence);
      else if (event.event === 'malformed-head') malformed.add(event.log.description);
      else throw new StoreError('store-failed', `the store cannot be written: ${event.message}`);
    },
  });
  const failures = new Map<number, CtgaError>();
  for (const [place, plane] of planes.entries()) {
    observer.beginPlane(plane.interfaceName, plane.keepsSeenEntries);
    plane.setMatchRules(observer.matchRules);
    let end = 0;
    plane.start(
      (packet) => observer.receive(packet),
      (now) => {
        observer.passBatch(now);
        end = now;
      },
    );
    try {
      await plane.finished;
    } catch (error) {
      if (!isFailureOfOne(error)) throw error;
      failures.set(place, error);
    }
    observer.endBatch(end);
  }
  const heads = [...treeHeads.values()];
  options.store.logs.put(heads.map(({ log }) => log));
  const { packets, counts } = countersOf(planes);
  return {
    packets,
    treeHeads: heads,
    evidence,
    malformed: [...malformed],
    counts: { ...counts, ...observer.counts() },
    failures,
  };
}

/** Whether the failure of one plane is no reason not to read the others. */
function isFailureOfOne(error: unknown): error is CtgaError {
  if (!(error instanceof CtgaError)) return false;
  const { code } = error as CtgaError;
  return code === 'bad-input' || code === 'not-set-up';
}

/** Why a plane does not deliver a packet. */
const NOT_DELIVERED = {
  notIp: 'not IP',
  notUdp: 'not UDP',
  otherPort: 'from another port',
  malformed: 'cut or malformed',
  notTreeHead: 'no answer with a tree head',
  unknownName: 'to another name',
} as const;

function countersOf(planes: readonly DataPlane[]): Pick<Replay, 'packets' | 'counts'> {
  const all = planes.flatMap((plane) => plane.counters() ?? []);
  const sum = (counter: keyof DataPlaneCounters): number =>
    all.reduce((total, counters) => total + Number(counters[counter]), 0);
  const reasons = Object.keys(NOT_DELIVERED) as (keyof typeof NOT_DELIVERED)[];
  const counts = reasons.map(
    (reason) => [`no match: ${NOT_DELIVERED[reason]}`, sum(reason)] as const,
  );
  return {
    packets: sum('packets'),
    counts: Object.fromEntries(counts.filter(([, count]) => count > 0)),
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
