// SPDX-License-Identifier: Apache-2.0
/** Options that several commands share. */
import { isIP } from 'node:net';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Endpoint } from '../dns/server.ts';

export interface StateOption {
  readonly stateDir?: string;
  readonly json?: boolean;
}

export interface LogOptions {
  readonly logList?: string;
  readonly zone: readonly string[];
  readonly zoneSuffix?: string;
}

/** Where a server listens. */
export interface Listen {
  readonly address: string;
  readonly port: number;
}

export function withState(command: Command): Command {
  return command
    .option(
      '--state-dir <dir>',
      'the directory of the store (default: /var/lib/ctga for root and if a store is there, else ~/.local/state/ctga)',
    )
    .option('--json', 'print JSON for scripts');
}

export function withLogs(command: Command): Command {
  return command
    .option(
      '--log-list <file>',
      'use the logs of this list (schema v3) instead of the imported and built-in logs',
    )
    .addOption(
      new Option(
        '--zone <zone=log>',
        'the DNS zone of a log, whose tree heads are at sth.ZONE; may be repeated',
      )
        .argParser((value: string, previous: readonly string[]) => [...previous, value])
        .default([], 'none'),
    )
    .option(
      '--zone-suffix <zone>',
      'also use the zone NAME.ZONE for every log, with its NAME as in: ctga logs list',
    );
}

/** Parses a whole number from `min` to `max`. Throws InvalidArgumentError for anything else. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `want a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}.`,
    );
  };
}

export function seconds(text: string): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('want a number of seconds.');
}

/**
 * An option that may be given several times; its `description` must say so. `unless` says in words
 * what holds if it is not given.
 */
export function repeated(
  flags: string,
  description: string,
  parse: (text: string) => unknown,
  unless = 'none',
): Option {
  return new Option(flags, description)
    .argParser((text: string, earlier: readonly unknown[]) => [...earlier, parse(text)])
    .default([], unless);
}

/** Parses one UDP port and appends it to those that were given before. */
export function ports(text: string, earlier: readonly number[] | undefined): number[] {
  return [...(earlier ?? []), wholeNumber(1, 65_535)(text)];
}

/** Parses ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; without a port it is 53. */
export function endpoint(text: string): Endpoint {
  const [, bracketed, plain, port = '53'] =
    /^(?:\[(.+)\]|([^:]+|[^:]*:[^:]*:.*))(?::(\d+))?$/.exec(text) ?? [];
  const found =
    isIP(text) !== 0
      ? { address: text, port: 53 }
      : { address: bracketed ?? plain ?? '', port: Number(port) };
  if (isIP(found.address) === 0 || found.port > 65_535)
    throw new InvalidArgumentError(
      'want ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, an address being IPv4 or IPv6.',
    );
  return found;
}

/** Parses ADDRESS:PORT or [ADDRESS]:PORT. */
export function parseListen(text: string): Listen {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  if (isIP(address) === 0 || Number(port) > 65_535)
    throw new InvalidArgumentError('want ADDRESS:PORT or [ADDRESS]:PORT.');
  return { address, port: Number(port) };
}

/** Of a member of a federation. */
export function memberUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.username === '' && url.search === '' && url.hash === '')
    return url.href.replace(/\/?$/, '/');
  throw new InvalidArgumentError('want https://HOST/.');
}

/** A day or a time in UTC, in Unix seconds. */
export function date(text: string): number {
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/.test(text) ? Date.parse(text) / 1000 : NaN;
  if (at > 0 && at < 2 ** 32) return at;
  throw new InvalidArgumentError('want a date such as 2027-06-30, or 2027-06-30T12:00:00Z.');
}

/** `--until`: a day or a time in UTC that is to come, in Unix seconds; 0 is never. */
export function dateOption(what: string): Option {
  return new Option('--until <date>', `${what}, such as 2027-06-30`)
    .argParser((text: string) => {
      const at = date(text);
      if (at * 1000 > Date.now()) return at;
      throw new InvalidArgumentError('want a date that is to come: what is signed would be over.');
    })
    .default(0, 'never');
}
