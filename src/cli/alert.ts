// SPDX-License-Identifier: Apache-2.0
/** `ctga alert`: messages for people about split views and failures. */
import { Command, InvalidArgumentError } from 'commander';
import type { Channel } from '../alert/channels.ts';
import { systemClock } from '../base/clock.ts';
import { readTextFile } from '../base/documents.ts';
import { badInput, ExitCode } from '../base/errors.ts';
import { utc } from '../base/text.ts';
import { openForReading, openForWriting, stateAt } from '../store/state.ts';
import type { BusServer } from '../fleet/bus-address.ts';
import { busOption, FLEET_DIRECTORY } from './fleet-member.ts';
import { repeated, wholeNumber, withState, type StateOption } from './options.ts';
import { withNextCommands } from './next.ts';
import { print, printJson, printTable, printText, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface ChannelOptions extends StateOption {
  readonly mail: readonly string[];
  readonly webhook: readonly string[];
  readonly webhookSecretFile?: string;
  readonly webhookAllowPrivate?: boolean;
  readonly command: readonly string[];
}

interface RunOptions extends ChannelOptions {
  readonly heartbeat?: string;
  readonly heartbeatCommand?: string;
  readonly heartbeatEvery: number;
  readonly bus?: readonly BusServer[];
  readonly fleet: string;
  readonly user?: string;
}

export function alertCommand(): Command {
  const run = new Command('run')
    .description(
      'send alerts about split views, logs without proofs, blind interfaces and lost copies: once when one begins and once when it ends',
    )
    .option(
      '--heartbeat <url>',
      'fetch this URL while no interface is blind, for a service that notices when the requests stop',
      webhookUrl,
    )
    .option('--heartbeat-command <command>', 'run this shell command at the same times')
    .option('--heartbeat-every <seconds>', 'time between two heartbeats', wholeNumber(1), 300)
    .addOption(
      busOption(
        'where the alerters of a fleet agree that one of them tells what concerns all, as tls://HOST,HOST,HOST',
      ),
    )
    .option(
      '--fleet <dir>',
      'with --bus: the directory of this collector, as "ctga fleet join" made it',
      FLEET_DIRECTORY,
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-alert if it exists, else ctga, else nobody)',
    )
    .action(runAlerts);
  const test = new Command('test')
    .description(
      'send a test over every channel now; the exit code is 1 if one fails, and 2 if there is none',
    )
    .action(testAlerts);
  const list = new Command('list')
    .description('list the alerts that have not ended')
    .action(listAlerts);
  const forget = new Command('forget')
    .description('stop alerting about interfaces that you no longer want to watch')
    .argument('<interface...>')
    .action(forgetInterfaces);
  return new Command('alert')
    .description('send mail, call webhooks and run commands for split views and failures')
    .addCommand(withState(withChannels(run)))
    .addCommand(withState(withChannels(test)))
    .addCommand(withState(list))
    .addCommand(withState(forget));
}

function withChannels(command: Command): Command {
  return command
    .addOption(
      repeated(
        '--mail <address>',
        "send mail with this machine's sendmail; may be repeated",
        mailAddress,
      ),
    )
    .addOption(repeated('--webhook <url>', 'POST JSON to this URL; may be repeated', webhookUrl))
    .option(
      '--webhook-secret-file <file>',
      'sign webhooks with the secret in this file (header X-Ctga-Signature)',
    )
    .option(
      '--webhook-allow-private',
      'allow webhooks and heartbeats to connect to private addresses',
    )
    .addOption(
      repeated(
        '--command <command>',
        'run this shell command with the alert on its standard input and in variables CTGA_*; may be repeated',
        String,
      ),
    )
    .addHelpText(
      'after',
      `
Alerts also go to standard output, with priorities if that is the journal. ctga stores what it could
not send and tries again for a week, at growing intervals. X-Ctga-Signature is t=SECONDS,v1=HEX, the
HMAC-SHA256 of "SECONDS.BODY".`,
    );
}

/** Anybody could sign with an empty one. */
function secretIn(file: string): string {
  const secret = readTextFile(file).trim();
  if (secret === '') throw badInput(`${file}: is empty: want a secret`);
  return secret;
}

