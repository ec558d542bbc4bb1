// SPDX-License-Identifier: Apache-2.0
/** `ctga pool`: an HTTPS server's endpoints for the gossip of its clients. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { plural, time } from '../base/text.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { auditorUrl } from '../pool/auditor-url.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { PoolEvent } from '../services/pool.ts';
import { stateAt } from '../store/state.ts';
import { checkCommand } from './next.ts';
import { parseListen, repeated, withState, type Listen, type StateOption } from './options.ts';
import { print, printJsonLine, warn } from './output.ts';
import { stopRequest } from './run.ts';

interface PoolServeOptions extends StateOption {
  readonly domain: readonly string[];
  readonly listen: Listen;
  readonly auditor: readonly string[];
  readonly logList?: string;
  readonly proxy?: string;
  readonly user?: string;
}

export function poolCommand(): Command {
  return new Command('pool')
    .description("an HTTPS server's part in gossip: SCT feedback, and a pool of tree heads")
    .addCommand(serveCommand());
}

function serveCommand(): Command {
  const serve = new Command('serve')
    .description(
      'serve the endpoints that clients and auditors of Certificate Transparency use to gossip, behind the web server of a domain',
    )
    .addOption(
      repeated(
        '--domain <name>',
        'a name that the web server is authoritative for; *.NAME for all that are one label longer; may be repeated',
        domain,
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option('--listen <address:port>', 'where the web server reaches it')
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8421 }, '127.0.0.1:8421'),
    )
    .addOption(
      repeated(
        '--auditor <url>',
        'push SCT feedback to this auditor once an hour; may be repeated',
        auditor,
      ),
    )
    .option(
      '--log-list <file>',
      'use the logs of this list (schema v3) instead of the imported and built-in logs',
    )
    .option('--proxy <url>', 'push through this SOCKS5 proxy instead of directly')
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-pool if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
  POST /.well-known/ct/v1/sct-feedback             clients bring the SCTs that they got from this domain
  GET  /.well-known/ct/v1/collected-sct-feedback   auditors fetch them
  POST /.well-known/ct/v1/sth-pollination          whoever brings tree heads gets ten that others brought
  GET  /metrics                                    for Prometheus; not for outside
The same three below /.well-known/ct-gossip/v1/ speak as draft-ietf-trans-gossip-05 does. Of an SCT
nothing is kept unless its log signed it for a certificate of this domain. Have the web server pass
on the two paths above alone; docs/GOSSIP.md has the lines for nginx, Apache and Caddy. To try it:
  ctga pool serve --domain www.example.net
  curl -d '{"sths":[]}' -H 'Content-Type: application/json' \\
    http://127.0.0.1:8421/.well-known/ct/v1/sth-pollination`,
    );
  return withState(serve).action(runServe);
}

async function runServe(options: PoolServeOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const { listen, domain: domains, auditor: auditors, user } = options;
  const onEvent = options.json === true ? printJsonLine : printEvent;
  const [{ servePool }, { openIdentity }, { directWay }] = await Promise.all([
    import('../services/pool.ts'),
    import('../http/proxy.ts'),
    import('../http/request.ts'),
  ]);
  const logs = logsInForce(state, options.logList, warn);
  const way = proxy === undefined ? directWay({}) : openIdentity(proxy);
  await servePool({ state, ...listen, domains, logs, auditors, way, user, onEvent }, stopRequest());
}

function printEvent(event: PoolEvent): void {
  switch (event.event) {
    case 'listening':
      return print(`The pool is at ${event.url} (Ctrl-C ends it).`);
    case 'fork-proven':
      print(`${time(Date.now())}  SPLIT VIEW PROVEN: ${event.log}`);
      return print(`  Check the evidence with: ${checkCommand(event.evidence)}`);
    case 'pushed':
      return print(
        `${time(Date.now())}  ${event.auditor}: took ${plural(event.scts, 'SCT')} with ${event.scts === 1 ? 'its chain' : 'their chains'}`,
      );
    case 'failed':
      return warn(event.message);
  }
}

function domain(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (
    /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(
      name,
    )
  )
    return name;
  throw new InvalidArgumentError('want a DNS name such as www.example.net, or *.example.net.');
}

function auditor(text: string): string {
  try {
    return auditorUrl(text);
  } catch {
    throw new InvalidArgumentError(
      'want the URL of an auditor, such as https://auditor.example.net.',
    );
  }
}
