// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga audit run` as a service: polls pools and the logs at times that chance draws, takes what pools
 * push and clients send, and has the logs prove all of it. Everything that it asks goes through a
 * SOCKS5 proxy.
 */
import { messageOf } from '../base/errors.ts';
import { hasMore } from '../base/json.ts';
import { realSleep } from '../base/clock.ts';
import { uniform } from '../base/chance.ts';
import { askerOf } from '../ask/asker-of.ts';
import { LogError } from '../ask/asker.ts';
import { Courtesy } from '../ask/courtesy.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import { Auditor, type AuditEvent } from '../auditor/auditor.ts';
import { auditorIn } from '../auditor/directory.ts';
import { AuditMetrics } from '../auditor/metrics.ts';
import { startAuditServer } from '../auditor/server.ts';
import { AuditStore, type AuditFinding, type AuditState } from '../auditor/store.ts';
import { runSchedule } from '../challenger/schedule.ts';
import { StoreError } from '../disk/error.ts';
import { makeReserve } from '../disk/reserve.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import { writeEvidence } from '../evidence/write.ts';
import { exchangeHeads } from '../exchange/pollination.ts';
import { HashStore } from '../follow/hash-store.ts';
import { HttpError, ProxyError } from '../http/error.ts';
import { through, type WayOptions } from '../http/ways.ts';
import type { Fetch } from '../http/request.ts';
import { isAskable, isInService, type Log } from '../logs/log.ts';
import { FeedbackChecks, type CheckedPair } from '../pool/feedback.ts';
import { DRAFT_02, type Brought, type Submitted } from '../pool/forms.ts';
import type { JsonServer } from '../pool/json-server.ts';
import { openForWriting, type State } from '../store/state.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { ServiceNotice } from './notice.ts';
import { becomeAuditor, type BecomeAccount } from './privileges.ts';

export type AuditServiceEvent =
  | AuditEvent
  | { readonly event: 'listening'; readonly url: string }
  | {
      readonly event: 'polled';
      readonly pool: string;
      readonly scts: number;
      readonly heads: number;
    };

export interface AuditServiceOptions extends Pick<WayOptions, 'proxies' | 'open' | 'chance'> {
  readonly state: State;
  readonly logs: readonly Log[];
  /** Origins of HTTPS servers, such as https://www.example.net. */
  readonly pools: readonly string[];
  /** Where feedback is taken; undefined: nowhere. */
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  /** Mean seconds between two visits of a pool, and of a log. */
  readonly every: number;
  /** See AuditorOptions; in seconds. */
  readonly delay: number;
  readonly mix: number;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  readonly onEvent: (event: AuditServiceEvent) => void;
}

/** All that a pool of ctga's may have collected, in base64. */
const MAX_COLLECTED = 96 * 2 ** 20;
/** What is taken of one pool in one visit. */
const MAX_PAIRS = 20_000;
/** Commas and brackets in its JSON: each pair has a chain of ten, and its own brackets. */
const MAX_VALUES = 20 * MAX_PAIRS;
/** "Fresh iff its timestamp is less than 14 days in the past" (draft, Section 5.2). */
const FRESH_MS = 14 * 86_400_000;
const LOOK_MS = 1000;
const PAUSE_MS = 10_000;
/** For how long the store of hashes stays open: another may be put in its place. */
const HASHES_MS = 60_000;

/**
 * Gives up root, and audits until `stop` is aborted. Rejects with CtgaError if it cannot become the
 * account, cannot listen, or cannot open its store, or if that turns out damaged.
 */
export async function audit(
  options: AuditServiceOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomeAuditor,
): Promise<void> {
  const { state, user } = options;
  becomeAccount(state, user);
  const store = AuditStore.open(auditorIn(state.directory));
  makeReserve(state.evidence);
  try {
    await whileWhole(store, stop, (end) => auditWith(store, options, end));
  } finally {
    store.close();
  }
}

