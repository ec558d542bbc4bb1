// SPDX-License-Identifier: Apache-2.0
/** `ctga dns`: a CT-over-DNS server that mirrors logs, tree heads for other servers, and a client. */
import { Command } from 'commander';
import { dnsPublishCommand } from './dns-publish.ts';
import { dnsQueryCommand } from './dns-query.ts';
import { dnsServeCommand } from './dns-serve.ts';

export function dnsCommand(): Command {
  return new Command('dns')
    .description(
      'serve tree heads and proofs of logs over DNS (CT-over-DNS), or ask for them and verify them',
    )
    .addCommand(dnsServeCommand())
    .addCommand(dnsPublishCommand())
    .addCommand(dnsQueryCommand());
}
