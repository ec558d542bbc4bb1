// SPDX-License-Identifier: Apache-2.0
/** The resolvers of this machine: resolv.conf(5). */
import { isIP } from 'node:net';
import { DnsClient, DnsError } from './client.ts';
import type { Endpoint } from './server.ts';

export const RESOLV_CONF = '/etc/resolv.conf';
/** As many as the C library asks. */
const MAX_SERVERS = 3;

/** The servers in their order, from the text of the file. */
export function nameservers(text: string): Endpoint[] {
  return Array.from(text.matchAll(/^nameserver[ \t]+(\S+)/gm), ([, address = '']) => address)
    .filter((address) => isIP(address) !== 0)
    .slice(0, MAX_SERVERS)
    .map((address) => ({ address, port: 53 }));
}

/**
 * Looks up a TXT record as DnsClient's `txt` does, at each server in turn until one answers the
 * question. `servers` is called for each look-up, so that a network that has changed is seen. Once `stop` is
 * aborted, look-ups fail.
 */
export async function lookUpTxt(
  servers: () => readonly Endpoint[],
  name: string,
  stop?: AbortSignal,
): Promise<Uint8Array[]> {
  let last = new DnsError('dns-no-answer', 'this machine has no resolver', {
    remedy: `See ${RESOLV_CONF}.`,
  });
  for (const server of servers()) {
    try {
      return await new DnsClient(server, stop).txt(name);
    } catch (error) {
      // That there is no such record, the next server would say too.
      if (!(error instanceof DnsError) || error.code === 'dns-no-record') throw error;
      last = error;
    }
  }
  throw last;
}