async function channelsOf(options: ChannelOptions): Promise<Channel[]> {
  const { commandChannel, mailChannel, webhookChannel } = await import('../alert/channels.ts');
  const { webhookSecretFile, webhookAllowPrivate = false } = options;
  const secret = webhookSecretFile === undefined ? undefined : secretIn(webhookSecretFile);
  return [
    ...options.mail.map((address) => mailChannel(address)),
    ...options.webhook.map((url) =>
      webhookChannel({ url, secret, allowPrivateAddress: webhookAllowPrivate }),
    ),
    ...options.command.map((command) => commandChannel(command)),
  ];
}

async function runAlerts(options: RunOptions): Promise<void> {
  const stop = stopRequest();
  const isJournal = process.env['JOURNAL_STREAM'] !== undefined;
  const { journalChannel } = await import('../alert/channels.ts');
  const { beat } = await import('../alert/heartbeat.ts');
  const { directWay } = await import('../http/request.ts');
  const { sendAlerts } = await import('../services/alert.ts');
  // The secret of webhooks may be readable by root alone.
  const channels = [journalChannel(printText, isJournal), ...(await channelsOf(options))];
  const { fetch, close } = directWay({ allowPrivateAddress: options.webhookAllowPrivate });
  const giveUp = new AbortController();
  const heartbeat = {
    url: options.heartbeat,
    command: options.heartbeatCommand,
    fetch,
    stop: giveUp.signal,
  };
  await sendAlerts(
    {
      state: stateAt(options.stateDir),
      user: options.user,
      channels,
      heartbeat: {
        send: (chain) => beat(heartbeat, chain),
        every: options.heartbeatEvery * 1000,
        close: () => {
          giveUp.abort();
          close();
        },
      },
      clock: systemClock,
      fleet: options.bus && { servers: options.bus, directory: options.fleet },
      asTyped: withNextCommands,
      warn,
      onStarted: () => {
        if (options.json !== true)
          warn(`sending alerts by ${channels.map(({ name }) => name).join(', ')}`);
      },
    },
    stop,
  );
}

async function testAlerts(options: ChannelOptions): Promise<void> {
  const channels = await channelsOf(options);
  if (channels.length === 0)
    throw badInput(
      'no channel is set, so nothing can be sent',
      'Give one with --mail, --webhook or --command, or in the configuration file.',
    );
  const { testChannels } = await import('../services/alert.ts');
  const results = await testChannels(channels, Date.now());
  if (options.json === true) printJson(results);
  else {
    for (const { channel, error } of results) {
      if (error === null) print(`${channel}: delivered`);
      else warn(`${channel}: ${error}`);
    }
  }
  if (results.some(({ error }) => error !== null)) setExitCode(ExitCode.failed);
}

function listAlerts(options: StateOption): void {
  const store = openForReading(stateAt(options.stateDir));
  const alerts = store.alerts.raised();
  store.close();
  if (options.json === true) return printJson(alerts);
  if (alerts.length === 0) return print('No alert that was sent is still on.');
  printTable(
    [{ title: 'SINCE (UTC)', is: 'whole' }, 'WHAT'],
    alerts.map(({ since, message }) => ({ cells: [utc(since), message] })),
  );
}

function forgetInterfaces(interfaces: readonly string[], options: StateOption): void {
  const store = openForWriting(stateAt(options.stateDir));
  const forgotten = interfaces.filter((name) => store.planes.forget(name));
  store.close();
  if (options.json === true) return printJson({ forgotten });
  for (const name of interfaces)
    print(
      forgotten.includes(name)
        ? `ctga no longer sends alerts about ${name}.`
        : `${name} was not on record.`,
    );
}

/** Checks one address for a mail header: it must not hold a line break, or another recipient. */
function mailAddress(text: string): string {
  if (/^[^\s,;<>()"]+(@[^\s,;<>()"]+)?$/.test(text) && !text.startsWith('-')) return text;
  throw new InvalidArgumentError('want one mail address.');
}

function webhookUrl(text: string): string {
  if (/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) return text;
  throw new InvalidArgumentError('want an http or https URL.');
}
