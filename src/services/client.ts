// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga client run`: a client of Certificate Transparency for one person. It fetches the heads of
 * all logs that have a zone, whatever was visited, asks where the certificates are that the browser
 * was shown, and exchanges heads with pools; each at times that chance draws.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CtOverDnsAsker } from '../ask/ct-over-dns.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import { uniform } from '../base/chance.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import { systemClock } from '../base/clock.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { collect } from '../client/collect.ts';
import { LogHeads, type ProvenFork } from '../client/heads.ts';
import { checkInclusion, firstLook, type Pace } from '../client/inclusion.ts';
import type { FromDaemon, SctState, StatusMessage, ToDaemon } from '../client/messages.ts';
import { clientIn, socketIn } from '../client/place.ts';
import { pollinate } from '../client/pollen.ts';
import { MessageServer } from '../client/socket.ts';
import { statusOf } from '../client/status.ts';
import { ClientStore, siteTurn, type SctRow } from '../client/store.ts';
import { Turns } from '../client/turns.ts';
import { hold } from '../disk/lock.ts';
import { makeReserve } from '../disk/reserve.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import { lookUpTxt } from '../dns/resolv-conf.ts';
import type { Endpoint } from '../dns/server.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { recordHeads } from '../evidence/record.ts';
import { pollinationUrl } from '../exchange/pollination-url.ts';
import { fetchUpdate } from '../federation/fetch-update.ts';
import type { SignedRoster } from '../federation/roster.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch, Way } from '../http/request.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { openForWriting, type State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { ServiceNotice } from './notice.ts';

export type ClientEvent =
  | { readonly event: 'listening'; readonly socket: string; readonly zones: number }
  | { readonly event: 'head'; readonly log: string; readonly treeSize: bigint }
  | { readonly event: 'no-head'; readonly log: string; readonly message: string }
  | { readonly event: 'unproven'; readonly log: string; readonly message: string }
  | {
      readonly event: 'fork-proven';
      readonly log: string;
      readonly what: string;
      readonly evidence: string;
    }
  | {
      readonly event: 'sct';
      readonly log: string;
      readonly state: SctState;
      readonly origin: string;
      readonly why: string;
    }
  | {
      readonly event: 'pollinated';
      readonly url: string;
      readonly given: number;
      readonly taken: number;
    }
  | {
      readonly event: 'federation';
      readonly url: string;
      /** How many statements the threshold made last. */
      readonly statements: number;
      readonly stated_at: string | undefined;
      /** Heads that this client did not know. */
      readonly taken: number;
    }
  | { readonly event: 'failed'; readonly message: string };

export interface ClientOptions {
  readonly state: State;
  /** All whose SCTs are looked at. */
  readonly logs: readonly Log[];
  /** The zone in which each log is asked, of those that have one. */
  readonly zones: ReadonlyMap<Log, string>;
  /** The resolvers, asked for anew for each question. */
  readonly resolvers: () => readonly Endpoint[];
  /** The least number of ms between two questions for a log's head. */
  readonly interval: number;
  /** An SCT is asked about within this many ms after it was seen. */
  readonly maxDelay: number;
  /** URLs of pools (see pollinationUrl). */
  readonly pools: readonly string[];
  /** Whether heads are exchanged with the sites that were visited too. */
  readonly pollinateVisited: boolean;
  /** A member of a federation, and the roster by which what it gives is checked. */
  readonly federation?: { readonly url: string; readonly roster: SignedRoster } | undefined;
  /** A way of its own for each exchange. It is closed behind it. */
  readonly openWay: (to: 'pool' | 'site' | 'federation') => Way;
  readonly onEvent: (event: ClientEvent) => void;
  /** In ms since the epoch. */
  readonly now?: () => number;
  /** In ms of a clock that only goes on. */
  readonly elapsed?: () => number;
  /** At least 0 and below 1. */
  readonly chance?: () => number;
}

/** Questions under way at once. */
const AT_ONCE = 4;
/** The clock and the network may change meanwhile. */
const MOST_SLEEP_MS = 30_000;
/** Between two messages with the status that nobody asked for. */
const PUSH_MS = 2000;
/** With a site that was visited. */
const SITE_INTERVAL_MS = 86_400_000;
/** For a site that does not pollinate. */
const SITE_PUT_OFF_MS = 30 * SITE_INTERVAL_MS;
/** A federation that stated nothing for so long, or a member that says so, is spoken of. */
const OLD_UPDATE_MS = 86_400_000;
const FEDERATION_TURN = 'federation';
/** Messages with chains: so many at once, and from then on so many a second. */
const SEEN_BURST = 400;
const SEEN_A_SECOND = 20;

/** What the daemon ends with. */
export interface ClientResult {
  /** Whether a log is convicted, now or at an earlier time. */
  readonly isForkProven: boolean;
}

/**
 * Runs until `stop` is aborted. Rejects with CtgaError `busy` if another process runs on the same
 * state, and where it cannot open its store or listen, or the store turns out damaged.
 */
export async function runClient(options: ClientOptions, stop: AbortSignal): Promise<ClientResult> {
  const directory = clientIn(options.state.directory);
  const store = ClientStore.open(directory);
  const held = hold(join(directory, 'lock'));
  try {
    if (held === undefined)
      throw new CtgaError('busy', `a client runs already on ${directory}`, {
        remedy: 'End that first, or give this one a --state-dir of its own.',
      });
    makeReserve(options.state.directory);
    const isConvicted = await whileWhole(store, stop, (end) =>
      runWith(store, socketIn(directory), options, end),
    );
    // A disk that takes nothing more may have evidence, in its reserve, and not the word of it.
    return { isForkProven: isConvicted || store.findings().length > 0 };
  } finally {
    held?.release();
    store.close();
  }
}

/** Resolves to whether a log is convicted. */
async function runWith(
  store: ClientStore,
  socket: string,
  options: ClientOptions,
  stop: AbortSignal,
): Promise<boolean> {
  const client = new Client(options, store, stop);
  const server = await MessageServer.start(socket, (message, reply) => client.obey(message, reply));
  try {
    client.serve(server);
    options.onEvent({ event: 'listening', socket, zones: options.zones.size });
    const notice = new ServiceNotice(`asks for ${plural(options.zones.size, 'log')}`);
    await client.run();
    notice.stopping();
    return client.isAnyConvicted;
  } finally {
    await server.stop();
  }
}

class Client {
  readonly #options: ClientOptions;
  readonly #store: ClientStore;
  readonly #stop: AbortSignal;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #chance: () => number;
  readonly #pace: Pace;
  readonly #turns: Turns;
  readonly #logs: ReadonlyMap<string, Log>;
  readonly #heads: ReadonlyMap<Log, LogHeads>;
  /** Logs whose zone gave a signed head when it was asked last. */
  readonly #reachable = new Set<Log>();
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** Leaves that are being asked about. */
  readonly #asking = new Set<string>();
  /** What was brought lately: the same again costs nothing. */
  #recent = new BoundedMap<string, true>(1000);
  readonly #allowance: Allowance;
  #server: MessageServer | undefined;
  #push: NodeJS.Timeout | undefined;
  #wake: () => void = () => undefined;

  constructor(options: ClientOptions, store: ClientStore, stop: AbortSignal) {
    const { logs, state, onEvent, maxDelay } = options;
    this.#options = options;
    this.#store = store;
    this.#stop = stop;
    this.#now = options.now ?? systemClock.now;
    this.#elapsed = options.elapsed ?? systemClock.elapsed;
    this.#chance = options.chance ?? uniform;
    this.#pace = { delay: maxDelay, chance: this.#chance };
    this.#turns = new Turns(store, this.#chance);
    this.#allowance = new Allowance(SEEN_BURST, SEEN_A_SECOND);
    this.#logs = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
    const events = {
      onFinding: (log: Log, what: string, evidence: string, fork: ProvenFork): void => {
        onEvent({ event: 'fork-proven', log: log.description, what, evidence });
        this.#changed();
        try {
          recordFork(state, log, fork, this.#now());
        } catch (error) {
          this.#fail(error);
        }
      },
      onFailure: (error: unknown): void => this.#fail(error),
    };
    this.#heads = new Map(
      logs.map((log) => [
        log,
        new LogHeads(log, store, state.evidence, events, this.#now, this.#chance),
      ]),
    );
  }

  /** Whom to tell when something has changed. */
  serve(server: MessageServer): void {
    this.#server = server;
  }

  get isAnyConvicted(): boolean {
    return [...this.#heads.values()].some(({ isConvicted }) => isConvicted);
  }

  async run(): Promise<void> {
    const woken = (): void => this.#wake();
    this.#stop.addEventListener('abort', woken);
    while (!this.#stop.aborted) {
      this.#begin();
      this.#work();
      await this.#sleep();
    }
    this.#stop.removeEventListener('abort', woken);
    clearTimeout(this.#push);
    this.#queue.length = 0;
    await Promise.all(this.#underWay);
  }

  /** Puts into the queue whatever has its turn now. */
  #begin(): void {
    const { zones, interval, pools, pollinateVisited, federation } = this.#options;
    const now = this.#now();
    const fail = (error: unknown): void => this.#fail(error);
    for (const [log, zone] of zones)
      if (this.#turns.take(turnOf(log), interval, now, fail))
        this.#queue.push(() => this.#visit(log, zone));
    for (const pool of pools)
      if (this.#turns.take(`pool:${pool}`, interval, now, fail))
        this.#queue.push(() => this.#pollinate(pool, 'pool'));
    if (federation !== undefined && this.#turns.take(FEDERATION_TURN, interval, now, fail))
      this.#queue.push(() => this.#askFederation(federation));
    try {
      if (pollinateVisited)
        for (const origin of this.#store.origins())
          if (this.#turns.take(siteTurn(origin), SITE_INTERVAL_MS, now, fail, SITE_PUT_OFF_MS))
            this.#queue.push(() => this.#pollinateWith(origin));
      for (const sct of this.#store.dueScts(now, 50)) {
        const leaf = `${logIdText(sct.logId)} ${Buffer.from(sct.leafHash).toString('hex')}`;
        if (this.#asking.has(leaf)) continue;
        this.#asking.add(leaf);
        this.#queue.push(async () => {
          await this.#look(sct);
          // Where the disk did not take what came, it is not asked again until the log's next turn.
          this.#asking.delete(leaf);
        });
      }
    } catch (error) {
      fail(error);
    }
  }

  #work(): void {
    while (this.#underWay.size < AT_ONCE) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const work = next()
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#underWay.delete(work);
          if (!this.#stop.aborted) this.#work();
          if (this.#queue.length === 0) this.#wake();
        });
      this.#underWay.add(work);
    }
  }

  async #sleep(): Promise<void> {
    const { zones, pools, pollinateVisited, federation } = this.#options;
    let soonest: number | undefined;
    try {
      const names = [
        ...[...zones.keys()].map(turnOf),
        ...pools.map((pool) => `pool:${pool}`),
        ...(pollinateVisited ? this.#store.origins().map(siteTurn) : []),
        ...(federation === undefined ? [] : [FEDERATION_TURN]),
      ];
      const sct = this.#asking.size === 0 ? this.#store.nextSct() : undefined;
      soonest = Math.min(this.#turns.soonest(names) ?? Infinity, sct ?? Infinity);
    } catch (error) {
      this.#fail(error);
    }
    // A little at least, whatever fails.
    const wait = Math.min(Math.max((soonest ?? Infinity) - this.#now(), 10), MOST_SLEEP_MS);
    if (this.#stop.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Fetches the head of a log and has proofs given. */
  async #visit(log: Log, zone: string): Promise<void> {
    const { onEvent } = this.#options;
    const { logId } = log.key;
    const asker = this.#asker(log, zone);
    const heads = this.#headsOf(log);
    try {
      const head = await askForSignedHead(log, asker);
      this.#reachable.add(log);
      for (const leaf of this.#asking)
        if (leaf.startsWith(logIdText(logId))) this.#asking.delete(leaf);
      heads.take(head, 'dns');
      onEvent({ event: 'head', log: log.description, treeSize: head.treeSize });
    } catch (error) {
      if (this.#stop.aborted) return;
      this.#reachable.delete(log);
      const message = messageOf(error);
      onEvent({ event: 'no-head', log: log.description, message });
      this.#store.setLog(logId, { why: `No tree head came: ${message}` });
      return this.#changed();
    }
    const why = (await heads.connect(asker)) ?? staleness(heads);
    if (this.#stop.aborted) return;
    if (why !== undefined) onEvent({ event: 'unproven', log: log.description, message: why });
    this.#store.setLog(logId, { answered: this.#now(), why: why ?? '' });
    this.#changed();
  }

  /** Asks whether what an SCT promised is in the log's tree. */
  async #look(sct: SctRow): Promise<void> {
    const log = this.#logs.get(logIdText(sct.logId));
    const zone = log && this.#options.zones.get(log);
    const { state, tries } = sct;
    const next = firstLook(this.#now() + this.#pace.delay, this.#pace);
    if (log === undefined || zone === undefined) {
      const why = 'No DNS zone of its log is known.';
      return this.#store.setSct(sct, { state, why, tries, next });
    }
    const heads = this.#headsOf(log);
    if (heads.isConvicted) {
      const why = 'Its log contradicts itself: whatever it proves, it proves to some alone.';
      return this.#store.setSct(sct, { state, why, tries, next });
    }
    const outcome = await checkInclusion(
      {
        sct,
        log,
        head: heads.fresh,
        isReachable: this.#reachable.has(log),
        asker: this.#asker(log, zone),
        now: this.#now(),
      },
      this.#pace,
    );
    if (this.#stop.aborted) return;
    this.#store.setSct(sct, outcome);
    if (outcome.state !== state)
      this.#options.onEvent({
        event: 'sct',
        log: log.description,
        state: outcome.state,
        origin: sct.origin,
        why: outcome.why,
      });
    this.#changed();
  }

  async #pollinate(url: string, to: 'pool' | 'site'): Promise<void> {
    await this.#exchange(url, to, async (fetch) => {
      const done = await pollinate(pollinationUrl(url), fetch, this.#heads, this.#chance);
      this.#options.onEvent({ event: 'pollinated', url, ...done });
    });
  }

  /** Over a way of its own. What a site fails with is its caller's to judge. */
  async #exchange(
    url: string,
    to: 'pool' | 'site' | 'federation',
    work: (fetch: Fetch) => Promise<void>,
  ): Promise<void> {
    const way = this.#options.openWay(to);
    const stopped = (): void => way.close();
    this.#stop.addEventListener('abort', stopped);
    try {
      await work(way.fetch);
    } catch (error) {
      if (this.#stop.aborted) return;
      if (to === 'site') throw error;
      this.#options.onEvent({ event: 'failed', message: `${url}: ${messageOf(error)}` });
    } finally {
      this.#stop.removeEventListener('abort', stopped);
      way.close();
    }
  }

  /** What logs signed in it is held against what this client was shown, and what convicts is kept. */
  async #askFederation(federation: NonNullable<ClientOptions['federation']>): Promise<void> {
    const { url, roster } = federation;
    await this.#exchange(url, 'federation', async (fetch) => {
      try {
        await this.#takeUpdate(federation, fetch);
      } catch (error) {
        if (!this.#stop.aborted)
          this.#store.setFederationFailed(roster.body.name, url, messageOf(error));
        throw error;
      }
    });
  }

  /** The newest roster of a federation that was ever seen: nobody goes back behind it. */
  #seenRoster(of: string): { readonly epoch: number; readonly hash: Uint8Array } | undefined {
    const { epoch, roster: hash } = this.#store.federations().find(({ name }) => name === of) ?? {};
    return epoch === undefined || hash === undefined ? undefined : { epoch, hash };
  }

  async #takeUpdate(
    { url, roster }: NonNullable<ClientOptions['federation']>,
    fetch: Fetch,
  ): Promise<void> {
    const { state, logs, onEvent } = this.#options;
    const { name } = roster.body;
    const update = await fetchUpdate(url, fetch, roster, logs, this.#seenRoster(name));
    const { verified, statedAt, heads, evidence } = update;
    let taken = 0;
    for (const { log, head } of heads)
      if (this.#headsOf(log).take(head, 'pool') !== undefined) taken += 1;
    for (const { log, evidence: found } of evidence) {
      const kept = this.#headsOf(log).takeEvidence(found);
      if (kept === undefined) continue;
      const { what, path } = kept;
      onEvent({ event: 'fork-proven', log: log.description, what, evidence: path });
      this.#changed();
      recordFound(state);
    }
    const statements = verified.latest.length;
    const stated_at = statedAt === undefined ? undefined : new Date(statedAt).toISOString();
    const newest = verified.roster;
    this.#store.setFederation({
      name,
      url,
      taken: this.#now(),
      epoch: newest?.body.epoch,
      roster: newest?.hash,
      statements,
      stated: statedAt,
      why: '',
    });
    onEvent({ event: 'federation', url, statements, stated_at, taken });
    // A member can leave out what is new, and nothing else.
    if (statedAt !== undefined && this.#now() - statedAt > OLD_UPDATE_MS)
      throw new RangeError(
        `what it says is from ${stated_at ?? ''}: the federation stands still, or this member holds back what is new. Ask another member`,
      );
  }

  /** Most sites do not pollinate, which is no failure. */
  async #pollinateWith(origin: string): Promise<void> {
    try {
      await this.#pollinate(origin, 'site');
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      if (this.#store.origins().includes(origin))
        this.#turns.putOff(siteTurn(origin), this.#now(), SITE_PUT_OFF_MS);
    }
  }

  /** Does what a message asks for. Throws CtgaError with what is in the way for now. */
  obey(message: ToDaemon, reply: (message: FromDaemon) => void): void {
    switch (message.type) {
      case 'status':
        return reply(this.#status());
      case 'seen':
        return this.#seen(message);
      case 'forget':
      case 'forget-all': {
        const origin = message.type === 'forget' ? message.origin : undefined;
        this.#recent = new BoundedMap(1000);
        this.#store.forget(origin);
        this.#turns.forget((name) =>
          origin === undefined ? name.startsWith('site:') : name === siteTurn(origin),
        );
        return this.#changed();
      }
      case 'feedback': {
        const { origin, outcome, status } = message;
        this.#store.setFeedback({ origin, outcome, status, time: this.#now() });
        return this.#changed();
      }
    }
  }

  #seen(seen: Extract<ToDaemon, { type: 'seen' }>): void {
    const hash = createHash('sha256').update(`${seen.origin}\0`);
    for (const bytes of [...seen.chain, ...seen.scts])
      hash.update(`${bytes.length} `).update(bytes);
    const key = hash.digest('base64');
    if (this.#recent.get(key) === true) return;
    if (!this.#allowance.take(this.#elapsed()))
      throw new CtgaError('busy', 'too many chains at once: bring this one again later');
    const { promised, forged, discarded } = collect(seen, this.#logs);
    const row = { tries: 0, next: 0 };
    const now = this.#now();
    const added = this.#store.addScts([
      ...promised.map((each): SctRow => ({
        ...each,
        ...row,
        state: 'waiting',
        why: 'It was seen, and is looked at later.',
        next: firstLook(now, this.#pace),
      })),
      ...forged.map((each): SctRow => ({
        ...each,
        ...row,
        state: 'bad-signature',
        why: 'The log that it names did not sign it.',
      })),
    ]);
    for (const [reason, count] of Object.entries(discarded))
      if (count > 0) this.#store.countDiscarded(reason, count);
    this.#recent.set(key, true);
    if (added > 0) this.#wake();
    this.#changed();
  }

  #status(): StatusMessage {
    return statusOf(this.#store, this.#options.logs, this.#options.zones);
  }

  /** Tells those who are connected, and others that come at once with it. */
  #changed(): void {
    if (this.#push !== undefined || this.#stop.aborted) return;
    this.#push = setTimeout(() => {
      this.#push = undefined;
      try {
        this.#server?.push(this.#status());
      } catch (error) {
        this.#fail(error);
      }
    }, PUSH_MS);
  }

  #asker(log: Log, zone: string): CtOverDnsAsker {
    const { resolvers } = this.#options;
    return new CtOverDnsAsker(zone, log.key, (name) => lookUpTxt(resolvers, name, this.#stop));
  }

  #headsOf(log: Log): LogHeads {
    const heads = this.#heads.get(log);
    if (heads === undefined) throw new RangeError(`no such log: ${log.description}`);
    return heads;
  }

  #fail(error: unknown): void {
    this.#options.onEvent({ event: 'failed', message: messageOf(error) });
  }
}

/**
 * Puts a fork into the store of the state directory, so that whoever looks there (ctga status, alert
 * and web) is told of it too. Throws StoreError.
 */
function recordFork(
  state: State,
  log: Log,
  { first, second, finding }: ProvenFork,
  now: number,
): void {
  const store = openForWriting(state);
  try {
    const seen = { source: 'client', firstSeen: now, lastSeen: now, count: 1 };
    const sightings = [first, second].map((head) => ({ ...seen, head }));
    // Two roots for one size are settled by that.
    recordHeads({ store, evidenceDirectory: state.evidence, logs: [log], now }, sightings);
    if (first.treeSize === second.treeSize) return;
    const [one, other] = [store.heads.treeOf(first), store.heads.treeOf(second)];
    keepEvidence(store, state.evidence, log, [one, other], finding, now, () =>
      store.verdicts.set(other, now, { verdict: 'fork-proven', provenAgainst: one.id }),
    );
  } finally {
    store.close();
  }
}

/** Puts evidence that others found into the store, too. Throws StoreError. */
function recordFound(state: State): void {
  const store = openForWriting(state);
  try {
    recordFoundEvidence(store, state.evidence);
  } finally {
    store.close();
  }
}

/** What stands in the way of judging by the newest head; undefined: nothing. */
function staleness(heads: LogHeads): string | undefined {
  if (heads.newest === undefined || heads.isFresh(heads.newest.head)) return undefined;
  return 'Its newest tree head is not of the last 14 days: its zone, its log or the clock of this machine stands.';
}

function turnOf(log: Log): string {
  return `log:${logIdText(log.key.logId)}`;
}

/** So many at once, and from then on so many a second. */
class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** `now` in ms of a clock that only goes on. */
  take(now: number): boolean {
    const gained = ((now - this.#at) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
