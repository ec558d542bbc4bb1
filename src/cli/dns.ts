/** `ctga dns`: a CT-over-DNS server that mirrors logs, and its client. */
import { Command } from 'commander';
import { dnsQueryCommand } from './dns-query.ts';
import { dnsServeCommand } from './dns-serve.ts';

export function dnsCommand(): Command {
  return new Command('dns')
    .description('CT-over-DNS: a server that publishes tree heads, and a client that verifies them')
    .addCommand(dnsServeCommand())
    .addCommand(dnsQueryCommand());
}
