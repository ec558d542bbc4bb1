/** `ctga challenge`: make the logs prove that everything seen is one append-only log. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { CHALLENGER_ACCOUNTS, dropPrivileges } from '../services/privileges.ts';
import type { TreeVerdict } from '../challenger/challenge.ts';
import { pollinationUrl, type Pollinated } from '../exchange/pollination.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy.ts';
import { runRound, runSchedule, type AskOptions } from '../challenger/schedule.ts';
import { CtgaError, ExitCode } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { knownLogs } from '../store/known-logs.ts';
import { readLogList } from '../logs/list.ts';
import { isInService, logIdText, type Log } from '../logs/log.ts';
import { ServiceNotice } from '../services/notice.ts';
import { isDamage } from '../store/sqlite/open.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { stateAt } from '../store/state.ts';
import type { Store, Verdict } from '../store/sqlite/store.ts';
import { seconds, wholeNumber, withState, type StateOption } from './options.ts';
import { print, printJsonLine, reportFailure, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface ChallengeOptions extends StateOption {
  readonly once?: boolean;
  readonly proxy?: readonly string[];
  readonly paths: number;
  readonly logList?: string;
  readonly maxDelay: number;
  readonly every: number;
  readonly questions: number;
  readonly pollinate: readonly string[];
  readonly user?: string;
}

export function challengeCommand(): Command {
  const challenge = new Command('challenge')
    .description(
      'make every log prove, through a SOCKS proxy, that all its tree heads seen are one append-only log',
    )
    .option(
      '--once',
      'one round, then end: exit code 3 if a split view is proven, 1 if a log could not be asked or has no proof for too long',
    )
    .addOption(
      new Option(
        '--proxy <url>',
        `SOCKS5 proxy, the only way out; may be repeated: a log is asked through all of them (default: ${DEFAULT_PROXY})`,
      ).argParser((url: string, previous: readonly string[] | undefined) => [
        ...(previous ?? []),
        url,
      ]),
    )
    .option(
      '--paths <n>',
      'ways a log is asked for its tree head at once, each with credentials, and so a Tor circuit, of its own',
      wholeNumber(1, 100),
      2,
    )
    .option(
      '--log-list <file>',
      'use the logs of this list instead of the imported and built-in ones',
    )
    .option(
      '--max-delay <seconds>',
      'with --once: wait a random time up to this before each log',
      seconds,
      10,
    )
    .option(
      '--every <seconds>',
      'mean time between two challenges of a log, which come at random',
      seconds,
      3600,
    )
    .option(
      '--questions <n>',
      'proofs asked of a log in each challenge, no matter how many tree heads wait for one',
      wholeNumber(1, 100),
      4,
    )
    .addOption(
      new Option(
        '--pollinate <url>',
        "an STH pollination endpoint: exchange the logs' own heads for others; may be repeated",
      )
        .argParser((url: string, previous: readonly string[]) => [...previous, pollinator(url)])
        .default([], 'none'),
    )
    .option(
      '--user <name>',
      'as root: run as this account (default: ctga if there is one, else nobody)',
    )
    .addHelpText(
      'after',
      `
Verdicts: consistent; fork-proven (a split view, with evidence on disk); bad-proof (the answer
proves nothing); skewed (the log does not admit to that tree size yet); unprovable (still not
after its maximum merge delay); unreachable. Only fork-proven accuses a log.
Without --once every log in service is asked, at random times, the same number of questions, whether
or not a tree head of its was seen: neither times nor numbers say what passed by. Once asks only logs
of which there are tree heads, everything at once: when it runs is for you to say.
Run it on another host than the packet processor where you can: bring tree heads over
with "ctga heads export" and "ctga heads import".`,
    );
  return withState(challenge).action(run);
}

async function run(options: ChallengeOptions): Promise<void> {
  const proxies = (options.proxy ?? [DEFAULT_PROXY]).map(parseProxy);
  const state = stateAt(options.stateDir);
  const json = options.json === true;
  // Read as root, where this is root: the challenger's own account may not.
  const listed = options.logList === undefined ? undefined : readLogList(options.logList).logs;
  dropPrivileges(state, options.user, CHALLENGER_ACCOUNTS);
  const storeFile = new StoreInUse({
    state,
    onSetAside: warn,
    onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
  });
  const { store } = storeFile;
  const stop = stopRequest();
  const report = json ? printJsonLine : printReport;
  const known = (): readonly Log[] => listed ?? knownLogs(store, undefined, warn);
  let failed = 0;
  // A proxy that is down is said once, until something came through again.
  let proxyFailure = '';
  const asking: AskOptions = {
    store,
    proxies,
    evidenceDirectory: state.evidence,
    now: Date.now,
    signal: stop,
    paths: Math.max(options.paths, proxies.length),
    ignoreBackOff: options.once === true,
    onVerdict: (verdict) => {
      proxyFailure = '';
      report(toReport(verdict));
    },
    onNotice: (log, message) => report({ event: 'notice', log: log.description, message }),
    pollinators: options.pollinate,
    known,
    onPollinated: (result) => report({ event: 'pollinated', ...result }),
    onPollinationFailed: (url, error) => {
      failed += 1;
      report({ event: 'log-failed', log: url, code: error.code, message: error.message });
    },
    onLogFailed: (log, error) => {
      failed += 1;
      report({
        event: 'log-failed',
        log: log.description,
        code: error.code,
        message: error.message,
      });
    },
  };
  try {
    if (options.once === true) {
      await runRound(() => logsSeen(store, known(), unknownLog(report)), {
        ...asking,
        maxDelay: options.maxDelay,
        onWait: (log, wait) =>
          report({ event: 'waiting', log: log.description, seconds: Math.round(wait) }),
      });
      const verdicts = store.verdicts();
      report({
        event: 'summary',
        verdicts,
        failed,
        evidence: store.evidence().map(({ path }) => path),
      });
      setExitCode(
        verdicts['fork-proven'] > 0
          ? ExitCode.forkProven
          : failed + verdicts.unprovable > 0
            ? ExitCode.failed
            : ExitCode.ok,
      );
    } else {
      const { every, questions } = options;
      const note = unknownLog(report);
      const logs = (): Log[] =>
        storeFile.use(() => {
          const all = known();
          // Those out of service only if there is something to ask them: they stay auditable.
          return [...new Set([...all.filter(isInService), ...logsSeen(store, all, note)])];
        });
      report({ event: 'started', logs: logs().length, every, questions });
      const notice = new ServiceNotice(`challenging ${logs().length} logs`);
      stop.addEventListener('abort', () => notice.stopping(), { once: true });
      await runSchedule({
        ...asking,
        logs,
        every,
        questions,
        survives: (error) => {
          if (isDamage(error)) {
            storeFile.replaceDamaged();
            return true;
          }
          if (!(error instanceof CtgaError) || error.code !== 'proxy-unavailable') return false;
          if (error.message !== proxyFailure) reportFailure(error, json);
          proxyFailure = error.message;
          return true;
        },
      });
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    store.close();
  }
}

function pollinator(text: string): string {
  try {
    return pollinationUrl(text);
  } catch {
    throw new InvalidArgumentError('want a URL, https://HOST/ or with the path of the endpoint.');
  }
}

/** Logs of which a tree head is known, as far as we can talk to them. */
function logsSeen(store: Store, logs: readonly Log[], onUnknown: (logId: string) => void): Log[] {
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  return store.logsWithTrees().flatMap((logId) => {
    const log = byId.get(logIdText(logId));
    if (log === undefined) onUnknown(logIdText(logId));
    return log ?? [];
  });
}

