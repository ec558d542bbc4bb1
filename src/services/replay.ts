// SPDX-License-Identifier: Apache-2.0
/** `ctga replay` as a service: looks for tree heads in captures, verifies and stores them. */
import type { CtgaError } from '../base/errors.ts';
import { FileInput } from '../base/file-input.ts';
import { plural } from '../base/text.ts';
import { CapturePlane, type CaptureProgress } from '../dataplane/capture.ts';
import type { CaptureSummary } from '../dataplane/capture/delivery.ts';
import { CONVERT, nameOfLinkType } from '../dataplane/capture/link-types.ts';
import type { ZoneOptions } from '../logs/zones.ts';
import { replayPlanes, type Replay } from '../observer/replay.ts';
import { sourcesOf } from '../sources/registry.ts';
import { logsInForce } from './log-lists.ts';
import { openForWriting, type State } from '../store/state.ts';

export interface ReplayOptions {
  readonly state: State;
  /** Paths of captures, compressed or not, or `-` for standard input. */
  readonly files: readonly string[];
  /** The path of a log list for this run; undefined: the logs in force in the store. */
  readonly logList: string | undefined;
  readonly zones: ZoneOptions;
  /** Called with a sentence for what the operator should know. */
  readonly warn: (message: string) => void;
  /** Called now and then with the file that is being read. */
  readonly onProgress: (file: string, progress: CaptureProgress) => void;
}

export interface ReplayedFile extends CaptureSummary {
  readonly file: string;
  /** What ended the reading early; all packets before it were read. */
  readonly failure: CtgaError | undefined;
}

export interface ReplayedFiles extends Omit<Replay, 'failures'> {
  readonly files: readonly ReplayedFile[];
}

/** In milliseconds: files that are read in less show no progress. */
const PROGRESS_INTERVAL = 500;

/**
 * Throws CtgaError `store-failed` where the store cannot be written, and `bad-input` where none of the
 * files is one, before a store is made.
 */
export async function replay(options: ReplayOptions): Promise<ReplayedFiles> {
  const { state, files, logList, zones, warn, onProgress } = options;
  // Before a store is made.
  const sources = sourcesOf(logsInForce(state, logList, warn), zones);
  const faults = files.flatMap((file) => faultOf(file) ?? []);
  if (faults[0] !== undefined && faults.length === files.length) throw faults[0];
  const store = openForWriting(state);
  const planes = files.map((file) => new CapturePlane(file));
  const timer = setInterval(() => {
    const current = planes.findLastIndex(({ progress }) => progress.bytesRead > 0);
    const [file, plane] = [files[current], planes[current]];
    if (file !== undefined && plane !== undefined) onProgress(file, plane.progress);
  }, PROGRESS_INTERVAL);
  try {
    const { failures, ...found } = await replayPlanes(planes, {
      sources,
      store,
      evidenceDirectory: state.evidence,
    });
    const read = planes.map(({ summary }, i) => ({
      file: files[i] ?? '',
      ...summary,
      failure: failures.get(i),
    }));
    for (const file of read) for (const sentence of shortcomings(file)) warn(sentence);
    const packets = read.reduce((sum, file) => sum + file.packets, 0);
    return { ...found, packets, files: read };
  } finally {
    clearInterval(timer);
    store.close();
  }
}

function faultOf(file: string): Error | undefined {
  try {
    new FileInput(file).check();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Sentences about what was in a capture and could not be read. */
function shortcomings({ file, cut, unread, notes, failure }: ReplayedFile): string[] {
  // Where nothing could be read, the failure says so.
  const skipped = failure === undefined ? [...unread] : [];
  return [
    ...notes.map((note) => `${file}: ${note}`),
    ...skipped.map(
      ([linkType, count]) =>
        `${file}: ${plural(count, 'packet has', 'packets have')} link type ${nameOfLinkType(linkType)}, which ctga does not read. ${CONVERT}`,
    ),
    ...(cut === 0
      ? []
      : [
          `${file}: ${plural(cut, 'packet is', 'packets are')} cut short, and a tree head in what is missing is lost. Capture with: tcpdump -s 0`,
        ]),
  ];
}
