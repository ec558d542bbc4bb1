/**
 * What one packet costs on each path, against an empty program: BPF_PROG_TEST_RUN, all programs and
 * paths in turn, several times over, so that the machine's moods fall on all of them alike.
 */
import { loadXdp, type LoadedXdp, type LoadXdpOptions } from '../src/dataplane/xdp.ts';
import {
  addressAnswer,
  answer,
  fragment,
  KNOWN_NAMES,
  LOGS,
  notIp,
  smallUdp,
  tcp,
  unknownAnswer,
} from './frames.ts';
import { median, percentile } from './statistics.ts';

export interface PathCost {
  readonly path: string;
  readonly program: string;
  /** Nanoseconds a packet: the middle of the rounds, and the tenth and ninetieth percentile. */
  readonly ns: number;
  readonly low: number;
  readonly high: number;
  /** To the empty program in this run. */
  readonly ratio: number;
}

interface Path {
  readonly path: string;
  readonly frame: Uint8Array;
  readonly options?: LoadXdpOptions;
  /**
   * Packets of one run; those that are copied must fit the ring, which is read between the runs.
   */
  readonly repeat: number;
  readonly copies?: boolean;
}

const OPEN = { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 };
const MANY = 200_000;
const FITS_THE_RING = 2000;
const known = answer(LOGS[0] ?? '');

const PATHS: readonly Path[] = [
  { path: 'not IP', frame: notIp(), repeat: MANY },
  { path: 'TCP', frame: tcp(), repeat: MANY },
  { path: 'UDP from another port', frame: smallUdp(), repeat: MANY },
  { path: 'DNS answer, type A', frame: addressAnswer(), repeat: MANY },
  { path: 'answer, unknown name', frame: unknownAnswer(), repeat: MANY },
  {
    path: 'answer, already seen',
    frame: known,
    options: { seenMilliseconds: 86_400_000 },
    repeat: MANY,
  },
  {
    path: 'answer, sampled out',
    frame: known,
    options: { ...OPEN, everyNth: 0xffff_ffff },
    repeat: MANY,
  },
  {
    path: 'answer, over budget',
    frame: known,
    options: { ...OPEN, answersPerSecond: 1 },
    repeat: MANY,
  },
  {
    path: 'answer, copied and delivered',
    frame: known,
    options: OPEN,
    repeat: FITS_THE_RING,
    copies: true,
  },
  {
    path: 'fragment, over budget',
    frame: fragment(),
    options: { ...OPEN, fragmentsPerSecond: 1 },
    repeat: MANY,
  },
  {
    path: 'fragment, copied and delivered',
    frame: fragment(),
    options: OPEN,
    repeat: FITS_THE_RING,
    copies: true,
  },
];

export interface Against {
  readonly name: string;
  readonly objectPath: string | undefined;
}

/** Throws Error where a copy was not delivered: then the figures would be of another thing. */
export async function measureCost(
  programs: readonly Against[],
  rounds: number,
  progress: (path: string) => void,
): Promise<PathCost[]> {
  const costs: PathCost[] = [];
  for (const path of PATHS) {
    progress(path.path);
    const loaded = programs.map(({ objectPath }) => new Run(path, objectPath));
    const times = programs.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, run] of loaded.entries()) times[i]?.push(await run.once());
    }
    for (const run of loaded) run.close();
    const [base = []] = times;
    costs.push(
      ...programs.map(({ name }, i) => {
        const sample = times[i] ?? [];
        const ns = median(sample);
        const [low, high] = [percentile(sample, 0.1), percentile(sample, 0.9)];
        return { path: path.path, program: name, ns, low, high, ratio: ns / median(base) };
      }),
    );
  }
  return costs;
}

/** One program on one path. */
class Run {
  readonly #path: Path;
  readonly #xdp: LoadedXdp;
  #delivered = 0n;

  constructor(path: Path, objectPath: string | undefined) {
    this.#path = path;
    this.#xdp = loadXdp({ ...path.options, objectPath });
    this.#xdp.setMatchRules({ udpSourcePorts: [53], dnsNames: KNOWN_NAMES });
  }

  async once(): Promise<number> {
    const { frame, repeat, copies } = this.#path;
    const { durationNs } = this.#xdp.testRun(frame, repeat);
    if (copies === true) {
      this.#xdp.start(
        () => this.#delivered++,
        () => undefined,
      );
      await this.#xdp.stop();
      const { answersCopied, fragmentsCopied, packets } = this.#xdp.counters();
      const copied = answersCopied + fragmentsCopied;
      // The empty program counts no packets.
      if (copied !== this.#delivered || copied !== packets)
        throw new Error(
          `${this.#path.path}: ${packets} packets, ${copied} copied, ${this.#delivered} delivered`,
        );
    }
    return durationNs;
  }

  close(): void {
    this.#xdp.close();
  }
}
