// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga challenge` as a service: the challenger over a store, the logs in force and the way out. It
 * knows no process: the caller gives it a clock, a store, proxies and what asks it to end.
 */
import { messageOf, type CtgaError } from '../base/errors.ts';
import { megabytes, plural } from '../base/text.ts';
import { askDirectly } from '../challenger/direct.ts';
import { pollinateThrough, viewThrough, type PollinateOptions } from '../challenger/pollinate.ts';
import { MAX_AT_ONCE, runRound, runSchedule, type TimingOptions } from '../challenger/schedule.ts';
import { isForAll } from '../challenger/share.ts';
import type { TreeVerdict } from '../challenger/verdicts.ts';
import { Visits, type VisitsOptions } from '../challenger/visits.ts';
import type { WayOptions } from '../http/ways.ts';
import { StoreError } from '../disk/error.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import type { ImportedHead } from '../exchange/files.ts';
import type { Pollinated } from '../exchange/pollination.ts';
import type { LogError } from '../ask/asker.ts';
import { ProxyError } from '../http/error.ts';
import { isAskable, isInService, logIdText, type Log } from '../logs/log.ts';
import { cosignaturesOf, type CheckedCosignature } from '../statements/cosigned.ts';
import type { NoteKey } from '../statements/note-key.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { isDamage, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { DEFAULT_BUDGET_MB, DEFAULT_QUESTIONS, DEFAULT_WINDOW_DAYS } from './challenge-defaults.ts';
import { ServiceNotice } from './notice.ts';
import { becomeChallenger, type BecomeAccount } from './privileges.ts';

export interface ChallengeServiceOptions
  extends
    WayOptions,
    Pick<
      VisitsOptions,
      'evidenceDirectory' | 'now' | 'sleep' | 'hashes' | 'paths' | 'visit' | 'share'
    >,
    Pick<PollinateOptions, 'known'>,
    Pick<TimingOptions, 'pollinators'> {
  /** `known` reads from this store, or from a list. */
  readonly storeFile: Pick<StoreInUse, 'store' | 'use' | 'replaceDamaged'>;
  /** Whether logs are asked about what was seen itself, and so learn that; not unless given. */
  readonly directQuestions?: boolean;
  /** Monitoring prefixes of witnesses, and distributors; see exchange/views.ts. */
  readonly views?: readonly string[];
  /** Whose cosignatures of checkpoints are verified. */
  readonly witnesses?: readonly NoteKey[];
  /** In one visit or direct challenge of a log; DEFAULT_QUESTIONS unless given. */
  readonly questions?: number | undefined;
  /** Bytes that are fetched of one log in a day; DEFAULT_BUDGET_MB unless given. */
  readonly budget?: number;
  /** Milliseconds for which hashes are kept; DEFAULT_WINDOW_DAYS unless given. */
  readonly window?: number;
  /** Told, before anything is asked, how to learn which sizes of a log wait for a block. */
  readonly onWanted?: ((wanted: (log: Log) => readonly bigint[]) => void) | undefined;
  readonly onEvent: (event: ChallengeEvent) => void;
}

export interface RoundServiceOptions extends ChallengeServiceOptions {
  /** The most seconds to wait before each log. */
  readonly maxDelay: number;
}

export interface ScheduleServiceOptions extends ChallengeServiceOptions {
  /** Mean seconds between two visits, or direct challenges, of one log. */
  readonly every: number;
  /** Told of a proxy that does not answer: once, until something came through again. */
  readonly onProxyFailed: (error: ProxyError) => void;
}

export type ChallengeEvent =
  | { readonly event: 'waiting'; readonly log: string; readonly seconds: number }
  | {
      readonly event: 'verdict';
      readonly log: string;
      readonly treeSize: bigint;
      readonly against: bigint;
      readonly verdict: Verdict;
      readonly reason: string | undefined;
      readonly evidence: string | undefined;
    }
  | {
      readonly event: 'log-failed';
      /** The log's description, or the URL of a pollinator. */
      readonly log: string;
      readonly code: string;
      readonly message: string;
      readonly remedy: string | undefined;
    }
  /** With `--once`: nothing more is sent to the log. */
  | {
      readonly event: 'visited';
      readonly log: string;
      /** Of the largest tree that it showed. */
      readonly treeSize: bigint;
      /** What was fetched of it today. */
      readonly bytes: number;
    }
  | { readonly event: 'not-asked'; readonly log: string; readonly reason: string }
  /** What asking is about to reveal, to whom. */
  | {
      readonly event: 'reveals';
      readonly logs: number;
      readonly whatWasSeen: boolean;
      readonly message: string;
    }
  /** Trees of the log have no verdict because of something that is no log's doing. */
  | { readonly event: 'not-settled'; readonly log: string; readonly message: string }
  | ({ readonly event: 'pollinated' } & Pollinated)
  /** What a witness or a distributor has; `sent` is the number of logs that it was asked for. */
  | ({ readonly event: 'viewed' } & Pollinated)
  /** A witness's line below a checkpoint; `from` is the log that showed it, or the URL of a view. */
  | ({
      readonly event: 'cosigned';
      readonly from: string;
      readonly log: string;
      readonly treeSize: bigint;
    } & CheckedCosignature)
  | { readonly event: 'notice'; readonly log: string; readonly message: string }
  | {
      readonly event: 'started';
      readonly logs: number;
      readonly every: number;
      readonly questions: number;
    };

