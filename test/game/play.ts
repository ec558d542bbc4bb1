// SPDX-License-Identifier: Apache-2.0
/**
 * One game: the log marks sixteen networks, ctga observes one of them or none, and days pass. What
 * comes out is what the log has seen at the end; distinguishers.ts guesses from it.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { recordHeads } from '../../src/evidence/record.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import type { Log } from '../../src/logs/log.ts';
import { challengeContinually } from '../../src/services/challenge.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import type { Store } from '../../src/store/store.ts';
import { fixChance, random, SEED } from '../support/random.ts';
import {
  AdversaryLog,
  Entries,
  HOUR,
  hashOf,
  START,
  Wire,
  type Asked,
  type Growth,
  type LogSetting,
  type Mood,
} from './log.ts';
import { handOut, NETWORKS, type Handed, type Strategy } from './marks.ts';
import { VirtualTime } from './time.ts';

/** A log whose hashes are all fetched, one whose old ones are not, and so on. */
export const KINDS = [
  'static-ct',
  'static-ct, larger than the window',
  'rfc6962',
  'rfc6962 in blocks',
] as const;
export type Kind = (typeof KINDS)[number];

/** How ctga asks: by a pattern that knows nothing of what was seen, or about that directly. */
export type Way = 'pattern' | 'direct';

