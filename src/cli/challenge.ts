/** `ctga challenge`: make the logs prove that everything seen is one append-only log. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { dropPrivileges } from '../challenger/privileges.ts';
import { isProxyFailure, type TreeVerdict } from '../challenger/challenge.ts';
import { DEFAULT_PROXY, parseProxy } from '../challenger/proxy.ts';
import { nextRoundIn, runRound } from '../challenger/schedule.ts';
import { ExitCode } from '../errors.ts';
import { knownLogs } from '../logs/known.ts';
import { readLogList } from '../logs/list.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { openOrStartAnew, stateAt } from '../store/state.ts';
import type { Store, Verdict } from '../store/store.ts';
import { seconds, withState, type StateOption } from './options.ts';
import { plural, print, printJsonLine, reportFailure, time, warn } from './output.ts';

interface ChallengeOptions extends StateOption {
  readonly once?: boolean;
  readonly proxy: string;
  readonly logList?: string;
  readonly maxDelay?: number;
  readonly every: number;
  readonly user?: string;
}

export function challengeCommand(): Command {
  const challenge = new Command('challenge')
    .description(
      'make every log prove, through a SOCKS proxy, that all its tree heads seen are one append-only log',
    )
    .option(
      '--once',
      'one round, then end: exit code 3 if a split view is proven, 1 if a log could not be asked',
    )
    .option(
      '--proxy <url>',
      'SOCKS5 proxy, the only way out; new credentials for each log and round',
      DEFAULT_PROXY,
    )
    .option('--log-list <file>', 'use the logs of this list instead of the imported and built-in ones')
    .option(
      '--max-delay <seconds>',
      'wait a random time up to this before each log (default: 10 with --once, else 600)',
      seconds,
    )
    .option('--every <seconds>', 'mean time between rounds, which come at random', seconds, 1800)
    .option('--user <name>', 'as root: run as this account (default: ctga if there is one, else nobody)')
    .addHelpText(
      'after',
      `
Verdicts: consistent; fork-proven (a split view, with evidence on disk); bad-proof (the answer
proves nothing); skewed (the log does not admit to that tree size yet); unprovable (still not
after its maximum merge delay); unreachable. Only fork-proven accuses a log.
Run it on another host than the packet processor where you can: bring tree heads over
with "ctga heads export" and "ctga heads import".`,
    );
  return withState(challenge).action(run);
}

async function run(options: ChallengeOptions): Promise<void> {
  const proxy = parseProxy(options.proxy);
  const state = stateAt(options.stateDir);
  const json = options.json === true;
  // Read as root, where this is root: the challenger's own account may not.
  const listed = options.logList === undefined ? undefined : readLogList(options.logList).logs;
  dropPrivileges(state, options.user);
  const store = openOrStartAnew(state, warn);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const report = json ? printJsonLine : printReport;
  const round = async (): Promise<number> => {
    let failed = 0;
    await runRound(logsToChallenge(store, listed ?? knownLogs(store, undefined, warn), report), {
      store,
      proxy,
      evidenceDirectory: state.evidence,
      now: Date.now,
      ignoreBackOff: options.once === true,
      maxDelay: options.maxDelay ?? (options.once === true ? 10 : 600),
      signal: stop.signal,
      onWait: (log, wait) => report({ event: 'waiting', log: log.description, seconds: Math.round(wait) }),
      onVerdict: (verdict) => report(toReport(verdict)),
      onLogFailed: (log, error) => {
        failed += 1;
        report({ event: 'log-failed', log: log.description, code: error.code, message: error.message });
      },
    });
    return failed;
  };
  try {
    if (options.once === true) {
      const failed = await round();
      const verdicts = store.verdicts();
      report({ event: 'summary', verdicts, failed, evidence: store.evidence().map(({ path }) => path) });
      process.exitCode =
        verdicts['fork-proven'] > 0 ? ExitCode.forkProven : failed > 0 ? ExitCode.failed : ExitCode.ok;
    } else {
      await roundsUntilSignalled(round, options.every, stop.signal, report, json);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    store.close();
  }
}

/** A proxy that is down is reported and waited out: the next round tries again. */
async function roundsUntilSignalled(
  round: () => Promise<number>,
  every: number,
  signal: AbortSignal,
  report: (report: Report) => void,
  json: boolean,
): Promise<void> {
  for (;;) {
    const wait = nextRoundIn(every);
    report({ event: 'next-round', at: Date.now() + wait });
    await sleep(wait, undefined, { signal });
    try {
      await round();
    } catch (error) {
      if (signal.aborted || !isProxyFailure(error)) throw error;
      reportFailure(error, json);
    }
  }
}

/** Logs of which a tree head is known, as far as we can talk to them. */
function logsToChallenge(store: Store, logs: readonly Log[], report: (report: Report) => void): Log[] {
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  return store.logsWithTrees().flatMap((logId) => {
    const log = byId.get(logIdText(logId));
    if (log !== undefined) return [log];
    report({
      event: 'not-asked',
      log: logIdText(logId),
      reason: 'it is in no log list: import one that has it',
    });
    return [];
  });
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
  | { readonly event: 'log-failed'; readonly log: string; readonly code: string; readonly message: string }
  | { readonly event: 'not-asked'; readonly log: string; readonly reason: string }
  | { readonly event: 'next-round'; readonly at: number }
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
      print(
        `${log}: size ${treeSize} against ${against}: ${verdict}${reason === undefined ? '' : ` (${reason})`}`,
      );
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
    case 'next-round':
      return print(`Next round at ${time(report.at)}.`);
    case 'summary': {
      const verdicts = Object.entries(report.verdicts).filter(([, count]) => count > 0);
      const text = verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
      return print(text === '' ? 'No tree heads to challenge yet.' : `Trees: ${text}.`);
    }
  }
}