/** Says of a log that nobody knows that it is not asked, once. */
function unknownLog(report: (report: Report) => void): (logId: string) => void {
  const said = new Set<string>();
  return (logId) => {
    if (said.has(logId)) return;
    said.add(logId);
    report({
      event: 'not-asked',
      log: logId,
      reason: 'it is in no log list: import one that has it',
    });
  };
}

type Report =
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
      readonly log: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly event: 'not-asked'; readonly log: string; readonly reason: string }
  | ({ readonly event: 'pollinated' } & Pollinated)
  | { readonly event: 'notice'; readonly log: string; readonly message: string }
  | {
      readonly event: 'started';
      readonly logs: number;
      readonly every: number;
      readonly questions: number;
    }
  | {
      readonly event: 'summary';
      readonly verdicts: Readonly<Record<Verdict, number>>;
      readonly failed: number;
      readonly evidence: readonly string[];
    };

function toReport({ log, tree, verdict, reason, against, evidence }: TreeVerdict): Report {
  return {
    event: 'verdict',
    log: log.description,
    treeSize: tree.treeSize,
    against,
    verdict,
    reason,
    evidence,
  };
}

function printReport(report: Report): void {
  switch (report.event) {
    case 'waiting':
      return print(
        `${report.log}: asking in ${plural(report.seconds, 'second')}, so that the time says nothing`,
      );
    case 'verdict': {
      const { log, treeSize, against, verdict, reason, evidence } = report;
      const line = `${log}: size ${treeSize} against ${against}: ${verdict}${reason === undefined ? '' : ` (${reason})`}`;
      if (verdict === 'unprovable') warn(`${line}. It has had longer than it promises to take.`);
      else print(line);
      if (evidence !== undefined)
        print(
          `  SPLIT VIEW PROVEN. Evidence: ${evidence}\n  Check it with: ctga evidence verify ${evidence}`,
        );
      return;
    }
    case 'log-failed':
      return warn(`${report.log}: ${report.message}`);
    case 'not-asked':
      return warn(`${report.log} is not asked: ${report.reason}`);
    case 'pollinated':
      return print(
        `${report.url}: ${plural(report.received, 'tree head')} for ${report.sent} of ours, ${report.fresh} of them new${report.refused > 0 ? `; ${report.refused} refused` : ''}`,
      );
    case 'notice':
      return warn(`${report.log}: ${report.message}`);
    case 'started':
      return print(
        `Challenging ${plural(report.logs, 'log')}, each every ${report.every} s on average, with ${plural(report.questions, 'question')} at a time. Ctrl-C ends it.`,
      );
    case 'summary': {
      const verdicts = Object.entries(report.verdicts).filter(([, count]) => count > 0);
      const text = verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
      return print(text === '' ? 'No tree heads to challenge yet.' : `Trees: ${text}.`);
    }
  }
}
