// SPDX-License-Identifier: Apache-2.0
/** `ctga ctng`: the programs of CTng, and the sample run of its slides. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badInput, ExitCode } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { time } from '../base/text.ts';
import type { Behaviour } from '../ctng/entities.ts';
import type { NodeEvent, Running } from '../ctng/nodes.ts';
import { wholeNumber } from './options.ts';
import { print, printJson, printJsonLine, tellProgress, warn } from './output.ts';
import { currentIo, setExitCode, stopRequest } from './run.ts';

interface NodeOptions {
  readonly json?: boolean;
  readonly type?: number;
}

export function ctngCommand(): Command {
  return new Command('ctng')
    .description(
      'take part in CTng (monitors and gossipers that vouch together for logs and CAs) in place of any of its Go programs',
    )
    .addCommand(sampleCommand())
    .addCommand(signerCommand('gossiper'))
    .addCommand(signerCommand('monitor'))
    .addCommand(entityCommand('logger'))
    .addCommand(entityCommand('ca'));
}

/** A gossiper or a monitor. */
function signerCommand(kind: 'gossiper' | 'monitor'): Command {
  const command = new Command(kind)
    .description(
      kind === 'gossiper'
        ? 'spread what monitors and gossipers say, sign it, and put signatures together'
        : 'ask loggers and CAs once a period, and keep what gossipers have signed',
    )
    .argument('<public>', `the network's configuration, such as ${kind}_pub_config.json`)
    .argument('<private>', `its own, such as ${kind}_priv_config.json`)
    .argument('<crypto>', `its keys, such as ${kind}Crypto.json`)
    .argument('<id>', `its files go to testData/${kind}data/<id> below the working directory`, id);
  if (kind === 'monitor')
    command.addOption(
      typeOption('when to begin: 1 with the next period, 2 at once (default: asks)', 2),
    );
  return command
    .option('--json', 'print JSON for scripts, one object a line')
    .action(
      async (pub: string, own: string, crypto: string, name: string, options: NodeOptions) => {
        const stop = stopRequest();
        const [nodes, config, { Periods }] = await parts();
        const common = { periods: new Periods(), onEvent: printer(options) };
        const directory = nodes.storageOf(kind, name);
        if (kind === 'gossiper') {
          const read = config.readGossiperConfig(pub, own, crypto);
          return until(stop, nodes.startGossiper(read, directory, common));
        }
        const read = config.readMonitorConfig(pub, own, crypto);
        const type = options.type ?? (await asked(MONITOR_QUESTION, 2, stop));
        const startAt = type === 2 ? 'once' : 'next period';
        await until(stop, nodes.startMonitor(read, directory, common, startAt));
      },
    );
}

const MONITOR_QUESTION = [
  'What type of Monitor would you like to use?',
  '1. Normal, Sync monitor',
  '2. 0 wait monitor for testing',
];

function entityCommand(kind: 'logger' | 'ca'): Command {
  const name = kind === 'logger' ? 'Logger' : 'CA';
  return new Command(kind)
    .description(`be a ${name} that states something in each period, honestly or not`)
    .argument('<config>', `its configuration, such as ${kind}.json`)
    .addOption(
      typeOption(
        '1 answers everybody the same, 2 shows some another statement, 3 leaves some without answer, 4 all (default: asks)',
        4,
      ),
    )
    .option('--json', 'print JSON for scripts, one object a line')
    .action(async (file: string, options: NodeOptions) => {
      const stop = stopRequest();
      const [nodes, { readEntityConfig }, { Periods }] = await parts();
      const config = readEntityConfig(file);
      const every = `every ${config.misbehaviorInterval} requests`;
      const question = [
        `What type of ${name} would you like to use?`,
        `1. Normal, behaving ${name} (default)`,
        `2. Split-World (another statement ${every})`,
        `3. Disconnecting ${name} (unresponsive ${every})`,
        `4. Always unresponsive ${name}`,
      ];
      const type = options.type ?? (await asked(question, 4, stop));
      const periods = new Periods();
      const behaviour = type as Behaviour;
      const common = { periods, onEvent: printer(options) };
      await until(stop, nodes.startEntity({ kind, config, behaviour, periods }, common));
    });
}

function typeOption(description: string, most: number): Option {
  return new Option('--type <n>', description).argParser(wholeNumber(1, most));
}

/** A name for a directory, and no way out of it. */
function id(text: string): string {
  if (/^[\w-][\w.-]*$/.test(text)) return text;
  throw new InvalidArgumentError('want a name such as 1.');
}

/**
 * The answer to a question, from standard input as the Go programs have it; nothing, and the end of
 * the input, are 1.
 */