/** What the store has after a round, and how many logs and pollinators could not be asked. */
export interface RoundSummary {
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly failed: number;
  /** Paths of all evidence. */
  readonly evidence: readonly string[];
}

/**
 * Gives up root, if this process has it, and opens the challenger's store, which the caller closes.
 * `user` is the account to become, undefined for the usual one; `warn` is told of a damaged store.
 * Throws CtgaError if the process cannot become the account, or if no store can be opened or made.
 */
export function openChallengerStore(
  state: State,
  user: string | undefined,
  warn: (message: string) => void,
  becomeAccount: BecomeAccount = becomeChallenger,
): StoreInUse {
  becomeAccount(state, user);
  return new StoreInUse({
    state,
    onSetAside: warn,
    onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
  });
}

/**
 * Visits the pollinators, then every log in force once, seen or not, and settles what was seen.
 * With direct questions it challenges the logs of which a tree head is known, each tree that is due
 * at once. Says before what that reveals. Rejects with ProxyError if the proxy does not answer, with
 * what kept a log from being settled, and if the signal is given.
 */
export async function challengeOnce(options: RoundServiceOptions): Promise<RoundSummary> {
  const { storeFile, maxDelay, directQuestions = false, questions, onEvent } = options;
  const { store } = storeFile;
  let failed = 0;
  const failures: unknown[] = [];
  const way = wayOf(options, {
    onEvent: (event) => {
      if (event.event === 'log-failed') failed += 1;
      onEvent(event);
    },
    onFailed: (_, error) => void failures.push(error),
    onVisited: (log, { current }) => {
      if (current === undefined) return;
      const { bytes } = options.hashes.rows(log).usage(options.now());
      onEvent({ event: 'visited', log: log.description, treeSize: current.treeSize, bytes });
    },
    questions: directQuestions ? undefined : (questions ?? DEFAULT_QUESTIONS.blocks),
    ignoreBackOff: true,
  });
  // Before anything is sent: how long it takes depends on what was seen.
  const inForce = directQuestions ? undefined : way.logs();
  await way.settled();
  await runRound(
    () => {
      const logs = inForce ?? way.logs();
      onEvent(reveals(logs, directQuestions, way.budget));
      return logs;
    },
    {
      ...way.timing,
      maxDelay,
      atOnce: directQuestions ? 1 : MAX_AT_ONCE,
      onWait: (log, wait) =>
        onEvent({ event: 'waiting', log: log.description, seconds: Math.round(wait) }),
    },
  );
  await way.settled();
  for (const failure of failures) throw failure;
  const evidence = store.evidence.all().map(({ path }) => path);
  return { verdicts: store.verdicts.counts(), failed, evidence };
}

/**
 * Tells the service manager that it is ready, and visits every log in force at random times, seen
 * or not, until the signal is given; then it breaks off what is under way and returns. It goes on
 * while the proxy does not answer, and in a new database when its own turns out damaged; whatever
 * keeps trees from their verdicts keeps no log from being visited. Rejects with StoreError if the
 * database of hashes turns out damaged, and with any other error.
 */
export function challengeContinually(options: ScheduleServiceOptions): Promise<void> {
  const { hashes, signal } = options;
  return whileWhole(hashes, signal, (end) => challengeUntil({ ...options, signal: end }));
}

