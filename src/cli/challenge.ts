// SPDX-License-Identifier: Apache-2.0
/** `ctga challenge`: make the logs prove that everything seen is one append-only log. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { badInput, CtgaError, ExitCode } from '../base/errors.ts';
import { megabytes, plural } from '../base/text.ts';
import { pollinationUrl } from '../exchange/pollination-url.ts';
import { viewUrl } from '../exchange/views.ts';
import { HashStore } from '../follow/hash-store.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy-address.ts';
import { readListedLogs } from '../logs/list.ts';
import type { ChallengeEvent, RoundSummary } from '../services/challenge.ts';
import {
  DEFAULT_BUDGET_MB,
  DEFAULT_QUESTIONS,
  DEFAULT_WINDOW_DAYS,
} from '../services/challenge-defaults.ts';
import type { LogShare, ShareEvent, ShareOptions } from '../services/share-logs.ts';
import { isAskable, type Log } from '../logs/log.ts';
import type { NoteKey } from '../statements/note-key.ts';
import { knownLogs } from '../store/known-logs.ts';
import { expectDirectory, stateAt } from '../store/state.ts';
import { bus, FLEET_DIRECTORY } from './fleet-member.ts';
import { seconds, wholeNumber, withState, type StateOption } from './options.ts';
import { checkCommand, withNextCommands } from './next.ts';
import { print, printJsonLine, reportFailure, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';
import { printCosignature, witnessOption } from './witness-option.ts';

interface ChallengeOptions extends StateOption {
  readonly once?: boolean;
  readonly proxy?: readonly string[];
  readonly paths: number;
  readonly logList?: string;
  readonly maxDelay: number;
  readonly every: number;
  readonly questions?: number;
  readonly budget: number;
  readonly window: number;
  readonly directQuestions?: boolean;
  readonly pollinate: readonly string[];
  readonly view: readonly string[];
  readonly subscribe?: string;
  readonly fleet: string;
  readonly witness: readonly NoteKey[];
  readonly user?: string;
}

export function challengeCommand(): Command {
  const challenge = new Command('challenge')
    .description(
      'compare the tree heads that were seen with what every log shows to everybody, through a SOCKS proxy, and prove split views',
    )
    .option(
      '--once',
      'visit each log once, then end: exit code 3 if a split view is proven, 1 if a log cannot be asked or a tree cannot be compared',
    )
    .addOption(
      new Option(
        '--proxy <url>',
        `SOCKS5 proxy, which is the only way out; repeat it to ask each log through several (default: ${DEFAULT_PROXY})`,
      ).argParser((url: string, previous: readonly string[] | undefined) => [
        ...(previous ?? []),
        url,
      ]),
    )
    .option(
      '--paths <n>',
      'ask a log for its tree head on this many ways at once, each with its own credentials and so its own Tor circuit',
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
      'mean time between two visits of a log; the times are random',
      seconds,
      3600,
    )
    .option(
      '--questions <n>',
      `ask for this many blocks of old entries in each visit, drawn by chance (default: ${DEFAULT_QUESTIONS.blocks}); with 0, tree heads that no window has are never compared, and no log can look for them; with --direct-questions: for this many proofs (default: ${DEFAULT_QUESTIONS.proofs})`,
      wholeNumber(0, 100),
    )
    .option(
      '--budget <MB>',
      'fetch at most this many megabytes of a log in a day',
      wholeNumber(1, 100_000),
      DEFAULT_BUDGET_MB,
    )
    .option(
      '--window <days>',
      'keep the hashes of entries of so many days, and so compare tree heads of that time without a question',
      wholeNumber(1, 365),
      DEFAULT_WINDOW_DAYS,
    )
    .option(
      '--direct-questions',
      'ask each log about the very tree sizes that were seen, which it then knows: for who has nothing to hide from it',
    )
    .addOption(
      new Option(
        '--pollinate <url>',
        'exchange tree heads with this STH pollination endpoint; may be repeated. Only heads that the logs show to everybody are sent',
      )
        .argParser((url: string, previous: readonly string[]) => [...previous, pollinator(url)])
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--view <url>',
        "compare with what others were shown: a witness's monitoring prefix (c2sp.org/tlog-witness), or a distributor's URL with /distributor/v0 at its end; may be repeated",
      )
        .argParser((url: string, previous: readonly string[]) => [...previous, view(url)])
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--subscribe <urls>',
        'challenge what all sites of a fleet saw, and share the logs with its other challengers, over this bus: tls://HOST,HOST,HOST with :PORT where it is not 4222',
      ).argParser(busUrls),
    )
    .option(
      '--fleet <dir>',
      'with --subscribe: the directory of this challenger, as "ctga fleet join" made it',
      FLEET_DIRECTORY,
    )
    .addOption(witnessOption())
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-challenger if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
The challenger follows every log of the lists as a mirror does, whether or not a tree head of it was
seen: it fetches the hashes of entries by a pattern that is drawn by chance, and compares what was
seen with them here. Neither what it asks, nor when, nor how often tells what passed by. It asks at
random times; with --once it asks now, and so tells the logs that somebody does.
Verdicts: consistent (all trees with this verdict are proven to be of one log); fork-proven (a split
view, with evidence on disk); pending (it waits for hashes, and the verdict says for which); skewed
(larger than any tree that the log shows, so far); unprovable (it cannot be compared after the log's
maximum merge delay either); unreachable (no answer); malformed-head (size 0 with another root than
the empty tree's); with --direct-questions also bad-proof (the answer proves nothing). Only fork-proven
accuses a log.
With --direct-questions the challenger asks for proofs between the trees that were seen: with --once
of all trees, else in each challenge for always the same number of proofs. That needs little to be
fetched, and each log learns which of its tree heads were seen.
With --subscribe it starts "ctga collect" beside, which hears all sites, and tells them the verdicts and
the evidence. One challenger of the fleet asks each log at a time: if it dies another takes its place
within the lease (two minutes), and without the bus none asks. See docs/FLEET.md.
If you can, run the challenger on another host than the packet processor: "ctga heads export" and
"ctga heads import" bring tree heads over.`,
    );
  return withState(challenge).action(run);
}

async function run(options: ChallengeOptions, command: Command): Promise<void> {
  // As root, where this is root: the challenger's own account may not be able to read the sources.
  const { isListening, openIdentity } = await import('../http/proxy.ts');
  const { challengeContinually, challengeOnce, openChallengerStore } =
    await import('../services/challenge.ts');
  if (options.once === true && options.subscribe !== undefined)
    throw badInput(
      '--once asks all logs now, and --subscribe some of them at their times',
      'Give one.',
    );
  if (options.directQuestions === true && options.questions === 0)
    throw badInput('--direct-questions with --questions 0 asks nothing', 'Give 1 or more.');
  const proxies = (options.proxy ?? [DEFAULT_PROXY]).map(parseProxy);
  const state = stateAt(options.stateDir);
  const json = options.json === true;
  // Read as root, where this is root: the challenger's own account may not be able to.
  const listed = options.logList === undefined ? undefined : readListedLogs(options.logList, warn);
  if (options.once === true) expectDirectory(state);
  const asked = stopRequest();
  const fleet = await joinFleet(options, state.directory, command);
  const signal = fleet === undefined ? asked : AbortSignal.any([asked, fleet.lost]);
  const storeFile = openChallengerStore(state, options.user, warn);
  const { store } = storeFile;
  const hashes = HashStore.open(state.directory);
  const report = json ? printJsonLine : printReport;
  const known = (): readonly Log[] => listed ?? knownLogs(store, undefined, warn);
  const share = fleet?.share({
    hashes,
    logs: () => known().filter(isAskable),
    canAsk: async (patience) => {
      const listening = proxies.map((proxy) => isListening(proxy, patience));
      return (await Promise.all(listening)).includes(true);
    },
    onEvent: report,
  });
  const challenging = {
    storeFile,
    evidenceDirectory: state.evidence,
    known,
    share,
    onWanted: share && ((wanted: (log: Log) => readonly bigint[]) => share.follow(wanted)),
    proxies,
    open: openIdentity,
    paths: options.paths,
    hashes,
    directQuestions: options.directQuestions === true,
    questions: options.questions,
    budget: options.budget * 1e6,
    window: options.window * 86_400_000,
    pollinators: options.pollinate,
    views: options.view,
    witnesses: options.witness,
    now: Date.now,
    signal,
    onEvent: report,
  };
  try {
    if (options.once === true) {
      const summary = await challengeOnce({ ...challenging, maxDelay: options.maxDelay });
      report({ event: 'summary', ...summary });
      setExitCode(exitCodeOf(summary));
    } else {
      const { every } = options;
      const onProxyFailed = (error: Error): void => void reportFailure(error);
      const challenged = new AbortController();
      const sharing = share?.run(challenged.signal);
      // What it rejects with is thrown when the challenger has ended.
      sharing?.catch(() => undefined);
      await challengeContinually({ ...challenging, every, onProxyFailed }).finally(() =>
        challenged.abort(),
      );
      await sharing;
      fleet?.lost.throwIfAborted();
    }
  } catch (error) {
    if (!asked.aborted) throw error;
    // It was to find something out, and has not.
    if (options.once === true) {
      warn('interrupted before all logs were asked, so trees may be without their verdict');
      const isProven = store.verdicts.counts()['fork-proven'] > 0;
      setExitCode(isProven ? ExitCode.forkProven : ExitCode.failed);
    }
  } finally {
    store.close();
    hashes.close();
    fleet?.leave();
  }
}

interface FleetShare {
  readonly share: (
    options: Pick<ShareOptions, 'hashes' | 'logs' | 'canAsk' | 'onEvent'>,
  ) => LogShare;
  /** Aborted, with what to say, when nothing of the fleet is heard or told here any more. */
  readonly lost: AbortSignal;
  readonly leave: () => void;
}

