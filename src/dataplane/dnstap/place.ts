// SPDX-License-Identifier: Apache-2.0
/** Where resolvers' streams come in: `dnstap:PATH` of a Unix socket, or `dnstap:tcp:HOST:PORT`. */
import { isIP } from 'node:net';
import { badInput } from '../../base/errors.ts';

export type DnstapPlace =
  { readonly path: string } | { readonly host: string; readonly port: number };

export const DNSTAP_SYNTAX =
  'dnstap:PATH or dnstap:tcp:HOST:PORT for the socket that a resolver writes dnstap to';

/** sun_path of unix(7), with its zero byte. */
const MAX_PATH = 107;

/** Undefined if the name is of another kind. Throws CtgaError `bad-input` for one that is wrong. */
export function parseDnstapPlace(name: string): DnstapPlace | undefined {
  const [, where] = /^dnstap:(.*)$/s.exec(name) ?? [];
  if (where === undefined) return undefined;
  const [, overTcp] = /^tcp:(.*)$/s.exec(where) ?? [];
  if (overTcp !== undefined) return parseTcp(name, overTcp);
  if (!where.startsWith('/'))
    throw badInput(
      `"${name}" names no socket`,
      'Want dnstap:PATH with a path that begins with /, or dnstap:tcp:HOST:PORT.',
    );
  if (Buffer.byteLength(where) > MAX_PATH || where.includes('\0'))
    throw badInput(
      `the path of a socket is at most ${MAX_PATH} bytes: ${where.length} were given`,
      'Choose a shorter one, such as /run/ctga/dnstap.sock.',
    );
  return { path: where };
}

function parseTcp(name: string, text: string): DnstapPlace {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIP(host) === 0 || !(port >= 1 && port <= 65_535))
    throw badInput(
      `"${name}" names no address and port`,
      'Want dnstap:tcp:HOST:PORT, such as dnstap:tcp:127.0.0.1:6000 or dnstap:tcp:[::1]:6000.',
    );
  return { host, port };
}