async function challengeUntil(options: ScheduleServiceOptions): Promise<void> {
  const { storeFile, every, directQuestions = false, signal, onEvent, onProxyFailed } = options;
  const { questions = DEFAULT_QUESTIONS[directQuestions ? 'proofs' : 'blocks'] } = options;
  let proxyFailure = '';
  const tell = (log: Log, error: unknown): void =>
    onEvent({ event: 'not-settled', log: log.description, message: messageOf(error) });
  const way = wayOf(options, {
    onEvent: (event) => {
      if (event.event === 'verdict') proxyFailure = '';
      onEvent(event);
    },
    onVisited: (_, { heads }) => {
      if (heads.length > 0) proxyFailure = '';
    },
    onFailed: (log, error) => {
      try {
        if (isDamage(error)) storeFile.replaceDamaged();
        else tell(log, error);
      } catch (another) {
        tell(log, another);
      }
    },
    questions,
    ignoreBackOff: false,
  });
  let logs = way.logs();
  if (directQuestions) onEvent(reveals(logs, true, way.budget));
  onEvent({ event: 'started', logs: logs.length, every, questions });
  const notice = new ServiceNotice(`challenging ${plural(logs.length, 'log')}`);
  signal.addEventListener('abort', () => notice.stopping(), { once: true });
  try {
    await runSchedule({
      ...way.timing,
      logs: () => {
        try {
          logs = way.logs();
        } catch (error) {
          // Imported logs stay as they were last read.
          if (!(error instanceof StoreError)) throw error;
        }
        return logs;
      },
      every,
      survives: (error) => {
        if (isDamage(error)) storeFile.replaceDamaged();
        else if (error instanceof ProxyError) {
          if (error.code === 'not-ours-to-ask') return true;
          if (error.message !== proxyFailure) onProxyFailed(error);
          proxyFailure = error.message;
        } else return false;
        return true;
      },
    });
  } finally {
    await way.settled();
  }
}

/** How logs are asked, and which. */
interface Way {
  /** Bytes that are fetched of one log in a day at most. */
  readonly budget: number;
  readonly logs: () => Log[];
  readonly timing: TimingOptions;
  /** Resolves when all that was seen of the logs asked so far has been settled. */
  readonly settled: () => Promise<void>;
}

interface WayHandlers {
  readonly onEvent: ChallengeServiceOptions['onEvent'];
  readonly onVisited: VisitsOptions['onVisited'];
  readonly onFailed: VisitsOptions['onFailed'];
  readonly questions: number | undefined;
  readonly ignoreBackOff: boolean;
}

