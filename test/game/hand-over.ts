// SPDX-License-Identifier: Apache-2.0
/**
 * The game with two challengers that share the logs by leases: one is killed on the way, the other
 * takes over, and the first comes back. Each has its own history of what was seen.
 */
import { HashStore } from '../../src/follow/hash-store.ts';
import { blockOf } from '../../src/follow/block.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import { notOursToAsk } from '../../src/http/error.ts';
import type { Identity } from '../../src/http/proxy.ts';
import { Leases, type LeaseStore } from '../../src/fleet/leases.ts';
import type { Log } from '../../src/logs/log.ts';
import { challengeContinually } from '../../src/services/challenge.ts';
import { memoryStore } from '../../src/store/state.ts';
import { fixChance, random } from '../support/random.ts';
import { HOUR, hashOf, START, Wire, type Asked } from './log.ts';
import { handOut } from './marks.ts';
import {
  BYTES_PER_LEAF,
  EVERY,
  KIND_SETTINGS,
  LENGTH,
  listedAt,
  logsOf,
  PATHS,
  rememberVerified,
  see,
  useAsMonotonicClock,
  type GameSetting,
} from './play.ts';
import { VirtualTime } from './time.ts';

export interface HandOver {
  readonly asked: readonly Asked[];
  /** The challenger that opened each circuit. */
  readonly by: readonly number[];
  /** How often another began to ask the log that is marked. */
  readonly changes: number;
}

/** Looked at every five minutes. */
const LEASE_SECONDS = 3600;
const NAMES = ['east', 'west'];

