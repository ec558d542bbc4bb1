/** `ctga web`: a status page. */
import { Command, InvalidArgumentError } from 'commander';
import { isIP } from 'node:net';
import { aborted } from '../base/stop-signals.ts';
import { dropPrivileges, OBSERVER_ACCOUNTS } from '../services/privileges.ts';
import { ServiceNotice } from '../services/notice.ts';
import { stateAt } from '../store/state.ts';
import { WebServer } from '../web/server.ts';
import { version } from '../version.ts';
import { withState, type StateOption } from './options.ts';
import { print, printJsonLine, toJson, warn } from './output.ts';
import { stopRequest } from './run.ts';

interface WebOptions extends StateOption {
  readonly listen: { readonly address: string; readonly port: number };
  readonly host: readonly string[];
  readonly user?: string;
}

export function webCommand(): Command {
  const web = new Command('web')
    .description(
      'a status page, metrics and health for what is kept; reads the store and talks to nobody',
    )
    .option('--listen <address:port>', 'where', parseListen, { address: '127.0.0.1', port: 8420 })
    .option(
      '--host <name>',
      'a name that browsers reach it by, besides addresses and localhost; may be repeated',
      (name: string, earlier: readonly string[]) => [...earlier, name.toLowerCase()],
      [],
    )
    .option('--user <name>', 'as root: whom to become (default: ctga if there is one, else nobody)')
    .addHelpText(
      'after',
      `
  /             the page: what is watched, tree heads, verdicts, evidence; live, and complete without scripts
  /metrics      for Prometheus
  /healthz      200 while every interface that was watched is, else 503 and why
  /state.json   all of it, for scripts
Whoever reaches it can read it: it listens on this machine alone unless told otherwise. Put a proxy with a password and TLS
in front of it for others.`,
    );
  return withState(web).action(run);
}

async function run(options: WebOptions): Promise<void> {
  const stop = stopRequest();
  const state = stateAt(options.stateDir);
  dropPrivileges(state, options.user, OBSERVER_ACCOUNTS);
  const { listen, host } = options;
  const server = await WebServer.start({ state, ...listen, hosts: host, version, toJson });
  const shown = isIP(listen.address) === 6 ? `[${listen.address}]` : listen.address;
  const url = `http://${shown}:${server.port}/`;
  if (options.json === true) printJsonLine({ event: 'listening', url });
  else print(`The status page is at ${url} (Ctrl-C ends it).`);
  if (!/^(127\.|::1$)/.test(listen.address)) warn('anybody who reaches this address can read it');
  const notice = new ServiceNotice(`at ${url}`);
  await aborted(stop);
  notice.stopping();
  await server.stop();
}

function parseListen(text: string): WebOptions['listen'] {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  if (isIP(address) === 0 || Number(port) > 65_535)
    throw new InvalidArgumentError('want ADDRESS:PORT or [ADDRESS]:PORT.');
  return { address, port: Number(port) };
}