function wayOf(options: ChallengeServiceOptions, handlers: WayHandlers): Way {
  const { storeFile, directQuestions = false, known, proxies, views = [], ...given } = options;
  const { store } = storeFile;
  const { onEvent, questions, ignoreBackOff } = handlers;
  const failed = (log: string, { code, message, remedy }: CtgaError<string>): void =>
    onEvent({ event: 'log-failed', log, code, message, remedy });
  const asking = {
    ...given,
    store,
    proxies,
    known,
    // All proxies take part.
    paths: Math.max(options.paths, proxies.length),
    onVerdict: (verdict: TreeVerdict) => onEvent(verdictEvent(verdict)),
    onNotice: (log: Log, message: string) =>
      onEvent({ event: 'notice', log: log.description, message }),
    onPollinated: (result: Pollinated) => onEvent({ event: 'pollinated', ...result }),
    onViewed: (result: Pollinated) => onEvent({ event: 'viewed', ...result }),
    onPollinationFailed: failed,
    onShown: (log: Log, heads: readonly VerifiedStatement[]) => tellCosigned(log, heads),
    onSeenAt: (url: string, heads: readonly ImportedHead[]) => {
      for (const { log, head } of heads) tellCosigned(log, [head], url);
    },
    onLogFailed: (log: Log, error: LogError) => {
      answered.delete(log);
      failed(log.description, error);
    },
  };
  /** On several paths a log shows the same. */
  const tellCosigned = (
    log: Log,
    heads: readonly VerifiedStatement[],
    from = log.description,
  ): void => {
    const checked = heads.flatMap((head) =>
      cosignaturesOf(head, options.witnesses ?? []).map((each) => ({
        event: 'cosigned' as const,
        from,
        log: log.description,
        treeSize: head.treeSize,
        ...each,
      })),
    );
    const distinct = new Map(checked.map((each) => [Object.values(each).join(), each]));
    for (const each of distinct.values()) onEvent(each);
  };
  /** Logs that gave what they were asked for, of those that are being asked. */
  const answered = new Set<Log>();
  // The times are drawn for all logs, whoever asks them: those of each log are the same kind of chance
  // before, at and after the moment in which another takes over.
  const { share = isForAll } = options;
  const counted = (log: Log, ask: () => Promise<void>): Promise<void> =>
    share.asking(log, () => visited(log, ask));
  const visited = async (log: Log, ask: () => Promise<void>): Promise<void> => {
    const { hashes, now, signal } = options;
    try {
      await ask();
    } catch (error) {
      answered.delete(log);
      throw error;
    } finally {
      const succeeded = answered.delete(log);
      if (succeeded || !signal.aborted) note(() => hashes.rows(log).addVisit(now(), succeeded));
    }
  };
  const budget = options.budget ?? DEFAULT_BUDGET_MB * 1e6;
  const isView = new Set(views);
  const timing = {
    ...asking,
    // Their times are drawn as those of pollinators are.
    pollinators: [...new Set([...options.pollinators, ...views])],
    pollinate: (url: string) => (isView.has(url) ? viewThrough : pollinateThrough)(url, asking),
  };
  const noteUnknown = unknownLog(onEvent);
  if (directQuestions) {
    const direct = { ...asking, questions, ignoreBackOff };
    const seenAlone = ignoreBackOff;
    return {
      budget,
      logs: () =>
        storeFile.use(() => {
          const all = known().filter(isAskable);
          // Those out of service only if there is something to ask them: they stay auditable.
          const seen = logsSeen(store, all, noteUnknown);
          return seenAlone ? seen : [...new Set([...all.filter(isInService), ...seen])];
        }),
      timing: {
        ...timing,
        ask: (log) =>
          counted(log, () => {
            answered.add(log);
            return askDirectly(log, direct);
          }),
      },
      settled: () => Promise.resolve(),
    };
  }
  const visits = new Visits({
    ...asking,
    budget,
    window: options.window ?? DEFAULT_WINDOW_DAYS * 86_400_000,
    blocks: questions ?? DEFAULT_QUESTIONS.blocks,
    onVisited: (log, visit) => {
      if (visit.heads.length > 0) answered.add(log);
      tellCosigned(log, visit.heads);
      handlers.onVisited(log, visit);
    },
    onFailed: handlers.onFailed,
  });
  options.onWanted?.((log) => visits.wanted(log));
  let isFirst = true;
  return {
    budget,
    // Nothing here may depend on what was seen.
    logs: () => {
      const logs = storeFile.use(() => known().filter(isAskable));
      if (isFirst) {
        isFirst = false;
        logsSeen(store, logs, noteUnknown);
        // What is known of them already: it tells which of their sizes wait for a block.
        for (const log of logs) visits.settle(log);
      }
      return logs;
    },
    timing: { ...timing, ask: (log) => counted(log, () => visits.ask(log)) },
    settled: () => visits.settled(),
  };
}

/** A count that cannot be written is no reason to stop. */
function note(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

function reveals(logs: readonly Log[], whatWasSeen: boolean, budget: number): ChallengeEvent {
  const message = whatWasSeen
    ? `${plural(logs.length, 'log')} will learn which tree sizes were seen here, because the questions are about these. Without --direct-questions none does.`
    : `${plural(logs.length, 'log')} will learn that somebody asks now, and so will whoever watches the way there. None learns what was seen here: the questions would be the same if nothing had been, but for one block of entries in 64 at most (docs/UNLINKABILITY.md). At most ${megabytes(budget)} of each log are fetched in a day (--budget).`;
  return { event: 'reveals', logs: logs.length, whatWasSeen, message };
}

function verdictEvent({
  log,
  tree,
  against,
  verdict,
  reason,
  evidence,
}: TreeVerdict): ChallengeEvent {
  const { treeSize } = tree;
  return { event: 'verdict', log: log.description, treeSize, against, verdict, reason, evidence };
}

/** The logs of which a tree head is known, so far as some list says how to ask them. */
function logsSeen(
  store: Pick<Store, 'heads'>,
  logs: readonly Log[],
  onUnknown: (logId: string) => void,
): Log[] {
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  return store.heads.logIds().flatMap((logId) => {
    const log = byId.get(logIdText(logId));
    if (log === undefined) onUnknown(logIdText(logId));
    return log ?? [];
  });
}

/** Says once of each log that nobody knows that it is not asked. */
function unknownLog(onEvent: ChallengeServiceOptions['onEvent']): (logId: string) => void {
  const said = new Set<string>();
  return (log) => {
    if (said.has(log)) return;
    said.add(log);
    const reason = 'it is in no log list: import one that has it';
    onEvent({ event: 'not-asked', log, reason });
  };
}
