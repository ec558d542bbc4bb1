// SPDX-License-Identifier: Apache-2.0
/** `ctga doctor`: whether this machine has what ctga needs. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import type { CheckResult } from '../base/check-result.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy-address.ts';
import { isInService } from '../logs/log.ts';
import { logsInForce } from '../services/log-lists.ts';
import { stateAt } from '../store/state.ts';
import { withState, type StateOption } from './options.ts';
import { withNextCommands } from './next.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

interface DoctorOptions extends StateOption {
  readonly proxy: string;
  readonly logs?: boolean;
}

/** `programWith` makes a program in which the commands of these names are whole. */
export function doctorCommand(
  programWith: (names: readonly string[]) => Promise<Command>,
): Command {
  const doctor = new Command('doctor')
    .description(
      'check whether this machine has what ctga needs, and say what to do if not; the exit code is 1 if something must be done',
    )
    .option('--proxy <url>', "the challenger's SOCKS5 proxy", DEFAULT_PROXY)
    .option('--logs', 'also ask every log in service for its tree head, through the proxy')
    .action(async (options: DoctorOptions, command: Command) => {
      const { examine } = await import('../doctor/examine.ts');
      const state = stateAt(options.stateDir);
      const results = await examine({
        state,
        proxy: parseProxy(options.proxy),
        config: command.optsWithGlobals<{ config?: string }>().config,
        programWith,
        logs: options.logs === true ? logsInForce(state, undefined, warn).filter(isInService) : [],
      });
      if (options.json === true) printJson(results);
      else for (const result of results) printResult(result);
      if (results.some((result) => result.state === 'failure')) setExitCode(ExitCode.failed);
    });
  return withState(doctor);
}

const MARK = {
  well: 'well   ',
  warning: 'WARNING',
  failure: 'FAILS  ',
  unknown: '?      ',
} as const;

function printResult({ what, state, found, remedy }: CheckResult): void {
  print(`${MARK[state]}  ${what}: ${found}`);
  if (remedy !== undefined && state !== 'well') print(`         ${withNextCommands(remedy)}`);
}