async function asked(
  question: readonly string[],
  most: number,
  stop: AbortSignal,
): Promise<number> {
  const { stdin } = currentIo();
  if (stdin === undefined || stop.aborted) return 1;
  for (const line of question) tellProgress(line);
  let answer = '';
  await new Promise<void>((resolve) => {
    stdin.on('data', (chunk: Buffer | string) => {
      answer += chunk.toString();
      if (answer.includes('\n')) resolve();
    });
    for (const event of ['end', 'close', 'error']) stdin.once(event, () => resolve());
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  stdin.pause();
  const [text = ''] = answer.trim().split('\n');
  if (text === '') return 1;
  if (/^[1-9]$/.test(text) && Number(text) <= most) return Number(text);
  throw badInput(`the answer was '${text}', want 1 to ${most}`);
}

async function until(stop: AbortSignal, starting: Promise<Running>): Promise<void> {
  const node = await starting;
  await aborted(stop);
  await node.stop();
}

async function parts(): Promise<
  [
    typeof import('../ctng/nodes.ts'),
    typeof import('../ctng/config.ts'),
    typeof import('../ctng/periods.ts'),
  ]
> {
  return Promise.all([
    import('../ctng/nodes.ts'),
    import('../ctng/config.ts'),
    import('../ctng/periods.ts'),
  ]);
}

function printer({ json }: NodeOptions): (event: NodeEvent) => void {
  return json === true ? printJsonLine : printEvent;
}

function printEvent(event: NodeEvent): void {
  const now = time(Date.now());
  switch (event.event) {
    case 'listening':
      return print(`${event.node} listens (Ctrl-C ends it).`);
    case 'took': {
      const by = event.signer === '' ? '' : `, signed by ${event.signer}`;
      return print(`${now}  ${event.type} about ${event.about} of period ${event.period}${by}`);
    }
    case 'refused':
      return warn(`a ${event.type} was refused: it ${event.why}`);
    case 'peer':
      return event.why === ''
        ? print(`${now}  ${event.peer} answers.`)
        : warn(`${event.peer} does not answer: ${event.why}`);
    case 'counters':
      return print(`${now}  ${JSON.stringify(event.counters)}`);
    case 'accused':
      return print(`${now}  ${event.entity} is accused: ${event.why}`);
    case 'asked':
      return print(`${now}  Period ${event.period} is asked for.`);
    case 'failed':
      return warn(event.why);
  }
}

interface SampleRunOptions {
  readonly json?: boolean;
  readonly period: number;
  readonly periods: number;
}

function sampleCommand(): Command {
  return new Command('sample-run')
    .description(
      "play the sample run of CTng's slides on loopback: a logger that shows two trees, a CA, two monitors and two gossipers",
    )
    .addOption(
      new Option('--period <time>', 'how long a period is, such as 10s or 1m')
        .argParser(duration)
        .default(60, '1m'),
    )
    .addOption(
      new Option('--periods <n>', 'how many periods it takes')
        .argParser(wholeNumber(2, 59))
        .default(3),
    )
    .option('--json', 'print the outcome as JSON, and progress on standard error')
    .action(runSample);
}

function duration(text: string): number {
  const [, count, unit] = /^(\d{1,4})(s|m)$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === 'm' ? 60 : 1);
  if (seconds >= 5 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('want a time from 5s to 60m.');
}

async function runSample({ json, period, periods }: SampleRunOptions): Promise<void> {
  const stop = stopRequest();
  const say = json === true ? tellProgress : print;
  const [{ playSample }, { MONITOR_FILES }, { encodeObjects }, { writeGo }] = await Promise.all([
    import('../ctng/sample.ts'),
    import('../ctng/monitor.ts'),
    import('../ctng/object.ts'),
    import('../ctng/go-json.ts'),
  ]);
  const directory = mkdtempSync(join(tmpdir(), 'ctga-ctng-'));
  try {
    say('3 loggers, 3 CAs, 4 monitors and 4 gossipers are configured, with fresh keys.');
    say(
      'Running: Logger 1 (shows two trees), CA 1, Monitors 1 and 3, Gossipers 1 and 3. Nobody else answers.',
    );
    say(`The monitors begin with the next period, which is ${period} s long.`);
    let isAsking = false;
    const onEvent = (event: NodeEvent): void => {
      if (event.event === 'failed') warn(`${event.node}: ${event.why}`);
      isAsking ||= event.event === 'asked';
      if (event.event !== 'counters' || !isAsking) return;
      const line = new Map([[event.counters.Period, { ...event.counters }]]);
      for (const each of writeGo(line, true).split('\n').slice(1, -1)) say(each);
    };
    const result = await playSample({ directory, period, periods, onEvent }, stop);
    const held = result.checks.every((check) => check.held);
    if (json === true) {
      const { names, counters, checks } = result;
      const proofs = result.proofs.map((each) => JSON.parse(encodeObjects(each)) as unknown);
      printJson({ held, checks, counters, proofs, names });
    } else {
      for (const [i, proofs] of result.proofs.entries()) {
        print(`Monitor ${2 * i + 1}, ${MONITOR_FILES.CON_FULL}:`);
        for (const line of encodeObjects(proofs).split('\n')) print(line);
      }
      for (const { what, held: isHeld, found } of result.checks)
        print(
          isHeld ? `held: ${what}` : `NOT HELD: ${what}${found === undefined ? '' : `: ${found}`}`,
        );
    }
    if (!held) setExitCode(ExitCode.failed);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
