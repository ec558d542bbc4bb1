/** `ctga alert`: telling somebody. */
import { Command, InvalidArgumentError } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { Alerter } from '../alert/alerter.ts';
import {
  alertNow,
  commandChannel,
  journalChannel,
  mailChannel,
  webhookChannel,
  type Channel,
} from '../alert/channels.ts';
import { heartbeat } from '../alert/heartbeat.ts';
import { readTextFile } from '../base/documents.ts';
import { ExitCode, messageOf } from '../base/errors.ts';
import { time } from '../base/text.ts';
import { CHALLENGER_ACCOUNTS, dropPrivileges } from '../services/privileges.ts';
import { ServiceNotice } from '../services/notice.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { isDamage } from '../store/sqlite/open.ts';
import { openForReading, openForWriting, stateAt } from '../store/state.ts';
import { repeated, wholeNumber, withState, type StateOption } from './options.ts';
import { print, printJson, printTable, printText, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface AlertOptions extends StateOption {
  readonly mail: readonly string[];
  readonly webhook: readonly string[];
  readonly webhookSecretFile?: string;
  readonly webhookAllowPrivate?: boolean;
  readonly command: readonly string[];
  readonly heartbeat?: string;
  readonly heartbeatCommand?: string;
  readonly heartbeatEvery: number;
  readonly user?: string;
}

export function alertCommand(): Command {
  const run = new Command('run')
    .description(
      'tell of split views, logs without proofs, blind interfaces and lost copies, once each, and when they are over',
    )
    .option(
      '--heartbeat <url>',
      'ask for this while all is well: whoever is behind it misses us when we are gone',
      webhookUrl,
    )
    .option('--heartbeat-command <command>', 'the same with a command for the shell')
    .option('--heartbeat-every <seconds>', 'how often', wholeNumber(1), 300)
    .action(runAlerts);
  const test = new Command('test')
    .description('send a test over every channel now; exit code 1 if one fails')
    .action(testAlerts);
  const list = new Command('list').description('what was told and is not over').action(listAlerts);
  const forget = new Command('forget')
    .description('an interface that is to be watched no more: it is not missed from now on')
    .argument('<interface...>')
    .action(forgetInterfaces);
  return new Command('alert')
    .description('mail, webhooks and commands for what is worth waking somebody')
    .addCommand(withState(withChannels(run)))
    .addCommand(withState(withChannels(test)))
    .addCommand(withState(list))
    .addCommand(withState(forget));
}

function withChannels(command: Command): Command {
  return command
    .addOption(
      repeated('--mail <address>', "by the machine's sendmail; may be repeated", mailAddress),
    )
    .addOption(repeated('--webhook <url>', 'POST of JSON; may be repeated', webhookUrl))
    .option(
      '--webhook-secret-file <file>',
      'what is sent is signed with what is in it: X-Ctga-Signature',
    )
    .option('--webhook-allow-private', 'webhooks and heartbeats may go to private addresses')
    .addOption(
      repeated(
        '--command <command>',
        'for the shell; the alert is on its standard input, and in CTGA_*; may be repeated',
        String,
      ),
    )
    .option(
      '--user <name>',
      'as root: whom to become (default: ctga-challenger if there is one, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
Told too on standard output, with priorities where that is the journal. What cannot be sent is kept and tried again, for a
week, later and later. X-Ctga-Signature is t=SECONDS,v1=HEX: HMAC-SHA256 of "SECONDS.BODY".`,
    );
}

function channelsOf(options: AlertOptions): Channel[] {
  const secret =
    options.webhookSecretFile === undefined
      ? undefined
      : readTextFile(options.webhookSecretFile).trim();
  const allowPrivateAddress = options.webhookAllowPrivate === true;
  const isJournal = process.env['JOURNAL_STREAM'] !== undefined;
  return [
    journalChannel(printText, isJournal),
    ...options.mail.map((address) => mailChannel(address)),
    ...options.webhook.map((url) => webhookChannel({ url, secret, allowPrivateAddress })),
    ...options.command.map((command) => commandChannel(command)),
  ];
}

const LOOK_MS = 2000;

async function runAlerts(options: AlertOptions): Promise<void> {
  const stop = stopRequest();
  const state = stateAt(options.stateDir);
  const channels = channelsOf(options);
  // sendmail has to reach its queue.
  dropPrivileges(state, options.user, CHALLENGER_ACCOUNTS, { programsMayGain: true });
  const storeFile = new StoreInUse({
    state,
    onSetAside: warn,
    onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
  });
  const { store } = storeFile;
  const alerter = new Alerter({ store, channels, onFailure: warn });
  if (options.json !== true) warn(`telling by ${channels.map(({ name }) => name).join(', ')}`);
  const notice = new ServiceNotice(`telling by ${channels.map(({ name }) => name).join(', ')}`);
  let nextBeat = -Infinity;
  try {
    while (!stop.aborted) {
      try {
        storeFile.follow();
        await alerter.tick(Date.now(), performance.now());
      } catch (error) {
        if (isDamage(error)) storeFile.replaceDamaged();
        // The disk is full or the database busy: what there is to tell is still there the next
        // time.
        warn(`the store cannot be read or written: ${messageOf(error)}`);
      }
      if (performance.now() >= nextBeat) {
        nextBeat = performance.now() + options.heartbeatEvery * 1000;
        const blind = store.alerts().filter(({ key }) => key.startsWith('blind:'));
        if (blind.length === 0) await beat(options);
      }
      await sleep(LOOK_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    notice.stopping();
    store.close();
  }
}

async function beat(options: AlertOptions): Promise<void> {
  try {
    await heartbeat(
      options.heartbeat,
      options.heartbeatCommand,
      options.webhookAllowPrivate === true,
    );
  } catch (error) {
    warn(`the heartbeat failed: ${messageOf(error)}`);
  }
}

async function testAlerts(options: AlertOptions): Promise<void> {
  const channels = channelsOf(options).slice(1);
  const what = {
    key: 'test',
    severity: 'warning',
    message: 'This is a test of ctga’s alerts.',
    remedy: 'Nothing need be done.',
  } as const;
  const results = await Promise.all(
    channels.map(async ({ name, send }) => {
      try {
        await send(alertNow('test', what, Date.now()));
        return { channel: name, error: null };
      } catch (error) {
        return { channel: name, error: messageOf(error) };
      }
    }),
  );
  if (options.json === true) printJson(results);
  else {
    for (const { channel, error } of results) {
      if (error === null) print(`${channel}: delivered`);
      else warn(`${channel}: ${error}`);
    }
    if (results.length === 0)
      warn(
        'no channel is set: name one with --mail, --webhook or --command, or in the configuration file',
      );
  }
  if (results.length === 0 || results.some(({ error }) => error !== null))
    setExitCode(ExitCode.failed);
}

function listAlerts(options: StateOption): void {
  const store = openForReading(stateAt(options.stateDir));
  const alerts = store.alerts();
  store.close();
  if (options.json === true) return printJson(alerts);
  if (alerts.length === 0) return print('Nothing is amiss that anybody was told of.');
  printTable(
    ['SINCE', 'WHAT'],
    alerts.map(({ since, message }) => [time(since), message]),
  );
}

function forgetInterfaces(interfaces: readonly string[], options: StateOption): void {
  const store = openForWriting(stateAt(options.stateDir));
  const forgotten = interfaces.filter((name) => store.forgetDataPlane(name));
  store.close();
  if (options.json === true) return printJson({ forgotten });
  for (const name of interfaces)
    print(
      forgotten.includes(name) ? `${name} is not missed any more.` : `${name} was not on record.`,
    );
}

/** For sendmail's header: one address, and nothing that could be another header. */
function mailAddress(text: string): string {
  if (/^[^\s,;<>()"]+(@[^\s,;<>()"]+)?$/.test(text) && !text.startsWith('-')) return text;
  throw new InvalidArgumentError('want one mail address.');
}

function webhookUrl(text: string): string {
  if (/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) return text;
  throw new InvalidArgumentError('want an http or https URL.');
}