/** `observed`: the network that each of the two has heard of, or none. */
export async function playHandOver(
  setting: Omit<GameSetting, 'observed' | 'way'>,
  observed: readonly [number | undefined, number | undefined],
): Promise<HandOver> {
  const { kind, strategy, isTogether, seed, chance, evidenceDirectory } = setting;
  const { budget, window, blocks, mode } = KIND_SETTINGS[kind];
  const time = new VirtualTime(START);
  const logs = logsOf({ ...setting, way: 'pattern', observed: undefined });
  const [main] = logs;
  if (main === undefined) throw new RangeError('no log');
  const wire = new Wire(time, logs, hashOf('delay', seed));
  const handed = handOut(strategy, main, random(hashOf('marks', seed)), isTogether);
  const listed = (): Log[] => listedAt(logs, time.now());
  const bus = memoryBus();
  const by: number[] = [];

  const challengers = observed.map((network, i) => {
    const store = memoryStore();
    const hashes = HashStore.inMemory();
    const draw = random(hashOf(chance, i));
    const uniform = (): number => draw(2 ** 32) / 2 ** 32;
    if (mode !== undefined)
      hashes
        .rows(main.listed)
        .setState({
          ...{ mode, shown: 0, budget, held: undefined, target: 0n },
          ...{ bytesPerLeaf: BYTES_PER_LEAF, pattern: newPattern(uniform) },
        });
    const sighting = random(hashOf('sighting', seed));
    for (const each of handed.filter((one) => one.network === network)) {
      const log = logs.find(({ setting: { index } }) => index === each.log);
      if (log === undefined) throw new RangeError(`no log ${each.log}`);
      time.at(each.at + sighting(HOUR), () => see(log, each, store, time, evidenceDirectory));
    }
    return { store, hashes, uniform, runs: 0 };
  });

  /** Runs until it is killed: it gives up nothing. */
  const start = (i: number): { readonly kill: () => Promise<void> } => {
    const challenger = challengers[i];
    if (challenger === undefined) throw new RangeError(`no challenger ${i}`);
    const { store, hashes, uniform } = challenger;
    const stop = new AbortController();
    let waiting: (log: Log) => readonly bigint[] = () => [];
    const unasked = (log: Log): bigint[] =>
      [...new Set(waiting(log).map((size) => blockOf(size, log)))].filter(
        (block) => hashes.rows(log).block(block) === undefined,
      );
    const leases = new Leases({
      me: NAMES[i] ?? '',
      run: `${(challenger.runs += 1)}`,
      seconds: LEASE_SECONDS,
      clock: { now: time.now, elapsed: time.now },
      challengers: () => NAMES,
      waiting: (name) => listed().flatMap((log) => (nameOf(log) === name ? unasked(log) : [])),
      onEvent: () => undefined,
    });
    const look = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await leases.tick(bus, listed().map(nameOf));
        await time.sleep(leases.poll, stop.signal).catch(() => undefined);
      }
    };
    const open = (maySend: (() => boolean) | undefined): Identity => {
      const { fetch, close } = wire.open();
      by.push(i);
      return {
        close,
        fetch: (...asked) =>
          maySend?.() === false ? Promise.reject(notOursToAsk()) : fetch(...asked),
      };
    };
    const running = challengeContinually({
      storeFile: {
        store,
        use: (work) => work(),
        replaceDamaged: () => {
          throw new Error('damaged');
        },
      },
      share: {
        mayAsk: (log) => leases.mayAsk(nameOf(log)),
        asking: (log, ask) =>
          leases.mayBegin(nameOf(log)) ? leases.during(nameOf(log), ask) : Promise.resolve(),
        ours: (log, sizes) =>
          sizes.filter((size) => leases.isOurs(nameOf(log), blockOf(size, log))),
        asks: () => () => undefined,
      },
      onWanted: (given) => (waiting = given),
      hashes,
      evidenceDirectory,
      known: listed,
      proxies: [{ host: 'proxy.test', port: 1 }],
      open: (_, { maySend }) => open(maySend),
      ...{ paths: PATHS, pollinators: [], every: EVERY, questions: blocks, budget },
      ...{ now: time.now, sleep: time.sleep, chance: uniform, signal: stop.signal },
      window: window * 24 * HOUR,
      onEvent: () => undefined,
      onProxyFailed: () => undefined,
    });
    // What they reject with is thrown when their time is up.
    const all = Promise.all([running, look()]);
    all.catch(() => undefined);
    return {
      kill: async () => {
        stop.abort();
        await all;
      },
    };
  };

  const release = [
    fixChance(hashOf('other chance', chance)),
    rememberVerified(),
    useAsMonotonicClock(time),
  ];
  try {
    const moment = random(hashOf('hand-over', seed));
    const [death, life] = [LENGTH / 4 + moment(LENGTH / 8), LENGTH / 2 + moment(LENGTH / 8)];
    // Whoever has the log that is marked dies first, so that it is handed over there and back.
    const [first, second] = [start(0), start(1)];
    await time.run(START + death);
    await first.kill();
    await time.run(START + life);
    const again = start(0);
    await time.run(START + life + LENGTH / 4);
    await second.kill();
    await time.run(START + LENGTH);
    await again.kill();
  } finally {
    for (const undo of release) undo();
  }
  for (const { store, hashes } of challengers) {
    store.close();
    hashes.close();
  }
  const ofMain = wire.asked.filter(({ log }) => log === main.setting.index);
  const changes = ofMain.filter(
    ({ circuit }, i) => i > 0 && by[circuit] !== by[ofMain[i - 1]?.circuit ?? 0],
  ).length;
  return { asked: wire.asked, by, changes };
}

function nameOf({ key }: Log): string {
  return Buffer.from(key.logId).toString('hex');
}

function memoryBus(): LeaseStore {
  const entries = new Map<string, { readonly revision: number; readonly text: string }>();
  let last = 0;
  return {
    get: (key) => Promise.resolve(entries.get(key)),
    put: (key, text, revision) => {
      if ((entries.get(key)?.revision ?? 0) !== revision) return Promise.resolve(undefined);
      entries.set(key, { revision: ++last, text });
      return Promise.resolve(last);
    },
  };
}