/** What the log does beside marking networks. */
export const TROUBLES = [
  'none',
  'a request in twenty fails',
  'an outage of hours',
  'a quarter of the paths always fails',
  'a third of the identities is told to wait',
  'a third of the identities gets late heads',
  'a list that changes',
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface GameSetting {
  readonly kind: Kind;
  readonly way: Way;
  readonly strategy: Strategy;
  readonly trouble: Trouble;
  /** Whether all networks are shown their heads at one time. */
  readonly isTogether: boolean;
  /** Decides what the log does. */
  readonly seed: number;
  /** Decides what ctga draws. */
  readonly chance: number;
  /** The network that ctga observes; undefined: it sees nothing. */
  readonly observed: number | undefined;
  /** Where evidence goes, of which an honest log gives none. */
  readonly evidenceDirectory: string;
}

export interface Game {
  readonly setting: GameSetting;
  readonly asked: readonly Asked[];
  readonly handed: readonly Handed[];
  /** Of the trees that ctga saw, at the end. The log does not know them. */
  readonly verdicts: readonly Verdict[];
}

export const LENGTH = 48 * HOUR;
/** Mean seconds between two visits of one log. */
export const EVERY = 4 * 3600;
export const PATHS = 2;
export const SEEN = 'eth0';
const QUESTIONS = 4;
const LATE_LOG = 5;
const ENDING_LOG = 6;

interface KindSetting {
  readonly api: Log['api'];
  /** As small as a game can have it and still tell tiles and blocks apart. */
  readonly growth: Growth;
  /** See FollowOptions. */
  readonly budget: number;
  readonly blocks: number;
  /** In days. */
  readonly window: number;
  /** What the log was followed by before the game; undefined if it was not. */
  readonly mode?: 'blocks';
}

export const KIND_SETTINGS: Readonly<Record<Kind, KindSetting>> = {
  'static-ct': {
    api: 'static-ct',
    growth: { first: 3600, hourly: 8 },
    budget: 100_000_000,
    blocks: 12,
    window: 14,
  },
  'static-ct, larger than the window': {
    api: 'static-ct',
    growth: { first: 100_000, hourly: 40 },
    budget: 1_300_000,
    blocks: 6,
    window: 2,
  },
  rfc6962: {
    api: 'rfc6962',
    growth: { first: 600, hourly: 8 },
    budget: 100_000_000,
    blocks: 12,
    window: 14,
  },
  'rfc6962 in blocks': {
    api: 'rfc6962',
    growth: { first: 8000, hourly: 1000 },
    // Its entries are larger than what a game has of them: see BYTES_PER_LEAF.
    budget: 100_000_000,
    blocks: 24,
    mode: 'blocks',
    window: 14,
  },
};
/** Of a log that is asked for blocks: it has outgrown its budget. */
export const BYTES_PER_LEAF = 8000;
const FROZEN: Growth = { first: 50, hourly: 0 };
const entriesBySize = new Map<number, Entries>();

function entriesFor({ first, hourly }: Growth): Entries {
  const size = first + hourly * 100 < 8192 ? 8192 : 131_072;
  let entries = entriesBySize.get(size);
  if (entries === undefined) entriesBySize.set(size, (entries = new Entries(size)));
  return entries;
}

/** The `index`th game of many: strategies and troubles take turns, and chance decides the rest. */
export function settingOf(
  kind: Kind,
  way: Way,
  index: number,
  strategies: readonly Strategy[],
  evidenceDirectory: string,
): GameSetting & { readonly observed: number } {
  return {
    kind,
    way,
    strategy: strategies[index % strategies.length] ?? 'one block',
    trouble: TROUBLES[index % TROUBLES.length] ?? 'none',
    isTogether: index % 2 === 0,
    seed: hashOf('log', SEED, kind, index),
    chance: hashOf('ctga', SEED, kind, index),
    observed: hashOf('network', SEED, kind, index) % NETWORKS,
    evidenceDirectory,
  };
}

export async function play(setting: GameSetting): Promise<Game> {
  const { kind, way, strategy, isTogether, seed, chance, observed, evidenceDirectory } = setting;
  const { budget, window, blocks, mode } = KIND_SETTINGS[kind];
  const time = new VirtualTime(START);
  const logs = logsOf(setting);
  const [main] = logs;
  if (main === undefined) throw new RangeError('no log');
  const wire = new Wire(time, logs, hashOf('delay', seed));
  const handed = handOut(strategy, main, random(hashOf('marks', seed)), isTogether);
  const store = memoryStore();
  const hashes = HashStore.inMemory();
  const listed = (): Log[] => listedAt(logs, time.now());
  const draw = random(chance);
  const uniform = (): number => draw(2 ** 32) / 2 ** 32;
  if (mode !== undefined)
    hashes
      .rows(main.listed)
      .setState({
        mode,
        shown: 0,
        budget,
        held: undefined,
        target: 0n,
        bytesPerLeaf: BYTES_PER_LEAF,
        pattern: newPattern(uniform),
      });

  // It takes a while until somebody in the network asks for the head that is shown there.
  const sighting = random(hashOf('sighting', seed));
  for (const each of handed.filter(({ network }) => network === observed)) {
    const log = logs.find(({ setting: { index } }) => index === each.log);
    if (log === undefined) throw new RangeError(`no log ${each.log}`);
    time.at(each.at + sighting(HOUR), () => see(log, each, store, time, evidenceDirectory));
  }

  const release = [
    fixChance(hashOf('other chance', chance)),
    rememberVerified(),
    useAsMonotonicClock(time),
  ];
  const restarts = random(hashOf('restarts', seed));
  try {
    const ends = [START + restarts(LENGTH), START + restarts(LENGTH)].sort((a, b) => a - b);
    for (const end of [...ends, START + LENGTH]) {
      const stop = new AbortController();
      const running = challengeContinually({
        storeFile: {
          store,
          use: (work) => work(),
          replaceDamaged: () => {
            throw new Error('damaged');
          },
        },
        hashes,
        evidenceDirectory,
        known: listed,
        proxies: [{ host: 'proxy.test', port: 1 }],
        open: () => wire.open(),
        paths: PATHS,
        pollinators: [],
        now: time.now,
        sleep: time.sleep,
        chance: uniform,
        signal: stop.signal,
        onEvent: () => undefined,
        every: EVERY,
        directQuestions: way === 'direct',
        questions: way === 'direct' ? QUESTIONS : blocks,
        budget,
        window: window * 24 * HOUR,
        onProxyFailed: () => undefined,
      });
      // What it rejects with is thrown when its time is up.
      running.catch(() => undefined);
      await time.run(end);
      stop.abort();
      await running;
    }
  } finally {
    for (const undo of release) undo();
  }
  const verdicts = store.heads
    .latest()
    .filter(({ sources }) => sources.includes(SEEN))
    .map(({ verdict }) => verdict);
  store.close();
  hashes.close();
  return { setting, asked: wire.asked, handed, verdicts };
}

export function see(
  log: AdversaryLog,
  { size, timestamp, isFork }: Handed,
  store: Store,
  time: VirtualTime,
  evidenceDirectory: string,
): void {
  const now = time.now();
  const head = log.head(size, timestamp, isFork);
  const { failure } = recordHeads({ store, evidenceDirectory, logs: [log.listed], now }, [
    { head, source: SEEN, firstSeen: now, lastSeen: now, count: 1 },
  ]);
  if (failure !== undefined) throw new Error('no evidence', { cause: failure });
}

export function logsOf({ kind, strategy, trouble, seed }: GameSetting): AdversaryLog[] {
  const { api, growth } = KIND_SETTINGS[kind];
  const mood = moodOf(trouble, seed);
  const logs: LogSetting[] = [
    { index: 0, api, entries: entriesFor(growth), growth, state: 'usable', mood },
  ];
  const small = { api, entries: entriesFor(FROZEN), growth: FROZEN, mood } as const;
  if (strategy === 'logs out of service')
    for (const index of [1, 2, 3, 4]) logs.push({ ...small, index, state: 'retired' });
  if (trouble === 'a list that changes') {
    logs.push({ ...small, index: LATE_LOG, state: 'usable' });
    logs.push({ ...small, index: ENDING_LOG, state: 'usable' });
  }
  return logs.map((log) => new AdversaryLog(log));
}

/** A list update brings a log, and takes another out of service. */
export function listedAt(logs: readonly AdversaryLog[], now: number): Log[] {
  const isUpdated = now >= START + 20 * HOUR;
  return logs.flatMap((log) => {
    const { index } = log.setting;
    if (index === LATE_LOG && !isUpdated) return [];
    if (index === ENDING_LOG && isUpdated) return [{ ...log.listed, state: 'retired' as const }];
    return [log.listed];
  });
}

function moodOf(trouble: Trouble, seed: number): LogSetting['mood'] {
  const ofCircuit = ({ circuit }: Asked): boolean => hashOf(seed, 'circuit', circuit) % 3 === 0;
  const failing: readonly Mood[] = ['404', '429', '503', 'no answer', 'HTML', 'cut short', 'slow'];
  const moodFor = (...of: readonly (number | string)[]): Mood =>
    failing[hashOf(seed, 'mood', ...of) % failing.length] ?? 'right';
  switch (trouble) {
    case 'a request in twenty fails':
      return (_, ordinal) => (hashOf(seed, ordinal) % 20 === 0 ? moodFor(ordinal) : 'right');
    case 'an outage of hours': {
      const from = START + (hashOf(seed, 'outage') % 40) * HOUR;
      return ({ at }) => (at >= from && at < from + 8 * HOUR ? moodFor() : 'right');
    }
    case 'a quarter of the paths always fails':
      return ({ path }) =>
        path === 'checkpoint' || path === 'ct/v1/get-sth' || hashOf(seed, path) % 4 !== 0
          ? 'right'
          : moodFor(path);
    case 'a third of the identities is told to wait':
      return (asked) => (ofCircuit(asked) ? '429' : 'right');
    case 'a third of the identities gets late heads':
      return (asked) => (ofCircuit(asked) ? 'late head' : 'right');
    default:
      return () => 'right';
  }
}

const verified = new Map<string, boolean>();

/**
 * From now on a signature that was verified once is not computed again, until the function returned
 * is called: the same heads come up in game after game.
 */
export function rememberVerified(): () => void {
  const { verify } = crypto;
  const remembering = (
    ...[algorithm, data, key, signature]: Parameters<typeof verify>
  ): boolean => {
    const bytes = (part: NodeJS.ArrayBufferView): string =>
      Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('latin1');
    const name = `${bytes(data)} ${bytes(signature)}`;
    let found = verified.get(name);
    if (found === undefined) {
      if (verified.size > 100_000) verified.clear();
      verified.set(name, (found = verify(algorithm, data, key, signature)));
    }
    return found;
  };
  Object.assign(crypto, { verify: remembering });
  syncBuiltinESMExports();
  return () => {
    Object.assign(crypto, { verify });
    syncBuiltinESMExports();
  };
}

/**
 * From now on the monotonic clock is the game's too, until the function returned is called:
 * otherwise settling, which takes turns by it, would take as many as the machine is slow.
 */
export function useAsMonotonicClock(time: VirtualTime): () => void {
  Object.defineProperty(performance, 'now', { value: time.now, configurable: true });
  return () => void Reflect.deleteProperty(performance, 'now');
}
