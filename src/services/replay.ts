/** `ctga replay` as a service: looks for tree heads in a capture, verifies and stores them. */
import type { PlaneTarget } from '../dataplane/kind.ts';
import { zonesOf, type ZoneOptions } from '../logs/zones.ts';
import { replayPlane, type Replay } from '../observer/replay.ts';
import { CtOverDns } from '../sources/ct-over-dns/source.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openForWriting, type State } from '../store/state.ts';

export interface ReplayOptions {
  readonly state: State;
  /** One that comes to an end. */
  readonly plane: PlaneTarget;
  /** The path of a log list for this run; undefined: the logs in force in the store. */
  readonly logList: string | undefined;
  readonly zones: ZoneOptions;
  /** Called with a sentence for what the operator should know. */
  readonly warn: (message: string) => void;
}

/** Throws CtgaError `store-failed` where the store cannot be written. */
export async function replay(options: ReplayOptions): Promise<Replay> {
  const { state, logList, zones, warn } = options;
  const store = openForWriting(state);
  try {
    const plane = await options.plane.attach({});
    const logs = knownLogs(store, logList, warn);
    const sources = [new CtOverDns(zonesOf(logs, zones))];
    return await replayPlane(plane, { sources, store, evidenceDirectory: state.evidence });
  } finally {
    store.close();
  }
}