/** As root, where this is root: what `ctga collect` is started from, and the member's secrets. */
async function joinFleet(
  { subscribe, fleet, json }: ChallengeOptions,
  stateDirectory: string,
  command: Command,
): Promise<FleetShare | undefined> {
  if (subscribe === undefined) return undefined;
  const { LogShare, readShareMember } = await import('../services/share-logs.ts');
  const { keepBeside, spawnBeside } = await import('../services/spawn.ts');
  const member = readShareMember(fleet);
  const { config } = command.optsWithGlobals<{ config?: string }>();
  const collector = [
    ...(config === undefined ? [] : ['--config', config]),
    ...['collect', '--state-dir', stateDirectory, '--bus', subscribe, '--fleet', fleet],
    ...(json === true ? ['--json'] : []),
  ];
  const [left, lost] = [new AbortController(), new AbortController()];
  const hearing = keepBeside(
    {
      start: () => spawnBeside(collector),
      onEnded: (how) => warn(`what hears the fleet ended ${how}; it is started again`),
    },
    left.signal,
  );
  // The logs are then another's: who hears nothing and tells nobody is of no use to the fleet.
  void hearing.then((how) => {
    if (how === 'refused')
      lost.abort(badInput('what hears the fleet (ctga collect) cannot be started', 'It says why.'));
    if (how === 'lost')
      lost.abort(
        new CtgaError('not-permitted', 'what hears the fleet ended, and cannot be started again', {
          remedy: `This account may not read ${fleet} as root did: start "ctga challenge" again.`,
        }),
      );
  });
  return {
    share: (options) => new LogShare({ ...member, ...options, servers: bus(subscribe) }),
    lost: lost.signal,
    leave: () => left.abort(),
  };
}

