// SPDX-License-Identifier: Apache-2.0
/** `ctga trust lab`: the whole session with images, on this machine. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import type { RunCtga } from '../trust-lab/desk.ts';
import { btcdOption, btcdProgram } from './btcd-option.ts';
import { print, printJson, tellProgress } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

export function labCommand(runCtga: RunCtga): Command {
  return new Command('lab')
    .description(
      'play the whole session: push, sign, verify, rotate, catch a split view, revoke, refuse (needs root and about two minutes)',
    )
    .addOption(btcdOption())
    .option('--json', 'print the outcome as JSON, and progress on standard error')
    .addHelpText(
      'after',
      `
It starts btcd in regtest, a registry, a transparency log and a witness, types what a person would type to
skopeo, podman and ctga, and checks each answer. All of it is on loopback, and nothing is left. The exit code
is 0 only if all of it held.`,
    )
    .action(async (options: { btcd?: string; json?: boolean }) => {
      const stop = stopRequest();
      const btcd = await btcdProgram(options.btcd);
      const { playTrustLab } = await import('../trust-lab/story.ts');
      const json = options.json === true;
      const onLine = json ? tellProgress : print;
      const result = await playTrustLab({ btcd, runCtga, stop, onLine });
      if (json) printJson(result);
      if (!result.held) setExitCode(ExitCode.failed);
    });
}
