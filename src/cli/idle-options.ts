// SPDX-License-Identifier: Apache-2.0
/**
 * Options that count only beside others, without others, or for some arguments. Whoever gives one
 * in vain believes in what does not happen, so it is refused. A configuration file is for several
 * runs: what it says in vain for one may count in another, and is let be. So is --state-dir, which
 * says where things are and not what to do.
 */
import type { Command } from 'commander';
import { badInput } from '../base/errors.ts';
import { NOT_IN_FILES } from '../config/config.ts';

/** What a run was given. */
interface Given {
  /** Whether one of these options was given, here or in the configuration. */
  readonly has: (...names: readonly string[]) => boolean;
  /** The text of an option, or its default. */
  readonly text: (name: string) => string;
  /** The arguments, as text. */
  readonly args: readonly string[];
}

interface Rule {
  /** By their long names, without hyphens. */
  readonly options: readonly string[];
  /** When they count, as the end of a sentence: "--fleet counts only ...". */
  readonly counts: string;
  readonly isUsed: (given: Given) => boolean;
  readonly remedy: (option: string) => string;
}

const listed = (names: readonly string[]): string => names.map((name) => `--${name}`).join(' or ');

/** They count beside one of the partners. */
function beside(partners: readonly string[], ...options: string[]): Rule {
  const isInFiles = partners.some((name) => !NOT_IN_FILES.has(`--${name}`));
  const place = isInFiles ? ', here or in the configuration' : '';
  return {
    options,
    counts: `with ${listed(partners)}`,
    isUsed: ({ has }) => has(...partners),
    remedy: (option) => `Give ${listed(partners)} as well${place}, or leave --${option} out.`,
  };
}

/** They count where none of the rivals is. */
function unless(rivals: readonly string[], ...options: string[]): Rule {
  return {
    options,
    counts: `without ${listed(rivals)}`,
    isUsed: ({ has }) => !has(...rivals),
    remedy: (option) => `Leave --${option} out, or ${listed(rivals)}.`,
  };
}

/** They count where `isUsed` says so. */
function where(counts: string, isUsed: (given: Given) => boolean, ...options: string[]): Rule {
  return { options, counts, isUsed, remedy: (option) => `Leave --${option} out.` };
}

/** Of commands that are about a chain only if a node is named. */
const OF_A_CHAIN = beside(['node'], 'network', 'node-auth', 'since');
const WRITES_INTO_A_CHAIN = beside(['node'], 'network', 'node-auth', 'since', 'fee');
const OF_ONE_SWITCH = unless(['p4runtime'], 'thrift');

const ofPlanes = (form: RegExp) => (given: Given) => given.args.some((name) => form.test(name));
const ofKinds = (form: RegExp) => (given: Given) => form.test(given.args[0] ?? '');
const ofAnImage = ({ args: [name = ''] }: Given): boolean => name.includes('/');
const isVersion1 = ({ text }: Given): boolean => text('set') === '1';
const laysOut = ({ text, has }: Given): boolean =>
  text('target') === 'sume' || (text('target') === 'psa' && has('output'));
const fromUrl = ({ text }: Given): boolean => text('from').includes(':');

