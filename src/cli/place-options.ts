// SPDX-License-Identifier: Apache-2.0
/** Options that say where commands about keys and images go: into a chain, or with --policy into a log. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badInput } from '../base/errors.ts';
import type { Place } from '../services/trust-place.ts';
import type { Policy } from '../statements/policy.ts';
import { stateAt } from '../store/state.ts';
import { feeOption } from './carbonchain.ts';
import {
  chainOptions,
  coinsOption,
  oncePrinter,
  withChain,
  type ChainCommandOptions,
} from './chain-options.ts';

export interface PlaceOptions extends ChainCommandOptions {
  readonly policy?: string;
}

export interface WritingOptions extends PlaceOptions {
  readonly fee: bigint;
}

export function withPlace(command: Command): Command {
  return withChain(
    command.addOption(
      new Option(
        '--policy <file>',
        'in place of a chain, a transparency log: a trust policy (c2sp.org/tlog-policy) with one log, its URL and its witnesses',
      ),
    ),
    'optional',
  );
}

/** As withPlace, with what pays for what is written into a chain. */
export function withWritingPlace(command: Command): Command {
  return withPlace(command.addOption(coinsOption()).addOption(feeOption()));
}

export async function readPolicy(file: string): Promise<Policy> {
  const { parsePolicy } = await import('../statements/policy.ts');
  const bytes = readBinaryFile(file);
  try {
    return parsePolicy(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw badInput(`${file}: ${error.message}`);
    throw error;
  }
}

/** What readRemembered takes. Throws CtgaError `bad-input` for a chain's options beside the policy. */
export async function logOptions({ policy: file = '', stateDir, node, coins }: PlaceOptions) {
  if (node.length > 0 || coins !== undefined)
    throw badInput(
      '--policy names a log, and --node and --coins are for a chain',
      'Leave one out.',
    );
  const [{ directFetch }, policy] = await Promise.all([
    import('../http/request.ts'),
    readPolicy(file),
  ]);
  const fetch = directFetch({ allowPrivateAddress: true, deadline: 60_000 });
  return { policy, fetch, directory: stateAt(stateDir).directory };
}

/** Opens the place. Throws CtgaError `bad-input` if the options name none. */
export async function openPlace(options: WritingOptions, stop: AbortSignal): Promise<Place> {
  const { policy, node, coins, fee, json } = options;
  const { chainPlace, logPlace } = await import('../services/trust-place.ts');
  if (policy !== undefined) return logPlace(await logOptions(options));
  if (node.length === 0)
    throw badInput('want --node URL for a chain, or --policy FILE for a transparency log');
  if (coins === undefined) throw badInput('a chain wants --coins FILE, to pay for what is written');
  const print = oncePrinter(json);
  const chained = await chainOptions(options, (event) => {
    // Its transactions are printed once, by whoever writes.
    if (event.event !== 'written') print(event);
  });
  return chainPlace(chained, fee, stop);
}

const UNITS = { m: 60, h: 3600, d: 86_400 } as const;

/** A time from now, in seconds, such as 7d. */
export function ageOption(): Option {
  return new Option(
    '--max-age <time>',
    'do not trust what is older than this, such as 7d, 12h or 30m: what was revoked in the meantime is not in an old proof',
  ).argParser((text: string) => {
    const [, count = '', unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
    if (count !== '') return Number(count) * UNITS[unit as keyof typeof UNITS];
    throw new InvalidArgumentError('want a number of minutes, hours or days, such as 7d.');
  });
}