async function auditWith(
  store: AuditStore,
  options: AuditServiceOptions,
  stop: AbortSignal,
): Promise<void> {
  const { state, logs, listen, onEvent } = options;
  const hashes = new Hashes(state.directory);
  let server: JsonServer | undefined;
  try {
    const service = new AuditService(options, store, hashes, stop);
    if (listen !== undefined) {
      server = await startAuditServer({
        ...listen,
        checks: new FeedbackChecks(undefined, logs),
        take: (pairs, heads) => service.auditor.takeSubmitted(pairs, heads),
        share: () => service.auditor.headsToShare(FRESH_MS),
        metrics: new AuditMetrics(store),
        onError: (error) => service.failed(error),
      });
      onEvent({ event: 'listening', url: server.at.url });
    }
    const notice = new ServiceNotice(
      server === undefined ? 'auditing' : `auditing, at ${server.at.url}`,
    );
    await service.run();
    notice.stopping();
  } finally {
    await server?.stop();
    hashes.close();
  }
}

class AuditService {
  readonly auditor: Auditor;
  readonly #options: AuditServiceOptions;
  readonly #store: AuditStore;
  readonly #ways: WayOptions;
  readonly #checks: FeedbackChecks;
  /** What the store has not been told. */
  #untold = true;

  constructor(options: AuditServiceOptions, store: AuditStore, hashes: Hashes, stop: AbortSignal) {
    this.#options = options;
    this.#store = store;
    const { state, logs, proxies, open, chance = uniform } = options;
    this.#ways = { proxies, open, signal: stop, chance };
    this.#checks = new FeedbackChecks(undefined, logs);
    this.auditor = new Auditor({
      store,
      logs,
      hashes: () => hashes.open(),
      ask: (log, errand) =>
        through(this.#ways, 1, { allowPrivateAddress: log.allowPrivateAddress }, ([fetch]) =>
          errand(askerOf(log, this.#courteous(fetch))),
        ),
      keep: (evidence) => writeEvidence(state.evidence, evidence),
      delay: options.delay * 1000,
      mix: options.mix,
      now: Date.now,
      chance,
      onEvent: (event) => {
        if (event.event !== 'failed') this.#untold = true;
        options.onEvent(event);
      },
    });
  }

  failed(error: unknown): void {
    this.#options.onEvent({ event: 'failed', message: messageOf(error) });
  }

  /** Until the signal is given. */
  async run(): Promise<void> {
    const { logs, pools, every, chance } = this.#options;
    const { signal } = this.#ways;
    const askable = logs.filter((log) => isInService(log) && isAskable(log));
    await Promise.all([
      runSchedule({
        logs: () => askable,
        ask: (log) => this.#askForHead(log),
        pollinators: pools,
        pollinate: (pool) => this.#visit(pool),
        every,
        signal,
        chance,
        survives: (error) => {
          this.failed(error);
          return true;
        },
      }),
      this.#workOnAndOn(),
    ]);
  }

  async #workOnAndOn(): Promise<void> {
    const { signal } = this.#ways;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const wait = (this.auditor.nextDue() ?? Infinity) - Date.now();
      await realSleep(Math.max(0, Math.min(LOOK_MS, wait)), signal).catch(() => undefined);
      if (isOver()) return;
      try {
        if ((this.auditor.nextDue() ?? Infinity) <= Date.now()) await this.auditor.work();
        this.#tell();
      } catch (error) {
        if (isOver()) return;
        if (!(error instanceof ProxyError || error instanceof StoreError)) throw error;
        this.failed(error);
        await realSleep(PAUSE_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Has the store know what was found, so that the status page and alerts do. Throws StoreError. */
  #tell(): void {
    if (!this.#untold) return;
    const { state } = this.#options;
    const store = openForWriting(state);
    try {
      recordFoundEvidence(store, state.evidence);
      const since = Date.now();
      store.logs.setUnprovable(this.#store.unprovable().map((each) => ({ ...each, since })));
    } finally {
      store.close();
    }
    this.#untold = false;
  }

  /** Whether or not anything of the log is to be checked. */
  async #askForHead(log: Log): Promise<void> {
    const { allowPrivateAddress } = log;
    try {
      const head = await through(this.#ways, 1, { allowPrivateAddress }, ([fetch]) =>
        askForSignedHead(log, askerOf(log, this.#courteous(fetch))),
      );
      this.auditor.takeShown(log, head);
    } catch (error) {
      // What waits for a head of it says so.
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** Fetches what a pool collected, and exchanges heads with it: those that all logs showed. */
  async #visit(pool: string): Promise<void> {
    const at = (name: string): string => new URL(`${DRAFT_02.base}/${name}`, pool).href;
    const allowed = { allowPrivateAddress: true };
    let pairs: CheckedPair[] = [];
    let heads: Brought[] = [];
    await this.#try(async () => {
      const submitted = await through(this.#ways, 1, allowed, ([fetch]) =>
        collectedFrom(at('collected-sct-feedback'), wayOf(fetch)),
      );
      pairs = await this.#checked(submitted);
      this.auditor.takePublic(pool, pairs);
    });
    // Whatever became of the feedback: some servers have one of the two alone.
    await this.#try(async () => {
      const shared = this.auditor.headsToShare(FRESH_MS);
      const { received } = await through(this.#ways, 1, allowed, ([fetch]) =>
        exchangeHeads(at('sth-pollination'), wayOf(fetch), shared, this.#options.logs),
      );
      heads = received.heads.map(({ head }) => ({ head, logId: head.logId }));
      this.auditor.takePublic(pool, [], heads);
    });
    this.#options.onEvent({ event: 'polled', pool, scts: pairs.length, heads: heads.length });
  }

  /** What one server fails with is said, and ends nothing else. */
  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      this.failed(error);
    }
  }

  async #checked(submitted: readonly Submitted[]): Promise<CheckedPair[]> {
    const pairs: CheckedPair[] = [];
    for (const each of submitted) {
      if (pairs.length >= MAX_PAIRS) break;
      pairs.push(...this.#checks.check(each).pairs);
      await new Promise(setImmediate);
    }
    return pairs;
  }

  #courteous(fetch: Fetch | undefined): Fetch {
    const { signal } = this.#ways;
    return new Courtesy(Date.now, (ms) => realSleep(ms, signal)).fetch(wayOf(fetch));
  }
}

function wayOf(fetch: Fetch | undefined): Fetch {
  if (fetch === undefined) throw new RangeError('no way');
  return fetch;
}

/** Rejects with ProxyError, or with HttpError where there is no such feedback. */
async function collectedFrom(url: string, fetch: Fetch): Promise<Submitted[]> {
  const { status, body } = await fetch(url, { maxBytes: MAX_COLLECTED });
  if (status !== 200) throw new HttpError('http-bad-answer', `${url}: HTTP ${status}`);
  if (hasMore(body, MAX_VALUES, ',[{'))
    throw new HttpError('http-bad-answer', `${url}: there are more values in it than chains have`);
  try {
    return DRAFT_02.readFeedback(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new HttpError('http-bad-answer', `${url}: ${messageOf(error)}`);
  }
}

/** The hashes of a challenger in the state directory, if there is one. */
class Hashes {
  readonly #directory: string;
  #store: HashStore | undefined;
  #until = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined where there are none, or they cannot be read: then logs are asked. */
  open(): HashStore | undefined {
    if (performance.now() < this.#until) return this.#store;
    this.close();
    this.#until = performance.now() + HASHES_MS;
    try {
      this.#store = HashStore.openForReading(this.#directory);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    return this.#store;
  }

  close(): void {
    this.#store?.close();
    this.#store = undefined;
  }
}

export interface AuditStatus {
  readonly counts: Record<'scts' | 'heads', Record<AuditState, number>>;
  readonly findings: readonly AuditFinding[];
}

/** Of the auditor in a state directory; undefined if there was none. Throws StoreError. */
export function auditStatus(state: State, most: number): AuditStatus | undefined {
  const store = AuditStore.openForReading(auditorIn(state.directory));
  if (store === undefined) return undefined;
  try {
    return { counts: store.counts(), findings: store.findings(most) };
  } finally {
    store.close();
  }
}