/** By the words of the command. */
export const IDLE_OPTIONS: Readonly<Record<string, readonly Rule[]>> = {
  attach: [
    beside(['challenge'], 'proxy'),
    beside(['publish'], 'fleet'),
    where('for network interfaces', ofPlanes(/^[^:]+$/), 'mode'),
    where('for P4 switches', ofPlanes(/^(?:bmv2|p4runtime):/), 'cpu-interface'),
    where('for sockets of dnstap', ofPlanes(/^dnstap:/), 'tee'),
    where(
      'for network interfaces and P4 switches',
      ofPlanes(/^(?!dnstap:)/),
      'threshold',
      'budget',
      'port',
    ),
  ],
  detach: [where('where no interface is named', ({ args }) => args.length === 0, 'all')],
  challenge: [
    beside(['once'], 'max-delay'),
    unless(['once'], 'every'),
    beside(['subscribe'], 'fleet'),
  ],
  'evidence anchor': [
    beside(['check'], 'headers'),
    unless(['check'], 'coins', 'fee'),
    beside(['node'], 'node-auth'),
  ],
  'logs update': [where('with --from and a URL', fromUrl, 'list-key', 'allow-private-address')],
  'dns serve': [unless(['proofs'], 'every')],
  'dns publish': [
    beside(['zone-file'], 'template', 'reload'),
    beside(['update'], 'key-file'),
    beside(['proofs'], 'ns-address'),
    unless(['once'], 'every'),
  ],
  'pool serve': [beside(['auditor'], 'proxy')],
  'client run': [beside(['pool', 'pollinate-visited', 'federation'], 'proxy')],
  'witness serve': [beside(['feed'], 'proxy')],
  'federation init': [
    unless(['draft'], 'federation', 'threshold', 'every', 'patience', 'start'),
    unless(['after'], 'every'),
  ],
  'federation join': [
    where('where no file is given, for new keys', ({ args }) => args.length === 0, 'name', 'url'),
  ],
  'federation status': [unless(['policy-ml-dsa-44'], 'policy')],
  'ddt sign': [
    where('for replace-root-key', ofKinds(/^replace-root-key$/), 'new-key-file'),
    where(
      'for register-key, and for delete-key of --set original',
      (given) => ofKinds(isVersion1(given) ? /^register-key$/ : /^(register|delete)-key$/)(given),
      'public-key',
    ),
    where('for tagging keys and metadata', ofKinds(/^\w+-(key|metadata)$/), 'key-id'),
    where(
      'for register-metadata, and for delete-metadata of --set original',
      (given) => ofKinds(isVersion1(given) ? /^register-metadata$/ : /-metadata$/)(given),
      'digest',
    ),
    where(
      'for register-key and register-metadata of --set 1',
      (given) => isVersion1(given) && ofKinds(/^register-(key|metadata)$/)(given),
      'until',
    ),
    where('with --set 1', isVersion1, 'serial', 'network'),
  ],
  'trust key new': [
    where('for tagging keys: USER/IMAGE', ofAnImage, 'root-key-file', 'key-id', 'until'),
    WRITES_INTO_A_CHAIN,
  ],
  'trust key rotate': [
    where('for tagging keys: USER/IMAGE', ofAnImage, 'key-id', 'until'),
    WRITES_INTO_A_CHAIN,
  ],
  'trust key revoke': [
    where('for tagging keys: USER/IMAGE', ofAnImage, 'key-id'),
    WRITES_INTO_A_CHAIN,
  ],
  'trust sign': [WRITES_INTO_A_CHAIN],
  'trust prove': [beside(['policy'], 'whole'), OF_A_CHAIN],
  'trust show': [OF_A_CHAIN],
  'trust verify': [
    unless(['proof'], 'node'),
    beside(['node'], 'node-auth'),
    beside(['proof'], 'headers', 'offline'),
    where(
      'for a chain, or with --headers',
      ({ has }) => !has('policy') || has('headers'),
      'network',
      'since',
    ),
  ],
  'trust log serve': [beside(['node'], 'network', 'node-auth', 'since', 'fee', 'anchor-every')],
  'p4 compile': [
    where('with --target sume or psa', ({ text }) => text('target') !== 'bmv2', 'output'),
    where('with --target sume, or psa and --output', laysOut, 'log-list', 'zone', 'zone-suffix'),
  ],
  'p4 deploy': [OF_ONE_SWITCH],
  'p4 status': [OF_ONE_SWITCH],
  'p4 undeploy': [OF_ONE_SWITCH],
  'alert run': [
    beside(['bus'], 'fleet'),
    beside(['heartbeat', 'heartbeat-command'], 'heartbeat-every'),
    beside(['webhook'], 'webhook-secret-file'),
    beside(['webhook', 'heartbeat'], 'webhook-allow-private'),
  ],
  'alert test': [beside(['webhook'], 'webhook-secret-file', 'webhook-allow-private')],
};

/** Throws CtgaError `bad-input` for the first option of the command line that counts for nothing. */
export function refuseIdleOptions(words: string, command: Command): void {
  const optionOf = (name: string) => command.options.find((option) => option.name() === name);
  const valueOf = (name: string): unknown =>
    command.getOptionValue(optionOf(name)?.attributeName() ?? '');
  const sourceOf = (name: string): string | undefined =>
    command.getOptionValueSource(optionOf(name)?.attributeName() ?? '');
  const isGiven = (name: string): boolean => {
    const value = valueOf(name);
    const isNothing =
      value === undefined || value === false || (Array.isArray(value) && value.length === 0);
    return !isNothing && sourceOf(name) !== 'default';
  };
  const given: Given = {
    has: (...names) => names.some(isGiven),
    text: (name) => String(valueOf(name)),
    args: command.args,
  };
  for (const { options, counts, isUsed, remedy } of IDLE_OPTIONS[words] ?? []) {
    const idle = options.find((name) => sourceOf(name) === 'cli');
    if (idle !== undefined && !isUsed(given))
      throw badInput(`--${idle} counts only ${counts}`, remedy(idle));
  }
}