/** As it is, since `ctga collect` is given it too. */
function busUrls(text: string): string {
  bus(text);
  return text;
}

function exitCodeOf({ verdicts, failed }: RoundSummary): ExitCode {
  if (verdicts['fork-proven'] > 0) return ExitCode.forkProven;
  return failed + verdicts.unprovable > 0 ? ExitCode.failed : ExitCode.ok;
}

function pollinator(text: string): string {
  try {
    return pollinationUrl(text);
  } catch {
    throw new InvalidArgumentError('want a URL, https://HOST/ or with the path of the endpoint.');
  }
}

function view(text: string): string {
  try {
    return viewUrl(text);
  } catch {
    throw new InvalidArgumentError('want a URL such as https://witness.example.org/.');
  }
}

function printEvidence(path: string): void {
  print(`  SPLIT VIEW PROVEN. Evidence: ${path}`);
  print(`  Check it with: ${checkCommand(path)}`);
}

type Report = ChallengeEvent | ShareEvent | ({ readonly event: 'summary' } & RoundSummary);

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
      if (evidence !== undefined) printEvidence(evidence);
      return;
    }
    case 'visited':
      return print(
        `${report.log}: visited, size ${report.treeSize}; ${megabytes(report.bytes)} of it fetched today`,
      );
    case 'cosigned':
      return printCosignature(`${report.from}: size ${report.treeSize}: `, report);
    case 'log-failed':
      warn(`${report.log}: ${report.message}`);
      if (report.remedy !== undefined) print(`  ${withNextCommands(report.remedy)}`);
      return;
    case 'reveals':
      return print(report.message);
    case 'not-settled':
      return warn(`${report.log}: trees of it have no verdict yet: ${report.message}`);
    case 'not-asked':
      return warn(`${report.log} is not asked: ${report.reason}`);
    case 'pollinated':
    case 'viewed': {
      const { event, url, sent, received, fresh, refused } = report;
      const of = event === 'viewed' ? `asked for ${plural(sent, 'log')}` : `for ${sent} of ours`;
      print(
        `${url}: ${plural(received, 'tree head')} ${of}, ${fresh} of them new${refused > 0 ? `; ${refused} refused` : ''}`,
      );
      for (const path of report.evidence) printEvidence(path);
      if (report.evidenceFailure !== undefined)
        warn(`${url}: evidence of a split view is still to be written: ${report.evidenceFailure}`);
      return;
    }
    case 'notice':
      return warn(`${report.log}: ${report.message}`);
    case 'started':
      return print(
        `Visiting ${plural(report.logs, 'log')}, each every ${report.every} s on average, with ${plural(report.questions, 'question')} at a time. Ctrl-C ends it.`,
      );
    case 'lease':
      return print(
        `${report.log}: ${report.isHeld ? 'asked from here from now on' : 'no longer asked from here'}`,
      );
    case 'bus-down':
      return warn(
        `${report.message}. No log is asked from here until the bus is back.${report.remedy === undefined ? '' : ` ${report.remedy}`}`,
      );
    case 'bus-up':
      return print('The bus answers again.');
    case 'no-way-out':
      return warn('No proxy answers. The logs are left to the other challengers until one does.');
    case 'leads-nowhere':
      return warn(
        'No log answers through the proxies. They are left to the other challengers, but for one that is tried, until one answers.',
      );
    case 'summary': {
      const verdicts = Object.entries(report.verdicts).filter(([, count]) => count > 0);
      const text = verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
      return print(text === '' ? 'No tree heads to challenge yet.' : `Trees: ${text}.`);
    }
  }
}
