/** `ctga doctor`: is this machine as ctga needs it? */
import { Command } from 'commander';
import { DEFAULT_PROXY, openIdentity, parseProxy } from '../http/proxy.ts';
import { checkConfig, readConfig } from '../config/config.ts';
import {
  checkBpf,
  checkClock,
  checkInterfaces,
  checkKernel,
  checkProxy,
  checkStoreOf,
  type CheckResult,
} from '../doctor/checks.ts';
import { ExitCode, messageOf } from '../base/errors.ts';
import { askerOf } from '../ask/asker-of.ts';
import { isInService } from '../logs/log.ts';
import { stateAt } from '../store/state.ts';
import { logsInForce, withState, type StateOption } from './options.ts';
import { print, printJson } from './output.ts';
import { setExitCode } from './run.ts';

interface DoctorOptions extends StateOption {
  readonly proxy: string;
  readonly logs?: boolean;
}

/** `program` is asked for when all of its commands are there. */
export function doctorCommand(program: () => Command): Command {
  const doctor = new Command('doctor')
    .description(
      'is this machine as ctga needs it? Says what is not, and what to do; exit code 1 if something must be done',
    )
    .option('--proxy <url>', "the challenger's SOCKS5 proxy", DEFAULT_PROXY)
    .option('--logs', 'also ask every log in service for its tree head, through the proxy')
    .action(async (options: DoctorOptions) => {
      const findings = await examine(options, program());
      if (options.json === true) printJson(findings);
      else for (const finding of findings) printFinding(finding);
      if (findings.some(({ state }) => state === 'failure')) setExitCode(ExitCode.failed);
    });
  return withState(doctor);
}

async function examine(options: DoctorOptions, program: Command): Promise<CheckResult[]> {
  const state = stateAt(options.stateDir);
  return [
    checkKernel(),
    checkBpf(),
    ...checkInterfaces(),
    ...checkStoreOf(state),
    checkClock(),
    configuration(program),
    await checkProxy(parseProxy(options.proxy)),
    ...(options.logs === true ? await askLogs(options) : []),
  ];
}

function configuration(program: Command): CheckResult {
  const what = 'configuration';
  try {
    const config = readConfig(program.opts<{ config?: string }>().config);
    if (config === undefined) return { what, state: 'well', found: 'none: defaults are in force' };
    const [fault, ...others] = checkConfig(config, program);
    if (fault === undefined) return { what, state: 'well', found: config.path };
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return {
      what,
      state: 'failure',
      found: `${fault}${more}`,
      remedy: 'ctga config check names them all.',
    };
  } catch (error) {
    return {
      what,
      state: 'failure',
      found: messageOf(error),
      remedy: 'ctga config --help shows its form.',
    };
  }
}

/** Each on a circuit of its own, as the challenger does. */
async function askLogs(options: DoctorOptions): Promise<CheckResult[]> {
  const proxy = parseProxy(options.proxy);
  const logs = logsInForce(stateAt(options.stateDir), { zone: [] }).filter(isInService);
  return Promise.all(
    logs.map(async (log): Promise<CheckResult> => {
      const what = `log ${log.description}`;
      try {
        const { allowPrivateAddress } = log;
        const head = await askerOf(
          log,
          openIdentity(proxy, { allowPrivateAddress }).fetch,
        ).treeHead();
        return { what, state: 'well', found: `answers, size ${head.treeSize}` };
      } catch (error) {
        return {
          what,
          state: 'warning',
          found: messageOf(error),
          remedy: 'ctga logs update brings the logs of today.',
        };
      }
    }),
  );
}

const MARK = {
  well: 'well   ',
  warning: 'WARNING',
  failure: 'FAILS  ',
  unknown: '?      ',
} as const;

function printFinding({ what, state, found, remedy }: CheckResult): void {
  print(`${MARK[state]}  ${what}: ${found}`);
  if (remedy !== undefined && state !== 'well') print(`         ${remedy}`);
}
