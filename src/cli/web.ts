// SPDX-License-Identifier: Apache-2.0
/** `ctga web`: a status page, metrics and a health check. */
import { Command, Option } from 'commander';
import { expectDirectory, stateAt } from '../store/state.ts';
import { version } from '../version.ts';
import { parseListen, repeated, withState, type Listen, type StateOption } from './options.ts';
import { withNextCommands } from './next.ts';
import { print, printJsonLine, warn } from './output.ts';
import { stopRequest } from './run.ts';

interface WebOptions extends StateOption {
  readonly listen: Listen;
  readonly host: readonly string[];
  readonly user?: string;
}

export function webCommand(): Command {
  const web = new Command('web')
    .description(
      'serve a status page, metrics and a health check; it only reads the store and connects to nobody',
    )
    .addOption(
      new Option('--listen <address:port>', 'where to listen')
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8420 }, '127.0.0.1:8420'),
    )
    .addOption(
      repeated(
        '--host <name>',
        'a name by which browsers may reach the page, besides addresses and localhost; may be repeated',
        (name) => name.toLowerCase(),
      ),
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-web if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
  /             the page: whether anything is wrong, split views and their evidence, logs, verdicts, interfaces; it updates itself, and also works without scripts
  /evidence     all split views
  /logs         all logs
  /metrics      metrics for Prometheus
  /healthz      200 as long as there is a store and every interface on record is watched, else 503 and the reason
  /state.json   everything on the page, for scripts
Everyone who can reach the page can read it, so by default only this machine can. For others, put a
proxy with TLS and a password in front of it.`,
    );
  return withState(web).action(runWeb);
}

async function runWeb(options: WebOptions): Promise<void> {
  const stop = stopRequest();
  const state = stateAt(options.stateDir);
  expectDirectory(state);
  const { listen, host: hosts, user } = options;
  const onListening = (url: string): void => {
    if (options.json === true) printJsonLine({ event: 'listening', url });
    else print(`The status page is at ${url} (Ctrl-C ends it).`);
    if (!/^(127\.|::1$)/.test(listen.address))
      warn('everyone who can reach this address can read the page');
  };
  const { serveStatusPage } = await import('../services/web.ts');
  const asTyped = withNextCommands;
  await serveStatusPage({ state, user, ...listen, hosts, version, asTyped, onListening }, stop);
}
