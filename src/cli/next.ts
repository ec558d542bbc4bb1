// SPDX-License-Identifier: Apache-2.0
/**
 * Commands that are shown as the next step. As they are written in a text ("see ctga status") they
 * would ask another store than this run did, or fail for want of root; here they get what the
 * present run was given.
 */
import { shellWord } from '../base/text.ts';
import { currentRun } from './run.ts';

/** Options that a next command takes over from this one, by name, and the commands that have them. */
const STATE = ['state-dir'];
const LOGS = [...STATE, 'log-list'];
const ZONES = [...LOGS, 'zone', 'zone-suffix'];
export const CARRIED: Readonly<Record<string, readonly string[]>> = {
  'alert forget': STATE,
  'alert list': STATE,
  'alert run': STATE,
  'alert test': STATE,
  attach: ZONES,
  'audit run': LOGS,
  'audit status': STATE,
  bench: [],
  challenge: LOGS,
  'client host': STATE,
  'client install': STATE,
  'client run': ZONES,
  'client status': ZONES,
  collect: STATE,
  'config check': [],
  detach: STATE,
  'dns publish': ZONES,
  'dns query': ZONES,
  'dns serve': ZONES,
  doctor: STATE,
  'evidence keep': STATE,
  'evidence list': STATE,
  'evidence report': LOGS,
  'evidence show': [],
  'evidence verify': LOGS,
  'federation join': STATE,
  'federation run': LOGS,
  'federation status': LOGS,
  'fleet heads': STATE,
  'fleet publish': STATE,
  'fleet status': STATE,
  'heads export': STATE,
  'heads import': LOGS,
  'heads list': STATE,
  'lab clean': STATE,
  'lab down': [],
  'lab run': [],
  'lab tell': STATE,
  'lab up': [],
  'logs import': STATE,
  'logs list': ZONES,
  'logs update': STATE,
  'p4 compile': [],
  'p4 deploy': ZONES,
  'p4 undeploy': STATE,
  'pool serve': LOGS,
  replay: ZONES,
  status: STATE,
  'store backup': STATE,
  'store check': STATE,
  'store compact': STATE,
  'store export': STATE,
  'store salvage': STATE,
  web: STATE,
  'witness keygen': STATE,
  'witness serve': LOGS,
};

/** What nobody but root can do, as a rule. */
const NEEDS_ROOT = new Set([
  'attach',
  'detach',
  'lab clean',
  'lab down',
  'lab run',
  'lab up',
  'p4 deploy',
]);
/** What anybody can do anywhere. */
const NEEDS_NOTHING = new Set(['bench', 'config check', 'evidence show']);

const COMMAND = new RegExp(
  `(?<![\\w/-])(?:sudo )?ctga (${Object.keys(CARRIED).join('|')})(?![\\w-])(?! --state-dir)`,
  'g',
);

/** The text with every command in it as it has to be typed after this run. */
export function withNextCommands(text: string): string {
  return text.replaceAll(COMMAND, (_, command: string) => nextCommand(command));
}

/** How the evidence in a file is checked, as it has to be typed after this run. */
export function checkCommand(path: string): string {
  return withNextCommands(`ctga evidence verify ${shellWord(path)}`);
}

/**
 * The remedy without --state-dir if this command has no such option: what is far below, such as a
 * directory that cannot be made, names it since nearly every command has it.
 */
export function withOwnOptions(remedy: string): string {
  return currentRun().has?.has('state-dir') === false
    ? remedy.replaceAll(' with --state-dir', '')
    : remedy;
}

function nextCommand(command: string): string {
  const { isRoot, isSudo, given } = currentRun();
  const sudo = isRoot ? isSudo && !NEEDS_NOTHING.has(command) : NEEDS_ROOT.has(command);
  const words = [...(sudo ? ['sudo'] : []), 'ctga', ...options(given, ['config']), command];
  return [...words, ...options(given, CARRIED[command] ?? [])].join(' ');
}

function options(given: Readonly<Record<string, unknown>>, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const values = [given[name] ?? []].flat();
    return values.flatMap((value) =>
      typeof value === 'string' ? [`--${name}`, shellWord(value)] : [],
    );
  });
}
