// SPDX-License-Identifier: Apache-2.0
/** `ctga audit`: have the logs prove what pools collected and clients saw. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { encodeBase64 } from '../base/base64.ts';
import { ExitCode } from '../base/errors.ts';
import { plural, time, utc } from '../base/text.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy-address.ts';
import { logIdText } from '../logs/log.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { AuditServiceEvent } from '../services/audit.ts';
import type { LogId } from '../statements/statement.ts';
import { StoreError } from '../disk/error.ts';
import { openForReading, stateAt, type State } from '../store/state.ts';
import {
  parseListen,
  repeated,
  seconds,
  wholeNumber,
  withState,
  type Listen,
  type StateOption,
} from './options.ts';
import { checkCommand } from './next.ts';
import { print, printJson, printJsonLine, printTable, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface AuditRunOptions extends StateOption {
  readonly pool: readonly string[];
  readonly listen: Listen;
  readonly proxy?: readonly string[];
  readonly every: number;
  readonly delay: number;
  readonly mix: number;
  readonly logList?: string;
  readonly user?: string;
}

/** So many findings are shown. */
const MOST_FINDINGS = 1000;

export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'have the logs prove what pools collected and clients saw, and convict those that broke a promise',
    )
    .addCommand(runCommand())
    .addCommand(
      withState(
        new Command('status')
          .description(
            'show what the auditor found; the exit code is 1 if a log is convicted, or cannot show what it promised',
          )
          .action(status),
      ),
    );
}

function runCommand(): Command {
  const run = new Command('run')
    .description(
      'poll pools, take feedback, and have the logs prove each SCT and each tree head, through a SOCKS proxy',
    )
    .addOption(
      repeated(
        '--pool <url>',
        'an HTTPS server whose collected SCT feedback is fetched, and with which tree heads are exchanged; may be repeated',
        pool,
      ),
    )
    .addOption(
      new Option(
        '--listen <address:port>',
        'where pools push feedback and clients send it: POST /ct/v1/sct-feedback',
      )
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8422 }, '127.0.0.1:8422'),
    )
    .addOption(
      new Option(
        '--proxy <url>',
        `SOCKS5 proxy, which is the only way out; may be repeated (default: ${DEFAULT_PROXY})`,
      ).argParser((url: string, previous: readonly string[] | undefined) => [
        ...(previous ?? []),
        url,
      ]),
    )
    .option(
      '--every <seconds>',
      'mean time between two visits of a pool, and of a log; the times are random',
      seconds,
      3600,
    )
    .option(
      '--delay <seconds>',
      'ask about an SCT or a tree head after a random time up to this, so that the time says nothing; and again, where there is no proof',
      seconds,
      86_400,
    )
    .option(
      '--mix <k>',
      'ask about nothing that clients sent before so many of them have sent something',
      wholeNumber(1, 1000),
      10,
    )
    .option(
      '--log-list <file>',
      'use the logs of this list instead of the imported and built-in ones',
    )
    .option(
      '--user <name>',
      'as root: run as this account (default: ctga-audit if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
  POST /ct/v1/sct-feedback   {"sct_feedback": [...], "sths": [...]}: pools push, clients send
  POST /.well-known/ct/v1/sth-pollination   whoever brings heads gets those that the logs show
  GET  /metrics              for Prometheus; not for outside
Of each SCT: its signature, then that its log has the leaf. A leaf that a challenger in the same state
directory has the hash of is looked up there; else the log is asked, once its maximum merge delay has
passed. Of each tree head: that it is a prefix of what the log shows to everybody. A static-ct log that
signed a tree with another leaf in the promised place is convicted, with evidence. A log that cannot
show what it promised is unprovable, which accuses it of nothing.
Which pools are polled, and when, depends on nothing that clients send. To take feedback over Tor, let
an onion service lead to the address that it listens at. To try it:
  ctga audit run --pool https://www.example.net
  ctga audit status`,
    );
  return withState(run).action(runAudit);
}

async function runAudit(options: AuditRunOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const proxies = (options.proxy ?? [DEFAULT_PROXY]).map(parseProxy);
  const { pool: pools, listen, every, delay, mix, user } = options;
  const onEvent = options.json === true ? printJsonLine : printEvent;
  const [{ audit }, { openIdentity: open }] = await Promise.all([
    import('../services/audit.ts'),
    import('../http/proxy.ts'),
  ]);
  const logs = logsInForce(state, options.logList, warn);
  await audit(
    { state, logs, pools, listen, proxies, open, every, delay, mix, user, onEvent },
    stopRequest(),
  );
}

function printEvent(event: AuditServiceEvent): void {
  switch (event.event) {
    case 'listening':
      return print(`The auditor is at ${event.url} (Ctrl-C ends it).`);
    case 'polled':
      return print(
        `${time(Date.now())}  ${event.pool}: ${plural(event.scts, 'SCT')}, ${plural(event.heads, 'tree head')}`,
      );
    case 'convicted':
      print(`${time(Date.now())}  CONVICTED: ${event.log}`);
      return print(`  Check it with: ${checkCommand(event.evidence)}`);
    case 'unprovable':
      return warn(
        `${event.log} cannot show ${event.what === 'sct' ? 'what it promised by an SCT' : 'that a tree head is of its history'}: ${event.reason}. It has had longer than it promises to take.`,
      );
    case 'failed':
      return warn(event.message);
  }
}

async function status(options: StateOption): Promise<void> {
  const { auditStatus } = await import('../services/audit.ts');
  const state = stateAt(options.stateDir);
  const found = auditStatus(state, MOST_FINDINGS);
  // Nothing is well of which nobody has looked.
  if (found === undefined)
    throw new StoreError('store-failed', `there is no auditor in ${state.directory}`, {
      remedy: 'Name its directory with --state-dir, or start it with: ctga audit run',
    });
  if (options.json === true)
    printJson({
      counts: found.counts,
      findings: found.findings.map(({ logId, hash, ...finding }) => ({
        ...finding,
        logId: logIdText(logId),
        hash: encodeBase64(hash),
      })),
    });
  else {
    const nameOf = await nameOfLogs(state);
    for (const [what, name] of [
      ['scts', 'SCT'],
      ['heads', 'tree head'],
    ] as const) {
      const { mixing, waiting, proven, unprovable, convicted } = found.counts[what];
      print(
        `${plural(mixing + waiting + proven + unprovable + convicted, name)}: ${proven} proven, ${waiting} waiting, ${mixing} mixing with what others send, ${unprovable} unprovable, ${convicted} convicted.`,
      );
    }
    if (found.findings.length > 0)
      printTable(
        ['LOG', 'WHAT', 'STATE', { title: 'SIGNED (UTC)', is: 'whole' }],
        found.findings.map(({ logId, what, state: is, signed, reason, evidence }) => ({
          cells: [nameOf(logId), what === 'sct' ? 'SCT' : 'tree head', is, utc(signed)],
          notes: [evidence ?? reason],
        })),
      );
  }
  if (found.findings.length > 0) setExitCode(ExitCode.failed);
}

async function nameOfLogs(state: State): Promise<(logId: LogId) => string> {
  const { logDescriptions } = await import('../store/known-logs.ts');
  const store = openForReading(state, { mayBeMissing: true });
  try {
    return logDescriptions(store);
  } finally {
    store.close();
  }
}

function pool(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/')
    return url.origin;
  throw new InvalidArgumentError('want an HTTPS server, such as https://www.example.net.');
}
