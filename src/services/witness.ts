// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga witness` as a service: answers logs that submit checkpoints, and with `feed` visits those that
 * do not. It is a process, an account, a state directory and keys of its own, and reads no tree head of
 * any store: what was seen on a wire must not turn up in a cosignature.
 */
import { messageOf } from '../base/errors.ts';
import { realSleep } from '../base/clock.ts';
import { uniform } from '../base/chance.ts';
import { aborted } from '../base/stop-signals.ts';
import { askerOf } from '../ask/asker-of.ts';
import { LogError } from '../ask/asker.ts';
import { Courtesy } from '../ask/courtesy.ts';
import { runSchedule } from '../challenger/schedule.ts';
import { makeReserve } from '../disk/reserve.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import { through, type WayOptions } from '../http/ways.ts';
import { isAskable, isInService, type Log, originOf } from '../logs/log.ts';
import { openForWriting, type State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { Convictions, type ConvictEvent } from '../witness/convict.ts';
import { witnessIn } from '../witness/directory.ts';
import { feed, settle } from '../witness/feed.ts';
import { makeKeys, readKeys, verifierKeysOf, type WitnessKeys } from '../witness/keys.ts';
import { Limit } from '../http/limits.ts';
import { witnessedLogs, type WitnessedLog } from '../witness/logs.ts';
import { WitnessMetrics } from '../witness/metrics.ts';
import { renderWitnessPage } from '../witness/page.ts';
import { readTls, renewal, type TlsFiles } from '../witness/renewal.ts';
import { WitnessServer } from '../witness/server.ts';
import { WitnessStore } from '../witness/store.ts';
import { Witness } from '../witness/witness.ts';
import { ServiceNotice } from './notice.ts';
import { becomeWitness, type BecomeAccount } from './privileges.ts';

export type WitnessEvent =
  | {
      readonly event: 'listening';
      readonly url: string;
      readonly vkeys: readonly string[];
      readonly logs: number;
    }
  | { readonly event: 'cosigned'; readonly origin: string; readonly size: string }
  | { readonly event: 'left-out'; readonly message: string }
  | ConvictEvent;

export interface WitnessServiceOptions extends Pick<WayOptions, 'proxies' | 'open' | 'chance'> {
  readonly state: State;
  readonly logs: readonly Log[];
  readonly address: string;
  readonly port: number;
  /** Undefined: a web server is in front of it. */
  readonly tls: TlsFiles | undefined;
  /** Mean seconds between two visits of a log; undefined: none is visited. */
  readonly feedEvery: number | undefined;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  readonly onEvent: (event: WitnessEvent) => void;
}

/** A log may sign some trees a second; others bring what it signed less often. */
const GROWING = { perSecond: 10, burst: 60 };
const REPEATING = { perSecond: 2, burst: 30 };
const PER_CLIENT = { perSecond: 50, burst: 200 };
/** How often what is still open is looked at again, and the certificate. */
const LOOK_MS = 60_000;

/**
 * Makes the keys and the store of a witness, as its account, and returns the verifier keys. Throws
 * CtgaError where there is a witness, and StoreError.
 */
export function makeWitness(
  state: State,
  name: string,
  user: string | undefined,
  becomeAccount: BecomeAccount = becomeWitness,
): string[] {
  becomeAccount(state, user);
  const directory = witnessIn(state.directory);
  const vkeys = verifierKeysOf(makeKeys(directory, name));
  WitnessStore.make(directory, vkeys);
  return vkeys;
}

/**
 * Gives up root, and serves until `stop` is aborted. Rejects with CtgaError if it cannot become the
 * account or listen, and with StoreError if its store is not the one that these keys began with, or
 * turns out damaged.
 */
export async function serveWitness(
  options: WitnessServiceOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomeWitness,
): Promise<void> {
  const { state, tls, user } = options;
  // A certificate's key is often root's alone.
  const context = tls && readTls(tls);
  becomeAccount(state, user);
  const directory = witnessIn(state.directory);
  const keys = readKeys(directory);
  const store = WitnessStore.open(directory, verifierKeysOf(keys), keys.ed25519.key);
  makeReserve(state.evidence);
  try {
    await whileWhole(store, stop, (end) => serveFrom(store, keys, context, options, end));
  } finally {
    store.close();
  }
}

async function serveFrom(
  store: WitnessStore,
  keys: WitnessKeys,
  context: ReturnType<typeof readTls> | undefined,
  options: WitnessServiceOptions,
  stop: AbortSignal,
): Promise<void> {
  const { state, tls, onEvent, feedEvery } = options;
  const vkeys = verifierKeysOf(keys);
  let server: WitnessServer | undefined;
  try {
    const names = [keys.ed25519.key.name, keys.mlDsa44.key.name];
    const logs = witnessedLogs(options.logs, names, (message) =>
      onEvent({ event: 'left-out', message }),
    );
    const metrics = new WitnessMetrics(store);
    const onError = (error: unknown): void =>
      onEvent({ event: 'failed', message: messageOf(error) });
    const convictions = new Convictions({
      store,
      logs,
      evidence: state.evidence,
      onEvent: (event) => {
        if (event.event === 'fork-proven') {
          metrics.countFork();
          tell(state, onError);
        }
        onEvent(event);
      },
      onError,
    });
    const witness = new Witness({
      keys,
      store,
      logs,
      convictions,
      growing: new Limit(GROWING),
      repeating: new Limit(REPEATING),
      now: Date.now,
      onCosigned: (origin, { treeSize }) => {
        metrics.countCosigned();
        onEvent({ event: 'cosigned', origin, size: String(treeSize) });
      },
    });
    convictions.settleAll();
    tell(state, onError);
    server = await WitnessServer.start({
      ...options,
      tls: context,
      witness,
      perClient: PER_CLIENT,
      metrics,
      page: () =>
        renderWitnessPage({ vkeys, logs: logs.values(), cosigned: store.all(), now: Date.now() }),
      onError,
    });
    const { url } = server.at;
    onEvent({ event: 'listening', url, vkeys, logs: logs.size });
    const notice = new ServiceNotice(`at ${url}`);
    const renew =
      tls === undefined ? () => undefined : renewal(tls, (files) => server?.renew(files), onError);
    const looking = setInterval(() => {
      renew();
      try {
        convictions.settleAll();
      } catch (error) {
        onError(error);
      }
    }, LOOK_MS);
    try {
      await (feedEvery === undefined
        ? aborted(stop)
        : feedOnAndOn(options, { witness, store, convictions, logs }, feedEvery, stop, onError));
    } finally {
      clearInterval(looking);
    }
    notice.stopping();
  } finally {
    await server?.stop();
  }
}

/** Has the store know of evidence, so that the status page and alerts do. Throws nothing. */
function tell(state: State, onError: (error: unknown) => void): void {
  try {
    const store = openForWriting(state);
    try {
      recordFoundEvidence(store, state.evidence);
    } finally {
      store.close();
    }
  } catch (error) {
    onError(error);
  }
}

/** Visits every log at times that chance draws, whether or not it submits anything. */
async function feedOnAndOn(
  { proxies, open, chance = uniform }: WitnessServiceOptions,
  parts: Parameters<typeof feed>[0] & {
    readonly convictions: Convictions;
    readonly logs: ReadonlyMap<string, WitnessedLog>;
  },
  every: number,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const ways: WayOptions = { proxies, open, signal, chance };
  // Those that are left out may have the origin of another.
  const fed = [...parts.logs.values()]
    .flatMap(({ keys }) => keys.map(({ log }) => log))
    .filter((log) => isInService(log) && isAskable(log));
  await runSchedule({
    logs: () => fed,
    ask: async (log) => {
      const origin = originOf(log) ?? '';
      const { allowPrivateAddress } = log;
      try {
        await through(ways, 1, { allowPrivateAddress }, async ([fetch]) => {
          if (fetch === undefined) throw new RangeError('no way');
          const courtesy = new Courtesy(Date.now, (ms) => realSleep(ms, signal));
          const asker = askerOf(log, courtesy.fetch(fetch));
          await feed(parts, origin, log, asker);
          await settle(parts.convictions, origin, asker);
        });
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        onError(new LogError(error.code, `${origin}: ${error.message}`));
      }
    },
    pollinators: [],
    pollinate: () => Promise.resolve(),
    every,
    signal,
    chance,
    survives: (error) => {
      onError(error);
      return true;
    },
  });
}
