// SPDX-License-Identifier: Apache-2.0
/** Where a bus is. */
import { isIP } from 'node:net';

export interface BusServer {
  /** A DNS name or an address. */
  readonly host: string;
  readonly port: number;
  /** Without TLS: on this machine alone. */
  readonly isPlain: boolean;
}

const DEFAULT_PORT = 4222;

/**
 * Parses `tls://HOST[:PORT],HOST[:PORT],...`. Without TLS, `nats://`, only servers of this machine
 * are accepted: whoever is on the way would read what was seen. Throws RangeError with the reason.
 */
export function parseBus(text: string): BusServer[] {
  const [, scheme = '', hosts = ''] = /^(tls|nats):\/\/(.+)$/.exec(text.trim()) ?? [];
  const servers = hosts.split(',').flatMap((each): BusServer[] => {
    const [, bracketed, plain, port] =
      /^(?:(?:tls|nats):\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?\/?$/.exec(
        each.trim(),
      ) ?? [];
    const host = bracketed ?? plain ?? '';
    const number = port === undefined ? DEFAULT_PORT : Number(port);
    const isGood = host !== '' && (bracketed === undefined || isIP(host) === 6);
    return isGood && number >= 1 && number <= 65_535
      ? [{ host, port: number, isPlain: scheme === 'nats' }]
      : [];
  });
  if (servers.length !== hosts.split(',').length)
    throw new RangeError('want tls://HOST,HOST,... with :PORT where it is not 4222.');
  const open = servers.find(({ host, isPlain }) => isPlain && !isLoopback(host));
  if (open !== undefined)
    throw new RangeError(
      `want tls://: whoever is on the way to ${open.host} could read what was seen; nats:// is for this machine.`,
    );
  return servers;
}

function isLoopback(host: string): boolean {
  // A name may begin as an address does.
  const isAddress = isIP(host) === 4 && host.startsWith('127.');
  return host === 'localhost' || host === '::1' || isAddress;
}
