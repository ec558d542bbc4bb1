/**
 * `ctga challenge` as a service: the challenger over a store, the logs in force and the way out. It
 * knows no process: the caller gives it a clock, a store, proxies and what asks it to end.
 */
import type { CtgaError } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import type { ChallengeContext } from '../challenger/challenge.ts';
import { runRound, runSchedule, type AskOptions } from '../challenger/schedule.ts';
import type { TreeVerdict } from '../challenger/verdicts.ts';
import type { Pollinated } from '../exchange/pollination.ts';
import { ProxyError } from '../http/error.ts';
import { isInService, logIdText, type Log } from '../logs/log.ts';
import { isDamage, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { ServiceNotice } from './notice.ts';
import { becomeChallenger, type BecomeAccount } from './privileges.ts';

export interface ChallengeServiceOptions
  extends
    Pick<ChallengeContext, 'evidenceDirectory' | 'now' | 'signal'>,
    Pick<
      AskOptions,
      'proxies' | 'open' | 'paths' | 'pollinators' | 'known' | 'hashes' | 'sleep' | 'chance'
    > {
  /** `known` reads from this store, or from a list. */
  readonly storeFile: Pick<StoreInUse, 'store' | 'use' | 'replaceDamaged'>;
  readonly onEvent: (event: ChallengeEvent) => void;
}

export interface RoundServiceOptions extends ChallengeServiceOptions {
  /** The most seconds to wait before each log. */
  readonly maxDelay: number;
}

export interface ScheduleServiceOptions extends ChallengeServiceOptions {
  /** Mean seconds between two challenges of one log. */
  readonly every: number;
  /** Proofs asked of a log in each challenge. */
  readonly questions: number;
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
  | { readonly event: 'not-asked'; readonly log: string; readonly reason: string }
  | ({ readonly event: 'pollinated' } & Pollinated)
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
 * Visits the pollinators, then challenges every log of which a tree head is known, each tree that
 * is due at once. Rejects with ProxyError if the proxy does not answer, and if the signal is given.
 */
export async function challengeOnce(options: RoundServiceOptions): Promise<RoundSummary> {
  const { storeFile, known, maxDelay, onEvent } = options;
  const { store } = storeFile;
  let failed = 0;
  const noteUnknown = unknownLog(onEvent);
  await runRound(() => logsSeen(store, known(), noteUnknown), {
    ...asking(options, (event) => {
      if (event.event === 'log-failed') failed += 1;
      onEvent(event);
    }),
    ignoreBackOff: true,
    maxDelay,
    onWait: (log, wait) =>
      onEvent({ event: 'waiting', log: log.description, seconds: Math.round(wait) }),
  });
  const evidence = store.evidence.all().map(({ path }) => path);
  return { verdicts: store.verdicts.counts(), failed, evidence };
}

/**
 * Tells the service manager that it is ready, and challenges every log in service at random times,
 * seen or not, until the signal is given; then it breaks off what is under way and returns. It goes
 * on while the proxy does not answer, and in a new database when its own turns out damaged. Rejects
 * with any other error.
 */
export async function challengeContinually(options: ScheduleServiceOptions): Promise<void> {
  const { storeFile, known, every, questions, signal, onEvent, onProxyFailed } = options;
  const noteUnknown = unknownLog(onEvent);
  const logs = (): Log[] =>
    storeFile.use(() => {
      const all = known();
      // Those out of service only if there is something to ask them: they stay auditable.
      const seen = logsSeen(storeFile.store, all, noteUnknown);
      return [...new Set([...all.filter(isInService), ...seen])];
    });
  let proxyFailure = '';
  const count = logs().length;
  onEvent({ event: 'started', logs: count, every, questions });
  const notice = new ServiceNotice(`challenging ${plural(count, 'log')}`);
  signal.addEventListener('abort', () => notice.stopping(), { once: true });
  await runSchedule({
    ...asking(options, (event) => {
      if (event.event === 'verdict') proxyFailure = '';
      onEvent(event);
    }),
    ignoreBackOff: false,
    logs,
    every,
    questions,
    survives: (error) => {
      if (isDamage(error)) storeFile.replaceDamaged();
      else if (!(error instanceof ProxyError)) return false;
      else if (error.message !== proxyFailure) {
        onProxyFailed(error);
        proxyFailure = error.message;
      }
      return true;
    },
  });
}

/** What a round and a schedule have in common, their callbacks made into events. */
function asking(
  options: ChallengeServiceOptions,
  onEvent: ChallengeServiceOptions['onEvent'],
): Omit<AskOptions, 'ignoreBackOff'> {
  const { storeFile, paths, proxies, ...given } = options;
  const failed = (log: string, { code, message, remedy }: CtgaError<string>): void =>
    onEvent({ event: 'log-failed', log, code, message, remedy });
  return {
    ...given,
    store: storeFile.store,
    proxies,
    // All proxies take part.
    paths: Math.max(paths, proxies.length),
    onVerdict: (verdict) => onEvent(verdictEvent(verdict)),
    onNotice: (log, message) => onEvent({ event: 'notice', log: log.description, message }),
    onPollinated: (result) => onEvent({ event: 'pollinated', ...result }),
    onPollinationFailed: failed,
    onLogFailed: (log, error) => failed(log.description, error),
  };
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
